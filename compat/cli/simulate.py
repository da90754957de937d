"""`helpscout-v1 simulate`: a Mailbox API 2.0 with made-up conversations."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from compat.config.environment import SettingsError
from compat.simulator.behaviour import MEANING, Behaviour


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "simulate",
        help="serve a made-up Mailbox API 2.0",
        description=(
            "Serve a Mailbox API 2.0 with a made-up account. Sign in as demo-app with the "
            "secret demo-secret. It can be as unfriendly as you want it: a rate is a share of "
            "requests from 0 to 1, and all can be mixed."
        ),
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8081, help="port; 0 for any (%(default)s)")
    parser.add_argument(
        "--conversations", type=int, default=5000, metavar="N", help="how many (%(default)s)"
    )
    parser.add_argument(
        "--plan",
        choices=("standard", "plus", "pro"),
        default="standard",
        help="decides about the rate limit and the API's own reports (%(default)s)",
    )
    for option, settings in _behaviour_options():
        parser.add_argument(option, **settings)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    from compat.server.run import run as run_server
    from compat.simulator import Simulator, make_account

    try:
        behaviour = Behaviour(
            **{each.name: getattr(options, each.name) for each in fields(Behaviour)}
        )
    except ValueError as error:
        raise SettingsError(str(error)) from None
    account = make_account(options.conversations, options.seed)
    run_server(
        Simulator(account, behaviour, plan=options.plan),
        host=options.host,
        port=options.port,
        label="Simulating Mailbox API 2.0 (base URL ends in /v2)",
        lifespan="off",
        date_header=False,
    )


def _behaviour_options() -> Iterator[tuple[str, dict[str, Any]]]:
    """An option for each field of the behaviour, by its type."""
    kinds = get_type_hints(Behaviour)
    for each in fields(Behaviour):
        shown = ",".join(each.default) if isinstance(each.default, tuple) else each.default
        yield (
            f"--{each.name.replace('_', '-')}",
            {
                "default": each.default,
                "help": f"{each.metadata[MEANING]} ({str(shown).lower()})",
                **_reading(kinds[each.name]),
            },
        )


def _reading(kind: Any) -> dict[str, Any]:
    """How argparse reads a value of a type."""
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction}
    if get_origin(kind) is tuple:
        return {"type": lambda text: tuple(text.split(",")), "metavar": "WHAT,…"}
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return {"type": type(choices[0]), "choices": choices}
    if get_args(kind):
        return {"type": _number_or(_words(kind)), "metavar": "|".join(["N", *_words(kind)])}
    return {"type": kind, "metavar": "N"}


def _words(union: Any) -> list[str]:
    """The values of a union that are no numbers, as they are written."""
    literals = [word for part in get_args(union) for word in get_args(part)]
    return [*literals, *("none" for part in get_args(union) if part is NoneType)]


def _number_or(words: Sequence[str]) -> Callable[[str], int | str | None]:
    def number(text: str) -> int | str | None:
        if text in words:
            return None if text == "none" else text
        return int(text)

    return number
