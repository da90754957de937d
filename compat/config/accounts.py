"""Settings of several accounts, each in its own table of a TOML file.

::

    [acme]
    app_id = "…"
    app_secret = "…"
    api_keys = ["…"]
    patience = 20

    [acme.conventions]
    default_view_by = "day"

A secret can be in a file of its own, which a key with `_file` names: `app_secret_file = "…"`.
Settings that a table does not have are taken from the environment. The file holds secrets: only
its owner should be able to read it.
"""

from __future__ import annotations

import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

from pydantic import ValidationError

from compat.config.conventions import Conventions
from compat.config.env_files import (
    ENV_FILE_VARIABLE,
    SECRET_FIELDS,
    read_environment,
    secret_file_variables,
    secret_from_file,
)
from compat.config.environment import has_placeholder, reason, shown_path, unknown_variables
from compat.config.files import is_readable_by_all, read_text
from compat.config.settings import (
    PREFIX,
    Settings,
    SettingsError,
    all_variables,
    describe_fault,
    split_list,
    variable_name,
)

_LOG: Final = logging.getLogger("compat")

ACCOUNTS_VARIABLE: Final = f"{PREFIX}ACCOUNTS"
DEFAULT_ACCOUNT: Final = "default"
"""The name of the account if the environment describes only one."""

T = TypeVar("T")


def select_account(accounts: Mapping[str, T], name: str | None) -> T:
    """The account with a name, or the only account if there is no name.

    Raises:
        LookupError: There is no such account, or there are several and no name.
    """
    if name is None and len(accounts) == 1:
        return next(iter(accounts.values()))
    if name is None or name not in accounts:
        raise LookupError(f"say which account: one of {', '.join(accounts)}")
    return accounts[name]


_OF_ONE_ACCOUNT: Final = ("app_id", "app_secret", "api_keys", "archive")
"""Settings that an account of the file never takes from the environment."""


_FILE_KEYS: Final = {f"{field}_file": field for field in SECRET_FIELDS}
"""Keys of a table that name a file with a secret, and the setting whose value it holds."""


def credentials_names(account: str) -> str:
    """Where an account's credentials are set: two variables, or two keys of the file of accounts.

    Args:
        account: The account's name.
    """
    if account == DEFAULT_ACCOUNT:
        return f"{variable_name('app_id')} and {variable_name('app_secret')}"
    return f"app_id and app_secret of [{account}] in the file that {ACCOUNTS_VARIABLE} names"


def accounts_from_env(environ: Mapping[str, str]) -> dict[str, Settings]:
    """The settings of each account by its name, from environment variables and their files.

    Raises:
        SettingsError: A setting is missing or wrong; the message says which.
    """
    found = read_environment(environ)
    warn_of_variables(found)
    shared = Settings.from_env(found)
    named = found.get(ACCOUNTS_VARIABLE, "").strip()
    if not named:
        return {DEFAULT_ACCOUNT: shared}
    # The file is read once: of a pipe there is nothing to be read a second time.
    path = Path(named)
    tables = _tables(path)
    found.account_files = tuple(_secret_files(tables))
    return _accounts(path, tables, shared)


def warn_of_variables(environ: Mapping[str, str]) -> None:
    """Log a warning for each variable that has no effect; see `ineffective_variables`."""
    for sentence in ineffective_variables(environ):
        _LOG.warning("%s", sentence)


def known_variables() -> list[str]:
    """Every environment variable that has an effect."""
    return [
        ACCOUNTS_VARIABLE,
        ENV_FILE_VARIABLE,
        *(name for name, _ in all_variables()),
        *secret_file_variables().values(),
    ]


def ineffective_variables(environ: Mapping[str, str]) -> list[str]:
    """One sentence for each variable that looks like a setting and has no effect.

    Either there is no such setting, or each account of `COMPAT_ACCOUNTS` has its own.
    """
    unused = unknown_variables(environ, known_variables())
    if environ.get(ACCOUNTS_VARIABLE, "").strip():
        unused += [
            f"{name} has no effect beside {ACCOUNTS_VARIABLE}, whose accounts have their own"
            for name in map(variable_name, _OF_ONE_ACCOUNT)
            if environ.get(name, "").strip()
        ]
    return unused


def read_accounts(path: Path, shared: Settings) -> dict[str, Settings]:
    """Read a file of accounts; logs a warning if every user can read the file.

    Args:
        path: The TOML file.
        shared: Settings for what a table does not have, except API keys, credentials and
            archive, which each account must have for itself.

    Raises:
        SettingsError: One line for each error. Values are not shown, because they may be secrets.
    """
    return _accounts(path, _tables(path), shared)


def _accounts(path: Path, found: Mapping[str, Any], shared: Settings) -> dict[str, Settings]:
    faults = [
        f"{name!r} cannot be the name of an account: use letters and digits"
        for name in found
        if not name.strip() or not name.isprintable()
    ]
    if faults:
        raise SettingsError("\n".join(f"{ACCOUNTS_VARIABLE}: {fault}" for fault in faults))
    tables = {
        name: _with_secrets(name, table, faults) if isinstance(table, dict) else table
        for name, table in found.items()
    }
    accounts = {
        name: settings
        for name, table in tables.items()
        if (settings := _account(name, table, shared, faults)) is not None
    }
    faults += _shared_keys(tables)
    faults += _shared_archives(accounts)
    if not tables:
        faults.append(f"{path} names no account")
    if faults:
        raise SettingsError("\n".join(f"{ACCOUNTS_VARIABLE}: {fault}" for fault in faults))
    return accounts


