"""Captures, verdicts, what a fit prints, and golden vectors."""

from __future__ import annotations

import json
import re
import stat
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from compat import LegacyReports
from compat.testing import golden_vectors
from tests.golden import stage
from tests.golden.golden import compare, masked, without
from tests.golden.kept_requests import DRILLDOWN, NEW, RANGE

_TARGETS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    (f"{NEW}?{RANGE}", {"Authorization": stage.basic()}),
    (f"{NEW}?{RANGE}&key=a-secret&viewBy=day", {"Authorization": stage.basic()}),
    (f"{NEW}?start=x", {"Authorization": stage.basic()}),
    (f"{NEW}?{RANGE}", {}),
    ("/v1/mailboxes.json", {"Authorization": stage.basic()}),
    ("/v1/customers.json", {"Authorization": stage.basic()}),
    ("/healthz", {}),
    ("/v2/conversations", {}),
)
_SENTENCES: Final = frozenset({"reason", "conclusion", "asked_at", "taken_at"})
_RULES: Final = """
[[ignore]]
path = "current[3].count"
reason = "it is known"
"""


def test_captures_have_the_form_they_had(base_url: str, tmp_path: Path) -> None:
    path = tmp_path / "captures.jsonl"
    arguments = ("serve", "--port", "0", "--record", str(path))
    with stage.started(*arguments, variables=stage.settings(base_url)) as server:
        for target, headers in _TARGETS:
            stage.fetch(server.port, target, headers=headers)
        server.stop()
    text = path.read_text(encoding="utf-8")
    taken = re.sub(r"20[2-9]\d-\d\d-\d\dT[\d:.]+", "TIME", masked(text))
    compare("formats/captures.jsonl", taken)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.fixture(scope="module")
