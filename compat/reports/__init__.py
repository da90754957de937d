"""The old reports, one module each.

A report's module has two functions: `needs` says which data a query takes, and `answer` makes
the answer of that data. Both are pure. The table of routes names the module.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from pydantic import BaseModel

from compat.conventions import Conventions
from compat.needs import Found, Need
from compat.v1.query import ReportQuery


class Report(Protocol):
    """What the module of a report holds."""

    def needs(self, query: ReportQuery, conventions: Conventions) -> Need:
        """The data that a query takes."""

    def answer(self, query: ReportQuery, found: Found, conventions: Conventions) -> BaseModel:
        """The answer to a query, from the data that `needs` asked for."""


def load(name: str) -> Report:
    """The report of a name in the table of routes."""
    return cast("Report", import_module(f"{__name__}.{name}"))
