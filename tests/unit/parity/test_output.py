"""Verdicts are written as text, JSON, JUnit XML and HTML, and each can be read again."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, TextIO
from xml.etree import ElementTree

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from compat.parity.ignore_rules import Rule, Rules
from compat.parity.output import html
from compat.parity.output.html import HtmlWriter, drawable_series, svg
from compat.parity.output.json import JsonWriter
from compat.parity.output.junit import JUnitWriter
from compat.parity.output.text import TextWriter, curl
from compat.parity.verdicts import (
    OUTCOMES,
    Outcome,
    Place,
    Report,
    Verdict,
    VerdictCounts,
    VerdictWriter,
)
from tests.integration.docs.pages import ROOT
from tests.unit.service.doubles import JANUARY

SCHEMA = json.loads((ROOT / "docs" / "reference" / "verdicts.schema.json").read_text("utf-8"))
VOID = {"meta", "input", "br"}
KINDS: dict[str, Callable[[TextIO], VerdictWriter]] = {
    "text": TextWriter,
    "json": JsonWriter,
    "junit": JUnitWriter,
    "html": HtmlWriter,
}


def series(*counts: int) -> list[dict[str, Any]]:
    return [{"start": f"2015-01-{at:02}T00:00:00Z", "count": n} for at, n in enumerate(counts, 1)]


def verdict(outcome: Outcome = "equal", **others: Any) -> Verdict:
    plain: dict[str, Any] = {
        "place": "old.jsonl:1",
        "target": JANUARY,
        "taken_at": None,
        "outcome": outcome,
        "reason": None,
        "differences": (),
        "deltas": {},
    }
    return Verdict(**plain | others)


def different(outcome: Outcome = "different", **others: Any) -> Verdict:
    """A count that is 3 and was 7, and a series that is not there any more."""
    ignored = "a known one" if outcome == "ignored" else None
    places = (
        Place(path="current[1].count", kind="value", old=7, new=3, ignored=ignored),
        Place(path="previous", kind="missing", old=[], ignored=ignored),
    )
    plain = {
        "taken_at": datetime(2019, 3, 1, tzinfo=UTC),
        "differences": places,
        "deltas": {"current": -4},
        "old": {"current": series(1, 7), "previous": []},
        "new": {"current": series(1, 3)},
    }
    return verdict(outcome, **plain | others)


ALL = [
    verdict(),
    different(),
    different("ignored", place="old.jsonl:3"),
    verdict("elsewhere", place="site.har#4", target="/v1/x", reason="not answered here: GET /v1/x"),
    verdict("inconclusive", place="old.jsonl:5", reason="what was recorded is a 401"),
    verdict("unasked", place="old.jsonl:6", reason="answered with 503: no route"),
    verdict("unreadable", place="old.jsonl:7", target=None, reason="the line is no JSON"),
    verdict("damaged", place="site.har#8", target=None, reason="from here on it is not read"),
]


def written(kind: str, verdicts: Sequence[Verdict] = ALL, rules: Rules | None = None) -> str:
    stream, counts = io.StringIO(), VerdictCounts()
    writer = KINDS[kind](stream)
    for each in verdicts:
        counts.count(each)
        writer.add(each)
    writer.finish(counts.summary((rules or Rules()).used()))
    return stream.getvalue()


def test_text_lists_differences_and_a_summary() -> None:
    assert written("text").splitlines() == [
        "old.jsonl:1: different (current -4)",
        f"    {JANUARY}",
        "    current[1].count: value, 7 was recorded, 3 is answered",
        "    previous: missing, [] was recorded, nothing is answered",
        "old.jsonl:3: different for a known reason (current -4)",
        f"    {JANUARY}",
        "    current[1].count: value, 7 was recorded, 3 is answered, ignored: a known one",
        "    previous: missing, [] was recorded, nothing is answered, ignored: a known one",
        "site.har#4: for other routes (not answered here: GET /v1/x)",
        "old.jsonl:5: inconclusive (what was recorded is a 401)",
        "old.jsonl:6: not asked (answered with 503: no route)",
        "old.jsonl:7: unreadable (the line is no JSON)",
        "site.har#8: damaged (from here on it is not read)",
        (
            "8 captures: 1 equal, 1 different, 1 different for a known reason, "
            "1 for other routes, 1 inconclusive, 1 not asked, 1 unreadable, 1 damaged"
        ),
        (
            "Some answers differ. Some could not be asked. "
            "Some files are damaged and were not read completely."
        ),
    ]


def test_text_lists_the_first_of_many_differences_and_the_number_of_the_others() -> None:
    places = different().differences[:1] * 12
    assert "    and 7 more" in written("text", [different(differences=places)]).splitlines()


def test_text_names_the_rules_that_ignored_nothing() -> None:
    said = written("text", [verdict()], Rules([Rule(reason="an old one", path="x")]))
    assert said.splitlines()[-1] == "Some rules ignored nothing and have to go: an old one."


def test_text_contains_no_control_characters() -> None:
    hostile = verdict("unreadable", place="\x1b[31m\x07.jsonl:1", reason="\x9b2J")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", written("text", [hostile]))


@pytest.mark.parametrize("verdicts", [[], ALL[:1], ALL], ids=["none", "one", "all"])
def test_json_follows_the_published_schema(verdicts: list[Verdict]) -> None:
    said = json.loads(written("json", verdicts, Rules([Rule(reason="why", kind="value")])))
    jsonschema.validate(said, SCHEMA, cls=jsonschema.Draft202012Validator)
    assert [each["place"] for each in said["verdicts"]] == [each.place for each in verdicts]
    assert Report.model_validate(said).verdicts == tuple(verdicts)


def test_the_published_schema_refuses_what_is_something_else() -> None:
    said = json.loads(written("json"))
    for broken in (
        said | {"format": "another/2"},
        said | {"verdicts": [{"place": "x"}]},
        said | {"verdicts": [said["verdicts"][0] | {"outcome": "fine"}]},
        said | {"further": 1},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_json_distinguishes_absent_and_null() -> None:
    places = (
        Place(path="a", kind="missing", old=None, ignored=None),
        Place(path="b", kind="extra", new=None, ignored=None),
    )
    (each,) = json.loads(written("json", [different(differences=places)]))["verdicts"]
    assert each["differences"] == [
        {"path": "a", "kind": "missing", "old": None, "ignored": None},
        {"path": "b", "kind": "extra", "new": None, "ignored": None},
    ]


def test_junit_can_be_read_by_a_junit_parser() -> None:
    suite = next(iter(JUnitXml.fromstring(written("junit").encode())))
    results = [type(case.result[0]) if case.result else None for case in suite]
    assert results == [None, Failure, None, Skipped, Skipped, Error, Skipped, Error]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (8, 1, 2, 3)
    failed = next(case for case in suite if case.name.startswith("old.jsonl:1 ") and case.result)
    assert failed.result[0].message == "current -4"
    assert "current[1].count: value, 7 was recorded, 3 is answered" in failed.result[0].text
    ignored = next(case for case in suite if case.name.startswith("old.jsonl:3"))
    assert "ignored: a known one" in ignored.system_out


ATTRIBUTES = {
    "testsuites": {"name"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
    "system-out": set[str](),
}
"""The attributes of each element that a strict reader, such as that of Jenkins, accepts."""


def test_junit_is_accepted_by_a_strict_reader() -> None:
    root = ElementTree.fromstring(written("junit"))  # noqa: S314 - our own
    assert {each.tag for each in root.iter()} == ATTRIBUTES.keys()
    for each in root.iter():
        assert each.attrib.keys() <= ATTRIBUTES[each.tag], each.tag


def test_junit_fails_for_a_rule_that_ignored_nothing() -> None:
    said = written("junit", [verdict()], Rules([Rule(reason="an old one", path="x")]))
    suite = next(iter(JUnitXml.fromstring(said.encode())))
    *_, rule = suite
    assert (rule.classname, rule.name, suite.failures, suite.tests) == ("rules", "an old one", 1, 2)


class Page(HTMLParser):
    """The elements and texts of a page; fails if it is not well-formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def test_the_page_lists_every_capture_and_a_summary() -> None:
    page = Page(written("html"))
    for each in ALL:
        assert each.place in page.text
        assert each.reason is None or each.reason in page.text
    assert "Some answers differ." in page.text
    assert page.tags.count("tbody") - page.tags.count("table") + 1 == len(ALL)


