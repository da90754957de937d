"""In any order of saving, the archive holds what was seen last."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive.database import Archive
from compat.archive.records import LAYERS
from compat.core.intervals import Coverage, Interval
from compat.core.models import Row
from tests.unit.archive.samples import empty, record, rows

EXAMPLES = settings(
    max_examples=settings().max_examples // 8,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Told:
    """What is saved of a conversation: a record, or that it was deleted."""

    id: int
    seen: int
    status: str | None


events = st.lists(
    st.builds(
        Told,
        st.integers(1, 3),
        st.integers(1, 6),
        st.sampled_from(["active", "closed", "spam", None]),
    ),
    max_size=12,
)
portions = st.lists(st.integers(1, 4), max_size=12)


def expected(everything: list[Told]) -> list[Row]:
    """Of each conversation the record of the last second; the last one saved, if several."""
    last: dict[int, Told] = {}
    for each in everything:
        if each.id not in last or each.seen >= last[each.id].seen:
            last[each.id] = each
    return sorted(record(each.id, status=each.status).row for each in last.values() if each.status)


@EXAMPLES
@given(everything=events, sizes=portions)
def test_an_older_record_never_replaces_a_newer(
    archive: Archive, everything: list[Told], sizes: list[int]
) -> None:
    with archive.lock() as lock:
        with archive.writing(lock) as writer:
            empty(writer)
        rest = list(everything)
        for size in [*sizes, len(rest) or 1]:
            with archive.writing(lock) as writer:
                for each in rest[:size]:
                    if each.status is None:
                        writer.remove([each.id], each.seen)
                    else:
                        writer.save([record(each.id, seen=each.seen, status=each.status)])
            del rest[:size]
    assert rows(archive) == expected(everything)


knowledge = st.lists(
    st.builds(
        lambda first, length, as_of: Coverage(Interval(first, first + length), as_of),
        st.integers(0, 12),
        st.integers(0, 6),
        st.integers(1, 4),
    ),
    max_size=6,
)


@EXAMPLES
@given(layers=st.tuples(knowledge, knowledge, knowledge))
def test_coverage_is_for_each_second_the_oldest_of_the_newest_of_each_layer(
    archive: Archive, layers: tuple[list[Coverage], ...]
) -> None:
    with archive.lock() as lock, archive.writing(lock) as writer:
        empty(writer)
        for layer, parts in zip(LAYERS, layers, strict=True):
            for known in parts:
                writer.add_coverage(layer, known)

    def best(parts: list[Coverage], second: int) -> int:
        return max(
            (p.as_of for p in parts if p.interval.first <= second <= p.interval.last), default=0
        )

    with archive.reading() as snapshot:
        covered = snapshot.coverage()
    for second in range(20):
        assert best(covered, second) == min(best(parts, second) for parts in layers)
    assert covered == sorted(covered)
    assert all(
        one.interval.last + 1 < other.interval.first or one.as_of != other.as_of
        for one, other in pairwise(covered)
    )
