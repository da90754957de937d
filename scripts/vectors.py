"""Generates the golden vectors: cases at the edges, answered by this project and by an oracle."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from compat.parity.captures.models import OldQuestion
from compat.simulator import Account
from compat.testing.assertions import counted_fields
from compat.testing.reference import VECTORS_FORMAT, Reference, payloads
from compat.testing.strategies import STYLES, Sketch, account_of, refused_query
from tests.integration.exactness import oracle

VERSION: Final = "1.0.0"
"""Version of the vectors; docs/how-to/test-my-own-implementation.md says when it changes."""

ABOUT: Final = (
    "Conversations, an old request about them, and its answer. `answer` is the reference's, "
    "`oracle` that of a slow arithmetic that shares no code with it. Sentences of refusals were "
    "never written down: of a status other than 200 only the status counts."
)
DAY: Final = 86_400
DRAWN: Final = 60
KINDS: Final = ("email", "chat", "phone")
REPORT: Final = "conversations/new"
UNITS: Final[tuple[Literal["day", "week", "month"], ...]] = ("day", "week", "month")


class Case(NamedTuple):
    """The rule that a vector tests, its conversations, and the question."""

    about: str
    sketches: list[Sketch]
    asked: OldQuestion


def at(text: str) -> int:
    """A UTC date, or date and time, as epoch seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


JANUARY: Final = (at("2015-01-01"), at("2015-01-31T23:59:59"))


def chosen() -> Iterator[Case]:
    """Cases chosen by hand, one for each rule."""
    first, last = JANUARY
    inside = [Sketch(first + 5 * DAY)]
    yield Case("both ends are included", around(first, last), ask("day"))
    yield Case(
        "an instant at a bucket's edge opens the bucket", around(first + 7 * DAY), ask("week")
    )
    yield Case("an exact week has one bucket", around(first + 7 * DAY), ask("week", 0, 7 * DAY))
    yield Case("a second more opens a stub", around(first + 7 * DAY), ask("week", 0, 7 * DAY + 1))
    yield Case("a range without length has one bucket", around(first), ask("day", 0, 0))
    yield Case("without viewBy it is a week", inside, ask(None))
    yield Case("a bucket keeps the time of day", around(first + DAY), ask("day", 3600, 3 * DAY))
    for day in ("2015-01-29", "2015-01-31T13:30", "2016-01-31", "2015-12-31T23:59:59"):
        start = at(day)
        edges = [start + days * DAY for days in (28, 29, 30, 31, 59, 60)]
        asked = OldQuestion(REPORT, start, start + 150 * DAY, view_by="month")
        yield Case(f"months counted from {day}", around(*edges), asked)
    yield Case("spam does not count", [Sketch(first, "spam"), Sketch(first, "closed")], ask("day"))
    yield Case(
        "only published conversations count",
        [Sketch(first, state=state) for state in ("published", "draft", "hidden", "deleted")],
        ask("day"),
    )
    tagged = [Sketch(first + each, tags=tags) for each, tags in enumerate(((), (0,), (1,), (0, 1)))]
    tags = [tag.id for tag in Account().layout.tags[:2]]
    for ids in ((1,), (tags[0],), tuple(tags), (1, tags[1]), (999_999,)):
        yield Case(f"tags={','.join(map(str, ids))}", tagged, ask("day", filters={"tags": ids}))
    kinds = [Sketch(first, type=each, mailbox=number) for number, each in enumerate(KINDS)]
    yield Case("one type", kinds, ask("day", filters={"types": ("chat",)}))
    yield Case("two types", kinds, ask("day", filters={"types": ("email", "phone")}))
    mailboxes = [mailbox.id for mailbox in Account().layout.mailboxes]
    yield Case("mailboxes", kinds, ask("day", filters={"mailboxes": tuple(mailboxes[:2])}))
    yield Case(
        "filters are joined by AND",
        kinds,
        ask("day", filters={"mailboxes": (mailboxes[0],), "types": ("chat",)}),
    )
    yield Case("no conversations at all", [], ask("week"))
    previous = (at("2014-01-01T12:00"), at("2014-01-15"))
    yield Case(
        "the previous range has its own anchor",
        around(first, at("2014-01-08T12:00"), at("2014-01-15")),
        OldQuestion(REPORT, first, last, previous, "week"),
    )
    overlapping = (first - DAY, first + 3 * DAY)
    yield Case(
        "ranges may overlap",
        around(first, first + DAY),
        OldQuestion(REPORT, *JANUARY, overlapping, "day"),
    )


