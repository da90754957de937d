"""The report explorer in a tab of a browser, and what it may do there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Response

KEY = "an-old-key-of-the-account"

_ANSWERED = "#answer > *, #error:not([hidden])"
_PATIENCE = 20_000


class Explorer:
    """One tab with the page.

    Attributes:
        page: The tab.
        requests: All requests of the tab, in their order.
        problems: What the console and the scripts of the page reported as wrong.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.requests: list[Request] = []
        self.problems: list[str] = []
        page.set_default_timeout(_PATIENCE)
        page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        # The console reports each answer that is an error; the tests ask for some.
        if message.type == "error" and "responded with a status of" not in message.text:
            self.problems.append(message.text)

    def reset(self) -> None:
        """As a new tab that has the key."""
        self.page.unroute_all()
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.emulate_media(color_scheme="light", media="screen")
        self.requests.clear()
        self.problems.clear()

    def open(self, query: str = "") -> None:
        """Load the page with a question in its address."""
        self.page.goto(f"{self.origin}/explore{query}")
        self.page.wait_for_selector("#key-form:not([hidden]), #explorer:not([hidden])")

    def ask(self, query: str = "") -> None:
        """Open a question in a tab that has the key, and wait for the answer."""
        self.open(query)
        self.wait_for_answer()

    def enter_key(self, key: str) -> None:
        """Enter a key with the keyboard, where the page has put the focus."""
        self.page.keyboard.type(key)
        self.page.keyboard.press("Enter")

    def wait_for_answer(self) -> None:
        """Wait until there is an answer, or an error."""
        self.page.wait_for_selector(_ANSWERED)

    def until(self, expression: str) -> None:
        """Wait until an expression is true; the page itself may evaluate none."""
        deadline = time.monotonic() + _PATIENCE / 1000
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(50)

    def find(self, selector: str) -> Locator:
        """The elements of a CSS selector."""
        return self.page.locator(selector)

    def text(self, selector: str) -> str:
        """The text of the first element, with single blanks."""
        return " ".join(self.find(selector).first.inner_text().split())

    def rows(self, selector: str = "#answer table") -> list[list[str]]:
        """The texts of the cells of a table's body."""
        script = (
            "table => [...table.tBodies[0].rows].map(row => [...row.cells].map(c => c.innerText))"
        )
        found: list[list[str]] = self.find(selector).first.evaluate(script)
        return [[" ".join(cell.split()) for cell in row] for row in found]

    def query(self) -> dict[str, str]:
        """The question in the address."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def answers(self, path: str) -> list[Any]:
        """The JSON of all successful answers of a path."""
        return [each.json() for each in self.responses(path)]

    def responses(self, path: str) -> list[Response]:
        """All successful answers of a path."""
        found = [each.response() for each in self.requests if urlsplit(each.url).path == path]
        return [each for each in found if each is not None and each.ok]

    def show(self) -> None:
        """Press Show, and wait for the answer."""
        self.page.get_by_role("button", name="Show", exact=True).click()
        self.wait_for_answer()

    def assert_kept_the_rules(self) -> None:
        """No request left for another server, no key is in an address, and nothing was blocked."""
        assert self.problems == []
        for request in self.requests:
            assert request.url.startswith(self.origin + "/"), request.url
            assert KEY not in request.url
        assert KEY not in self.page.url
        kept = self.page.evaluate("JSON.stringify([{...localStorage}, document.cookie])")
        assert kept == '[{},""]'
