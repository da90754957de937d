"""What was decided where the old API's behaviour is not written down.

It is data: documentation is made from it, and tests hold it to the code.
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
        "The start of a range",
        "A range begins at the very second of `start`, and so does its first bucket.",
        "Recorded series begin at half past one in the afternoon, as they were asked for.",
        ("start_snapped",),
    ),
    Decision(
        "The clock",
        "The old API's clock and the vendor's present one agree: creation times are compared with "
        "`start` and `end` as they are.",
        "Both print UTC. A clock that was off would show in counts alone.",
        ("clock_shift_minutes",),
    ),
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
    Decision(
        "Folders of teams",
        "A team's folder has the type `mine`, as a user's has; `userId` is the id of the team.",
        "The old pages name seven types, none of them for teams, and an old client refuses the "
        "whole list for an eighth. A team could stand wherever a user could.",
    ),
    Decision(
        "The name of a tag",
        "In the list of tags each has its name twice, as `name` and as `tag`.",
        "The vendor's own PHP client read `name`, others read `tag`, and neither minds both.",
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
    # Answers that are relayed from the successor's own reports (COMPAT_ENGINE).
    Decision(
        "The end of a range that is relayed",
        "Whether Help Scout's own reports count the second of `end` is found out from a "
        "conversation with a quiet second behind it, once for an account; then they are asked "
        "so that the convention holds. While nothing shows it, only a count of nothing is given.",
        "Nothing documents it, and a wrong guess would count a conversation at a seam twice or "
        "not at all.",
        ("end_included",),
    ),
    Decision(
        "Ranges that the successor refuses",
        "By day over 60 days, by week over a year, by month under 61 days: it is asked by day in "
        "pieces of at most 60 days, and the days are counted again into the buckets asked for. "
        "The same goes for months other than `clamped` ones.",
        "Every kind of bucket begins a whole number of days after `start`, so whole days add up "
        "to it exactly.",
        ("month_step",),
    ),
    Decision(
        "Rules that the successor cannot keep",
        "With COMPAT_ENGINE at `relayed` it is an error to count other states or statuses or to "
        "shift the clock, and to ask for several tags that must all match or for the tag of no "
        "tag under another number. `auto` then never gives way.",
        "It would answer another question, and nothing in the number would show it.",
        (
            "counted_states",
            "uncounted_statuses",
            "clock_shift_minutes",
            "tags_match",
            "untagged_tag",
        ),
    ),
    Decision(
        "When `auto` gives way",
        "Computed comes first. Relayed takes its place where Help Scout refuses the "
        "conversations (403, 400, 404) or shows them in contradiction; the header "
        "`Compat-Engine` then says so, and the log why. All other trouble stays a 503.",
        "Trouble that passes, or that concerns Help Scout as a whole, is no reason to go from one "
        "kind of number to another.",
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
        "What the archive does not hold",
        "Where nobody else can be asked, 400 names the edge of the range that is not covered, or "
        "`folders` where one is a view.",
        "A count of the part that is covered would look like the whole.",
    ),
    Decision(
        "Anything unforeseen",
        "500 says `Internal error` and nothing more; a correlation id leads to the log.",
        "Traces are for the operator. Every answer carries such an id.",
    ),
)
"""Every rule that was decided: what counts, where ranges are cut, how requests are read, errors."""
