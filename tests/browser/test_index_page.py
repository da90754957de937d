"""The page at `/` in a browser: on a telephone, in the dark, and what it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.unit.server.threaded_server import LOOPBACK

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTH = 360
"""Of a telephone, in pixels."""


@pytest.fixture
def page(browser: Browser, port: int) -> Iterator[Page]:
    """The page in a tab; at the end nothing may have been blocked or failed."""
    context = browser.new_context()
    opened, problems = context.new_page(), list[str]()
    opened.on("console", lambda message: problems.append(message.text))
    opened.set_viewport_size({"width": WIDTH, "height": 640})
    opened.goto(f"http://{LOOPBACK}:{port}/")
    yield opened
    context.close()
    assert problems == []


def test_on_a_telephone_nothing_is_wider_than_the_window(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
    assert page.locator("pre").count() > 20


def lightness(page: Page, selector: str, name: str) -> int:
    """The sum of the parts of a colour: 0 black, 765 white."""
    style = f"each => getComputedStyle(each).{name}"
    text: str = page.locator(selector).first.evaluate(style)
    return sum(map(int, text.removeprefix("rgb(").removesuffix(")").split(",")))


def test_in_the_dark_its_text_is_light(page: Page) -> None:
    for dark in (False, True):
        page.emulate_media(color_scheme="dark" if dark else "light")
        for selector, behind in (("p", "body"), ("dd", "body"), ("a", "body"), ("code", "pre")):
            text = lightness(page, selector, "color")
            ground = lightness(page, behind, "backgroundColor")
            assert (text > ground) == dark
            assert abs(text - ground) > 300


def test_it_leads_to_the_explorer(page: Page) -> None:
    page.get_by_role("link", name="Report explorer").click()
    page.wait_for_url("**/explore")
    assert page.title() == "Report explorer"
