"""The pages under docs/reference, as the code's own tables give them."""
# ruff: noqa: SLF001 - the tables are private

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from inspect import cleandoc, getdoc
from typing import Final

import click

from compat import error_mapping
from compat.cli.commands import program
from compat.cli.exit_codes import MEANINGS
from compat.config import accounts
from compat.config.conventions import Conventions
from compat.server import app
from compat.server.run import MAX_HEAD
from compat.v1 import errors
from compat.v1.parameters import Parameter
from compat.v1.routes import ROUTES, Route
from compat.v2.transport import LOOP_STATUS

WHAT_TO_DO: Final = {
    "ValidationFailed": "Mend the parameters that `validationErrors` names.",
    "Unauthorized": "Put the key that the program sends into `COMPAT_API_KEYS`, or into the "
    "account's `api_keys`; then start again, or send SIGHUP.",
    "Forbidden": "Mend what the sentence names; see the next table.",
    "NotFound": "Look for the path in [reports](reports.md); ask with GET.",
    "RateLimited": "The old API sent this; this server keeps no such limit.",
    "Internal": "Look in the server's log for the answer's `Correlation-Id`, and report it.",
    "Unavailable": "Wait as long as `Retry-After` says, and ask the same again; see the next "
    "table.",
    "CredentialsRefused": "Copy id and secret anew from *Your Profile → My Apps* at Help Scout.",
    "ReportsRefused": "Set `COMPAT_ENGINE` to `computed`, or leave it unset: see "
    "[two engines](../explanation/two-engines.md).",
    "QuestionRefused": "Mend the parameters that `validationErrors` names; the words are Help "
    "Scout's.",
    "AccessRefused": "Let a user who may see the mailboxes make the application.",
    "RequestLoop": "The name in `HELPSCOUT_BASE_URL` leads to this server, so it asks itself: see "
    "[a host that cannot be changed](../how-to/a-host-that-cannot-be-changed.md).",
    "Redirected": "Something between here and Help Scout redirects, or the address is wrong: mend "
    "`HELPSCOUT_BASE_URL` or `COMPAT_PROXY`.",
    "InconsistentData": "Ask again. Help Scout's answers contradicted each other; if it stays so, "
    "report it with the sentence.",
    "ArchiveError": "The sentence says what: see [keep an archive](../how-to/keep-an-archive.md).",
    "Stopped": "Ask again once the server has started.",
    "UpstreamError": "Ask again. If it stays so, look whether this machine reaches Help Scout.",
    "TooManyCalls": "Ask again later, or raise `COMPAT_JOBS`.",
    "CallCancelled": "Ask again.",
}
ACCOUNTS: Final = (
    f"`{accounts.ACCOUNTS_VARIABLE}` names a TOML file with a table for each account. A table "
    "holds `app_id`, `app_secret`, `api_keys` and, where it differs from the environment, any "
    "setting above in lower case without its prefix; `[name.conventions]` does the same for the "
    "rules below. See [several accounts](../how-to/several-accounts.md)."
)
NO_HTTP: Final = (
    "Send HTTP, or https where it is served, with a request line and headers of at most "
    f"{MAX_HEAD // 1024} KiB. This answer is plain text and not JSON, and the connection ends."
)
ESCAPED: Final = r"\|"
"""A bar within a cell of a table, which GitHub understands in code too."""
STILL_FETCHING: Final = "The conversations are still being fetched; ask again in a while"


def command_line() -> Iterator[str]:
    """Every command with its options, then the exit statuses."""
    yield "# The command line"
    yield (
        "`scripts/setup` makes the command, as `.venv/bin/helpscout-v1`; `python -m compat` is the "
        "same. These are its parts. `--version` shows the version, and `-h` or `--help` the "
        "options of each part."
    )
    yield (
        "A long option is written in full. Where an option has two names, both mean the same; the "
        "second is kept for scripts that use it."
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
        "All settings are environment variables; an empty one counts as unset. `none` unsets "
        "one that has a default. What cannot be used is told when the server starts, by name."
    )
    for title, table in tables.items():
        yield f"## {title}"
        yield table


def error_page() -> Iterator[str]:
    """The statuses, then the sentences behind 403 and 503."""
    yield "# Errors"
    yield (
        'An error is JSON: `{"code": 503, "error": "a sentence"}`. A 400 adds '
        "`validationErrors`, with `property`, `value` and `message` for each parameter that is "
        "wrong. Every answer carries a `Correlation-Id`; the server's log names those of a 500 and "
        "a 503."
    )
    yield "## By status"
    yield (
        "Where several apply, 404 comes first, then 401, then 400. In every sentence below, `…` "
        "stands for what is told of this one case."
    )
    yield _table(("status", "sentence", "when", "what to do"), sorted(_statuses()))
    yield "## What Help Scout does, and how it is told"
    yield _table(("status", "sentence", "what to do"), _sentences())
    yield "## Besides"
    yield _table(("status", "sentence", "what to do"), _others())


def reports() -> Iterator[str]:
    """Every path that answers, and its parameters."""
    yield "# Reports and lists that answer"
    yield (
        "All are asked with GET and the old API key (Basic authentication: the key is the user "
        "name, the password does not matter). Unknown parameters are ignored, empty ones count "
        "as absent. A list may be sent as `tags=1,2`, `tags[]=1&tags[]=2` or `tags=1&tags=2`. "
        "Every other path of the old API is 404."
    )
    for route in ROUTES:
        yield f"## {route.path}"
        yield (
            _first_sentence(import_module(f"compat.reports.{route.report}"))
            .partition(": ")[2]
            .capitalize()
        )
        yield _table(
            ("parameter", "required", "default", "what to send"),
            (_parameter(each, route) for each in route.parameters),
        )


def _leaves(ctx: click.Context) -> Iterator[click.Context]:
    """A context for each command that is no group."""
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
    yield "503", STILL_FETCHING, "Ask again after `Retry-After`: the answer is being worked on."
    for kind, convert in error_mapping.LEGACY_ERRORS:
        error = convert(kind("…"))
        yield str(error.status), _sentence(error), WHAT_TO_DO[kind.__name__]


def _others() -> Iterator[tuple[str, ...]]:
    yield "400", "Invalid HTTP request received.", NO_HTTP
    yield str(LOOP_STATUS), app._LOOP_MESSAGE, WHAT_TO_DO["RequestLoop"]


def _sentence(error: errors.LegacyError) -> str:
    return error.message.replace("2 seconds", "… seconds")


def _parameter(parameter: Parameter, route: Route) -> tuple[str, ...]:
    default = parameter.default(Conventions()) if parameter.default else ""
    in_path = f"{{{parameter.name}}}" in route.path
    required = "in the path" if in_path else "yes" if parameter.required else ""
    return (
        f"`{parameter.name}`",
        required,
        f"`{default}`" if default else "",
        parameter.expected[0].upper() + parameter.expected[1:],
    )


def _first_sentence(thing: object) -> str:
    return " ".join((getdoc(thing) or "").partition("\n\n")[0].split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [
        f"| {' | '.join(cell.replace('|', ESCAPED) for cell in row)} |" for row in (head, *rows)
    ]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
