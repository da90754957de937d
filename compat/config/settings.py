"""Every setting, as one typed object that an entry point reads once."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from compat.config.conventions import COUNTING_FIELDS, Conventions
from compat.config.env_files import read_environment
from compat.config.environment import (
    PREFIX,
    EngineChoice,
    SettingsError,
    environment_faults,
    reason,
    variable_name,
)

__all__ = ["PREFIX", "Settings", "SettingsError", "all_variables", "split_list", "variable_name"]

_LISTS: Final = (tuple, frozenset)

_PLAIN: Final = {
    "bool_parsing": "it must be true or false",
    "bool_type": "it must be true or false",
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "int_parsing_size": "it has too many digits",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "string_type": "it must be a text, in quotation marks",
    "tuple_type": "it must be a list in square brackets",
    "frozen_set_type": "it must be a list in square brackets",
    "extra_forbidden": "there is no such setting",
}
"""For the types of pydantic's errors that speak of types and parsing, what a person can do."""

_LONGEST_PATIENCE: Final = 86_400
_LONGEST_TIMEOUT: Final = 3600
"""Seconds; the system refuses to wait for much longer times."""

M = TypeVar("M", bound=BaseModel)


def _check_file(path: str) -> str:
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        raise ValueError(f"the file cannot be read: {reason(error)}") from None


def _database_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    return url if "://" in text else SecretStr(f"sqlite:///{text}")


class Settings(BaseModel):
    """What can be set, with the defaults.

    Raises:
        pydantic.ValidationError: A value is out of its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    app_id: str = Field(default="", description="The id of your Mailbox API 2.0 application.")
    app_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret of that application."
    )
    base_url: str = Field(
        default="https://api.helpscout.net/v2",
        description="The address of Mailbox API 2.0; ends in `/v2`. Plain http only to loopback.",
    )
    connect_to: str | None = Field(
        default=None,
        description=(
            "`host` or `host:port` to connect to instead of the host in the base URL, for use if "
            "that name points to this server. Certificates are still checked against the name."
        ),
    )
    proxy: SecretStr | None = Field(
        default=None, description="The URL of an HTTP proxy to Mailbox API 2.0."
    )
    ca_file: Annotated[str, AfterValidator(_check_file)] | None = Field(
        default=None,
        description=(
            "A PEM file of more certificate authorities that are accepted for Mailbox API 2.0, "
            "for proxies that inspect TLS."
        ),
    )
    api_keys: tuple[SecretStr, ...] = Field(
        default=(), description="The old API keys that callers may use, separated by commas."
    )
    engine: EngineChoice = Field(
        default="computed",
        description=(
            "Where answers come from. `computed`: counted here from conversations, on every plan. "
            "`relayed`: translated from Help Scout's own reports, which the Plus and Pro plans "
            "have. `auto`: computed, or relayed if Help Scout refuses the conversations or its "
            "lists contradict each other. The header `Compat-Engine` says which was used."
        ),
    )
    count_by: Literal["rows", "totals"] = Field(
        default="rows",
        description=(
            "What is counted without an archive. `rows`: conversations, one by one. `totals`: the "
            "number that Help Scout reports for each bucket, if the filters allow it. This needs "
            "fewer requests, but drafts count, and nothing says that the totals are exact. The "
            "header `Compat-Engine` then says `totals`."
        ),
    )
    patience: float = Field(
        default=25.0,
        gt=0,
        le=_LONGEST_PATIENCE,
        description=(
            "Seconds after which a waiting caller gets 503 with `Retry-After`; the server "
            "continues to fetch."
        ),
    )
    recent_age: int = Field(
        default=60,
        ge=0,
        description=(
            "The highest age in seconds of data about conversations of the last day; older data "
            "is fetched again. New conversations are counted after this time at the latest."
        ),
    )
    max_age: int = Field(
        default=6 * 3600,
        ge=0,
        description=(
            "The same for conversations that were more than a day old when they were fetched. "
            "With both at 0, everything is fetched again for every question."
        ),
    )
    memory_rows: int = Field(
        default=500_000,
        ge=0,
        description=(
            "How many conversations are kept in memory (about 400 bytes each). Beside them as many "
            "conversations and threads, counted together, for reports that need threads."
        ),
    )
    answers: int = Field(default=1024, ge=1, description="How many answers are kept in memory.")
    rate_reserve: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description=(
            "The share of the account's rate limit that is left to its other programs: at 0.1 "
            "the last tenth of the requests of each minute is not used."
        ),
    )
    parallel: int = Field(
        default=4,
        ge=1,
        le=16,
        description="The number of simultaneous requests for one question, and of a `sync`.",
    )
    archive: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        default=None,
        description=(
            "The archive: the path of an SQLite file, or an SQLAlchemy URL such as "
            "`postgresql://user@host/database`. What is special in a password is percent-encoded "
            "(@ is %40). Each of several accounts has its own."
        ),
    )
    offline: bool = Field(
        default=False,
        description=(
            "Never ask Help Scout: what the archive does not have is refused, and what it has is "
            "used even if it is old."
        ),
    )
    reread_days: int = Field(
        default=90,
        ge=1,
        description=(
            "The number of days in which `sync` reads everything in the archive again, a part in "
            "each run, because equal totals prove nothing."
        ),
    )
    jobs: int = Field(
        default=4,
        ge=1,
        le=64,
        description="The number of questions that are answered at the same time.",
    )
    timeout: float = Field(
        default=30.0,
        gt=0,
        le=_LONGEST_TIMEOUT,
        description=(
            "For how many seconds a request to Help Scout waits for a connection, and then for "
            "each part of the answer. Its whole body may take ten times as long."
        ),
    )
    pass_v2: bool = Field(
        default=False,
        description=(
            "Pass requests below `/v2/` on to Mailbox API 2.0 with the caller's own "
            "authorization, for use if that name points to this server."
        ),
    )
    cors: bool = Field(
        default=True,
        description=(
            "Send the CORS headers of the old API below `/v1/`, and answer `OPTIONS` there without "
            "an API key, so that programs in browsers can call it from other sites."
        ),
    )
    metrics: bool = Field(
        default=False,
        description="Show metrics for Prometheus at `/metrics`, without an API key.",
    )
    explorer: bool | None = Field(
        default=None,
        description=(
            "Show the report explorer, a page for browsers, at `/explore`. The page needs no API "
            "key, and the reports that it shows do. If unset, it is on where `serve` listens on "
            "loopback only (its default), and off everywhere else."
        ),
    )
    log: Literal["text", "json"] = Field(
        default="text",
        description=(
            "The format in which `serve` logs requests and problems: `text` for people, `json` "
            "for programs, one object a line."
        ),
    )
    conventions: Conventions = Field(
        default=Conventions(), description="The rules that were never documented."
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from environment variables and their files; empty ones count as unset.

        Raises:
            SettingsError: One line for each wrong variable. Values are not shown: they may be
                secrets.
        """
        environ = read_environment(environ)
        faults = environment_faults(environ)
        conventions = _read(Conventions, environ, faults)
        settings = _read(cls, environ, faults)
        if faults or settings is None or conventions is None:
            raise SettingsError("\n".join(f"{name}: {fault}" for name, fault in faults.items()))
        return settings.model_copy(update={"conventions": conventions})


