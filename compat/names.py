"""Ids of mailboxes, folders, tags, users and teams by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from compat.engines import EngineAnswer

_ID: Final = re.compile(r"[0-9]{1,18}")
_MOST_SHOWN: Final = 10
"""How many candidates an error names."""

_CLOSE: Final = 3
"""How many names that are nearly the same an error names."""


class Compute(Protocol):
    """Computes a list, as `compat.service.LegacyReports.compute` does."""

    def __call__(
        self,
        report: str,
        pairs: Sequence[tuple[str, str]],
        account: str | None = None,
        *,
        all_pages: bool,
    ) -> EngineAnswer:
        """The list with this name and these parameters."""


class UnknownName(LookupError):
    """A name that nothing has, or several things; the message lists what may be meant."""


@dataclass(frozen=True)
class NamedItem:
    """Something that has a name.

    Attributes:
        id: Its id.
        names: What it may be called; the first is the one that is shown.
        note: What tells it from others of the same name; may be empty.
    """

    id: int
    names: tuple[str, ...]
    note: str = ""

    def __str__(self) -> str:
        return f"{self.names[0]}{self.note} ({self.id})"


def fetch_items(
    compute: Compute, report: str, account: str | None = None, **ids: int
) -> tuple[Any, ...]:
    """All items of a list, from all of its pages, as models.

    Args:
        compute: Computes the list.
        report: The name of the list in the table of routes.
        account: The name of the account; not needed if there is only one.
        **ids: The ids in the list's path.

    Raises:
        compat.v1.errors.LegacyError: The error that the old API would have returned.
        LookupError: There is no such account, or there are several and no name.
    """
    pairs = [(name, str(id_)) for name, id_ in ids.items()]
    answer: Any = compute(report, pairs, account, all_pages=True).answer
    return tuple(answer.items)


def has_names(values: Mapping[str, Any]) -> bool:
    """Whether a parameter that takes ids has a text, which may be a name."""
    named = (values[parameter] for parameter in NAMED if values.get(parameter) is not None)
    return any(
        isinstance(each, str) or not isinstance(each, int | Sequence) or _has_text(each)
        for each in named
    )


def _has_text(values: object) -> bool:
    return isinstance(values, Sequence) and any(isinstance(each, str) for each in values)


class Names:
    """Finds ids by names. A list is loaded when a name is looked up in it, and then kept.

    Names are compared as a whole; capitals and the number of blanks make no difference. What
    consists of digits alone is an id, also where something has that name.

    Args:
        fetch: Returns all items of a list, as `fetch_items` does, from the list's name and the ids
            in its path.
        label: Writes a parameter's name for errors.
    """

    def __init__(
        self, fetch: Callable[..., Sequence[Any]], label: Callable[[str], str] = str
    ) -> None:
        self._fetch = fetch
        self._label = label
        self._lists: dict[tuple[str, tuple[int, ...]], Sequence[NamedItem]] = {}

    def replace(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same parameters, with ids in place of names.

        A text may be several names, separated by commas, unless it is the name of something as a
        whole. If mailboxes are given, folders are looked up in these alone.

        Args:
            values: Parameters of a report or a list; only those in `NAMED` are changed. Of `user`,
                `mailbox` and `team` there is one value; of the others there may be several.

        Raises:
            UnknownName: Nothing has a name, or several things have it; or several are given where
                there can be one.
            compat.v1.errors.LegacyError: A list cannot be loaded.
        """
        found = dict(values)
        for parameter, kind in NAMED.items():
            if found.get(parameter) in (None, (), ""):
                continue
            within = tuple(found.get("mailboxes") or ()) if parameter == "folders" else ()
            ids = self._ids(parameter, found[parameter], within)
            if len(ids) > 1 and not kind.many:
                raise UnknownName(f"{self._label(parameter)}: give one {kind.noun}, not {len(ids)}")
            found[parameter] = ids if kind.many or not ids else ids[0]
        return found

    def _ids(self, parameter: str, value: Any, within: tuple[int, ...]) -> list[Any]:
        values = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        found = [id_ for each in values for id_ in self._ids_of(parameter, each, within)]
        return list(dict.fromkeys(found))

    def _ids_of(self, parameter: str, value: Any, within: tuple[int, ...]) -> list[Any]:
        if not isinstance(value, str):  # an id, or what the parsing of parameters refuses
            return [value]
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if len(parts) > 1 and not all(map(_ID.fullmatch, parts)):
            is_name = not NAMED[parameter].many or self._matches(parameter, value, within)
            parts = [value] if is_name else parts
        return [
            int(part) if _ID.fullmatch(part) else self._id(parameter, part, within)
            for part in parts
        ]

    def _id(self, parameter: str, name: str, within: tuple[int, ...]) -> int:
        """The id of what has a name.

        Raises:
            UnknownName: Nothing has it, or several things have it.
        """
        matches = self._matches(parameter, name, within)
        noun = NAMED[parameter].noun
        if len(matches) == 1:
            return matches[0].id
        if matches:
            raise UnknownName(
                f"{self._label(parameter)}: {noun} {name!r} is not the only one of this name: give "
                f"an id, one of {_shown(matches)}"
            )
        close = self._close(parameter, name, within)
        advice = f"is {_shown(close, ' or ')} meant?" if close else NAMED[parameter].advice
        raise UnknownName(f"{self._label(parameter)}: no {noun} is called {name!r}: {advice}")

    def _matches(self, parameter: str, name: str, within: tuple[int, ...]) -> list[NamedItem]:
        wanted = _key(name)
        found = self._candidates(parameter, within)
        return [each for each in found if wanted in map(_key, each.names)]

    def _close(self, parameter: str, name: str, within: tuple[int, ...]) -> list[NamedItem]:
        found = self._candidates(parameter, within)
        keys = {_key(text): each for each in found for text in each.names if text}
        close = get_close_matches(_key(name), list(keys), n=_CLOSE, cutoff=0.6)
        longer = [each for each in found if _has_words(each, name)]
        return list(dict.fromkeys([*longer, *(keys[each] for each in close)]))

    def _candidates(self, parameter: str, within: tuple[int, ...]) -> Sequence[NamedItem]:
        key = parameter, within
        if key not in self._lists:
            found = NAMED[parameter].candidates(self._fetch, within)
            self._lists[key] = tuple({each.id: each for each in found}.values())
        return self._lists[key]