def test_the_page_loads_nothing() -> None:
    said = written("html")
    page = Page(said)
    assert not {"script", "link", "img", "iframe", "object", "base", "a"} & set(page.tags)
    assert not {"src", "href", "srcset", "style"} & {name for name, _ in page.attributes}
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert not re.search(r"@import|url\(", said)
    assert "default-src 'none'" in said


def test_the_page_draws_both_series_and_gives_the_command_without_a_key() -> None:
    page = Page(written("html", [different()]))
    assert page.tags.count("svg") == 1
    classes = [value for name, value in page.attributes if name == "class"]
    assert {"old", "new", "differs"} <= set(classes)
    assert "2015-01-02T00:00:00Z: 7 recorded, 3 answered" in page.text
    assert curl(JANUARY) in page.text
    assert "YOUR_OLD_KEY" in page.text


def test_the_page_can_show_each_outcome_alone() -> None:
    said = written("html")
    for outcome in OUTCOMES:
        assert f"#show-{outcome}:checked ~ main tbody.capture:not(.{outcome})" in said
        assert f'for="show-{outcome}"' in said


def test_the_page_draws_the_first_hundreds_and_notes_it_at_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(html, "_MAX_DETAILED", 2)
    page = Page(written("html", [different()] * 3))
    assert page.tags.count("svg") == 2
    assert "Not drawn: only the first 2 are." in page.text


