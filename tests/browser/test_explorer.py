"""The report explorer as a person uses it, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import pytest

from compat.simulator import Account, Behaviour
from compat.v1.routes import ROUTES
from tests.browser.conftest import HOSTILE, server
from tests.browser.explorer import KEY, Explorer
from tests.unit.server.threaded_server import ask
from tests.unit.service.doubles import basic

Visit = Callable[..., Explorer]

NEW = "/v1/reports/conversations/new.json"
NEW_ONE_BY_ONE = "/v1/reports/conversations/new-drilldown.json"
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
HEADERS = {"Authorization": basic(KEY)}


def instant(days_ago: int, seconds: int = 0) -> str:
    """Midnight so many days ago in UTC, and some seconds."""
    return f"{TODAY - timedelta(days=days_ago) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


RANGE = {"start": instant(60), "end": instant(30, -1)}
PREVIOUS = {"previousStart": instant(90), "previousEnd": instant(60, -1)}


def address(report: str, **values: str) -> str:
    """The address of the page with a question."""
    return "?" + urlencode({"report": report, **values})


def api(port: int, path: str, **values: str) -> Any:
    """The answer of the API, without a browser."""
    answer = ask(port, f"{path}?{urlencode(values)}", headers=HEADERS)
    assert answer.status == 200, answer.body
    return answer.json


def test_a_fresh_page_leads_to_a_number_with_the_keyboard_alone(visit: Visit, port: int) -> None:
    explorer = visit(port)
    explorer.wait_for_answer()
    assert explorer.page.evaluate("document.activeElement.id") == "report"
    for _ in range(12):  # as many controls may stand before the button
        explorer.page.keyboard.press("Tab")
        if explorer.page.evaluate("document.activeElement.textContent") == "Show":
            break
    explorer.page.keyboard.press("Enter")
    explorer.wait_for_answer()
    (answer, *_) = explorer.answers(NEW)
    assert [row[1] for row in explorer.rows()] == [str(each["count"]) for each in answer["current"]]
    assert sum(each["count"] for each in answer["current"]) > 0


def test_numbers_and_sums_are_those_of_the_api(explorer: Explorer, port: int) -> None:
    question = {**RANGE, **PREVIOUS, "viewBy": "week"}
    explorer.ask(address("new_conversations", **question))
    answer = api(port, NEW, **question)
    shown = [(row[1], row[3]) for row in explorer.rows()]
    pairs = zip(answer["current"], answer["previous"], strict=True)
    assert shown == [(str(now["count"]), str(then["count"])) for now, then in pairs]
    total = sum(each["count"] for each in answer["current"])
    assert explorer.text("#answer tfoot td.number") == str(total)
    headers = explorer.responses(NEW)[-1].headers
    as_of = explorer.find("[data-header=Compat-As-Of] time").get_attribute("datetime")
    assert as_of == headers["compat-as-of"]
    assert explorer.text("[data-header=Compat-As-Of]").endswith("ago)")
    assert headers["compat-engine"] in explorer.text("[data-header=Compat-Engine]")


def test_the_address_holds_the_question_so_that_a_colleague_gets_the_same_answer(
    visit: Visit, port: int
) -> None:
    explorer = visit(port)
    explorer.wait_for_answer()
    explorer.page.select_option("#viewBy", "week")
    explorer.page.select_option("#compare", "year")
    explorer.find("#tags summary").click()
    explorer.page.get_by_label("Without a tag").check()
    explorer.find("#types summary").click()
    explorer.page.get_by_label("Email").check()
    explorer.show()
    colleague = visit(port, explorer.page.url.partition("/explore")[2])
    colleague.wait_for_answer()
    assert colleague.query() == explorer.query()
    assert {"tags": "1", "types": "email", "viewBy": "week", "compare": "year"}.items() <= (
        colleague.query().items()
    )
    assert colleague.rows() == explorer.rows()
    assert "Without a tag" in colleague.text("#tags summary")


def test_back_returns_to_the_question_before(explorer: Explorer, port: int) -> None:
    explorer.ask(address("new_conversations", **RANGE, viewBy="day"))
    explorer.page.select_option("#viewBy", "month")
    explorer.show()
    explorer.page.go_back()
    explorer.until("document.querySelectorAll('#answer tbody tr').length === 30")
    assert explorer.page.input_value("#viewBy") == "day"


def test_back_closes_a_list_and_returns_to_its_row_without_asking_again(
    explorer: Explorer, port: int
) -> None:
    explorer.ask(address("new_conversations", **RANGE, viewBy="day"))
    row = explorer.find("#answer tbody button").nth(20)
    row.click()
    explorer.page.wait_for_selector("#behind .agrees")
    explorer.page.go_back()
    explorer.page.wait_for_selector("#behind", state="hidden")
    assert row.evaluate("each => each === document.activeElement")
    assert len(explorer.responses(NEW)) == 1
    explorer.page.go_forward()
    explorer.page.wait_for_selector("#behind .agrees")
    explorer.page.keyboard.press("Escape")
    explorer.page.wait_for_selector("#behind", state="hidden")
    assert row.evaluate("each => each === document.activeElement")


def test_paper_is_light_and_as_wide_as_the_tables(explorer: Explorer, port: int) -> None:
    explorer.page.set_viewport_size({"width": 794, "height": 1123})
    explorer.page.emulate_media(color_scheme="dark", media="print")
    explorer.ask(address("new_conversations", **RANGE, **OPEN, viewBy="day"))
    explorer.page.wait_for_selector("#behind .agrees")
    assert explorer.page.evaluate("document.documentElement.scrollWidth") == 794
    body = "getComputedStyle(document.body)"
    assert explorer.page.evaluate(f"{body}.color") == "rgb(27, 36, 48)"
    assert not explorer.find("#question").is_visible()


@pytest.mark.parametrize("opens", [False, True])
def test_on_a_phone_the_answer_comes_into_view_or_the_list_that_the_address_has(
    explorer: Explorer, port: int, opens: bool
) -> None:
    explorer.page.set_viewport_size({"width": 360, "height": 740})
    explorer.ask(address("new_conversations", **RANGE, **(OPEN if opens else {}), viewBy="day"))
    top = f"document.getElementById('{'behind-title' if opens else 'result'}')"
    explorer.until(f"{top}?.getBoundingClientRect().top < (innerHeight * {0.6 if opens else 0.1})")


def test_the_key_is_kept_by_the_tab_alone_and_can_be_forgotten(visit: Visit, port: int) -> None:
    explorer = visit(port)
    explorer.wait_for_answer()
    assert explorer.page.evaluate("Object.values(sessionStorage)") == [KEY]
    explorer.page.reload()
    explorer.wait_for_answer()
    explorer.page.get_by_role("button", name="Forget the API key").click()
    assert explorer.page.evaluate("Object.values(sessionStorage)") == []
    assert explorer.find("#key").is_visible()
    assert explorer.find("#explorer").is_hidden()


def test_a_wrong_key_is_asked_for_again(visit: Visit, port: int) -> None:
    explorer = visit(port, key="not-a-key")
    explorer.page.wait_for_selector("#key-error:not([hidden])")
    assert "does not know this API key" in explorer.text("#key-error")
    explorer.enter_key(KEY)
    explorer.wait_for_answer()
    assert explorer.rows()


def test_a_list_whose_range_is_no_bar_is_not_compared_with_one(
    explorer: Explorer, port: int
) -> None:
    wide = {"openStart": RANGE["start"], "openEnd": RANGE["end"]}
    explorer.ask(address("new_conversations", **RANGE, **wide, viewBy="day"))
    explorer.until(
        "/^\\d+ in the list[.]$/.test(document.querySelector('#behind [role=status]')?.innerText)"
    )
    assert explorer.find("#behind .differs").count() == 0


@pytest.mark.parametrize("view_by", ["day", "week", "month"])
def test_the_list_behind_a_bar_has_as_many_conversations_as_it_counts(
    explorer: Explorer, port: int, view_by: str
) -> None:
    question = {"start": instant(80, 48_600), "end": instant(3, 40_000), "viewBy": view_by}
    explorer.ask(address("new_conversations", **question))
    buckets = api(port, NEW, **question)["current"]
    for at in (0, len(buckets) // 2, len(buckets) - 1):
        explorer.find("#answer tbody button").nth(at).press("Enter")
        explorer.page.wait_for_selector("#behind .agrees")
        assert explorer.text("#behind .agrees").startswith(f"{buckets[at]['count']} in the list")
        assert (
            explorer.answers(NEW_ONE_BY_ONE)[-1]["conversations"]["count"] == (buckets[at]["count"])
        )
    assert explorer.query()["openStart"] == buckets[-1]["start"]


def test_a_bar_opens_with_enter_and_with_a_click(explorer: Explorer, port: int) -> None:
    explorer.ask(address("new_conversations", **RANGE, viewBy="week"))
    chart = explorer.page.get_by_role("slider")
    chart.focus()
    explorer.page.keyboard.press("ArrowRight")
    explorer.page.keyboard.press("Enter")
    explorer.page.wait_for_selector("#behind .agrees")
    assert explorer.query()["openStart"] == instant(53)
    drawn = explorer.find(".u-over")
    width, height = drawn.evaluate("each => [each.clientWidth, each.clientHeight]")
    drawn.click(position={"x": width * 0.5, "y": height * 0.8})
    explorer.until(f"document.URL.includes('openStart={instant(46)}')")
    explorer.page.wait_for_selector("#behind .agrees")


def test_on_a_phone_a_tap_chooses_one_of_many_bars_and_a_button_opens_it(
    visit: Visit, port: int
) -> None:
    question = address("new_conversations", **RANGE, viewBy="day")
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    explorer = visit(port, question, **phone)
    explorer.wait_for_answer()
    drawn = explorer.find(".u-over")
    drawn.scroll_into_view_if_needed()
    box = drawn.bounding_box()
    assert box
    column = box["width"] / 30.2  # 30 bars, and a tenth of one at each side
    assert column < 10
    above_bar_12 = box["x"] + column * (12 + 0.6 + 0.4)
    explorer.page.touchscreen.tap(above_bar_12, box["y"] + 3)
    chosen = "document.querySelector('[role=slider]').ariaValueNow"
    explorer.until(f"{chosen} === '13'")
    assert explorer.find("#behind").is_hidden()
    explorer.page.get_by_role("button", name="The next bar").tap()
    assert explorer.page.evaluate(chosen) == "14"
    for each in explorer.find(".steps button").all():
        size = each.bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= 44
    assert explorer.page.evaluate("document.documentElement.scrollWidth") == 360
    explorer.page.get_by_role("button", name="List what is in it").tap()
    explorer.page.wait_for_selector("#behind .agrees")
    assert explorer.query()["openStart"] == instant(60 - 13)


def test_with_a_mouse_alone_there_are_no_buttons_for_bars(explorer: Explorer) -> None:
    explorer.ask(address("new_conversations", **RANGE, viewBy="day"))
    assert explorer.find(".steps").is_hidden()


def test_the_page_says_if_a_list_and_its_bar_differ(
    explorer: Explorer, port: int, account: Account
) -> None:
    def one_more(route: Any) -> None:
        answer = route.fetch()
        content = answer.json()
        content["conversations"]["count"] += 1
        route.fulfill(response=answer, json=content)

    explorer.page.route("**/new-drilldown.json*", one_more)
    explorer.ask(address("new_conversations", **RANGE, viewBy="month"))
    explorer.find("#answer tbody button").first.click()
    explorer.page.wait_for_selector("#behind .differs")
    assert "made at different times" in explorer.text("#behind .differs")


def test_the_list_behind_a_number_of_ratings_has_as_many(
    explorer: Explorer, port: int, account: Account
) -> None:
    explorer.ask(address("happiness", **RANGE))
    figures = api(port, "/v1/reports/happiness.json", **RANGE)["current"]
    assert figures["greatCount"] > 0
    for key in ("ratingsCount", "greatCount", "notGoodCount"):
        explorer.find(f"#answer tr[data-key={key}] button").press("Enter")
        explorer.page.wait_for_selector(f"#answer tr[data-key={key}][aria-current]")
        explorer.page.wait_for_selector("#behind .agrees")
        assert explorer.text("#behind .agrees").startswith(f"{figures[key]} in the list")
        assert explorer.query()["openFigure"] == key
    explorer.page.reload()
    explorer.page.wait_for_selector("#behind .agrees")
    assert explorer.text("#behind .agrees").startswith(f"{figures['notGoodCount']} in the list")


def test_the_page_of_an_open_list_is_in_the_address(explorer: Explorer, port: int) -> None:
    def is_page(number: int) -> str:
        return f"document.querySelector('#behind .pager')?.innerText.includes('Page {number} of')"

    explorer.ask(address("new_conversations", **RANGE, viewBy="month"))
    explorer.find("#answer tbody button").first.click()
    explorer.until(is_page(1))
    assert "openPage" not in explorer.query()
    explorer.find("#behind .pager button").last.click()
    explorer.until(is_page(2))
    rows = explorer.rows("#behind table")
    assert explorer.query()["openPage"] == "2"
    explorer.page.reload()
    explorer.until(is_page(2))
    assert explorer.rows("#behind table") == rows
    explorer.page.go_back()
    explorer.until(is_page(1))
    assert explorer.rows("#behind table") != rows


def test_a_page_after_the_last_leads_to_the_last(explorer: Explorer, port: int) -> None:
    pages = api(port, NEW_ONE_BY_ONE, **RANGE)["conversations"]["pages"]
    explorer.ask(address("new_drilldown", **RANGE, page=str(pages + 7)))
    assert f"Page {pages + 7} is after the last one" in explorer.text("#answer .empty")
    explorer.page.get_by_role("button", name=f"Go to page {pages}").click()
    explorer.until("document.querySelector('#answer table')")
    assert explorer.query()["page"] == str(pages)


REPORTS = [route.report for route in ROUTES if route.path.startswith("/v1/reports/")]
LISTS = [route.report for route in ROUTES if not route.path.startswith("/v1/reports/")]


@pytest.mark.parametrize("report", REPORTS + LISTS)
def test_every_report_of_the_routes_shows_an_answer(
    explorer: Explorer, account: Account, report: str
) -> None:
    user, mailbox = account.layout.users[0].id, account.layout.mailboxes[0].id
    named = {"user": user, "mailbox": mailbox, "team": account.layout.teams[0].id}
    choice = {**named, **RANGE, "rating": 0, "viewBy": "week"}
    explorer.ask(address(report, **{name: str(value) for name, value in choice.items()}))
    assert explorer.find("#error").is_hidden()
    assert explorer.find("#answer table").count() > 0
    assert explorer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_figures_are_those_of_the_api(explorer: Explorer, port: int, account: Account) -> None:
    question = {**RANGE, **PREVIOUS, "user": str(account.layout.users[0].id)}
    answer = api(port, "/v1/reports/user.json", **question)
    explorer.ask(address("user", **question))
    rows = {row[0].split(" not ")[0]: row for row in explorer.rows()}
    current, previous = answer["current"], answer["previous"]
    for name, key in [("Customers helped", "customersHelped"), ("Total replies", "totalReplies")]:
        assert rows[name][1:3] == [str(current[key]), str(previous[key])]
    assert rows["Response time"][1].endswith(f"{current['responseTime']} s")
    assert "not available" in explorer.text("#answer tr[data-key=handleTime]")
    assert "Handle time" in explorer.text("[data-header=Compat-Unavailable]")


def test_busy_times_are_the_hours_of_a_week(explorer: Explorer, port: int) -> None:
    explorer.ask(address("busy_times", **RANGE))
    rows = explorer.rows()
    for each in api(port, "/v1/reports/conversations/busy-times.json", **RANGE):
        assert rows[each["hour"]][each["day"]] == str(each["count"])


def test_a_list_has_pages(explorer: Explorer, port: int) -> None:
    explorer.ask(address("new_drilldown", **RANGE, rows="10"))
    first = explorer.rows()
    explorer.page.get_by_role("button", name="Next page").click()
    explorer.until("document.querySelector('.pager')?.innerText.includes('Page 2')")
    answer = api(port, NEW_ONE_BY_ONE, **RANGE, rows="10", page="2")["conversations"]
    assert [row[0] for row in explorer.rows()] == [str(row["number"]) for row in answer["results"]]
    assert explorer.rows() != first
    assert explorer.query()["page"] == "2"


def test_while_conversations_are_fetched_there_is_progress_and_then_the_answer(
    visit: Visit, slow_port: int
) -> None:
    question = {"start": instant(90), "end": instant(0, 86_399), "viewBy": "month"}
    explorer = visit(slow_port, address("new_conversations", **question))
    explorer.page.wait_for_selector("#waiting:not([hidden])")
    explorer.until("document.querySelector('progress').value > 0")
    assert re.search(r"\d+ requests? done", explorer.text("#waiting-left"))
    explorer.wait_for_answer()
    assert explorer.find("#waiting").is_hidden()
    assert explorer.find("#error").is_hidden()
    answer = api(slow_port, NEW, **question)
    assert [row[1] for row in explorer.rows()] == [str(each["count"]) for each in answer["current"]]


def test_an_outage_of_help_scout_is_said_in_words_and_waiting_can_be_stopped(
    visit: Visit, account: Account
) -> None:
    with server(account, Behaviour(rate_limit=None, fail_rate=1), patience=0.5) as port:
        explorer = visit(port, address("new_conversations", **RANGE))
        explorer.until("document.querySelector('#waiting-title').innerText.includes('cannot')")
        assert "Mailbox API 2.0 cannot answer now" in explorer.text("#waiting-title")
        explorer.until("document.querySelector('#waiting-left').innerText.includes('asks again')")
        explorer.page.get_by_role("button", name="Stop waiting").click()
        explorer.page.wait_for_selector("#error:not([hidden])")
        assert "You stopped waiting" in explorer.text("#error")


def test_a_wrong_question_is_explained_at_the_parameter(explorer: Explorer, port: int) -> None:
    explorer.ask(address("user_replies", **RANGE, viewBy="week"))
    assert "user" in explorer.text("#error li")
    assert explorer.find("#user").get_attribute("aria-invalid") == "true"
    assert explorer.page.evaluate("document.activeElement.id") == "user"


WRONG_VALUES = [
    ("new_conversations", {"start": "2015-02-30"}, '"2015-02-30" is not a date'),
    ("new_conversations", {"end": "yesterday"}, '"yesterday" is not a date'),
    ("happiness", {"previousEnd": "2015-01-01T25:00:00Z"}, '"2015-01-01T25:00:00Z" is not a date'),
    ("new_conversations", {"openStart": "x"}, '"x" is not a date'),
    ("new_conversations", {"viewBy": "fortnight"}, '"fortnight" is none of day, week, month'),
    ("user", {"user": "Ann"}, '"Ann" is not a whole number'),
    ("new_drilldown", {"rows": "many"}, '"many" is not a whole number'),
    ("folders", {"mailbox": ""}, "the address names no mailbox"),
]


@pytest.mark.parametrize(("report", "wrong", "said"), WRONG_VALUES)
def test_a_value_of_an_address_that_is_not_understood_is_shown_and_not_dropped(
    explorer: Explorer, report: str, wrong: dict[str, str], said: str
) -> None:
    explorer.ask(address(report, **{**RANGE, **PREVIOUS, **wrong}))
    (name,) = wrong
    assert explorer.text("#error li").startswith(f"{name}: {said}")
    assert explorer.find("#error li").count() == 1
    paths = {route.report: route.path for route in ROUTES}
    assert explorer.responses(paths[report]) == []


def test_the_control_of_a_wrong_value_is_marked_and_a_right_one_is_asked(
    explorer: Explorer, port: int
) -> None:
    explorer.ask(address("new_conversations", **{**RANGE, "start": "2015-02-30", "viewBy": "Day"}))
    assert explorer.find("#error li").count() == 1
    assert explorer.page.evaluate("document.activeElement.id") == "start"
    assert explorer.find("#start").get_attribute("aria-invalid") == "true"
    explorer.page.fill("#start", RANGE["start"][:10])
    explorer.page.get_by_label("From: time of day").first.fill("00:00:00")
    explorer.show()
    assert explorer.find("#error").is_hidden()
    assert len(explorer.rows()) == 30


@pytest.mark.parametrize(
    ("report", "name"),
    [("folders", "mailbox"), ("team_members", "team"), ("one_user", "user")],
)
def test_an_id_that_does_not_exist_is_named(explorer: Explorer, report: str, name: str) -> None:
    explorer.ask(address(report, **{name: "999999"}))
    assert explorer.text("#error li") == f"{name}: there is no {name} with the id 999999."
    assert explorer.find(f"#{name}").get_attribute("aria-invalid") == "true"


def test_a_server_that_is_gone_is_said_in_words(explorer: Explorer, port: int) -> None:
    explorer.ask()
    explorer.page.route("**/v1/**", lambda route: route.abort())
    explorer.show()
    assert "The server does not answer" in explorer.text("#error")
    explorer.problems.clear()  # the console reports the request that was aborted


def test_names_that_are_markup_stay_text(explorer: Explorer, port: int) -> None:
    explorer.ask(address("new_drilldown", start=instant(3), end=instant(0, 86_399)))
    explorer.find("#tags summary").click()
    explorer.page.wait_for_selector(f"#tags .option:has-text({HOSTILE!r})")
    assert any(HOSTILE in cell for row in explorer.rows() for cell in row)
    explorer.page.get_by_label(HOSTILE).check()
    explorer.show()
    assert HOSTILE in explorer.text("#tags summary")
    assert explorer.find("main img").count() == 0
    assert "owned" not in explorer.page.title()


OPEN = {"openStart": instant(60), "openEnd": instant(59, -1)}
PAGES = (
    address("new_conversations", **RANGE, **PREVIOUS, **OPEN, viewBy="day"),
    address("busy_times", **RANGE),
    address("new_drilldown", **RANGE),
)


@pytest.mark.parametrize("query", PAGES)
def test_no_page_is_wider_than_a_phone(explorer: Explorer, query: str) -> None:
    explorer.page.set_viewport_size({"width": 360, "height": 740})
    explorer.ask(query)
    for picker in explorer.find("details.picker summary").all():
        picker.click()
    assert explorer.page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("query", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(
    explorer: Explorer, scheme: Literal["light", "dark"], query: str
) -> None:
    explorer.page.emulate_media(color_scheme=scheme)
    explorer.ask(query)
    dark = explorer.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(part => part < 64)"
    )
    assert dark == (scheme == "dark")
    assert explorer.page.evaluate(LOW_CONTRAST) == []


LOW_CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, alpha = 1], below) =>
    [r, g, b].map((c, at) => c * alpha + below[at] * (1 - alpha));
  const behind = element => !element ? [255, 255, 255]
    : over(parts(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  const shown = [...document.querySelectorAll("main *, header *")].filter(
    element => element.checkVisibility() && !element.disabled
      && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return shown.filter(element => {
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  }).map(element => element.outerHTML.slice(0, 90));
}"""
"""Elements whose text has less contrast than the 4.5 that WCAG 2 asks for."""


