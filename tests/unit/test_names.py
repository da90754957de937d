"""Names of mailboxes, folders, tags, users and teams become ids."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.names import Names, UnknownName


def mailbox(id_: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(id=id_, name=name, email=f"{name.lower()}@example.com")


def folder(id_: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(id=id_, name=name)


def tag(id_: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(id=id_, tag=name)


def person(id_: int, name: str) -> SimpleNamespace:
    return SimpleNamespace(id=id_, fullName=name, email=f"{id_}@example.com")


LISTS: dict[tuple[str, int | None], Sequence[Any]] = {
    ("mailboxes", None): [mailbox(1, "Support"), mailbox(2, "Sales"), mailbox(3, "2015")],
    ("folders", 1): [folder(11, "Unassigned"), folder(12, "Refunds")],
    ("folders", 2): [folder(21, "Unassigned")],
    ("folders", 3): [],
    ("tags", None): [
        *(tag(31, "vip"), tag(32, "billing"), tag(33, "invoices"), tag(34, "billing, invoices")),
        *(tag(35, "how to"), tag(36, "42"), tag(37, "Straße")),
    ],
    ("users", None): [person(41, "Ann Lee"), person(42, "Bob Ray"), person(43, "Ann Lee")],
    ("teams", None): [person(51, "Tier Two"), person(52, "Bob Ray")],
}


class Fetch:
    """Lists, and which of them were loaded."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, int | None]] = []

    def __call__(self, name: str, mailbox: int | None = None) -> Sequence[Any]:
        self.loaded.append((name, mailbox))
        return LISTS[name, mailbox]


@pytest.mark.parametrize("value", ["41,42", [41, 42]])
def test_of_several_users_none_is_chosen(value: Any) -> None:
    assert refused(user=value) == "user: give one user or team, not 2"
    assert ids(user="41,41") == {"user": 41}


def ids(**values: Any) -> dict[str, Any]:
    return Names(Fetch()).replace(values)


def refused(**values: Any) -> str:
    with pytest.raises(UnknownName) as caught:
        ids(**values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given_", "found"),
    [
        ({"mailboxes": ["Support"]}, {"mailboxes": [1]}),
        ({"mailboxes": "sUPPORT, sales@example.com"}, {"mailboxes": [1, 2]}),
        ({"mailboxes": ["Support", "1", 2, "sales"]}, {"mailboxes": [1, 2]}),
        ({"tags": ["  how   to "]}, {"tags": [35]}),
        ({"tags": ["STRASSE"]}, {"tags": [37]}),
        ({"user": "ann LEE "}, None),
        ({"user": "Tier Two"}, {"user": 51}),
        ({"user": "43@example.com"}, {"user": 43}),
        ({"user": 7}, {"user": 7}),
        ({"folders": ["refunds"]}, {"folders": [12]}),
        ({"folders": ["Unassigned"], "mailboxes": ["Sales"]}, {"folders": [21], "mailboxes": [2]}),
        (
            {"types": "email", "tags": (), "user": None},
            {"types": "email", "tags": (), "user": None},
        ),
    ],
)
def test_a_name_stands_for_an_id(given_: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        assert refused(**given_)
    else:
        assert ids(**given_) == found


@pytest.mark.parametrize("value", [36, "36", " 36 "])
def test_what_consists_of_digits_is_an_id_and_loads_nothing(value: int | str) -> None:
    fetch = Fetch()
    assert Names(fetch).replace({"tags": [value], "mailboxes": "2015"}) == {
        "tags": [36],
        "mailboxes": [2015],
    }
    assert fetch.loaded == []


def test_a_list_is_loaded_once() -> None:
    fetch = Fetch()
    Names(fetch).replace({"tags": ["vip", "how to", "Straße"]})
    assert fetch.loaded == [("tags", None)]


def test_a_name_with_a_comma_is_one_name() -> None:
    assert ids(tags=["billing, invoices"]) == {"tags": [34]}
    assert ids(tags=["Billing,  Invoices", "vip"]) == {"tags": [34, 31]}
    assert ids(tags=["invoices, billing"]) == {"tags": [33, 32]}


def test_an_ambiguous_name_lists_what_may_be_meant() -> None:
    assert refused(folders=["unassigned"]) == (
        "folders: folder 'unassigned' is not the only one of this name: give an id, one of "
        "Unassigned of Support (11), Unassigned of Sales (21)"
    )
    assert refused(user="Ann Lee").endswith("one of Ann Lee (41), Ann Lee (43)")
    assert refused(user="Bob Ray").endswith("one of Bob Ray (42), Bob Ray, a team (52)")


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        (
            {"mailboxes": ["Suport"]},
            "mailboxes: no mailbox is called 'Suport': is Support (1) meant?",
        ),
        (
            {"tags": ["ballast"]},
            "tags: no tag is called 'ballast': `helpscout-v1 list tags` prints all names and ids",
        ),
        (
            {"user": "ann"},
            "user: no user or team is called 'ann': is Ann Lee (41) or Ann Lee (43) meant?",
        ),
        ({"user": "Two"}, "user: no user or team is called 'Two': is Tier Two, a team (51) meant?"),
        ({"folders": ["Refund"], "mailboxes": [2]}, "folders: no folder is called 'Refund'"),
        ({"user": "-1"}, "user: no user or team is called '-1'"),
        ({"tags": ["vip,nobody"]}, "tags: no tag is called 'nobody'"),
    ],
)
def test_an_unknown_name_lists_close_ones(given_: dict[str, Any], said: str) -> None:
    assert refused(**given_).startswith(said)


def test_an_error_names_the_parameter_as_the_caller_writes_it() -> None:
    with pytest.raises(UnknownName, match=r"^--tags: "):
        Names(Fetch(), lambda name: f"--{name}").replace({"tags": ["nothing"]})


@given(st.lists(st.sampled_from([each.tag for each in LISTS["tags", None]]), min_size=1))
def test_each_name_alone_and_all_of_them_together_are_the_same_ids(names: list[str]) -> None:
    one_by_one = [id_ for name in names for id_ in ids(tags=[name])["tags"]]
    assert ids(tags=names)["tags"] == list(dict.fromkeys(one_by_one))