def test_the_page_lists_the_rules_and_marks_those_that_ignored_nothing() -> None:
    page = Page(written("html", [verdict()], Rules([Rule(reason="an old one", path="x[*]")])))
    assert "an old one" in page.text
    assert "x[*]" in page.text
    assert "none" in page.text


def test_the_command_repeats_the_request_whatever_is_in_it() -> None:
    target = "/v1/tags.json?x='; rm -rf $HOME #"
    assert shlex.split(curl(target)) == [
        *("curl", "-u", "YOUR_OLD_KEY:X"),
        f"http://127.0.0.1:8080{target}",
    ]


hostile = st.text("<>&\"'/ab\x00\x1b\ufffe\U0001f600;{}", max_size=12)


@given(hostile, hostile, hostile)
def test_any_text_in_captures_is_escaped(one: str, two: str, three: str) -> None:
    place = Place(path=two, kind="value", old=one, new={three: one}, ignored=two)
    answers: dict[str, Any] = {one: [{"start": three, "count": 1}]}
    each = different(
        place=one,
        target="/" + two,
        reason=three,
        differences=(place,),
        deltas={one: 1},
        old=answers,
        new={one: [{"start": three, "count": 2}]},
    )
    plain = Page(written("html", [different("ignored", reason="x")]))
    assert set(Page(written("html", [each])).tags) <= set(plain.tags)
    JUnitXml.fromstring(written("junit", [each]).encode())
    said = json.loads(written("json", [each]))
    assert said["verdicts"][0]["place"] == one


@pytest.mark.parametrize(
    ("old", "new", "drawn"),
    [
        ({"current": series(1)}, {"current": series(2)}, ["current"]),
        ({"current": series(1)}, {"current": series(1)}, []),
        ({"current": series(1, 2)}, {"current": series(1)}, ["current"]),
        (
            {"current": series(1), "previous": series(2)},
            {"current": series(2), "previous": series(1)},
            ["current", "previous"],
        ),
        ({"current": series(1)}, {}, []),
        ({"current": [{"start": "x", "count": "1"}]}, {"current": series(1)}, []),
        ({"current": [{"start": "x", "count": True}]}, {"current": series(1)}, []),
        ({"page": 1, "items": []}, {"page": 1, "items": [1]}, []),
        ([], {}, []),
        ("no JSON", {"current": series(1)}, []),
        ({"current": series(*range(401))}, {"current": []}, []),
    ],
)
def test_series_are_drawn_where_both_answers_have_them_and_they_differ(
    old: Any, new: Any, drawn: list[str]
) -> None:
    assert drawable_series(old, new) == drawn
    for name in drawn:
        Page(svg(name, old, new))


def test_a_bucket_that_is_not_answered_breaks_the_line() -> None:
    drawing = svg("current", {"current": series(1, 2, 3)}, {"current": series(1)})
    (path,) = re.findall(r'class="new" d="([^"]*)"', drawing)
    assert path.count("M") == 1
    assert path.count("L") == 1