def _secret_files(tables: Mapping[str, Any]) -> Iterator[Path]:
    """The files with secrets that accounts name."""
    for table in tables.values():
        places = map(table.get, _FILE_KEYS) if isinstance(table, dict) else ()
        yield from (Path(place) for place in places if place and isinstance(place, str))


def _with_secrets(name: str, table: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    """A table with secrets in place of the names of their files.

    A secret whose file cannot be used is a fault; it is then no fault as well that it is missing.
    """
    found = dict(table)
    for key, field in _FILE_KEYS.items():
        place = found.pop(key, "")
        if not place:
            continue
        is_list = field == "api_keys"
        unread = f"the {key} of {name}"  # until the fault is reported; no other account has it
        found.setdefault(field, [unread] if is_list else unread)
        if field in table:
            faults.append(f"{name}: {field} and {key} are both set: remove one of them")
        elif not isinstance(place, str):
            faults.append(f"{name}: {key}: it must be the path of a file")
        else:
            try:
                text = secret_from_file(place, field, is_list=is_list)
                found[field] = split_list(text) if is_list else text
            except SettingsError as error:
                faults.append(f"{name}: {key}: {error}")
    return found


def _tables(path: Path) -> dict[str, Any]:
    read = _read(path)
    if isinstance(read, str):  # raised here: the caught error would show the text of the file
        raise SettingsError(f"{ACCOUNTS_VARIABLE}: {shown_path(path)} {read}")
    return read


def _read(path: Path) -> dict[str, Any] | str:
    """The tables of a file, or a description of the error."""
    import tomllib  # noqa: PLC0415 - most users have no such file

    try:
        text = read_text(path)
        if is_readable_by_all(path):
            _LOG.warning(
                "%s: %s holds secrets and anybody can read it: chmod o-r", ACCOUNTS_VARIABLE, path
            )
    except (OSError, ValueError) as error:
        return f"cannot be read: {reason(error)}"
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return f"is not TOML{_position(error)}"
    except RecursionError:
        return "is nested too deeply"
    except ValueError:  # from int(), which reads no more than 4,300 digits
        return "has a number with too many digits"


def _position(error: ValueError) -> str:
    """The position of an error, without its text, which may contain a secret."""
    found = re.search(r"\(at .*\)\Z", str(error))
    return f" {found[0]}" if found else ""


def _account(name: str, table: Any, shared: Settings, faults: list[str]) -> Settings | None:
    if not isinstance(table, dict):
        faults.append(f"{name} must be a table, [{name}]")
        return None
    faults += [
        f"{name}: {needed} is missing"
        for needed in ("app_id", "app_secret", "api_keys")
        if _is_empty(table.get(needed))
    ]
    faults += [
        f"{name}: {key}: its value is still the … of the documentation: set the real one"
        for key, value in table.items()
        if has_placeholder(value if isinstance(value, list) else [value])
    ]
    faults += [
        f"{name}: {key}: it must be a number, not true or false"
        for key, value in (table | _own_conventions(table)).items()
        if isinstance(value, bool) and _takes_a_number(key)
    ]
    values = _inherited(shared) | table | {"conventions": _conventions(table, shared)}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            place = ".".join(str(step) for step in fault["loc"])
            faults.append(f"{name}: {place}: {describe_fault(fault)}")
        return None


def _is_empty(value: object) -> bool:
    """Whether a value is empty, or a list with an empty item."""
    return not value or (isinstance(value, list) and not all(value))


def _own_conventions(table: dict[str, Any]) -> dict[str, Any]:
    own = table.get("conventions")
    return own if isinstance(own, dict) else {}


def _takes_a_number(key: str) -> bool:
    """Whether a setting is a number; pydantic would read true as 1."""
    info = Settings.model_fields.get(key) or Conventions.model_fields.get(key)
    kinds = () if info is None else (info.annotation, *get_args(info.annotation))
    return int in kinds or float in kinds


def _conventions(table: dict[str, Any], shared: Settings) -> object:
    own = table.get("conventions", {})
    return shared.conventions.model_dump() | own if isinstance(own, dict) else own


def _inherited(shared: Settings) -> dict[str, Any]:
    own = {*_OF_ONE_ACCOUNT, "conventions"}
    return {name: getattr(shared, name) for name in Settings.model_fields if name not in own}


def _shared_keys(tables: Mapping[str, Any]) -> Iterator[str]:
    """An error for each key that several accounts have; it names the accounts, not the key."""
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for name, table in tables.items():
        for key in _keys(table):
            owners[key].append(name)
    for names in sorted({tuple(each) for each in owners.values() if len(each) > 1}):
        yield f"{', '.join(names)}: api_keys: they share a key, which then selects none of them"


def _shared_archives(accounts: Mapping[str, Settings]) -> Iterator[str]:
    """An error for each archive that accounts of several applications have.

    It names the accounts, not the URL. Accounts of one application may differ in their conventions.
    """
    owners: defaultdict[str, list[str]] = defaultdict(list)
    for name, settings in accounts.items():
        if settings.archive is not None:
            url = settings.archive.get_secret_value()
            path = url.removeprefix("sqlite:///")
            owners[url if path == url else os.path.realpath(path)].append(name)
    for names in owners.values():
        if len({accounts[name].app_id for name in names}) > 1:
            yield f"{', '.join(names)}: archive: they share one, and each account needs its own"


def _keys(table: Any) -> set[str]:
    keys = table.get("api_keys") if isinstance(table, dict) else None
    listed = keys if isinstance(keys, list) else []
    return {key for key in listed if key and isinstance(key, str)}
