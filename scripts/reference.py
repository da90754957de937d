"""The pages in docs/reference, from tables in the code."""
# ruff: noqa: SLF001 - the tables are private

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from inspect import cleandoc, getdoc
from typing import Final

import click
from pydantic import BaseModel

from compat import error_mapping
from compat.cli.commands import program
from compat.cli.exit_codes import MEANINGS
from compat.cli.report import command_name
from compat.config import accounts
from compat.config.conventions import Conventions
from compat.config.env_files import ENV_FILE_VARIABLE, secret_file_variables
from compat.server import app
from compat.server.run import MAX_HEAD
from compat.service import RETRIED, STILL_FETCHING
from compat.v1 import errors
from compat.v1.differences import DIFFERENCES, KnownDifference
from compat.v1.exactness import GRADES, SOURCES
from compat.v1.grades import fields_of, rows_of
from compat.v1.http import APPROXIMATE_HEADER, IGNORED_HEADER, UNAVAILABLE_HEADER
from compat.v1.parameters import Parameter
from compat.v1.query import ReportQuery
from compat.v1.routes import ROUTES, Route
from compat.v1.rows import Column, columns_of
from compat.v2.errors import LOOP_STATUS

WHAT_TO_DO: Final = {
    "ValidationFailed": "Correct the parameters that `validationErrors` names.",
    "Unauthorized": "Put the key that the program sends into `COMPAT_API_KEYS`, or into the "
    "account's `api_keys`; then restart the server, or send SIGHUP.",
    "Forbidden": "Correct what the sentence names; see the next table.",
    "NotFound": "Look for the path in [reports](reports.md), and use GET.",
    "ItemNotFound": "Look for the id in the list of [mailboxes](reports.md).",
    "RateLimited": "The old API sent this; this server has no such limit.",
    "Internal": "Search the server's log for the answer's `Correlation-Id`, and report it.",
    "Unavailable": "Wait as long as `Retry-After` says, then send the same request again; see the "
    "next table.",
    "CredentialsRefused": "Copy id and secret again from *Your Profile → My Apps* at Help Scout.",
    "ReportsRefused": "Set `COMPAT_ENGINE` to `computed`, or leave it unset: see "
    "[two engines](../explanation/two-engines.md).",
    "ParametersRefused": "Correct the parameters that `validationErrors` names; Help Scout wrote "
    "the messages.",
    "AccessRefused": "Let a user who may see the mailboxes create the application.",
    "RequestLoop": "The name in `HELPSCOUT_BASE_URL` points to this server, so it asks itself: see "
    "[a host that cannot be changed](../how-to/a-host-that-cannot-be-changed.md).",
    "Redirected": "Something between here and Help Scout redirects, or the address is wrong: "
    "correct `HELPSCOUT_BASE_URL` or `COMPAT_PROXY`.",
    "NothingAtAddress": "Help Scout's API is not at that address: correct `HELPSCOUT_BASE_URL`, "
    "which ends with `/v2`, or remove it.",
    "UnknownValue": "Ask with other filters, or for other dates; look at the conversation in Help "
    "Scout, and report it to Help Scout's support. See [what Help Scout does not "
    "show](../explanation/how-numbers-are-counted.md#what-help-scout-does-not-show).",
    "InconsistentData": "Send the request again. Help Scout's answers contradicted each other; if "
    "this continues, report the problem with the sentence.",
    "ArchiveError": "The sentence says what: see [keep an archive](../how-to/keep-an-archive.md).",
    "Cancelled": "Send the request again when the server has started.",
    "UntrustedCertificate": "Set `COMPAT_CA_FILE` to a PEM file with the certificate authority of "
    "the proxy that inspects TLS. Without such a proxy, check `HELPSCOUT_BASE_URL` and the clock.",
    "UpstreamError": "Send the request again. If this continues, check whether this machine can "
    "reach Help Scout.",
    "TooManyCalls": "Send the request again later, or set a higher `COMPAT_JOBS`.",
    "CallCancelled": "Send the request again.",
}
ACCOUNTS: Final = (
    f"`{accounts.ACCOUNTS_VARIABLE}` names a TOML file with a table for each account. A table has "
    "`app_id`, `app_secret`, `api_keys` and any setting above that differs from the environment, "
    "in lower case without its prefix; those that hold secrets also with `_file`, as the name of a "
    "file. `[name.conventions]` does the same for the rules below. "
    "See [several accounts](../how-to/several-accounts.md)."
)
_SECRET_FILES: Final = ", ".join(f"`{name}`" for name in secret_file_variables().values())
FILES: Final = {
    "An environment file": (
        f"`{ENV_FILE_VARIABLE}`, or the option `--env-file` of a command, names a file with "
        "settings; `helpscout-v1 init` writes one. The server, `compat.asgi:create_app` and "
        "`LegacyReports.from_env()` read it as well. A variable that is set wins over the file. No "
        "file is read that is not named: another user could have put it there. `serve` says at "
        "its start which file it has read, and which variables won over it. `doctor` says so, too, "
        "and warns if every user can read the file.\n\n"
        "Each line is `NAME=VALUE`, as `EnvironmentFile=` of systemd and `--env-file` of docker "
        "read it. A line that begins with `#` is a comment. Nothing in a value is replaced: `$`, "
        "`#` and backslashes stand for themselves. Quotation marks around a whole value are left "
        "out; docker would keep them, so write none. Write no `export` either: it is left out "
        "here, but systemd ignores such a line. Variables of other programs are ignored."
    ),
    "Secrets from files": (
        f"A secret can be in a file of its own, which {_SECRET_FILES} names: for secrets of "
        "docker, systemd or Kubernetes. The file has the value that the variable without `_FILE` "
        "would have; keys may also stand one a line. It is an error to set both variables. "
        "`doctor` warns if every user can read the file."
    ),
}
NO_HTTP: Final = (
    "Send HTTP, or https if the server uses it, with a request line and headers of at most "
    f"{MAX_HEAD // 1024} KiB. This answer is plain text and not JSON, and the connection is closed."
)
_COLUMN_TYPES: Final = (
    ("instant", "`datetime`, aware, in UTC", "`datetime64[us, UTC]`", '`Datetime("us", "UTC")`'),
    ("truth", "`bool`", "`boolean`", "`Boolean`"),
    ("integer", "`int`", "`Int64`", "`Int64`"),
    ("number", "`float`", "`float64`", "`Float64`"),
    ("text", "`str`", "`string`", "`String`"),
    ("integers", "`list` of `int`", "`object`", "`List(Int64)`"),
    ("texts", "`list` of `str`", "`object`", "`List(String)`"),
)
_DIFFERENCES: Final = {each.title for each in DIFFERENCES}
ESCAPED: Final = r"\|"
"""A bar in a cell of a table; GitHub understands it in code too."""


