"""Known differences from the old API; the documentation is generated from this table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class KnownDifference:
    """A difference that an old caller can notice.

    Attributes:
        title: Its subject, in a few words.
        what: The behaviour of this project.
        consequence: The effect on numbers, or on a caller's code.
    """

    title: str
    what: str
    consequence: str


DIFFERENCES: Final = (
    KnownDifference(
        "Past counts become smaller",
        "Mailbox API 2.0 does not list deleted and merged conversations any more.",
        "The count of a past range can be smaller at a later request, and is smaller than what the "
        "old API answered at that time.",
    ),
    KnownDifference(
        "Today's status",
        "A conversation is spam if it is spam now.",
        "A conversation that was marked as spam later does not count any more; one that was "
        "unmarked counts again.",
    ),
    KnownDifference(
        "Today's mailbox, folder and tags",
        "Filters use the present mailbox, folder and tags of a conversation.",
        "If an old conversation is moved or tagged, the counts of past ranges change.",
    ),
    KnownDifference(
        "Messages that were deleted or moved",
        "Messages are counted where they are now: a message that was deleted is gone, and after a "
        "merge it belongs to the other conversation.",
        "Messages of a past range can become fewer. With filters, those of a merged conversation "
        "count for the mailbox and the tags of the other one.",
    ),
    KnownDifference(
        "When a reply was rated",
        "Mailbox API 2.0 shows the latest rating of a reply, and not when it was given. So it "
        "counts where the reply was sent.",
        "A rating that came in the next month counts in the month before, whose numbers change "
        "then. A rating that was changed counts as it is now. In lists of ratings, "
        "`ratingCreatedAt` is when the reply was sent, as `threadCreatedAt`.",
    ),
    KnownDifference(
        "Ratings of chats",
        "A chat is rated as a whole when it ends. Mailbox API 2.0 does not show these ratings "
        "with the conversation.",
        "They are missing from all reports on ratings; with `types=chat` there is none.",
    ),
    KnownDifference(
        "Folders that are views",
        "Some folders contain no conversations of their own but show a selection, such as a user's "
        "own folder or the one for conversations that need attention.",
        "Their content depends on the user whose credentials are used, and on the time; the old "
        "API may have counted differently.",
    ),
    KnownDifference(
        "What the account's user sees",
        "Mailbox API 2.0 lists what the user who created the application may see.",
        "Mailboxes that this user may not see are missing from every count.",
    ),
    KnownDifference(
        "Ranges that share a second",
        "Both ends of a range are included. How the old API treated `end` was not documented.",
        "If a caller begins a range in the second in which the last one ended, 13:30 to 13:30, a "
        "conversation of that second counts in both.",
    ),
    KnownDifference(
        "Totals in place of conversations, if you choose them",
        "With `COMPAT_COUNT_BY=totals`, which is not the default, new.json is computed from the "
        "number of conversations that Help Scout reports for each bucket, minus spam. This needs "
        "one or two requests a bucket, and works with no filter or a filter by mailboxes. Because "
        "single conversations are not visible, drafts and other unpublished conversations count. "
        "Nothing says that totals are exact. A conversation that is marked as spam between two "
        "requests may be counted or left out by mistake.",
        "Counts can be too high because of drafts. Conversations are counted as usual in all other "
        "cases: with filters by folder, type or tag; if this needs no more requests; if it is not "
        "known whether the list of all contains spam; if the index keeps fractions of seconds; or "
        "if the parts do not add up. `Compat-Engine: totals` marks answers that come from totals.",
    ),
    KnownDifference(
        "Whole seconds",
        "Times are compared in whole seconds, as Mailbox API 2.0 prints them.",
        "A conversation created within the second of `end` counts, with any fraction of a second.",
    ),
    KnownDifference(
        "The default of viewBy",
        "The old default was never documented; here it is week.",
        "A caller that sends no `viewBy` may get more or fewer points than before.",
    ),
    KnownDifference(
        "Buckets by month",
        "If a month does not have the day of `start`, it is not known where the old API began the "
        "bucket.",
        "Only ranges by month that begin on the 29th, 30th or 31st can have other buckets.",
    ),
    KnownDifference(
        "Empty buckets",
        "They are listed with count 0. Whether the old API listed them is not known.",
        "A caller may get zeros where it got no points before.",
    ),
    KnownDifference(
        "A limit on buckets",
        "A range of very many buckets is refused; the old API named no such limit here.",
        "Decades by day must be requested in parts, or by week.",
    ),
    KnownDifference(
        "Messages of errors",
        "The format of a 400 is known from recordings. Its sentences are new, and it is only "
        "partly known which mistakes the old API checked.",
        "Code that reads `code` and `property` still works; code that compares sentences does not.",
    ),
    KnownDifference(
        "A mailbox that does not exist",
        "The 404 for its folders has the old API's JSON for items that do not exist. A recording "
        "of the old API has no body there.",
        "A caller that reads the body finds one.",
    ),
    KnownDifference(
        "A user who does not exist",
        "A report on a user or a team that no list shows has zeros, and in `user.json` an empty "
        "name and an empty `createdAt`. Replies of a user who was deleted still count. How the old "
        "API answered is not known.",
        "A wrong id is not an error. `Compat-Unavailable` of `user.json` names the fields that are "
        "empty, and the log names the id.",
    ),
    KnownDifference(
        "HEAD and OPTIONS",
        "HEAD is answered as GET without the body, and OPTIONS with 204 and the old API's CORS "
        "headers. How the old API answered them is not known.",
        "`COMPAT_CORS=false` removes these headers, and OPTIONS is 404.",
    ),
    KnownDifference(
        "Names of tags",
        "In the list of tags each name is present as `tag`, as recorded, and again as `name`, the "
        "last key.",
        "Code that expects no other keys finds one more.",
    ),
    KnownDifference(
        "Users who see a mailbox",
        "`mailboxes/{id}/users.json` lists users. The old API was recorded to list teams there as "
        "well; Mailbox API 2.0 does not show which teams see a mailbox.",
        "Teams are listed if `type=team` is sent, and then all teams of the account.",
    ),
    KnownDifference(
        "Names of teams",
        "A team has its name as `firstName` and `fullName`; `lastName` and `email` are empty, and "
        "`role` is `user`.",
        "The old API was recorded to show a last name and an address of teams as well.",
    ),
    KnownDifference(
        "The order of keys of a mailbox",
        "`mailboxes/{id}.json` ends with `folders`, as recorded in 2017; in 2016 `createdAt` and "
        "`modifiedAt` came after it.",
        "Code that reads keys by their names notices nothing.",
    ),
    KnownDifference(
        "New statuses",
        "403 and 503 report problems with Mailbox API 2.0.",
        "A caller that does not know them must treat 503 as a request to wait.",
    ),
    KnownDifference(
        "Limits on requests",
        "The old API allowed 200 requests a minute and said so in headers.",
        "These headers are present only where such a limit really exists.",
    ),
    KnownDifference(
        "Ignored parameters",
        "Parameters that a report does not have are ignored, as before; the new header "
        "`Compat-Ignored` names them.",
        "Nothing is counted differently; a wrong name of a filter can be noticed.",
    ),
    KnownDifference(
        "The newest conversations",
        "The vendor's list uses a search index that is seconds or minutes behind.",
        "The count of a range that ends now may still become larger.",
    ),
    KnownDifference(
        "Handle times",
        "Mailbox API 2.0 does not show for how long a user worked on a reply. `handleTime` and "
        "`avgHandleTime` are 0.",
        "A program that shows handle times shows 0. Help Scout's own reports have another kind of "
        "handle time, which begins when the conversation is opened.",
    ),
    KnownDifference(
        "Customers helped at any time",
        "`totalCustomersHelped` needs the threads of all time. An archive that keeps them knows "
        "the customers of all conversations that still exist. Without one, only the conversations "
        "that were read for the ranges are known.",
        "With an archive the number is too low by the customers of deleted conversations; without "
        "one it means nothing.",
    ),
    KnownDifference(
        "Attachments in a drilldown",
        "`attachments` is always false: the list of conversations does not have this information.",
        "Code that looks for attachments does not find them.",
    ),
    KnownDifference(
        "When a conversation was modified",
        "Mailbox API 2.0 has no such time. `modifiedAt` is the later of two times: a user's last "
        "change, and the time since which the customer waits.",
        "It can be earlier than a change that only the old API recorded.",
    ),
    KnownDifference(
        "Waiting since",
        "`waitingSince` is the time since which the customer waits, or the creation time if nobody "
        "waits; `waitingSinceType` is always 2, the only value that was ever observed.",
        "Code that distinguishes kinds of waiting gets only one kind.",
    ),
    KnownDifference(
        "Customers of a conversation",
        "`customerIds` in a drilldown, and `customers` in a conversation history, have only the "
        "conversation's main customer.",
        "Other customers of a conversation are missing.",
    ),
    KnownDifference(
        "Colours of tags",
        "The old API used names of colours. If Mailbox API 2.0 has a number, a drilldown says "
        "`none`, and the list of tags shows the number.",
        "Such tags have no colour that old programs know.",
    ),
    KnownDifference(
        "A conversation that is deleted while it is listed",
        "If a conversation is deleted after the count and before its page is read, it is left out.",
        "A page can have one row less than its count says.",
    ),
    KnownDifference(
        "A slim archive",
        "Offline, an archive made with `--slim` lists conversations without subjects, previews, "
        "names and addresses, and users without names. Ratings that it keeps have no names and "
        "comments, also with Help Scout.",
        "These keys have empty texts.",
    ),
    KnownDifference(
        "Values that Help Scout does not show",
        "If Help Scout does not show the mailbox, type, tags or number of a conversation, a list "
        "of conversations has 0, an empty text or an empty list in their place.",
        "A count that filters by such a value is refused with 503.",
    ),
    KnownDifference(
        "Field selectors",
        "Lists of mailboxes, folders and tags ignore `fields` and return all fields.",
        "Nothing is missing; answers are longer.",
    ),
    KnownDifference(
        "Changes in the moment of counting",
        "Conversations that exist from the first to the last request are counted, with two "
        "exceptions that cannot be detected. First: more conversations have the same second than "
        "a page has rows, and between the same two requests one of them goes and one comes. "
        "Second: while the folders of a filter are read, a conversation moves between them three "
        "times.",
        "In such a case a count can be one too low.",
    ),
    KnownDifference(
        "Messages that are known from memory",
        "Without an archive, what was read of threads is kept in memory for up to COMPAT_MAX_AGE. "
        "Before it is used again, whatever was modified since is read. Deletions of "
        "conversations without a thread of the last day, and ratings, do not show in that.",
        "A message of a deleted conversation can still count for up to that time. With "
        "COMPAT_MAX_AGE and COMPAT_RECENT_AGE at 0, all is read again for each question.",
    ),
    KnownDifference(
        "Relayed hours",
        "With COMPAT_ENGINE at `relayed`, busy times use the company's own time zone at Help "
        "Scout, not COMPAT_COMPANY_TIME_ZONE, and only the hours that Help Scout lists are "
        "present.",
        "The two engines agree if that variable names the company's zone.",
    ),
    KnownDifference(
        "Relayed rows",
        "A relayed drilldown shows attachments and times of modification as Help Scout's own "
        "report has them. If that report does not have them, `waitingSince` and "
        "`waitingSinceType` are absent, and `customerEmail` and `customerIds` are empty.",
        "Such keys can differ between the engines; the listed conversations are the same.",
    ),
    KnownDifference(
        "Large ids",
        "Ids are those of Mailbox API 2.0, which can be larger than 2,147,483,647.",
        "Clients that hold ids in 32 bits, such as the old ones for Java and Rust and some for "
        ".NET, fail when they read such an id, for example in a drilldown. Counts are not "
        "affected.",
    ),
    KnownDifference(
        "Reports that are missing",
        "Only [these reports and lists](reference/reports.md) are answered.",
        "The other paths of the old API are 404.",
    ),
)
"""Every known difference from the old API, those that change numbers first."""
