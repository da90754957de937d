"""What is known to differ from the old API, as data that documentation is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownDifference:
    """Something that an old caller may notice.

    Attributes:
        title: What it is about, in a few words.
        what: How it is here.
        consequence: What that means for somebody's numbers or code.
    """

    title: str
    what: str
    consequence: str


DIFFERENCES: Final = (
    KnownDifference(
        "History shrinks",
        "Deleted and merged conversations are no longer listed by Mailbox API 2.0.",
        "The count of a past range can fall when it is asked for again, and lies below what the "
        "old API gave at the time.",
    ),
    KnownDifference(
        "Today's status",
        "Whether a conversation is spam is judged as of now.",
        "What was marked as spam since has left the counts of its day, and what was rescued has "
        "come back.",
    ),
    KnownDifference(
        "Today's mailbox, folder and tags",
        "Filters look at where a conversation is now and at the tags it has now.",
        "Moving or tagging an old conversation changes the counts of past ranges.",
    ),
    KnownDifference(
        "Folders that are views",
        "Some folders are no place but a view, such as a user's own or those that need attention.",
        "Their content depends on the user whose credentials are used, and on the moment; the "
        "old API may have counted otherwise.",
    ),
    KnownDifference(
        "What the account's user sees",
        "Mailbox API 2.0 lists what the user behind the credentials may see.",
        "Mailboxes closed to that user are missing from every count.",
    ),
    KnownDifference(
        "Ranges that touch",
        "Both ends of a range count. How the old API treated `end` was not documented.",
        "Callers that go on from the second at which they stopped, 13:30 to 13:30, count a "
        "conversation at the seam in both ranges.",
    ),
    KnownDifference(
        "Totals in place of conversations, if you choose them",
        "With `COMPAT_COUNT_BY=totals`, which is not the default, new.json is put together from "
        "how many conversations Help Scout says each bucket has, spam taken off. That needs one or "
        "two requests a bucket, and no other filter than mailboxes. It sees no single "
        "conversations, so it counts drafts and whatever else is not published; nobody promises "
        "that totals are exact; and what is marked as spam between two requests may be counted or "
        "left out by mistake.",
        "Counts can be too high by the drafts. All else is counted from conversations as ever: "
        "with filters by folder, type or tag, where that costs no more requests, where nothing "
        "tells whether the list of all shows spam, where the index keeps fractions of seconds, or "
        "where parts do not add up. `Compat-Engine: totals` marks an answer that is not.",
    ),
    KnownDifference(
        "Whole seconds",
        "Times are compared in whole seconds, as Mailbox API 2.0 prints them.",
        "A conversation created within the second of `end` counts whatever its fraction.",
    ),
    KnownDifference(
        "The default of viewBy",
        "The old default was never documented; here it is week.",
        "A caller that sends none may meet more points, or fewer, than it used to.",
    ),
    KnownDifference(
        "Steps of a month",
        "How the old API stepped from a day that the next month lacks is not known.",
        "Only ranges by month that begin on the 29th, 30th or 31st can be cut elsewhere.",
    ),
    KnownDifference(
        "Empty buckets",
        "They are listed with count 0. Whether the old API listed them is not known.",
        "A caller may meet zeros where it met gaps.",
    ),
    KnownDifference(
        "A ceiling on buckets",
        "A range of very many buckets is refused; the old API named no such limit here.",
        "Decades by day have to be asked for in parts, or by week.",
    ),
    KnownDifference(
        "Messages of errors",
        "The shape of a 400 is the recorded one. Its sentences are new, and which faults the old "
        "API looked for is known in part only.",
        "Code that reads `code` and `property` goes on; code that compares sentences does not.",
    ),
    KnownDifference(
        "Statuses that are new",
        "403 and 503 tell of the vendor's own API behind this one.",
        "A caller that never met them has to take 503 as a request to wait.",
    ),
    KnownDifference(
        "Limits on requests",
        "The old API allowed 200 requests a minute and printed that in headers.",
        "Those headers appear only where such a limit is really kept.",
    ),
    KnownDifference(
        "The newest conversations",
        "The vendor's list runs on a search index that lags by seconds to minutes.",
        "A range that ends now may still grow by what has just arrived.",
    ),
    KnownDifference(
        "Attachments in a drilldown",
        "`attachments` is always false: the list of conversations does not tell.",
        "Code that looks for attachments misses them.",
    ),
    KnownDifference(
        "When a conversation was modified",
        "Mailbox API 2.0 has no such time. `modifiedAt` is the later of a user's last change and "
        "the start of the customer's wait.",
        "It can lie before a change that only the old API knew of.",
    ),
    KnownDifference(
        "Waiting since",
        "`waitingSince` is when the customer's wait began, or the conversation if nobody waits; "
        "`waitingSinceType` is always 2, the one value that was ever observed.",
        "Code that tells kinds of waiting apart sees one kind.",
    ),
    KnownDifference(
        "Customers in a drilldown",
        "`customerIds` holds the conversation's main customer alone.",
        "Further customers of a conversation are missing.",
    ),
    KnownDifference(
        "Colours of tags",
        "The old API named them by words. Where Mailbox API 2.0 gives a number, a drilldown says "
        "`none`.",
        "Such tags lose their colour.",
    ),
    KnownDifference(
        "A conversation that goes while it is listed",
        "One that is deleted between the counting and the showing of a page is left out of it.",
        "A page can be one row short of what its count lets expect.",
    ),
    KnownDifference(
        "A slim archive",
        "Offline, an archive made with `--slim` lists conversations without subjects, previews, "
        "names and addresses.",
        "Those keys hold empty texts.",
    ),
    KnownDifference(
        "Field selectors",
        "Lists of mailboxes, folders and tags ignore `fields` and give all fields.",
        "Nothing is missing; answers are longer.",
    ),
    KnownDifference(
        "Changes in the very moment of counting",
        "What is there throughout a walk is counted, with two exceptions that nothing shows: in "
        "a single second with more conversations than a page holds, one that goes and one that "
        "comes between the same two requests; and a conversation that changes between the "
        "folders asked for three times while they are walked.",
        "In such a moment a count can be one too low.",
    ),
    KnownDifference(
        "Hours that are relayed",
        "With COMPAT_ENGINE at `relayed`, busy times go by the company's own time zone at Help "
        "Scout, whatever COMPAT_COMPANY_TIME_ZONE says, and only the hours that it lists appear.",
        "The two engines agree if that variable names the company's zone.",
    ),
    KnownDifference(
        "Rows that are relayed",
        "A relayed drilldown shows attachments and times of modification as Help Scout's own "
        "report has them; `waitingSince` and `waitingSinceType` are absent where it does not "
        "tell them.",
        "Such keys can differ between the engines; which conversations are listed does not.",
    ),
    KnownDifference(
        "Reports that are missing",
        "Only the reports in the table of routes are answered.",
        "The other paths of the old API are 404.",
    ),
)
"""Every known difference from the old API, those that change numbers first."""
