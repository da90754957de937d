"""The pages about captures and verdicts in docs/reference, from the models in the code."""

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
        "A capture is an old request with the answer that was recorded for it. [`parity check`]"
        "(../how-to/prove-parity.md) reads captures as JSON lines or HAR, from files or (as `-`) "
        "from standard input. The format is recognised from the content. Captures are read one at "
        "a time, so there may be any number. If one cannot be read, its place is reported, such as "
        "`old.jsonl:12` or `site.har#3`, and it is skipped. If a file is damaged, so that more "
        "captures may be unread, that is an error: it has broken off, it goes on after its JSON, a "
        "HAR file and JSON lines were joined, or it is compressed or in UTF-16."
    )
    yield "## JSON lines"
    yield (
        "One object a line, in UTF-8. `serve --record` writes them, and you can write them from "
        "your own logs. Empty lines, unknown fields and a byte order mark are ignored. "
        "[captures.schema.json](captures.schema.json) describes a line."
    )
    yield f"```json\n{json.dumps(EXAMPLE)}\n```"
    yield _table(("field", "required", "meaning"), _fields(Record.model_fields))
    yield "## HAR"
    yield (
        "HAR 1.2, which the network panels of browsers and many proxies save, needs the extra "
        "`[parity]`. Entries whose path does not begin with `/v1/` are skipped, for any host. "
        "Bodies may be in base64. If a body was saved compressed, it is decoded as its "
        "`Content-Encoding` says: gzip and deflate, and br or zstd if the package brotli or "
        "zstandard is installed. A 304 counts as the 200 that the browser had in its cache. Only "
        "the URL, the method, the status and the body matter: all other fields may be missing or "
        "wrong, also the encodings if the body shows what it is."
    )
    yield "## Secrets"
    yield (
        "API keys are not stored: neither the `Authorization` header nor a user name in a URL is "
        "read or written. Values of unknown parameters are replaced by `REDACTED`. The content of "
        "answers, such as subjects in a drilldown, is recorded unchanged: a file of captures is as "
        "confidential as your account."
    )
    yield "## What serve records"
    yield (
        "Every request below `/v1/` with its answer, also errors; nothing else. Only the owner can "
        f"read the file (mode 0600). At {MAX_BYTES // 1024**2} MiB it is renamed to `FILE.1`, and "
        f"the oldest file, `FILE.{MAX_FILES}`, is deleted. Recording never delays an answer: if "
        "the file cannot be written, the log says so once, and requests are answered without "
        "being recorded."
    )


def verdicts() -> Iterator[str]:
    """The possible verdicts about a capture, and the formats in which they are written."""
    yield "# Verdicts"
    yield (
        "What [`parity check`](../how-to/prove-parity.md) says about each capture, and about all "
        "of them. Bodies are compared as JSON, with values, types and the order of keys: `7` is "
        'neither `7.0` nor `"7"`.'
    )
    yield "## For one capture"
    yield _table(("outcome", "meaning"), ((f"`{name}`", text) for name, text in OUTCOMES.items()))
    yield "## For all captures"
    yield (
        "The exit status is 1 if any answer differs; otherwise 3 if any request could not be "
        "answered; otherwise 2 if a file is damaged, a rule ignored nothing, or nothing could be "
        "compared; otherwise 0. After Help Scout has failed eight times in a row, it is not asked "
        "any more."
    )
    yield "## JSON"
    yield (
        "`--json FILE` writes `format`, `verdicts` and `summary`, as "
        "[verdicts.schema.json](verdicts.schema.json) describes them. `format` is "
        "`helpscout-v1-parity/1`; the number changes when programs that read it must change."
    )
    for title, model in (("verdict", Verdict), ("difference", Place), ("summary", Summary)):
        yield _table((f"field of a {title}", "meaning"), _meanings(model.model_fields))
    yield "## JUnit XML"
    yield (
        "`--junit FILE` writes a suite with a case for each capture: a `failure` if it is "
        "different, an `error` if it was not asked or the file is damaged, `skipped` if it could "
        "not be compared. A capture whose differences are ignored passes, and its output lists "
        "them. A rule that ignored nothing is a case that fails."
    )
    yield "## HTML"
    yield (
        "`--html FILE` writes one page that needs no network and no scripts. It lists every "
        "capture; the numbers at the top select which are shown. For a capture that differs, it "
        "shows both series in one chart, lists the differences, and has a `curl` line with a "
        "placeholder for your key. After 500 such captures, only the rows are listed; JSON has "
        "everything."
    )
    yield "## Ignore rules"
    yield (
        "`--ignore FILE` reads rules from TOML, each a table `[[ignore]]` with a `reason` and at "
        "least one of the other fields. A rule ignores the differences that match all of its "
        "fields; a star matches any text. Ignored differences remain visible, with the reason. A "
        "rule that ignores nothing makes the run fail, so that you remove rules that are not "
        "needed any more."
    )
    yield _table(("field", "it matches"), _rule_fields())


def _rule_fields() -> Iterator[tuple[str, str]]:
    meanings = {
        "reason": "Why such a difference is acceptable. Required",
        "place": "Where the capture was read from, such as `old.jsonl:*`",
        "target": "Its path and query, such as `*/new.json?*tags=9*`",
        "path": "Where the answers differ, such as `current[*].count`",
        "kind": "How they differ: the `kind` of a difference",
    }
    return ((f"`{name}`", meanings[name]) for name in Rule.model_fields)


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