@pytest.mark.parametrize("report", ["new_conversations", "user", "happiness_ratings", "users"])
def test_every_control_has_a_name_and_every_table_a_caption(
    explorer: Explorer, port: int, report: str
) -> None:
    values = {**RANGE, "user": "1", "rating": "0", "compare": "own", **PREVIOUS}
    explorer.ask(address(report, **values))
    unnamed = explorer.page.evaluate(
        "[...document.querySelectorAll('input, select, button, [role=slider]')]"
        ".filter(each => !each.labels?.length && !each.ariaLabel && !each.textContent.trim())"
        ".map(each => each.outerHTML)"
    )
    assert unnamed == []
    assert explorer.find("table:not(:has(caption))").count() == 0
    assert explorer.find("th:not([scope])").count() == 0
    ids = explorer.page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))


def test_what_can_be_copied_has_no_key(visit: Visit, port: int) -> None:
    explorer = visit(port, address("new_conversations", **RANGE, viewBy="week", tags="1,2"))
    explorer.wait_for_answer()
    curl, old, here = (each.input_value() for each in explorer.find("#copies input").all())
    query = f"start={RANGE['start']}&end={RANGE['end']}&tags=1,2&viewBy=week"
    assert old == f"https://api.helpscout.net{NEW}?{query}"
    assert curl == f"curl -u YOUR_OLD_KEY:X '{explorer.origin}{NEW}?{query}'"
    assert here == f"{explorer.origin}/explore?report=new_conversations&{query}"
    explorer.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    explorer.page.get_by_role("button", name="Copy: With curl").click()
    assert explorer.page.evaluate("navigator.clipboard.readText()") == curl


