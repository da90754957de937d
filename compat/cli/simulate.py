"""`helpscout-v1 simulate`: a Mailbox API 2.0 with made-up conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from compat.cli.options import HOST, Command, port
from compat.config.environment import SettingsError
from compat.simulator.behaviour import DESCRIPTION, Behaviour, Plan


class _Words(click.ParamType[tuple[str, ...]]):
    """Words separated by commas."""

    name = "words"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        del param, ctx
        words = value.split(",") if isinstance(value, str) else value
        return tuple(word.strip() for word in words)


class _NumberOr(click.ParamType[int | str | None]):
    """A whole number, or one of some words; `none` is None."""

    name = "number"

    def __init__(self, union: Any) -> None:
        literals = [word for part in get_args(union) for word in get_args(part)]
        self.words = [*literals, *("none" for part in get_args(union) if part is NoneType)]

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str | None:
        if value in self.words:
            return None if value == "none" else str(value)
        return click.INT.convert(value, param, ctx)


def _behaviour_options() -> Iterator[click.Option]:
    """An option for each field of the behaviour, by its type."""
    kinds = get_type_hints(Behaviour)
    for each in fields(Behaviour):
        name = f"--{each.name.replace('_', '-')}"
        shown = ",".join(each.default) if isinstance(each.default, tuple) else each.default
        yield click.Option(
            [f"{name}/--no{name[1:]}" if kinds[each.name] is bool else name],
            default=each.default,
            show_default=False,
            help=f"{each.metadata[DESCRIPTION]} ({str(shown).lower()})",
            **_option_type(kinds[each.name]),
        )


def _option_type(kind: Any) -> dict[str, Any]:
    """How click reads a value of a type."""
    if kind is bool:
        return {}
    if get_origin(kind) is tuple:
        return {"type": _Words(), "metavar": "WHAT,…"}
    if get_origin(kind) is Literal:
        return {"type": click.Choice(get_args(kind))}
    if get_args(kind):
        number = _NumberOr(kind)
        return {"type": number, "metavar": "|".join(["N", *number.words])}
    return {"type": kind, "metavar": None if kind is str else "N"}


@click.command(
    "simulate",
    cls=Command,
    short_help="serve a made-up Mailbox API 2.0",
    params=[
        HOST,
        port(8081),
        click.Option(
            ["--conversations"],
            type=click.IntRange(min=0),
            default=5000,
            metavar="N",
            help="how many",
        ),
        click.Option(
            ["--plan"],
            type=click.Choice(get_args(Plan)),
            default="standard",
            help="decides about the rate limit and the API's own reports",
        ),
        *_behaviour_options(),
    ],
)
def simulate(*, host: str, port: int, conversations: int, plan: Plan, **behaviour: Any) -> None:
    """Serve a Mailbox API 2.0 with a made-up account.

    Sign in as demo-app with the secret demo-secret. It can be as unfriendly as you want it: a rate
    is a share of requests from 0 to 1, and all can be mixed.
    """
    from compat.server.run import run as run_server
    from compat.simulator import Simulator, make_account

    try:
        chosen = Behaviour(**behaviour)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    account = make_account(conversations, chosen.seed)
    run_server(
        Simulator(account, chosen, plan=plan),
        host=host,
        port=port,
        label="Simulating Mailbox API 2.0 (base URL ends in /v2)",
        lifespan="off",
        date_header=False,
    )
