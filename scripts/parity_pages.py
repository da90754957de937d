"""The pages under docs/reference about captures and verdicts, as the models give them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from pydantic.fields import FieldInfo

from compat.parity.ignore_rules import Rule
from compat.parity.verdicts import OUTCOMES, Place, Summary, Verdict
from compat.server.recorder import MAX_BYTES, MAX_FILES, Record

EXAMPLE = {
    "taken_at": "2019-03-01T09:00:00Z",
    "method": "GET",
    "target": "/v1/reports/conversations/new.json?start=2015-01-01T00:00:00Z"
    "&end=2015-01-07T23:59:59Z",
    "status": 200,
    "body": '{"current":[{"start":"2015-01-01T00:00:00Z","count":7}]}',
}


def captures() -> Iterator[str]:
    """The formats that captures are read from."""
    yield "# Captures"
    yield (
        "A capture is an old request and the answer that was recorded for it. [`parity check`]"
        "(../how-to/prove-parity.md) reads them from JSON lines and from HAR, from files or "
        "(as `-`) from standard input; what is in a file tells its format. They are read one at a "
        "time, so there may be any number. What cannot be read is named with its place, "
        "`old.jsonl:12` or `site.har#3`, and passed over."
    )
    yield "## JSON lines"
    yield (
        "One object a line, in UTF-8. `serve --record` writes them; so can you, from logs of your "
        "own. Empty lines are nothing and unknown fields are ignored. "
        "[captures.schema.json](captures.schema.json) describes a line."
    )
    yield f"```json\n{json.dumps(EXAMPLE)}\n```"
    yield _table(("field", "required", "meaning"), _fields(Record.model_fields))
    yield "## HAR"
    yield (
        "HAR 1.2, as the network panels of browsers and many proxies save it, needs the extra "
        "`[parity]`. Entries whose path does not begin with `/v1/` are passed over, whatever "
        "their host. Bodies may be in base64. Where a body was saved as it came over the wire, "
        "it is decoded by its `Content-Encoding`: gzip and deflate, and br or zstd where the "
        "package brotli or zstandard is installed. A 304 counts as the 200 that the browser had "
        "kept."
    )
    yield "## Secrets"
    yield (
        "API keys are not kept: neither the `Authorization` header nor a name in a URL is read or "
        "written. Parameters that no report has read `REDACTED`. What answers hold, such as "
        "subjects in a drilldown, is recorded as it is: a file of captures is as confidential "
        "as your account."
    )
    yield "## What serve records"
    yield (
        "Every request below `/v1/` with its answer, errors included; nothing else. The file is "
        f"its owner's alone (mode 0600) and grows to {MAX_BYTES // 1024**2} MiB; then it becomes "
        f"`FILE.1`, and what was `FILE.{MAX_FILES}` goes. Recording never holds an answer up: "
        "where the file cannot be written, the log says so once and answers go on, unrecorded."
    )


def verdicts() -> Iterator[str]:
    """What can come of a capture, and the forms in which it is told."""
    yield "# Verdicts"
    yield (
        "What [`parity check`](../how-to/prove-parity.md) says of each capture, and of all of "
        "them. Bodies are compared as JSON, place by place and type by type: `7` is neither "
        '`7.0` nor `"7"`, and the order of keys matters.'
    )
    yield "## Of a capture"
    yield _table(("outcome", "meaning"), ((f"`{name}`", told) for name, told in OUTCOMES.items()))
    yield "## Of all"
    yield (
        "The exit status is 1 if any answer differs; else 3 if any could not be asked; else 2 if "
        "a rule ignored nothing, or nothing could be compared; else 0. Once Help Scout has failed "
        "eight times in a row, it is asked nothing more."
    )
    yield "## JSON"
    yield (
        "`--json FILE` writes `format`, `verdicts` and `summary`, as "
        "[verdicts.schema.json](verdicts.schema.json) describes them. `format` is "
        "`helpscout-v1-parity/1`; its number changes when a reader would have to."
    )
    for title, model in (("verdict", Verdict), ("difference", Place), ("summary", Summary)):
        yield _table((f"field of a {title}", "meaning"), _meanings(model.model_fields))
    yield "## JUnit XML"
    yield (
        "`--junit FILE` writes a suite with a case a capture: a `failure` where it is different, "
        "an `error` where it was not asked, `skipped` where it could not be compared. A capture "
        "whose differences are ignored passes, and its output tells them. A rule that ignored "
        "nothing is a case that fails."
    )
    yield "## HTML"
    yield (
        "`--html FILE` writes one page that needs neither a network nor scripts. It lists every "
        "capture; the numbers on top choose which are shown. For those that differ it draws both "
        "series over one another, lists the places and gives a `curl` line with a placeholder "
        "for your key. Beyond 500 of them only the row is left; JSON has all."
    )
    yield "## Ignore rules"
    yield (
        "`--ignore FILE` reads rules from TOML, each a table `[[ignore]]` with a `reason` and at "
        "least one of the rest. A rule is about the differences that all it says fits; a star "
        "stands for any text. What is ignored stays visible, with the reason. A rule that "
        "ignores nothing makes the run fail, so that none outlives its use."
    )
    yield _table(("field", "it fits"), _rule_fields())


def _rule_fields() -> Iterator[tuple[str, str]]:
    told = {
        "reason": "Why such a difference is no fault. Required",
        "place": "Where the capture was read, such as `old.jsonl:*`",
        "target": "Its path and query, such as `*/new.json?*tags=9*`",
        "path": "Where the answers differ, such as `current[*].count`",
        "kind": "In which way: a `kind` of a difference",
    }
    return ((f"`{name}`", told[name]) for name in Rule.model_fields)


def _fields(fields: dict[str, FieldInfo]) -> Iterator[tuple[str, str, str]]:
    for name, info in fields.items():
        required = "yes" if info.is_required() else ""
        yield f"`{name}`", required, str(info.description)


def _meanings(fields: dict[str, FieldInfo]) -> Iterator[tuple[str, str]]:
    return (
        (f"`{name}`", info.description or "The rules by which differences are ignored.")
        for name, info in fields.items()
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