def all_variables() -> Iterator[tuple[str, FieldInfo]]:
    """Each environment variable and the field that it sets, in the order of the documentation."""
    for model in (Settings, Conventions):
        for name, info in model.model_fields.items():
            if name != "conventions":
                yield variable_name(name), info


def _read(model: type[M], environ: Mapping[str, str], faults: dict[str, str]) -> M | None:
    """The settings of a model; None, and a sentence by the variable, if one is wrong."""
    texts = {
        name: (environ.get(variable_name(name), "").strip(), info)
        for name, info in model.model_fields.items()
        if name != "conventions"
    }
    values = {name: _value(text, info) for name, (text, info) in texts.items() if text}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            # A fault of several settings is one of states and statuses.
            fields = [str(fault["loc"][0])] if fault["loc"] else COUNTING_FIELDS
            faults.setdefault(", ".join(map(variable_name, fields)), describe_fault(fault))
        return None


def describe_fault(fault: ErrorDetails) -> str:
    """What is wrong with a value, in words for people who never heard of pydantic."""
    return _PLAIN.get(fault["type"], fault["msg"].removeprefix("Value error, "))


def _value(text: str, info: FieldInfo) -> object:
    """A variable's text as a value to validate: lists are split at commas, `none` is no value."""
    kinds: list[Any] = [info.annotation]
    if get_origin(info.annotation) in (Union, types.UnionType):
        kinds = list(get_args(info.annotation))
    is_list = any(get_origin(kind) in _LISTS for kind in kinds)
    if text.lower() == "none" and (is_list or type(None) in kinds):
        return [] if is_list else None
    return split_list(text) if is_list else text


def split_list(text: str) -> list[str]:
    """The items of a list in a variable, which are separated by commas."""
    return [item.strip() for item in text.split(",") if item.strip()]