def ask(
    view_by: str | None,
    after: int = 0,
    length: int | None = None,
    filters: dict[str, tuple[int | str, ...]] | None = None,
) -> OldQuestion:
    """A question about January 2015, or a part of it."""
    start = JANUARY[0] + after
    end = JANUARY[1] if length is None else start + length
    return OldQuestion(REPORT, start, end, view_by=view_by, filters=filters or {})


def around(*seconds: int) -> list[Sketch]:
    """A conversation in each of these seconds, in the one before and in the one after."""
    return [Sketch(second + off) for second in seconds for off in (-1, 0, 1)]


def drawn(rng: random.Random) -> Case:
    """A random case, with conversations at the edges of buckets."""
    start = at(rng.choice(("2015-01-01", "2015-01-31", "2016-02-29T13:30", "2014-12-31T23:59:59")))
    unit = rng.choice(UNITS)
    steps = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY}[unit]
    end = start + rng.choice((1, 2, 3, 14)) * steps + rng.choice((-1, 0, 1))
    edges = [start + each * steps for each in range(4)] + [end]
    sketches = [sketch(rng, rng.choice(edges) + rng.choice((-1, 0, 1))) for _ in range(8)]
    previous = (start - steps, start) if rng.random() < 0.4 else None
    layout = Account().layout
    filters: dict[str, tuple[int | str, ...]] = {}
    if rng.random() < 0.3:
        filters["tags"] = tuple({1, layout.tags[rng.randrange(3)].id})
    if rng.random() < 0.3:
        filters["mailboxes"] = (layout.mailboxes[rng.randrange(3)].id,)
    return Case(
        "drawn by chance", sketches, OldQuestion(REPORT, start, end, previous, unit, filters)
    )


def sketch(rng: random.Random, created: int) -> Sketch:
    """A random conversation that was created at a given second."""
    return Sketch(
        created,
        rng.choice(("active", "closed", "spam", "pending")),
        rng.choice(("published", "published", "draft")),
        rng.choice(KINDS),
        rng.randrange(3),
        rng.choice(((), (0,), (1, 2))),
        rng.random() < 0.5,
    )


def vectors() -> Iterator[dict[str, Any]]:
    """Every vector, as it is in the file."""
    rng = random.Random(1)
    cases = [*chosen(), *(drawn(rng) for _ in range(DRAWN))]
    with Reference() as reference:
        for number, case in enumerate(cases):
            account = account_of(case.sketches)
            query = STYLES[number % len(STYLES)](case.asked)
            answer = reference.answer(query, payloads(account))
            right = oracle.answer(naive(case.asked), account)
            yield vector(case.about, account, query, answer.status) | {
                "answer": json.loads(answer.body),
                "oracle": right,
            }
        for fault in range(6):
            query = refused_query(OldQuestion(REPORT, at("2015-01-01") + fault, JANUARY[1]))
            status = reference.answer(query, ()).status
            yield vector("refused", Account(), query, status) | {
                "answer": None,
                "oracle": None,
            }


def vector(about: str, account: Account, query: str, status: int) -> dict[str, Any]:
    """The fields of a vector except its answers."""
    shown = [
        counted_fields(each)
        | {"number": each["number"], "tags": [{"id": tag["id"]} for tag in each["tags"]]}
        for each in payloads(account)
    ]
    asked = json.dumps([query, shown], separators=(",", ":")).encode()
    return {
        "id": f"new-{sha256(asked).hexdigest()[:8]}",
        "about": about,
        "conversations": shown,
        "query": query,
        "status": status,
    }


def naive(asked: OldQuestion) -> oracle.Asked:
    """The same question in the form that the oracle takes."""
    view_by: Any = asked.view_by
    return oracle.Asked(asked.start, asked.end, asked.previous, view_by, asked.filters)


def text() -> str:
    """The whole file, with one vector a line."""
    head = {"format": VECTORS_FORMAT, "version": VERSION, "about": ABOUT}
    opening = json.dumps(head, indent=1)[:-2]
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in vectors())
    return f'{opening},\n "vectors": [\n{lines}\n]}}\n'