def verdicts(base_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the verdicts on captures of every kind, in every form."""
    folder = tmp_path_factory.mktemp("verdicts")
    with LegacyReports.from_env(stage.settings(base_url)) as reports:
        lines = list(_captures(reports))
    (folder / "old.jsonl").write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    (folder / "rules.toml").write_text(_RULES, encoding="utf-8")
    done = stage.run(
        *("parity", "check", "old.jsonl", "--ignore", "rules.toml"),
        *("--json", "v.json", "--junit", "v.xml", "--html", "v.html"),
        variables=stage.settings(base_url),
        folder=folder,
    )
    assert done.returncode == 1, done.stderr
    return folder


def test_verdicts_as_json_have_the_form_they_had(verdicts: Path) -> None:
    found = json.loads((verdicts / "v.json").read_text(encoding="utf-8"))
    compare("formats/verdicts.json", without(found, _SENTENCES))


def test_verdicts_as_junit_have_the_form_they_had(verdicts: Path) -> None:
    root = ET.parse(verdicts / "v.xml").getroot()  # noqa: S314 - our own
    compare("formats/junit.txt", "\n".join([*_elements(root), ""]))


def test_verdicts_as_html_have_the_form_they_had(verdicts: Path) -> None:
    page = _Page()
    page.feed((verdicts / "v.html").read_text(encoding="utf-8"))
    compare("formats/html.txt", "\n".join([*page.lines, ""]))


def test_a_fit_prints_what_it_printed(base_url: str, tmp_path: Path) -> None:
    rules = {"COMPAT_EMPTY_BUCKETS_LISTED": "false", "COMPAT_DEFAULT_VIEW_BY": "month"}
    path = tmp_path / "old.jsonl"
    with LegacyReports.from_env(stage.settings(base_url, **rules)) as reports:
        lines = [_capture(reports, target) for target in _many()]
    path.write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    variables = stage.settings(base_url)
    as_toml = stage.run("parity", "fit", str(path), variables=variables)
    as_json = stage.run("parity", "fit", "--json", str(path), variables=variables)
    fitted = json.loads(as_json.stdout)
    compare(
        "formats/fit.json",
        {
            "status": [as_toml.returncode, as_json.returncode],
            "TOML": tomllib.loads(as_toml.stdout),
            "JSON": _shape(fitted),
        },
    )


def test_live_verdicts_have_the_form_they_had(tmp_path: Path) -> None:
    path = tmp_path / "v.json"
    with stage.upstream("plus") as base_url:
        asked = ("--from", "2015-01", "--to", "2015-03", "--requests", "30", "--json", str(path))
        done = stage.run("parity", "live", *asked, variables=stage.settings(base_url))
    found = json.loads(path.read_text(encoding="utf-8"))
    found["verdicts"] = found["verdicts"][:2]
    kept = {"status": done.returncode, "verdicts": without(found, _SENTENCES)}
    compare("formats/live.json", kept)


def test_doctor_as_json_has_the_form_it_had(base_url: str) -> None:
    done = stage.run("doctor", "--json", variables=stage.settings(base_url))
    compare("formats/doctor.json", _findings(json.loads(done.stdout)))


def test_golden_vectors_are_what_they_were() -> None:
    text = files("compat.testing").joinpath("vectors.json").read_text(encoding="utf-8")
    document = json.loads(text)
    vectors = document.pop("vectors")
    assert [each["id"] for each in vectors] == [each.id for each in golden_vectors()]
    digest = sha256(json.dumps(vectors, sort_keys=True).encode()).hexdigest()
    compare(
        "formats/vectors.json",
        {
            **{key: value for key, value in document.items() if key != "about"},
            "keys": sorted({key for each in vectors for key in each}),
            "vectors": {each["id"]: f"{each['status']} {each['query']}" for each in vectors},
            "sha256": digest,
        },
    )


def _captures(reports: LegacyReports) -> Iterator[str]:
    """Captures that are equal, different in each way, ignored, and of no use."""
    plain = json.loads(_capture(reports, f"{NEW}?{RANGE}"))
    body = json.loads(plain["body"])

    def changed(**others: Any) -> str:
        return json.dumps(plain | others)

    yield changed(taken_at="2019-03-01T09:00:00Z", method="GET")
    yield _capture(reports, f"{DRILLDOWN}?{RANGE}&rows=1")
    yield changed(body=plain["body"].replace('"count":1}', '"count":2}'))
    yield changed(body=json.dumps({"current": body["current"][:-1]}))
    yield changed(body=json.dumps({"current": [{"count": 0}, *body["current"][1:]], "more": 1}))
    yield changed(body='{"current":[{"count":"0","start":"2015-01-01T00:00:00Z"}]}')
    yield changed(body=json.dumps(_with_count(body, 3, 99), separators=(",", ":")))
    yield changed(body="no JSON")
    yield changed(target=f"{NEW}?start=x", body="{}")
    yield changed(status=401, body='{"code":401,"error":"no"}')
    yield changed(status=400, body='{"code":400,"error":"no"}')
    yield changed(target="/v1/customers.json", body="{}")
    yield "no JSON"


def _with_count(body: Any, at: int, count: int) -> Any:
    buckets = [dict(each) for each in body["current"]]
    buckets[at]["count"] = count
    return {"current": buckets}


def _capture(reports: LegacyReports, target: str) -> str:
    answer = reports.answer(target, authorization=stage.basic())
    line = {"target": target, "status": answer.status, "body": answer.body.decode("utf-8")}
    return json.dumps(line)


def _many() -> Iterator[str]:
    """Requests that show which rules apply."""
    for month in range(1, 10):
        days = f"start=2015-0{month}-03T10:00:00Z&end=2015-0{month}-23T09:59:59Z"
        yield f"{NEW}?{days}&viewBy=day"
        yield f"{NEW}?{days}&viewBy=week"
        yield f"{NEW}?{days}"
        yield f"{NEW}?start=2015-0{month}-01&end=2015-12-31T23:59:59Z&viewBy=month&types=email"


def _elements(element: ET.Element, depth: int = 0) -> Iterator[str]:
    """A line for each element; of its texts, that they are there."""
    kept = {"name", "classname", "tests", "failures", "errors", "skipped", "type", "value"}
    shown = " ".join(
        f'{name}="{masked(text)}"' if name in kept else name
        for name, text in element.attrib.items()
    )
    text = " …" if (element.text or "").strip() else ""
    yield f"{' ' * depth}{element.tag} {shown}{text}".rstrip()
    for child in element:
        yield from _elements(child, depth + 1)


class _Page(HTMLParser):
    """The elements of a page with their classes and ids; what a `meta` says; no texts.

    Attributes:
        lines: One for each kind of element at its place, the first of equal ones alone.
    """

    _EMPTY: Final = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._path: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        kind = tag + "".join(f".{each}" for each in (named.get("class") or "").split())
        if tag == "meta":
            content = re.sub(r"sha256-[\w+/=]+", "sha256-…", str(named.get("content")))
            line = " ".join([*self._path, kind, *named, content])
        else:
            line = " > ".join([*self._path, kind]) + "".join(f" [{name}]" for name in sorted(named))
        if line not in self.lines:
            self.lines.append(line)
        if tag not in self._EMPTY:
            self._path.append(kind)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._EMPTY:
            self._path.pop()

    def handle_endtag(self, tag: str) -> None:
        while self._path and self._path.pop().partition(".")[0] != tag:
            pass


def _shape(value: Any) -> Any:
    """Keys, words and what is true; in place of sentences and measured numbers, their types."""
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_shape(each) for each in value[:3]]
    if isinstance(value, str) and re.fullmatch(r"[\w.-]*", value):
        return value
    return value if value is None or isinstance(value, bool) else f"<{type(value).__name__}>"


def _findings(value: Any) -> Any:
    """The same, with all the findings of a list."""
    if isinstance(value, list):
        return [_findings(each) for each in value]
    if isinstance(value, dict):
        return {key: _findings(each) for key, each in value.items()}
    return _shape(value)
