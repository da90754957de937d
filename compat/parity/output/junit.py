"""Verdicts as JUnit XML, which continuous integration servers show as tests."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from typing import Final, TextIO
from xml.etree import ElementTree as ET

from compat.parity.output.text import curl, difference_line, format_deltas
from compat.parity.verdicts import Outcome, Summary, Verdict

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_IN_MEMORY: Final = 8 * 1024 * 1024

_ELEMENTS: Final[dict[Outcome, str]] = {
    "different": "failure",
    "unasked": "error",
    "elsewhere": "skipped",
    "inconclusive": "skipped",
    "unreadable": "skipped",
    "damaged": "error",
}
"""The element of a test case that does not pass."""


class JUnitWriter:
    """Writes one test suite with a test case for each capture.

    Differences are failures. A request that could not be answered is an error, and so is a place
    where a file is damaged. A capture that cannot be compared is skipped. A capture whose
    differences are all ignored passes, and its output lists them.

    Args:
        stream: Where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._cases = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed at the end
            _MAX_IN_MEMORY, "w+", encoding="utf-8", newline=""
        )

    def add(self, verdict: Verdict) -> None:
        """Write one verdict as a test case."""
        self._cases.write(f"    {ET.tostring(_case(verdict), encoding='unicode')}\n")

    def finish(self, summary: Summary) -> None:
        """Write the suite. Each rule that ignored nothing is a test case that fails."""
        idle = [rule.reason for rule in summary.rules if not rule.matched]
        for reason in idle:
            self._cases.write(f"    {ET.tostring(_idle_case(reason), encoding='unicode')}\n")
        counts = _counts(summary, len(idle))
        stamp = summary.asked_at.strftime("%Y-%m-%dT%H:%M:%S")
        self._stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        # Some readers refuse any other attribute of this element.
        self._stream.write('<testsuites name="helpscout-v1 parity check">\n')
        self._stream.write(f'  <testsuite name="parity" timestamp="{stamp}" {counts}>\n')
        self._cases.seek(0)
        shutil.copyfileobj(self._cases, self._stream)
        self._cases.close()
        self._stream.write("  </testsuite>\n</testsuites>\n")


def _counts(summary: Summary, idle: int) -> str:
    """The attributes that count test cases; a rule that ignored nothing is a failure."""
    numbers = Counter({"failure": idle})
    for outcome, number in summary.outcomes.items():
        numbers[_ELEMENTS.get(outcome, "passed")] += number
    return (
        f'tests="{numbers.total()}" failures="{numbers["failure"]}" '
        f'errors="{numbers["error"]}" skipped="{numbers["skipped"]}" time="0"'
    )


def _case(verdict: Verdict) -> ET.Element:
    path = (verdict.target or "unreadable").partition("?")[0]
    name = f"{verdict.place} {verdict.target}" if verdict.target else verdict.place
    case = _element("testcase", classname=path, name=name, time="0")
    if element := _ELEMENTS.get(verdict.outcome):
        message = verdict.reason or format_deltas(verdict) or verdict.outcome
        result = _element(element, message=message)
        if element != "skipped":
            result.set("type", verdict.outcome)
            result.text = _xml(_details(verdict))
        case.append(result)
    if verdict.outcome == "ignored":
        output = ET.SubElement(case, "system-out")
        output.text = _xml(_details(verdict))
    return case


def _idle_case(reason: str) -> ET.Element:
    case = _element("testcase", classname="rules", name=reason, time="0")
    case.append(_element("failure", message="the rule ignored nothing", type="idle"))
    return case


def _details(verdict: Verdict) -> str:
    sent = [curl(verdict.target)] if verdict.target else []
    return "\n".join([*map(difference_line, verdict.differences), *sent])


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(tag, {name: _xml(value) for name, value in attributes.items()})


def _xml(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
