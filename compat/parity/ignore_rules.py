"""Rules by which differences are ignored. Each has a reason; unused rules are reported.

A file of rules is TOML::

    [[ignore]]
    reason = "three conversations were deleted on 2 May"
    target = "*/new.json?*start=2019-04*"
    path = "current[*].count"
    kind = "value"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compat.config.environment import reason
from compat.parity.captures.models import Capture
from compat.parity.compare import Difference, Kind
from compat.parity.verdicts import RuleUsed

_MATCHERS: Final = ("place", "target", "path", "kind")


class IgnoreError(Exception):
    """A file of rules cannot be used; the message says why."""


class Rule(BaseModel):
    """One rule. A star stands for any text; a field that is not given matches everything.

    Attributes:
        reason: Why such a difference is not a fault.
        place: Where the capture was read.
        target: The capture's path and query.
        path: Where the answers differ.
        kind: In which way they differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field(pattern=r"\S")
    place: str | None = None
    target: str | None = None
    path: str | None = None
    kind: Kind | None = None

    @model_validator(mode="after")
    def _require_a_matcher(self) -> Rule:
        if all(getattr(self, name) is None for name in _MATCHERS):
            raise ValueError(f"it needs one of {', '.join(_MATCHERS)}")
        return self

    def matches(self, capture: Capture, difference: Difference) -> bool:
        """Whether the rule covers this difference of this capture."""
        return (
            (self.kind is None or self.kind == difference.kind)
            and _matches(self.path, difference.path)
            and _matches(self.place, capture.place)
            and _matches(self.target, capture.target)
        )


class _RulesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ignore: tuple[Rule, ...] = ()


class Rules:
    """Rules, and how many differences each has matched; for one thread.

    Args:
        rules: The rules. If several match, the first gives the reason.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._matched = [0] * len(self._rules)

    def reason(self, capture: Capture, difference: Difference) -> str | None:
        """Why a difference is ignored; None if it is not ignored."""
        found = None
        for at, rule in enumerate(self._rules):
            if rule.matches(capture, difference):
                self._matched[at] += 1
                found = found or rule.reason
        return found

    def used(self) -> tuple[RuleUsed, ...]:
        """The rules, and how many differences each has matched so far."""
        return tuple(
            RuleUsed(**rule.model_dump(), matched=matched)
            for rule, matched in zip(self._rules, self._matched, strict=True)
        )


def read_rules(path: Path) -> Rules:
    """Read a file of rules.

    Raises:
        IgnoreError: It cannot be read, or a rule in it cannot be used.
    """
    try:
        found = _RulesFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise IgnoreError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        raise IgnoreError("\n".join(f"{path}: {fault}" for fault in _faults(error))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise IgnoreError(f"{path} cannot be read: {reason(error)}") from None
    except ValueError:  # from int(), which reads no more than 4,300 digits
        raise IgnoreError(f"{path} has a number with too many digits") from None
    return Rules(found.ignore)


def _faults(error: ValidationError) -> list[str]:
    return [
        f"{_place(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False)
    ]


def _place(steps: tuple[int | str, ...]) -> str:
    """A place in the file; rules are counted from 1."""
    return " ".join(str(step + 1) if isinstance(step, int) else step for step in steps)


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or bool(_compiled(pattern).fullmatch(text))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