RANGES = [
    ("periodBefore", ("2015-03-01", "2015-03-31"), ("2015-02-01", "2015-02-28")),
    ("periodBefore", ("2015-01-01", "2015-12-31"), ("2014-01-01", "2014-12-31")),
    ("periodBefore", ("2015-03-02", "2015-03-08"), ("2015-02-23", "2015-03-01")),
    ("yearBefore", ("2016-02-01", "2016-02-29"), ("2015-02-01", "2015-02-28")),
    ("yearBefore", ("2015-02-01", "2015-02-28"), ("2014-02-01", "2014-02-28")),
    ("yearBefore", ("2016-02-29", "2016-03-06"), ("2015-02-28", "2015-03-06")),
]
"""What a range is compared with: days of a range, and those of the range before."""


@pytest.mark.parametrize(("name", "days", "expected"), RANGES)
def test_a_range_is_compared_with_one_that_has_as_many_days_or_months(
    explorer: Explorer, name: str, days: tuple[str, str], expected: tuple[str, str]
) -> None:
    script = "async ([name, range]) => (await import('/explore/ranges.js'))[name](range)"
    found = explorer.page.evaluate(script, [name, whole_days(days)])
    assert found == whole_days(expected)


def whole_days(days: tuple[str, str]) -> list[str]:
    """The first and the last second of a range of days."""
    return [f"{days[0]}T00:00:00Z", f"{days[1]}T23:59:59Z"]