def command_line() -> Iterator[str]:
    """Every command with its options, then the exit statuses."""
    yield "# The command line"
    yield (
        "`scripts/setup` installs the command as `.venv/bin/helpscout-v1`; `python -m compat` is "
        "the same. These are its subcommands. `--version` shows the version, and `-h` or `--help` "
        "the options of each subcommand."
    )
    yield (
        "A long option must be written in full. If an option has two names, both mean the same; "
        "the second is an older name, for scripts that use it."
    )
    with click.Context(program, info_name=program.name, **program.context_settings) as ctx:
        for leaf in _leaves(ctx):
            yield f"## {leaf.command_path}"
            yield re.sub(r"(?<!\n)\n(?!\n)", " ", cleandoc(leaf.command.help or ""))
            yield _table(("option", "meaning"), _parameters(leaf))
    yield "## Exit status"
    yield _table(("status", "meaning"), ((str(int(code)), text) for code, text in MEANINGS.items()))


def settings(tables: dict[str, str]) -> Iterator[str]:
    """Every environment variable, under a heading for each table."""
    yield "# Settings"
    yield (
        "All settings are environment variables. An empty one counts as not set. `none` unsets a "
        "setting that has a default. If a value cannot be used, the server does not start, and "
        "names the variable. Each command logs a warning for each variable that begins with "
        "`COMPAT_` or `HELPSCOUT_` and has no effect. (`COMPAT_TEST_` is for the tests of this "
        "project.)"
    )
    for title, table in {**FILES, **tables}.items():
        yield f"## {title}"
        yield table


def error_page() -> Iterator[str]:
    """The statuses, then the sentences behind 403 and 503."""
    yield "# Errors"
    yield (
        'An error is JSON: `{"code": 503, "error": "a sentence"}`. A 400 adds '
        "`validationErrors`, with `property`, `value` and `message` for each parameter that is "
        "wrong. Every answer has a `Correlation-Id`; the server's log contains those of each 500 "
        "and 503."
    )
    yield "## By status"
    yield (
        "If several apply, 404 is sent before 401, and 401 before 400. In the sentences below, `…` "
        "is text that depends on the case."
    )
    yield _table(("status", "sentence", "when", "what to do"), sorted(_statuses()))
    yield "## Errors because of Help Scout"
    yield _table(("status", "sentence", "what to do"), _sentences())
    yield "## Other errors"
    yield _table(("status", "sentence", "what to do"), _others())


