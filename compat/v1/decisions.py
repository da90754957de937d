"""Rules that were decided here because the behaviour of the old API is not documented.

The documentation is generated from these tables, and tests compare them with the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule that was never documented, as it is decided here.

    Attributes:
        title: Its subject, in a few words.
        rule: What happens.
        reason: Why it was decided so.
        settings: The fields of `Conventions` that change it; empty if nothing does.
    """

    title: str
    rule: str
    reason: str
    settings: tuple[str, ...] = ()


DECISIONS: Final = (
    # What counts.
    Decision(
        "States that count",
        "Only published conversations count; drafts and hidden ones do not.",
        "The vendor's page excludes deleted conversations and does not mention drafts. No customer "
        "has seen a draft, so nobody would expect it in a report of new conversations.",
        ("counted_states",),
    ),
    Decision(
        "Statuses that do not count",
        "Spam does not count; every other status does.",
        "The vendor's page excludes spam and mentions no other status.",
        ("uncounted_statuses",),
    ),
    Decision(
        "Present or past state",
        "Status, state, mailbox, folder and tags are those at the time of the request.",
        "Mailbox API 2.0 shows only the present.",
        ("judged",),
    ),
    Decision(
        "Several filters, several values",
        "A conversation must match every filter; for one filter, one matching value is enough.",
        "The documentation of the old conversation list says this about tags.",
        ("tags_match",),
    ),
    Decision(
        "The tag id for conversations without a tag",
        "Tag id 1 selects conversations without a tag, alone or together with other ids.",
        "The vendor's pages give this id to untagged conversations. It can be used with other ids "
        "because one matching value of a filter is enough.",
        ("untagged_tag",),
    ),
    Decision(
        "Ids that do not exist",
        "An unknown mailbox, tag or folder id selects nothing and is not an error.",
        "A script written years ago may name a mailbox that is gone, and should continue to work.",
    ),
    # Where a range is cut.
    Decision(
        "The start of a range",
        "A range begins exactly in the second of `start`, and so does its first bucket.",
        "Recorded series begin at half past one in the afternoon, as the request said.",
        ("start_snapped",),
    ),
    Decision(
        "The clock",
        "The old API's clock and the vendor's present one agree: creation times are compared with "
        "`start` and `end` without a correction.",
        "Both print UTC. A clock that was wrong would be visible in the counts only.",
        ("clock_shift_minutes",),
    ),
    Decision(
        "The end of a range",
        "A conversation created in the second of `end` counts, in the last bucket.",
        "Every documented range ends with 23:59:59, which would lose a second if `end` were "
        "excluded.",
        ("end_included",),
    ),
    Decision(
        "Buckets by month",
        "Buckets by month begin on the day and at the time of `start`, or on the last day of a "
        "month that is too short. Each is counted from `start`: 31 January, 28 February, 31 March.",
        "A documented example of a related report has buckets from 1 August and 1 September, at "
        "noon. Because each is counted from `start`, a short month does not change the later ones.",
        ("month_step",),
    ),
    Decision(
        "Short and empty ranges",
        "A range shorter than its bucket, or with `end` equal to `start`, has one bucket.",
        "Recorded answers have one point for exactly one week by week. An answer without a point "
        "would break callers that read the first one.",
    ),
    Decision(
        "Empty buckets",
        "A bucket without conversations is listed with count 0.",
        "Known callers draw the points that they get, without filling gaps.",
        ("empty_buckets_listed",),
    ),
    Decision(
        "No viewBy",
        "A request without `viewBy` is answered by week.",
        "It was not by day: recorded answers to requests for seven days without `viewBy` have one "
        "point. A week is the shortest length with this result.",
        ("default_view_by",),
    ),
    Decision(
        "Lengths allowed by viewBy",
        "A range of any length may be requested by day, week or month.",
        "Pages of other reports name limits, this report's page does not, and a known caller "
        "requests 180 days by day.",
        ("max_days_by_day", "max_days_by_week", "min_days_by_month"),
    ),
    Decision(
        "The highest number of buckets",
        "A range of more than 3,700 buckets is refused; the error names `viewBy`.",
        "Ten years by day are allowed; a request for ten thousand years is abuse or a mistake.",
        ("max_buckets",),
    ),
    # Messages, replies, waits and resolutions.
    Decision(
        "What a received message is",
        "A published message of a customer, also the first one of a conversation: by e-mail, in a "
        "chat, or by phone. What was imported does not count, and of spam and deleted "
        "conversations nothing does.",
        "The vendor's page says that only messages from customers count, each one of a "
        "conversation. Imported messages were observed not to count in Mailbox API 2.0.",
    ),
    Decision(
        "The keys of received messages",
        "Each bucket has the keys `date` and `messages`.",
        "Clients read these keys from the running API; the vendor's page shows those of New "
        "Conversations.",
    ),
    Decision(
        "What response times are about",
        "Response and resolution times are means over the conversations that were resolved in the "
        "range, with all of their waits.",
        "In the documented examples the number of conversations with a response time is the "
        "number of resolved ones, and far below the number of replies. The vendor's help pages "
        "describe another group for the reports on screen: the conversations replied to.",
        ("response_base",),
    ),
    Decision(
        "A wait",
        "A wait begins with the first message of a customer after the last reply, and ends with "
        "the next reply. Further messages do not begin another one. If a user began the "
        "conversation, no wait is the first response.",
        "The old pages say only that a customer waits for a response. A customer who writes twice "
        "has waited since the first message.",
    ),
    Decision(
        "What a reply is",
        "A published message of a user by e-mail or chat, also the first one of a conversation "
        "that a user began. Notes, phone calls, forwarded messages, drafts and what was imported "
        "are none.",
        "The old pages count the e-mail of a new conversation, and leave out notes and changes of "
        "status. Imported messages were observed not to count as replies.",
    ),
    Decision(
        "Automatic replies",
        "A message that a workflow sent counts as a reply.",
        "The old pages do not mention them. Mailbox API 2.0 shows what sent a message, so they "
        "can be left out.",
        ("automatic_replies_count",),
    ),
    Decision(
        "When a conversation is resolved",
        "A conversation with a reply is resolved if it is closed now: once, when it was last "
        "closed.",
        "The old pages say that a conversation can be resolved only once, and not what happens if "
        "it is opened again.",
        ("resolved_at",),
    ),
    Decision(
        "When a conversation is closed",
        "It is closed in each second in which its status became closed, whatever did that, and "
        "whether or not there was a reply. Its threads show it.",
        "The number of closed conversations is above the number of resolved ones in every "
        "documented example.",
    ),
    Decision(
        "The share resolved on the first reply",
        "`percentResolvedOnFirstReply` is a fraction from 0 to 1.",
        "It is a fraction in the documented examples, although its name says percent, and one "
        "recorded answer had a percentage.",
        ("first_reply_share",),
    ),
    Decision(
        "Office hours",
        "With `officeHours=1` only the seconds within office hours count in response and "
        "resolution times, by the local clock: 0 for a wait outside of them. Without a schedule "
        "it changes nothing.",
        "By the vendor's page, the default is used in accounts that have no office hours, even if "
        "1 is sent. Mailbox API 2.0 does not show a schedule, so it is a setting.",
        ("office_hours", "company_time_zone"),
    ),
    # Ratings.
    Decision(
        "To which range a rating belongs",
        "A rating counts where the reply that it is about was sent, and for the user who wrote "
        "that reply. A rating of a draft, or of a message that is hidden or was imported, does "
        "not count.",
        "By the vendor's page a report has the ratings that were received in the range, but "
        "Mailbox API 2.0 does not show when a reply was rated. Such messages count in no other "
        "report either.",
    ),
    Decision(
        "The customers in a report on ratings",
        "`totalCustomers` are the customers who got a reply in the range, each counted once; "
        "`ratingsPercent` is the share of them who rated one.",
        "By the vendor's page customers who did not rate are included. It does not say which.",
    ),
    Decision(
        "The order of ratings",
        "The ratings of the latest replies are first. `sortField` is `number`, `modifiedAt` (when "
        "the reply was sent) or `rating`; between equal ones the id of the reply decides.",
        "The old pages name the fields and no default. Known clients send `sortOrder=DESC` alone "
        "and show the first row as the newest.",
    ),
    Decision(
        "Pages of ratings",
        "A page has 25 ratings. A page after the last one is empty and not an error.",
        "The length of a page was not documented. A documented list of 58 rows has three pages.",
    ),
    # Other lists.
    Decision(
        "The order of a drilldown",
        "The newest conversation is first; in the same second, the one with the higher id.",
        "The old conversation list had this order; for this list nothing was documented.",
    ),
    Decision(
        "Pages of a drilldown",
        "`rows` above 50 is not an error and gives 50 rows, so there are more pages than the "
        "caller expects. A page after the last one is empty, with the same count.",
        "The vendor's page names this maximum, but not what happens above it. The end of a list is "
        "not an error.",
    ),
    Decision(
        "Hours of the week",
        "All 168 hours are listed, Monday first, in the company's time zone.",
        "The vendor's page says each day and hour. Mailbox API 2.0 does not show the company's "
        "time zone, so it is a setting.",
        ("company_time_zone",),
    ),
    Decision(
        "Folders of teams",
        "A team's folder has the type `mine`, like a user's; `userId` is the id of the team.",
        "The old pages name seven types, none of them for teams, and an old client refuses the "
        "whole list because of an eighth. In the old API a team could be used like a user.",
    ),
    Decision(
        "Users and teams",
        "`users.json` and `mailboxes/{id}/users.json` list users, and all teams of the account "
        "with `type=team`; another `type` is 400. `users/{id}.json` finds users only, and "
        "`teams/{id}.json` teams only.",
        "Recorded lists of all users had no teams. Mailbox API 2.0 has users and teams in separate "
        "lists, and does not show which teams see a mailbox.",
    ),
    Decision(
        "Names of users and teams",
        "`fullName` joins `firstName` and `lastName`; a team's name is its `firstName`. `role` is "
        "`user` for a team. Without a change, `modifiedAt` is `createdAt`.",
        "Mailbox API 2.0 has no full names, and of a team only the name, the time zone and the "
        "picture. The documented example of a team has no last name.",
    ),
    Decision(
        "The user `me`",
        "`users/me.json` is the user who made the application at Help Scout, whatever API key the "
        "caller has.",
        "Old API keys belong to no user any more.",
    ),
    Decision(
        "The name of a tag",
        "In the list of tags each name is present twice, as `tag` and, at the end, as `name`.",
        "The recordings have `tag`. The vendor's own PHP client read `name`, and both kinds of "
        "client ignore the other key.",
    ),
    Decision(
        "Names of people in rows",
        "A name is the first and the last name; the e-mail address if there is neither. If nobody "
        "is assigned, `assignedid` is 0 and `assignedName` is absent. The user of a rating is the "
        "one who wrote the rated reply.",
        "The documented examples have an address in place of a name, and recorded rows without an "
        "assigned user have this form.",
    ),
    # Users and teams.
    Decision(
        "Customers who were helped",
        "The customers to whom a reply was sent in the range, each counted once. If a reply does "
        "not name its customer, it is the conversation's main one.",
        "The old pages count the customers that were replied to, and do not say who of a "
        "conversation with several customers that is.",
    ),
    Decision(
        "Who resolved a conversation",
        "Every user who sent a reply before it was resolved, at any time, no matter who closed it.",
        "The vendor's page says that a user helped to resolve it. In recorded answers users have "
        "more resolutions than closings, and more than replies in the range.",
    ),
    Decision(
        "The days of a range",
        "`totalDays` is the number of whole days from `start` to `end`. Numbers by day are divided "
        "by it, and by 1 if the range is shorter than a day.",
        "A documented range from midnight of the 1st to 23:59:59 of the 31st has 30 days.",
    ),
    Decision(
        "What a user handled",
        "`totalConversations` are the conversations in which the user wrote, noted or changed "
        "something in the range, and `conversationsPerDay` is that number by day. `busiestDay` is "
        "the weekday with most replies, 1 for Monday, in the company's time zone: the first one of "
        "several, and 0 without a reply.",
        "Nothing says what these keys count, and the documented examples contradict each other.",
        ("company_time_zone",),
    ),
    Decision(
        "The first response time of a user",
        "`averageFirstResponseTime` in `user.json` is the mean of the first waits that the user "
        "ended, in the same conversations as `responseTime`.",
        "No page has this key, but programs that were used with the old API read it.",
    ),
    Decision(
        "Rows of a conversation history",
        "Each reply of the range has a row, with the times of its conversation and with all of its "
        "replies. `resolveTime` is 0 if it is not resolved. Where rows are equal in what they are "
        "sorted by, the time of the reply decides, then the ids.",
        "The vendor's page says that a conversation is listed again for each reply.",
    ),
    # How a request is read.
    Decision(
        "Dates without a time",
        "A date without a time means midnight UTC, for `end` as for `start`.",
        "Common parsers of that time understood it so.",
        ("date_only_end",),
    ),
    Decision(
        "Offsets without a colon",
        "An offset may be written `+0100` as well as `+01:00`.",
        "Common parsers of that time accepted both.",
        ("compact_offsets",),
    ),
    Decision(
        "A parameter sent twice",
        "If a parameter that is not a list is sent twice, the first value that is not empty "
        "counts; lists are joined.",
        "One client sends the previous range as a second `start` and `end`; the first pair is the "
        "range that its user asked for.",
        ("repeated_parameter",),
    ),
    Decision(
        "Blanks in a list",
        "Blanks around the items of a list are dropped, as in `types=email, chat`. A list of "
        "nothing but blanks and commas counts as absent.",
        "No item contains a blank, so the meaning is clear.",
    ),
    Decision(
        "Unknown parameters",
        "Parameters that a report does not have are ignored; the header `Compat-Ignored` and the "
        "log name them.",
        "Clients were observed to send such parameters, so they are no errors; but a filter with "
        "a wrong name must not go unnoticed.",
    ),
    Decision(
        "Repeated slashes",
        "Repeated slashes in a path count as one. A slash at the end is 404.",
        "One client always sends `/v1//mailboxes/…`; none is known that adds one at the end.",
    ),
    Decision(
        "HEAD and OPTIONS",
        "HEAD is answered as GET without the body. OPTIONS of a known path is 204 without an API "
        "key, unless `COMPAT_CORS` is false. All other methods are 404.",
        "Browsers send OPTIONS without a key before a request of a program from another site, and "
        "the old API's answers had headers for such programs.",
    ),
    Decision(
        "What is not a time or an id",
        "Times outside the years 1 to 9999, week dates, lower-case letters and digits of other "
        "scripts are refused; ids have one to eighteen digits.",
        "A mistake should be reported, not interpreted; eighteen digits always fit into 64 bits.",
    ),
    # Answers that are relayed from the successor's own reports (COMPAT_ENGINE).
    Decision(
        "The end of a relayed range",
        "Whether Help Scout's own reports include the second of `end` is found out once for an "
        "account, with a conversation that has an empty second after it. Then ranges are requested "
        "so that the convention is followed. Until then, only a count of zero is answered.",
        "It is not documented, and a wrong assumption would count a conversation between two parts "
        "twice or not at all.",
        ("end_included",),
    ),
    Decision(
        "Ranges that Help Scout's own reports refuse",
        "By day over 60 days, by week over a year, by month under 61 days: the report is requested "
        "by day in parts of at most 60 days, and the days are added up into the requested buckets. "
        "The same is done for months other than `clamped` ones.",
        "Every kind of bucket begins a whole number of days after `start`, so whole days add up to "
        "it exactly.",
        ("month_step",),
    ),
    Decision(
        "Rules that Help Scout's own reports cannot follow",
        "With COMPAT_ENGINE at `relayed` these are errors: counting other states or statuses, a "
        "clock shift, several tags that must all match, and another tag id for conversations "
        "without a tag. With `auto`, such questions are always computed.",
        "Help Scout would answer another question, and the number would not show it.",
        (
            "counted_states",
            "uncounted_statuses",
            "clock_shift_minutes",
            "tags_match",
            "untagged_tag",
        ),
    ),
    Decision(
        "When `auto` relays",
        "The answer is computed if possible. It is relayed if Help Scout refuses the conversations "
        "(403, 400, 404) or its lists contradict each other; then the header `Compat-Engine` says "
        "so, and the log says why. All other problems are a 503.",
        "A problem that passes, or that concerns Help Scout as a whole, is no reason to change "
        "from one kind of number to another.",
    ),
    # Errors.
    Decision(
        "Bad parameters",
        "One answer 400 names every parameter that is wrong, with the text that was sent and a "
        "sentence about what to send.",
        "This format is known from recordings. The caller can correct everything at once.",
    ),
    Decision(
        "Impossible ranges",
        "`end` before `start` and half a previous range are 400; the latter names the missing "
        "half.",
        "An empty answer would look like a quiet month.",
    ),
    Decision(
        "No API key",
        "401 has `WWW-Authenticate: Basic` with the recorded realm.",
        "Some clients send the key only when they are asked for it, and some ignore a challenge "
        "without a realm.",
    ),
    Decision(
        "Which error comes first",
        "An unknown path is reported before a missing key, and a missing key before bad "
        "parameters.",
        "A wrong URL is recognised without a key, and strangers learn nothing about parameters.",
    ),
    Decision(
        "Credentials that are refused",
        "If the vendor refuses the account's credentials, 403 names the setting to check.",
        "The caller's own key was correct: another status would make its owner look in the wrong "
        "place.",
    ),
    Decision(
        "No answer in time",
        "503 with `Retry-After` is sent before the caller stops waiting, and the server continues "
        "to work.",
        "Known clients stop waiting after 5 to 45 seconds; a later request gets the answer.",
    ),
    Decision(
        "What the archive does not have",
        "If Help Scout cannot be asked, 400 names the end of the range that is not covered, or "
        "`folders` if one of them is a view.",
        "A count of the covered part would look like the whole.",
    ),
    Decision(
        "Unexpected errors",
        "500 says `Internal error` and nothing more; a correlation id identifies the lines in the "
        "log.",
        "Tracebacks are for the operator. Every answer has such an id.",
    ),
)
"""Every rule that was decided: what counts, where ranges are cut, how requests are read, errors."""