Fetch = Callable[..., Sequence[Any]]


def _mailboxes(fetch: Fetch, _within: tuple[int, ...]) -> Iterator[NamedItem]:
    for each in fetch("mailboxes"):
        yield NamedItem(each.id, (each.name, each.email))


def _tags(fetch: Fetch, _within: tuple[int, ...]) -> Iterator[NamedItem]:
    for each in fetch("tags"):
        yield NamedItem(each.id, (each.tag,))


def _folders(fetch: Fetch, within: tuple[int, ...]) -> Iterator[NamedItem]:
    for mailbox in fetch("mailboxes"):
        if not within or mailbox.id in within:
            for each in fetch("folders", mailbox=mailbox.id):
                yield NamedItem(each.id, (each.name,), f" of {mailbox.name}")


def _users(fetch: Fetch, within: tuple[int, ...]) -> Iterator[NamedItem]:
    for each in fetch("users"):
        yield NamedItem(each.id, (each.fullName, each.email))
    yield from _teams(fetch, within)


def _teams(fetch: Fetch, _within: tuple[int, ...]) -> Iterator[NamedItem]:
    for each in fetch("teams"):
        yield NamedItem(each.id, (each.fullName,), ", a team")


@dataclass(frozen=True)
class Kind:
    """What a parameter names.

    Attributes:
        noun: One of them, in words.
        command: The list of the command line that has them.
        candidates: Loads all of them, or those in some mailboxes.
        many: Whether there may be several of them.
    """

    noun: str
    command: str
    candidates: Callable[[Fetch, tuple[int, ...]], Iterable[NamedItem]]
    many: bool = True

    @property
    def advice(self) -> str:
        """What to do if there is none of a name."""
        return f"`helpscout-v1 list {self.command}` prints all names and ids"


NAMED: Final[Mapping[str, Kind]] = {
    "mailboxes": Kind("mailbox", "mailboxes", _mailboxes),
    "folders": Kind("folder", "folders", _folders),
    "tags": Kind("tag", "tags", _tags),
    "user": Kind("user or team", "users", _users, many=False),
    "mailbox": Kind("mailbox", "mailboxes", _mailboxes, many=False),
    "team": Kind("team", "teams", _teams, many=False),
}
"""The parameters of reports and lists that take ids, and what these are ids of.

Mailboxes come before folders, which are looked up in them.
"""


def _key(name: str) -> str:
    """A name without what makes no difference."""
    return " ".join(name.split()).casefold()


def _has_words(candidate: NamedItem, name: str) -> bool:
    """Whether a name is a part of a candidate's, as a first name is."""
    words = set(_key(name).split())
    return bool(words) and any(words <= set(_key(text).split()) for text in candidate.names)


def _shown(candidates: Sequence[NamedItem], between: str = ", ") -> str:
    more = f" and {len(candidates) - _MOST_SHOWN} more" if len(candidates) > _MOST_SHOWN else ""
    return between.join(map(str, candidates[:_MOST_SHOWN])) + more