def reports() -> Iterator[str]:
    """Every path that the server answers, and its parameters."""
    yield "# Reports and lists that answer"
    yield (
        "Use GET and the old API key (Basic authentication: the key is the user name, the "
        "password does not matter). Every other path of the old API is 404, and so is every other "
        "method, except that HEAD is answered as GET without the body, and OPTIONS, which browsers "
        "send, with 204 and without a key. Repeated slashes in a path count as one."
    )
    yield (
        "Empty parameters count as absent. A list may be sent as `tags=1,2`, `tags=1, 2`, "
        "`tags[]=1&tags[]=2` or `tags=1&tags=2`. Unknown parameters, such as `mailbox=1` for "
        f"`mailboxes=1`, are ignored: the header `{IGNORED_HEADER}` of the answer names up to ten "
        "of them, percent-encoded, and the server's log names each once."
    )
    for route in ROUTES:
        yield f"## {route.path}"
        yield route.summary
        if route.query_type is ReportQuery:
            yield (
                f"On the command line: `helpscout-v1 report {command_name(route)}`. In Python: "
                f"`LegacyReports.{route.report}`."
            )
        yield _table(
            ("parameter", "required", "default", "what to send"),
            (_parameter(each, route) for each in route.parameters),
        )


def exactness() -> Iterator[str]:
    """Every field of every report: where it comes from, how exact it is, and why."""
    yield "# How exact each field is"
    yield (
        "All numbers are computed from what Mailbox API 2.0 shows today. What is gone with deleted "
        "or merged conversations is missing from all of them, and filters use today's mailbox and "
        "tags: see [known differences](../known-differences.md). Apart from that, each field has a "
        "grade:"
    )
    yield _table(("grade", "meaning"), GRADES.items())
    yield (
        f"The header `{APPROXIMATE_HEADER}` of an answer names its fields of grade A, and "
        f"`{UNAVAILABLE_HEADER}` those of grade N, as far as the answer has them: the keys that "
        "lead to the field, joined by dots, without the indices of arrays, sorted and separated "
        "by commas. A header is absent if there is nothing to name. Some grades depend on filters "
        "and settings, in the column *when*: the first row that fits applies. A row without fields "
        "is about those of the row above. What is in `current` applies to `previous` and `deltas`, "
        "too, unless they have a row."
    )
    yield (
        "An answer that is [relayed](../explanation/two-engines.md) names nothing: all of its "
        "numbers are Help Scout's own. In a Python program, the answers of `LegacyReports.compute` "
        "have the same names as tuples, `approximate` and `unavailable`."
    )
    yield "Values come from:"
    yield _table(("source", "meaning"), SOURCES.items())
    for route in ROUTES:
        yield f"## {route.path}"
        yield _table(("field", "source", "grade", "when", "why"), _grades(route))


def columns() -> Iterator[str]:
    """The columns of the rows of every report, as dicts and as data frames."""
    yield "# Columns of reports"
    yield (
        "A report of [`LegacyReports`](../how-to/in-process.md#data-frames) has rows: `rows()` "
        "returns them as dicts, `to_pandas()` and `to_polars()` as data frames. Every row has all "
        "columns of the report, whatever was found; an empty data frame has them, too. Names are "
        "those of the fields in the JSON; what is in an object has the name of the object before "
        "it, as in `user.name`. A value that is not there is None, and so is a value that means "
        "nothing, such as `handleTime`: `report.unavailable` names these. CSV of "
        "[`helpscout-v1 report`](command-line.md) has the same rows and columns."
    )
    yield (
        "A series has a row for each bucket, and a page of a list a row for each item. Figures "
        "have a row for each range; `period` is `current` or `previous`. The changes (`deltas.`) "
        "are in the row of the current range: in percent, and of percentages and scores the "
        "difference. `filterTags` is left out: that menu of tags is the same in all reports. Which "
        "values can differ from the old ones, or mean nothing, is in [how exact each field "
        "is](exactness.md)."
    )
    yield _table(("type", "in `rows()`", "pandas", "polars"), _COLUMN_TYPES)
    for model, routes in _routes_by_model().items():
        yield f"## {', '.join(f'`{route.report}`' for route in routes)}"
        yield _table(
            ("column", "type", "meaning"),
            ((f"`{each.name}`", each.kind, _meaning(each)) for each in columns_of(model)),
        )


def _routes_by_model() -> dict[type[BaseModel], list[Route]]:
    """The reports, by the model of their answers."""
    found: dict[type[BaseModel], list[Route]] = {}
    for route in ROUTES:
        if route.query_type is ReportQuery:
            found.setdefault(route.model, []).append(route)
    return found


