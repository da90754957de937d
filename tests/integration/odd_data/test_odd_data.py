"""Odd conversations of API 2.0: live answers, synchronisation and offline answers agree."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat.archive.admin import export, import_lines
from compat.archive.database import open_archive
from compat.archive.erasure import find_customers
from compat.archive.sync.run import SyncStopped
from compat.core.models import ListQuery
from compat.doctor.examination import examine
from compat.service import LegacyReports
from tests.integration.exactness.simulated_upstream import Upstream
from tests.integration.odd_data.odd_api import (
    ABSENT,
    CREATED,
    KEYS,
    Filters,
    OddApi,
    ask,
    expected,
    outcome,
    put,
    question,
)
from tests.unit.service.doubles import LONG, basic

OPTIONAL = (
    "number", "threads", "subject", "preview", "closedBy", "closedAt", "userUpdatedAt",
    "customerWaitingSince", "createdBy", "primaryCustomer", "assignee", "closedByUser", "source",
    "cc", "bcc", "customFields", "_links", "_embedded",
)  # fmt: skip
REQUIRED = ("createdAt", "state", "status")
ODD = (None, ABSENT, "", "text", "2015-01-01T00:00:00Z", 7, -1, 1.5, True, 2**63, 2**80)
ODD_OBJECTS: tuple[object, ...] = (
    [],
    {},
    [None],
    [1],
    {"id": None},
    {"id": "x"},
    {"time": ""},
    {"time": None},
)
ODD_TAGS = (
    [{"id": None}],
    [{"tag": "vip"}],
    [{"id": 6001}, {"id": None}],
    [{"id": "6001"}],
)

values = st.sampled_from((*ODD, *ODD_OBJECTS))
changed_values = st.dictionaries(st.sampled_from((*OPTIONAL, *KEYS.values())), values, max_size=4)


def every_way(api: OddApi, filters: Filters | None = None) -> list[int | str]:
    """The outcomes of a question, live, offline, and with both."""
    asked = question(filters)
    return [outcome(ask(each, asked)) for each in (api.live(), api.offline(), api.settings)]


def check(api: OddApi, filters: Filters | None = None) -> None:
    """Each way gives the expected count, or names a conversation and a key that are unknown."""
    wanted = expected(api, question(filters))
    for found in every_way(api, filters):
        if not isinstance(wanted, Mapping):
            assert found == wanted
            continue
        assert isinstance(found, str)
        names = [(key, id_) for id_, keys in wanted.items() for key in keys]
        assert any(f"`{key}` of conversation {id_}, and" in found for key, id_ in names)


@pytest.mark.parametrize("value", [*ODD, *ODD_OBJECTS], ids=repr)
def test_what_no_answer_needs_may_be_anything(
    upstream_server: Upstream, url: str, value: object
) -> None:
    api = OddApi.shown(upstream_server, url)
    api.changes[api.conversations[1].id] = put(**dict.fromkeys(OPTIONAL, value))
    api.sync()
    assert every_way(api) == [6, 6, 6]


@pytest.mark.parametrize(("name", "key"), KEYS.items())
@pytest.mark.parametrize("value", [None, ABSENT, 1.5, {"id": 1}, *ODD_TAGS], ids=repr)
def test_an_unknown_value_fails_only_questions_that_filter_by_it(
    api: OddApi, name: str, key: str, value: object
) -> None:
    row = api.conversations[1]
    own: Filters = {
        "mailboxes": (row.mailbox_id,),
        "folders": (row.folder_id,),
        "types": (row.type,),
        "tags": (6001,),
    }
    api.changes[row.id] = put(**{key: value})
    api.sync()
    assert every_way(api) == [6, 6, 6]
    for each, ids in own.items():
        check(api, {each: ids})
    for found in every_way(api, {name: own[name]}):
        assert f"`{key}` of conversation {row.id}, and" in str(found)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    changes=st.dictionaries(st.integers(0, 5), changed_values, min_size=1, max_size=3),
    chosen=st.fixed_dictionaries(
        {},
        optional={
            "types": st.sampled_from([("email",), ("chat", "phone")]),
            "tags": st.sampled_from([(6001,), (6001, 6002)]),
            "mailboxes": st.just(()),
            "folders": st.just(()),
        },
    ),
)
def test_any_payload_with_odd_values_is_counted_alike_everywhere(
    upstream_server: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
    changes: dict[int, dict[str, Any]],
    chosen: Filters,
) -> None:
    api = OddApi.shown(upstream_server, f"sqlite:///{tmp_path_factory.mktemp('odd')}/archive.db")
    rows = api.conversations
    api.changes |= {rows[at].id: put(**odd) for at, odd in changes.items()}
    own: Filters = {"mailboxes": (rows[0].mailbox_id,), "folders": (rows[0].folder_id,)}
    filters: Filters = chosen | {name: own[name] for name in own if name in chosen}
    api.sync()
    check(api)
    check(api, filters)


@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize("value", [None, ABSENT, "", 3, []], ids=repr)
def test_without_a_required_key_the_error_names_the_conversation_and_the_key(
    upstream_server: Upstream, url: str, key: str, value: object
) -> None:
    api = OddApi.shown(upstream_server, url)
    row = api.conversations[1]
    api.changes[row.id] = put(**{key: value})
    with pytest.raises(SyncStopped) as stop:
        api.sync()
    found = outcome(ask(api.live(), question()))
    for text in (str(stop.value), str(found)):
        assert f"conversation {row.id}: {key}:" in text
    assert stop.value.status == 3
    assert "run it again later" not in str(stop.value)


@pytest.mark.parametrize("key", ["subject", "preview", "type", "status"])
def test_half_of_a_surrogate_pair_is_replaced(api: OddApi, key: str) -> None:
    row = api.conversations[1]
    api.changes[row.id] = put(**{key: "Thanks \ud83d"})
    api.sync()
    assert every_way(api) == [6, 6, 6]
    with api.snapshot() as snapshot:
        (document,) = snapshot.raw_documents([row.id]).values()
    assert json.loads(document)[key] == "Thanks \ufffd"


def test_a_byte_order_mark_before_each_answer_is_skipped(api: OddApi) -> None:
    api.whole = lambda text: codecs.BOM_UTF8 + text.encode()
    api.sync()
    assert every_way(api) == [6, 6, 6]


def test_nul_characters_are_left_out_of_texts(api: OddApi) -> None:
    layout = api.account.layout
    row = api.conversations[1]
    customer = {"id": 91, "first": "A\0da", "last": "\0", "email": "ada\0@example.org"}
    api.changes[row.id] = put(primaryCustomer=customer, subject="a\0b", type="em\0ail")
    names = {layout.mailboxes[0].name, layout.tags[0].name}
    api.whole = lambda text: _with_nul(text, names)
    api.sync()
    assert every_way(api, {"types": ("email",)}) == [4, 4, 4]
    with api.snapshot() as snapshot:
        lists = [
            snapshot.list_items(query) for query in (ListQuery("mailboxes"), ListQuery("tags"))
        ]
        kept = {item.name for items in lists for item in items or ()}
        (document,) = snapshot.documents([row.id])
    assert names <= kept
    assert (document.subject, document.customer.email) == ("ab", "ada@example.org")


def _with_nul(text: str, names: set[str]) -> bytes:
    for name in names:
        text = text.replace(json.dumps(name), json.dumps(f"{name[0]}\0{name[1:]}"))
    return text.encode()


LARGE = 2**63


def test_a_conversation_whose_id_is_too_large_is_counted_live_and_its_second_stays_uncovered(
    api: OddApi,
) -> None:
    row = api.conversations[1]
    api.changes[row.id] = put(id=LARGE)
    for _ in range(2):
        result = api.sync()
        (named,) = [event.facts for event in api.events if event.name == "not stored"]
        assert named == {"conversation": LARGE, "created": row.created}
        before, after = [each.interval for each in result.covered]
        assert (before.last, after.first) == (row.created - 1, row.created + 1)
    live, both = (ask(each, question()) for each in (api.live(), api.settings))
    assert [outcome(live), outcome(both)] == [6, 6]
    assert ask(api.offline(), question()).status == 400
    del api.changes[row.id]
    assert len(api.sync().covered) == 1
    assert every_way(api) == [6, 6, 6]


def test_an_id_that_becomes_too_large_uncovers_its_second(api: OddApi) -> None:
    api.sync()
    row = api.conversations[1]
    api.account.delete(row.id)
    twin = api.account.add(row.created)
    api.changes[twin.id] = put(id=LARGE)
    api.sync(verify=True)
    assert ask(api.offline(), question()).status == 400
    assert outcome(ask(api.live(), question())) == 6


def test_what_is_exported_is_imported_with_the_same_values_unknown(
    api: OddApi, tmp_path: Path
) -> None:
    for at, key in enumerate(KEYS.values()):
        api.changes[api.conversations[at].id] = put(**{key: ABSENT})
    for slim in (False, True):
        url = f"sqlite:///{tmp_path}/{slim}.db"
        with open_archive(url, create=True, slim=slim) as archive, archive.lock():
            pass
    api.sync()
    with api.snapshot() as snapshot:
        lines, unknown = list(export(snapshot)), snapshot.unknown_values()
    assert {name: each.rows for name, each in unknown.items()} == dict.fromkeys(unknown, 1)
    assert len(unknown) == 4
    covers = (CREATED - 100, CREATED + 86_400)
    for slim in (False, True):
        with open_archive(f"sqlite:///{tmp_path}/{slim}.db") as archive:
            with archive.lock() as lock:
                import_lines(archive, lock, BytesIO(b"".join(lines)), covers, covers[1] + 10_000)
            with archive.reading() as snapshot:
                assert snapshot.unknown_values() == unknown
                lines = list(export(snapshot))


def test_a_customer_of_an_odd_conversation_is_erased(api: OddApi) -> None:
    rows = api.conversations
    person = {"id": 91, "type": ["user"], "email": "marked@example.org"}
    api.changes[rows[0].id] = put(
        primaryCustomer=person, tags=None, closedByUser={}, closedBy=ABSENT
    )
    api.changes[rows[1].id] = put(primaryCustomer={"id": None, "email": "marked@example.org"})
    api.changes[rows[2].id] = put(createdBy=[person], mailboxId=None, closedByUser=[], assignee=3)
    api.sync()
    with open_archive(api.archive_url) as archive:
        with archive.lock() as lock:
            with archive.reading() as snapshot:
                found = find_customers(snapshot, "marked@example.org")
            with archive.writing(lock) as writer:
                writer.erase_customers(found, ["marked@example.org"])
        with archive.reading() as snapshot:
            assert b"marked" not in b"".join(
                snapshot.raw_documents([row.id for row in rows]).values()
            )
            assert snapshot.unknown_values().keys() == {"tags", "mailbox"}
    assert found == [91]
    assert every_way(api)[1] == 6


def test_a_list_of_conversations_shows_what_is_unknown_as_empty(api: OddApi) -> None:
    row = api.conversations[-1]
    api.changes[row.id] = put(**dict.fromkeys((*KEYS.values(), "number", "subject"), None))
    api.sync()
    target = question().target().replace("new.json", "new-drilldown.json")
    bodies = []
    for each in (api.live(), api.offline()):
        with LegacyReports(each) as reports:
            answer = reports.answer(target, authorization=basic(), patience=LONG)
        assert answer.status == 200
        bodies.append(json.loads(answer.body)["conversations"]["results"][0])
    assert bodies[0] == bodies[1]
    shown = {key: bodies[0][key] for key in ("id", "type", "mailboxid", "tags", "number")}
    assert shown == {"id": row.id, "type": "", "mailboxid": 0, "tags": [], "number": 0}


def test_the_diagnosis_of_a_conversation_without_a_required_key_is_not_about_rights(
    upstream_server: Upstream, url: str
) -> None:
    api = OddApi.shown(upstream_server, url)
    api.changes[api.conversations[0].id] = put(createdAt="")
    found = examine(api.live()).findings["page size"]
    assert (found.verdict, "report it" in found.to_do) == ("trouble", True)
    assert f"conversation {api.conversations[0].id}: createdAt" in found.what


@pytest.mark.parametrize("key", [*KEYS.values(), "closedBy", "primaryCustomer"])
def test_values_that_no_question_needs_are_no_trouble_for_the_diagnosis(
    upstream_server: Upstream, url: str, key: str
) -> None:
    api = OddApi.shown(upstream_server, url)
    for row in api.conversations:
        api.changes[row.id] = put(**{key: None})
    api.sync()
    found = examine(api.settings).findings
    troubles = {name for name, each in found.items() if each.verdict == "trouble"}
    assert not troubles
    assert (found["archive values"].verdict == "warning") is (key in KEYS.values())
