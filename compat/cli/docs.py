"""`helpscout-v1 docs`: the documentation, which is installed with the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import click

from compat.cli.exit_codes import ExitCode, exit_status
from compat.cli.options import Command
from compat.cli.streams import ignore_closed_pipe

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_INSTALLED: Final = _PACKAGE / "docs"
_CLONE: Final = _PACKAGE.parent


def pages() -> dict[str, Path]:
    """The files of the documentation by their path below `docs`, without `.md`.

    An installed package has all of them in one folder. A clone has some at its top.
    """
    installed = _INSTALLED.is_dir()
    folder = _INSTALLED if installed else _CLONE / "docs"
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    if not installed:
        files |= {Path(path.name): path for path in _CLONE.glob("[CS]*.md")}
        constraints = _CLONE / "scripts" / "constraints.txt"
        files[Path(constraints.name)] = constraints
    return {name.as_posix().removesuffix(".md"): files[name] for name in sorted(files)}


def find(page: str) -> tuple[str, ...]:
    """The names of the pages that a text can mean.

    It is a path, with or without `docs/` and `.md`, or the last part of one.
    """
    wanted = re.sub(r"^(\./)?(docs/)?|(\.md)?(#.*)?$", "", page)
    known = pages()
    if wanted in known:
        return (wanted,)
    return tuple(name for name in known if name.removesuffix("/README").endswith(f"/{wanted}"))


def _complete(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [name for name in pages() if name.startswith(begun)]


@click.command(
    "docs",
    cls=Command,
    short_help="print a page of the documentation",
    epilog=exit_status({ExitCode.OK: "printed", ExitCode.MISUSE: "there is no such page"}),
    params=[
        click.Argument(
            ["page"], required=False, shell_complete=_complete, help="the page; without it, a list"
        )
    ],
)
def docs(*, page: str | None) -> None:
    """Print a page of the documentation, or list all pages.

    A page is named as in the list, or by the last part of its name: `docs php` prints how-to/php.
    Files that pages speak of, such as deploy/helpscout-v1.service, are printed as well.
    """
    with ignore_closed_pipe():
        if page is None:
            print(_list(), flush=True)
        else:
            sys.stdout.write(pages()[_only(page)].read_text(encoding="utf-8"))
            sys.stdout.flush()


def _only(page: str) -> str:
    """The name of the page that is meant.

    Raises:
        click.UsageError: There is none, or there are several.
    """
    names = find(page)
    if not names:
        raise click.UsageError(f"There is no page {page!r}: `helpscout-v1 docs` lists all.")
    if len(names) > 1:
        raise click.UsageError(f"{page!r} can be {' or '.join(names)}: name one of them.")
    return names[0]


def _list() -> str:
    """A line for each page: its name, and its title if it has one."""
    found = pages()
    width = max(map(len, found))
    return "\n".join(f"{name:<{width}}  {_title(path)}".rstrip() for name, path in found.items())


def _title(page: Path) -> str:
    if page.suffix != ".md":
        return ""
    with page.open(encoding="utf-8") as lines:
        return next((line[2:].strip() for line in lines if line.startswith("# ")), "")
