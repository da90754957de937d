"""What was decided where the old API's behaviour is not written down, and what is known to differ.

Both are data: documentation is made from them, and tests hold them to the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule that nobody documented, as this project reads it.

    Attributes:
        title: What it is about, in a few words.
        rule: What happens.
        reason: Why this reading and no other.
        settings: The fields of `Conventions` that change it; none where it is fixed.
    """

    title: str
    rule: str
    reason: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that an old caller may notice.

    Attributes:
        title: What it is about, in a few words.
        what: How it is here.
        consequence: What that means for somebody's numbers or code.
    """

    title: str
    what: str
    consequence: str


DECISIONS: Final = (
    # What counts.
    Decision(
        "States that count",
        "Only published conversations count; drafts and hidden ones do not.",
        "The vendor's page leaves out deleted conversations and says nothing of drafts, which no "
        "customer has seen and which no report of new conversations would be expected to show.",
        ("counted_states",),
    ),
    Decision(
        "Statuses that do not count",
        "Spam does not count; every other status does.",
        "The vendor's page leaves spam out and mentions no other status.",
        ("uncounted_statuses",),
    ),
    Decision(
        "The moment of judgement",
        "Status, state, mailbox, folder and tags are those of the moment of asking.",
        "Mailbox API 2.0 shows only the present.",
        ("judged",),
    ),
    Decision(
        "Several filters, several values",
        "A conversation has to satisfy every filter, and one value of each is enough.",
        "The old conversation list documented tags in this way.",
        ("tags_match",),
    ),
    Decision(
        "The tag for no tag",
        "Tag id 1 selects conversations without a tag, alone or next to other ids.",
        "The vendor's pages give that id to untagged conversations; that it may stand next to "
        "others follows from one value of a filter being enough.",
        ("untagged_tag",),
    ),
    Decision(
        "Ids that do not exist",
        "An unknown mailbox, tag or folder id selects nothing and is no error.",
        "A script written years ago may name a mailbox that has gone since, and should go on.",
    ),
    # Where a range is cut.
    Decision(
        "The end of a range",
        "A conversation created in the very second of `end` counts, in the last bucket.",
        "Every documented range ends in 23:59:59, which loses a second if `end` is left out.",
        ("end_included",),
    ),
    Decision(
        "Steps of a month",
        "Buckets by month begin on the day and at the time of `start`; where a month is too "
        "short, on its last day. Each is counted from `start`: 31 January, 28 February, 31 March.",
        "A documented example of a related report steps from 1 August to 1 September at noon. "
        "Counting from `start` keeps one short month from moving all that follow.",
        ("month_step",),
    ),
    Decision(
        "Short and empty ranges",
        "A range shorter than its bucket, or with `end` equal to `start`, has one bucket.",
        "Recorded answers show one point for an exact week by week; an answer without any point "
        "would break callers that read the first.",
    ),
    Decision(
        "Empty buckets",
        "A bucket without conversations is listed with count 0.",
        "Known callers draw the points as they come, without filling gaps.",
        ("empty_buckets_listed",),
    ),
    Decision(
        "No viewBy",
        "A request that names no `viewBy` is viewed by week.",
        "It was not by day: recorded answers to seven days without it hold a single point. Week "
        "is the shortest that fits.",
        ("default_view_by",),
    ),
    Decision(
        "Lengths allowed by viewBy",
        "Any length of range may be viewed by day, week or month.",
        "Pages of other reports name limits, this report's page does not, and a caller in the "
        "field asks for 180 days by day.",
        ("max_days_by_day", "max_days_by_week", "min_days_by_month"),
    ),
    Decision(
        "The most buckets",
        "A range of more than 3,700 buckets is refused, naming `viewBy`.",
        "Ten years of days pass; a request for ten thousand years is abuse or a slip.",
        ("max_buckets",),
    ),
    # Other lists.
    Decision(
        "The order of a drilldown",
        "The newest conversation comes first; of one second, the one with the higher id.",
        "The old conversation list was sorted so; for this list nothing was documented.",
    ),
    Decision(
        "Pages of a drilldown",
        "More than 50 rows are cut to 50. A page past the end is empty, with the same count.",
        "The vendor's page names the most, not what happens above it; a list that ends is no "
        "error.",
    ),
    Decision(
        "Hours of the week",
        "All 168 hours are listed, Monday first, by the company's clock.",
        "The vendor's page speaks of each day and hour. Mailbox API 2.0 does not tell the "
        "company's time zone, so it is a setting.",
        ("company_time_zone",),
    ),
    # How a request is read.
    Decision(
        "Dates without a time",
        "A date alone means midnight UTC, for `end` as for `start`.",
        "Common parsers of the time read it so.",
        ("date_only_end",),
    ),
    Decision(
        "Offsets without a colon",
        "An offset may be written `+0100` as well as `+01:00`.",
        "Common parsers of the time took both.",
        ("compact_offsets",),
    ),
    Decision(
        "A parameter sent twice",
        "Of a parameter that is no list the first value that is not empty counts; lists are "
        "united.",
        "One client sends the previous range as a second `start` and `end`; the first pair is "
        "the range that its user asked for.",
        ("repeated_parameter",),
    ),
    Decision(
        "What is not an instant or an id",
        "Instants outside the years 1 to 9999, week dates, lower-case letters and digits of "
        "other scripts are refused; ids have one to eighteen digits.",
        "A slip should be told, not guessed at; eighteen digits always fit into 64 bits.",
    ),
    # What is said when there is no report.
    Decision(
        "Bad parameters",
        "One answer 400 names every parameter that is wrong, with the text that was sent and a "
        "sentence about what to send.",
        "The shape was seen in recordings. One round is enough to mend a request.",
    ),
    Decision(
        "Ranges that are none",
        "`end` before `start` and half a previous range are 400; the latter names the missing "
        "half.",
        "An empty answer would look like a quiet month.",
    ),
    Decision(
        "No API key",
        "401 carries `WWW-Authenticate: Basic` with a realm.",
        "Some clients send the key only when asked for it, and some overlook a challenge that "
        "names no realm.",
    ),
    Decision(
        "Which error comes first",
        "An unknown path is told before a missing key, and a missing key before bad parameters.",
        "A wrong URL shows itself without a key, and strangers learn nothing about parameters.",
    ),
    Decision(
        "Credentials that are refused",
        "If the vendor refuses the account's credentials, 403 names the setting to look at.",
        "The caller's own key was good: another status would send its owner to the wrong place.",
    ),
    Decision(
        "No answer in time",
        "503 with `Retry-After` comes before the caller's own patience ends, and work goes on.",
        "Known clients give up after 5 to 45 seconds; a retry then finds the answer ready.",
    ),
    Decision(
        "Anything unforeseen",
        "500 says `Internal error` and nothing more; a correlation id leads to the log.",
        "Traces are for the operator. Every answer carries such an id.",
    ),
)
"""Every rule that was decided: what counts, where ranges are cut, how requests are read, errors."""

DIFFERENCES: Final = (
    Difference(
        "History shrinks",
        "Deleted and merged conversations are no longer listed by Mailbox API 2.0.",
        "The count of a past range can fall when it is asked for again, and lies below what the "
        "old API gave at the time.",
    ),
    Difference(
        "Today's status",
        "Whether a conversation is spam is judged as of now.",
        "What was marked as spam since has left the counts of its day, and what was rescued has "
        "come back.",
    ),
    Difference(
        "Today's mailbox, folder and tags",
        "Filters look at where a conversation is now and at the tags it has now.",
        "Moving or tagging an old conversation changes the counts of past ranges.",
    ),
    Difference(
        "Folders that are views",
        "Some folders are no place but a view, such as a user's own or those that need attention.",
        "Their content depends on the user whose credentials are used, and on the moment; the "
        "old API may have counted otherwise.",
    ),
    Difference(
        "What the account's user sees",
        "Mailbox API 2.0 lists what the user behind the credentials may see.",
        "Mailboxes closed to that user are missing from every count.",
    ),
    Difference(
        "Ranges that touch",
        "Both ends of a range count. How the old API treated `end` was not documented.",
        "Callers that go on from the second at which they stopped, 13:30 to 13:30, count a "
        "conversation at the seam in both ranges.",
    ),
    Difference(
        "Whole seconds",
        "Times are compared in whole seconds, as Mailbox API 2.0 prints them.",
        "A conversation created within the second of `end` counts whatever its fraction.",
    ),
    Difference(
        "The default of viewBy",
        "The old default was never documented; here it is week.",
        "A caller that sends none may meet more points, or fewer, than it used to.",
    ),
    Difference(
        "Steps of a month",
        "How the old API stepped from a day that the next month lacks is not known.",
        "Only ranges by month that begin on the 29th, 30th or 31st can be cut elsewhere.",
    ),
    Difference(
        "Empty buckets",
        "They are listed with count 0. Whether the old API listed them is not known.",
        "A caller may meet zeros where it met gaps.",
    ),
    Difference(
        "A ceiling on buckets",
        "A range of very many buckets is refused; the old API named no such limit here.",
        "Decades by day have to be asked for in parts, or by week.",
    ),
    Difference(
        "Messages of errors",
        "The shape of a 400 is the recorded one. Its sentences are new, and which faults the old "
        "API looked for is known in part only.",
        "Code that reads `code` and `property` goes on; code that compares sentences does not.",
    ),
    Difference(
        "Statuses that are new",
        "403 and 503 tell of the vendor's own API behind this one.",
        "A caller that never met them has to take 503 as a request to wait.",
    ),
    Difference(
        "Limits on requests",
        "The old API allowed 200 requests a minute and printed that in headers.",
        "Those headers appear only where such a limit is really kept.",
    ),
    Difference(
        "The newest conversations",
        "The vendor's list runs on a search index that lags by seconds to minutes.",
        "A range that ends now may still grow by what has just arrived.",
    ),
    Difference(
        "Attachments in a drilldown",
        "`attachments` is always false: the list of conversations does not tell.",
        "Code that looks for attachments misses them.",
    ),
    Difference(
        "When a conversation was modified",
        "Mailbox API 2.0 has no such time. `modifiedAt` is the later of a user's last change and "
        "the start of the customer's wait.",
        "It can lie before a change that only the old API knew of.",
    ),
    Difference(
        "Waiting since",
        "`waitingSince` is when the customer's wait began, or the conversation if nobody waits; "
        "`waitingSinceType` is always 2, the one value that was ever observed.",
        "Code that tells kinds of waiting apart sees one kind.",
    ),
    Difference(
        "Customers in a drilldown",
        "`customerIds` holds the conversation's main customer alone.",
        "Further customers of a conversation are missing.",
    ),
    Difference(
        "Colours of tags",
        "The old API named them by words. Where Mailbox API 2.0 gives a number, a drilldown says "
        "`none`.",
        "Such tags lose their colour.",
    ),
    Difference(
        "A conversation that goes while it is listed",
        "One that is deleted between the counting and the showing of a page is left out of it.",
        "A page can be one row short of what its count lets expect.",
    ),
    Difference(
        "Field selectors",
        "Lists of mailboxes, folders and tags ignore `fields` and give all fields.",
        "Nothing is missing; answers are longer.",
    ),
    Difference(
        "Reports that are missing",
        "Only the reports in the table of routes are answered.",
        "The other paths of the old API are 404.",
    ),
)
"""Every known difference from the old API, those that change numbers first."""