def test_an_address_of_an_old_program_is_a_question(explorer: Explorer, port: int) -> None:
    old = "start=2019-01-01T13:30:00%2B0100&end=2019-01-31&previousStart=2018-01-01"
    old += "&previousEnd=2018-01-31&viewby=week&tags[0]=1&tags[1]=6001&office_hours=1"
    explorer.ask(f"?report=new_conversations&{old}")
    assert explorer.page.input_value("#start") == "2019-01-01"
    assert explorer.page.input_value("#compare") == "own"
    (answer,) = explorer.answers(NEW)
    assert answer["current"][0]["start"] == "2019-01-01T12:30:00Z"
    assert "Without a tag, " in explorer.text("#tags summary")
    assert "office_hours" in explorer.text("[data-header=Compat-Ignored]")
    assert answer["previous"][-1]["start"] == "2018-01-29T00:00:00Z"


@pytest.mark.parametrize(
    ("days", "compared"),
    [
        (("2018-12-01", "2018-12-31"), "before"),
        (("2018-01-01", "2018-01-31"), "year"),
        (("2017-01-01", "2017-01-31"), "own"),
    ],
)
def test_the_range_to_compare_with_is_recognised(
    explorer: Explorer, days: tuple[str, str], compared: str
) -> None:
    current, previous = whole_days(("2019-01-01", "2019-01-31")), whole_days(days)
    names = ("start", "end", "previousStart", "previousEnd")
    explorer.ask(address("happiness", **dict(zip(names, (*current, *previous), strict=True))))
    assert explorer.page.input_value("#compare") == compared
    assert explorer.query()["previousStart"] == previous[0]


def test_a_report_that_the_server_does_not_have_is_named(explorer: Explorer) -> None:
    explorer.open("?report=volume")
    explorer.page.wait_for_selector("#error:not([hidden])")
    assert "no report with the name volume" in explorer.text("#error")
    assert explorer.find("#error button").count() == 0