def _meaning(column: Column) -> str:
    """What the docstring of the model says of a field; nothing if its name says it all."""
    if column.model is None:
        return "Of which range the row is: `current` or `previous`"
    listed = re.findall(
        r"^    (\w+): ((?:.+\n?(?:        .+\n?)*))", getdoc(column.model) or "", re.MULTILINE
    )
    text = " ".join(dict(listed).get(column.path[-1], "").split())
    return text.removesuffix(".")


def anchor(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def fields(difference: KnownDifference) -> Iterator[str]:
    """A sentence with the fields that a known difference is about, if it is about fields."""
    named = {
        route.path: ", ".join(
            f"`{path}`"
            for path, rows in fields_of(route)
            if any(difference.title in row.reasons for row in rows)
        )
        for route in ROUTES
    }
    found = [f"{paths} of `{path}`" for path, paths in named.items() if paths]
    if found:
        yield f"*[Fields](reference/exactness.md):* {'; '.join(found)}."


def _grades(route: Route) -> Iterator[tuple[str, ...]]:
    """The rows of a report's fields; fields that differ by name alone are in one row."""
    alike: dict[tuple[tuple[object, ...], ...], list[str]] = {}
    for path, rows in fields_of(route):
        alike.setdefault(tuple(row[2:] for row in rows), []).append(path)
    for paths in alike.values():
        names = ", ".join(f"`{path}`" for path in paths)
        for number, row in enumerate(rows_of(route.report, paths[0])):
            why = ", ".join(map(_reason, row.reasons))
            shown = "" if number else names
            yield shown, ", ".join(row.sources), row.grade, row.condition.text, why


def _reason(title: str) -> str:
    """A link to a known difference, or to a convention."""
    page = "known-differences" if title in _DIFFERENCES else "conventions"
    return f"[{title}](../{page}.md#{anchor(title)})"


def _leaves(ctx: click.Context) -> Iterator[click.Context]:
    """A context for each command that is not a group."""
    if not isinstance(ctx.command, click.Group):
        yield ctx
        return
    for name, command in ctx.command.commands.items():
        yield from _leaves(click.Context(command, info_name=name, parent=ctx))


def _parameters(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Name and meaning of each parameter, as `--help` has them."""
    for parameter in ctx.command.params:
        name, text = parameter.get_help_record(ctx) or ("", "")
        yield f"`{name}`", text.replace("  [", " [")


def _statuses() -> Iterator[tuple[str, ...]]:
    examples = {
        "ValidationFailed": ((),),
        "Forbidden": ("…",),
        "NotFound": ("…",),
        "RateLimited": (2,),
        "Unavailable": ("…", 1),
    }
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, errors.LegacyError) and name[0] != "_":
            if kind is errors.LegacyError:
                continue
            error = kind(*examples.get(name, ()))
            when = re.sub(r" \([0-9]{3}.*?\)|; the body.*(?=\.)", "", _first_sentence(kind))
            yield str(error.status), _sentence(error), when, WHAT_TO_DO[name]


def _sentences() -> Iterator[tuple[str, ...]]:
    yield (
        "503",
        STILL_FETCHING,
        "Send the request again after `Retry-After`: the server continues to fetch.",
    )
    yield (
        "503",
        RETRIED.format("…"),
        (
            "The same. Help Scout does not answer; if this continues, check whether this machine "
            "can reach it. `GET /readyz` says which accounts are affected."
        ),
    )
    for kind, convert in error_mapping.LEGACY_ERRORS:
        error = convert(kind("…"))
        yield str(error.status), _sentence(error), WHAT_TO_DO[kind.__name__]


def _others() -> Iterator[tuple[str, ...]]:
    yield "400", "Invalid HTTP request received.", NO_HTTP
    yield str(LOOP_STATUS), app._LOOP_MESSAGE, WHAT_TO_DO["RequestLoop"]


def _sentence(error: errors.LegacyError) -> str:
    return error.message.replace("2 seconds", "… seconds")


def _parameter(parameter: Parameter, route: Route) -> tuple[str, ...]:
    default = parameter.default_as_sent(Conventions())
    in_path = f"{{{parameter.name}}}" in route.path
    required = "in the path" if in_path else "yes" if parameter.required else ""
    return (
        f"`{parameter.name}`",
        required,
        "" if default is None else f"`{default}`",
        parameter.description.removesuffix("."),
    )


def _first_sentence(thing: object) -> str:
    return " ".join((getdoc(thing) or "").partition("\n\n")[0].split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [
        f"| {' | '.join(cell.replace('|', ESCAPED) for cell in row)} |" for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
