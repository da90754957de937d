"""Reports as rows, as data frames and as HTML."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pydantic import BaseModel

from compat.config.settings import Settings
from compat.service import LegacyReports
from compat.simulator import Account, Behaviour, Simulator, make_account, running
from compat.v1 import models
from compat.v1.models_ratings import Happiness
from compat.v1.models_users import UserReport
from compat.v1.notebook import MOST_ROWS
from compat.v1.routes import Route
from compat.v1.rows import ColumnKind, columns_of
from tests.unit.service.doubles import LONG
from tests.unit.v1.report_samples import BIG, HOSTILE, NEW_YEAR, REPORTS, drilldown, empty, series

EACH = pytest.mark.parametrize("route", REPORTS, ids=lambda route: route.report)
TWO_RANGES = {
    "start": "2015-01-01",
    "end": "2015-01-31T23:59:59Z",
    "previousStart": "2014-12-01",
    "previousEnd": "2014-12-31T23:59:59Z",
}
PYTHON_TYPES: dict[ColumnKind, type] = {
    "instant": datetime,
    "truth": bool,
    "integer": int,
    "number": float,
    "text": str,
    "integers": list,
    "texts": list,
}
PANDAS_TYPES: dict[ColumnKind, str] = {
    "instant": "datetime64[us, UTC]",
    "truth": "boolean",
    "integer": "Int64",
    "number": "float64",
    "text": "string",
    "integers": "object",
    "texts": "object",
}
POLARS_TYPES: dict[ColumnKind, str] = {
    "instant": "Datetime(time_unit='us', time_zone='UTC')",
    "truth": "Boolean",
    "integer": "Int64",
    "number": "Float64",
    "text": "String",
    "integers": "List(Int64)",
    "texts": "List(String)",
}


def library(name: str) -> Any:
    """A library of data frames; without it a test is skipped, but not in CI."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="module")
def account() -> Account:
    now, since = datetime(2015, 1, 31, tzinfo=UTC), datetime(2014, 12, 1, tzinfo=UTC)
    return make_account(80, now=now, since=since)


@pytest.fixture(scope="module")
def found(account: Account) -> Iterator[dict[str, BaseModel]]:
    """Each report, as computed from a simulated account."""
    given = {**TWO_RANGES, "user": str(account.layout.users[0].id), "rating": "0"}
    with running(Simulator(account, Behaviour(rate_limit=None))) as url:
        settings = Settings(app_id="demo-app", app_secret="demo-secret", base_url=url)  # type: ignore[arg-type]
        with LegacyReports(settings) as reports:
            yield {
                route.report: reports.compute(
                    route.report,
                    [(row.name, given[row.name]) for row in route.parameters if row.name in given],
                ).answer
                for route in REPORTS
            }


@EACH
def test_every_report_has_rows_whose_values_have_the_types_of_the_columns(
    route: Route, found: dict[str, BaseModel]
) -> None:
    report: Any = found[route.report]
    rows = report.rows()
    kinds = {each.name: each.kind for each in columns_of(route.model)}
    assert rows
    for row in rows:
        assert list(row) == list(kinds)
        for name, value in row.items():
            assert value is None or type(value) is PYTHON_TYPES[kinds[name]], name


def leaves(content: Any) -> list[Any]:
    """All values in JSON, apart from the menu of tags, keys and empty texts."""
    if isinstance(content, dict):
        return [leaf for name in content if name != "filterTags" for leaf in leaves(content[name])]
    if isinstance(content, list | tuple):
        return [leaf for each in content for leaf in leaves(each)]
    return [content] if content not in (None, "") else []


def remove(content: Any, keys: list[str]) -> None:
    """Remove what is under some keys of JSON, one in the other, also in each item of a list."""
    if isinstance(content, list):
        for each in content:
            remove(each, keys)
    elif len(keys) == 1:
        del content[keys[0]]
    else:
        remove(content[keys[0]], keys[1:])


@EACH
def test_the_rows_have_every_value_of_the_report_that_means_something(
    route: Route, found: dict[str, BaseModel]
) -> None:
    report: Any = found[route.report]
    dumped: Any = report.model_dump(mode="json")
    for path in report.unavailable:
        remove(dumped, path.split("."))
    dumped = dumped.get("conversations", dumped) if isinstance(dumped, dict) else dumped
    values = leaves(dumped.get("results", dumped) if isinstance(dumped, dict) else dumped)
    in_rows = [
        value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
        for row in report.rows()
        for name, value in row.items()
        if name != "period" and not (name.startswith("user.") and row["period"] == "previous")
    ]
    assert sorted(map(repr, leaves(in_rows))) == sorted(map(repr, values))


@EACH
def test_no_object_is_in_a_row(route: Route, found: dict[str, BaseModel]) -> None:
    report: Any = found[route.report]
    for row in report.rows():
        for value in row.values():
            assert all(
                isinstance(each, int | str) for each in (value if isinstance(value, list) else ())
            )
            assert not isinstance(value, dict | tuple | BaseModel)


def test_a_series_has_a_row_for_each_bucket_of_each_range() -> None:
    rows = series(2, 1).rows()
    assert rows == [
        {"period": "current", "start": NEW_YEAR, "count": 0},
        {"period": "current", "start": NEW_YEAR + timedelta(days=1), "count": 1},
        {"period": "previous", "start": NEW_YEAR - timedelta(days=365), "count": 0},
    ]


def test_without_a_range_to_compare_with_all_rows_are_current() -> None:
    assert [row["period"] for row in series(2).rows()] == ["current", "current"]
    assert [row["period"] for row in series(1, 0).rows()] == ["current"]


def test_busy_times_have_a_row_for_each_hour() -> None:
    hours = models.BusyTimes(root=(models.Hour(day=1, hour=23, count=4),))
    assert hours.rows() == [{"day": 1, "hour": 23, "count": 4}]


def test_figures_have_a_row_for_each_range_and_the_changes_in_the_first(
    found: dict[str, BaseModel],
) -> None:
    report = found["user"]
    assert isinstance(report, UserReport)
    assert report.previous
    assert report.deltas
    current, previous = report.rows()
    assert (current["period"], previous["period"]) == ("current", "previous")
    assert current["totalReplies"] == report.current.totalReplies
    assert previous["totalReplies"] == report.previous.totalReplies
    assert current["deltas.totalReplies"] == report.deltas.totalReplies
    assert previous["deltas.totalReplies"] is None
    assert previous["busiestDay"] is None
    assert current["user.name"] == previous["user.name"] == report.user.name


def test_objects_in_a_row_become_columns_with_lists() -> None:
    (row,) = drilldown("sales", HOSTILE).rows()
    assert row["tags.id"] == [1, 2]
    assert row["tags.name"] == ["sales", HOSTILE]
    assert row["customerIds"] == [1, BIG]
    (untagged,) = drilldown().rows()
    assert untagged["tags.name"] == []


def test_the_fields_that_mean_nothing_are_those_of_the_header(account: Account) -> None:
    given = [(name, TWO_RANGES[name]) for name in ("start", "end")]
    with running(Simulator(account, Behaviour(rate_limit=None))) as url:
        settings = Settings(app_id="demo-app", app_secret="demo-secret", base_url=url)  # type: ignore[arg-type]
        with LegacyReports(settings) as reports:
            answered: Any = reports.compute("new_drilldown", given)
    assert answered.unavailable == ("conversations.results.attachments",)
    assert answered.answer.unavailable == answered.unavailable


def test_figures_that_mean_nothing_are_missing_in_each_range(found: dict[str, BaseModel]) -> None:
    report = found["user"]
    assert isinstance(report, UserReport)
    assert report.current.handleTime == 0.0
    current, previous = report.rows()
    assert (current["handleTime"], previous["handleTime"]) == (None, None)
    assert current["deltas.handleTime"] is None
    assert current["totalReplies"] is not None
    library("pandas")
    library("polars")
    assert report.to_pandas()["handleTime"].isna().all()
    assert report.to_polars()["handleTime"].is_null().all()


def test_a_value_that_means_nothing_in_one_range_is_there_in_the_other(
    found: dict[str, BaseModel],
) -> None:
    report = found["user"]
    assert isinstance(report, UserReport)
    current, previous = report.with_unavailable(("previous.closed", "user.name")).rows()
    assert (current["closed"], previous["closed"]) == (report.current.closed, None)
    assert (current["user.name"], previous["user.name"]) == (None, None)


def test_a_list_that_means_nothing_is_none() -> None:
    report = drilldown("sales").with_unavailable(("conversations.results.tags.name",))
    (row,) = report.rows()
    assert (row["tags.id"], row["tags.name"]) == ([1], None)
    library("pandas")
    library("polars")
    assert report.to_pandas()["tags.name"].isna().all()
    assert report.to_polars()["tags.name"].is_null().all()


def test_what_is_left_out_of_the_json_is_none() -> None:
    (row,) = drilldown().rows()
    assert row["waitingSince"] is None
    assert row["assignedName"] is None


def test_the_time_of_creation_of_an_unknown_user_is_none(found: dict[str, BaseModel]) -> None:
    report = found["user"]
    assert isinstance(report, UserReport)
    unknown = report.user.model_copy(update={"createdAt": ""})
    assert report.model_copy(update={"user": unknown}).rows()[0]["user.createdAt"] is None


def test_datetimes_are_in_utc_whatever_the_model_has() -> None:
    paris = NEW_YEAR.astimezone(timezone(timedelta(hours=1)))
    (row,) = models.NewConversations(current=(models.Bucket(start=paris, count=0),)).rows()
    assert row["start"].tzinfo is UTC
    assert row["start"] == NEW_YEAR


@EACH
def test_a_frame_of_pandas_has_the_columns_types_and_rows(
    route: Route, found: dict[str, BaseModel]
) -> None:
    pandas = library("pandas")
    expected = {each.name: PANDAS_TYPES[each.kind] for each in columns_of(route.model)}
    for report in filter(None, (found[route.report], empty(route.model))):
        rows: list[dict[str, Any]] = report.rows()  # type: ignore[attr-defined]
        frame = report.to_pandas()  # type: ignore[attr-defined]
        assert frame.dtypes.astype(str).to_dict() == expected
        assert len(frame) == len(rows)
        for name in frame:
            for value, row in zip(frame[name], rows, strict=True):
                is_missing = not isinstance(value, list) and pandas.isna(value)
                assert row[name] is None if is_missing else value == row[name], name


@EACH
def test_a_frame_of_polars_has_the_columns_types_and_rows(
    route: Route, found: dict[str, BaseModel]
) -> None:
    library("polars")
    expected = {each.name: POLARS_TYPES[each.kind] for each in columns_of(route.model)}
    for report in filter(None, (found[route.report], empty(route.model))):
        frame = report.to_polars()  # type: ignore[attr-defined]
        assert {name: str(kind) for name, kind in frame.schema.items()} == expected
        assert frame.to_dicts() == report.rows()  # type: ignore[attr-defined]


def test_integers_stay_exact_beside_missing_ones() -> None:
    library("pandas")
    with_gap = drilldown(waitingSinceType=BIG)
    results = (*with_gap.conversations.results, *drilldown().conversations.results)
    page = with_gap.conversations.model_copy(update={"results": results})
    report = models.Drilldown(conversations=page)
    frame = report.to_pandas()
    assert frame["waitingSinceType"][0] == BIG
    assert frame["waitingSinceType"].isna().tolist() == [False, True]


@pytest.mark.parametrize("year", [1, 9999])
def test_a_frame_has_the_first_and_the_last_year(year: int) -> None:
    start = datetime(year, 1, 1, tzinfo=UTC)
    report = models.NewConversations(current=(models.Bucket(start=start, count=1),))
    library("pandas")
    library("polars")
    assert report.to_pandas()["start"][0].year == year
    assert report.to_polars()["start"][0] == start


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_a_missing_library_is_named_with_its_install(name: str) -> None:
    code = (
        f"import sys\nsys.modules[{name!r}] = None\n"
        "from compat.v1.models import NewConversations\n"
        f"NewConversations(current=()).to_{name}()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert f"ImportError: to_{name}() needs {name}" in done.stderr
    assert f"pip install {name}" in done.stderr


def test_rows_and_html_import_no_library_of_data_frames() -> None:
    code = (
        "import sys\n"
        "from compat.v1.models import NewConversations\n"
        "report = NewConversations(current=())\n"
        "report.rows(), report._repr_html_()\n"
        "assert not {'pandas', 'polars', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LONG)


def html(report: Any) -> ET.Element:
    """The HTML of a report, which is also XML."""
    return ET.fromstring(report._repr_html_())  # noqa: S314 - it is ours


def texts(element: ET.Element, name: str) -> list[str]:
    return ["".join(each.itertext()) for each in element.iter(name)]


SVG = "{http://www.w3.org/2000/svg}"


@EACH
def test_every_report_is_a_table_in_a_notebook(route: Route, found: dict[str, BaseModel]) -> None:
    for report in filter(None, (found[route.report], empty(route.model))):
        page = html(report)
        assert page.tag == "div"
        assert len(list(page.iter("table"))) == 1
        columns = len(next(page.iter("thead"))[0])
        assert all(len(row) == columns for row in next(page.iter("tbody")))


def test_a_series_has_a_chart_with_bars_and_a_line() -> None:
    def paths(report: models.NewConversations) -> list[str | None]:
        return [each.get("d") for each in html(report).iter(f"{SVG}path")]

    bars, line = paths(series(3, 3))
    assert bars
    assert bars.count("M") == 3
    assert line
    assert line.count("h") == 3
    assert len(paths(series(3))) == 1
    assert paths(series(0)) == []


def test_a_long_series_has_a_short_chart_with_its_highest_bucket() -> None:
    page = html(series(3700, 3700))
    assert [len(each.get("d") or "") < 8_000 for each in page.iter(f"{SVG}path")] == [True, True]
    assert "the highest is 3699" in texts(page, f"{SVG}title")[0]


def test_charts_and_tables_have_the_colours_of_the_page() -> None:
    shown = series(3, 3)._repr_html_()
    assert "currentColor" in shown
    assert "#" not in shown
    assert "rgb" not in shown


def test_a_long_table_says_how_many_rows_are_left_out() -> None:
    page = html(series(1000))
    assert len(next(page.iter("tbody"))) == MOST_ROWS
    assert texts(page, "p")[-1] == "… and 950 more"
    assert "more" not in series(MOST_ROWS)._repr_html_()


def test_figures_are_a_table_with_a_row_for_each(found: dict[str, BaseModel]) -> None:
    report = found["happiness"]
    assert isinstance(report, Happiness)
    rows = {
        texts(row, "td")[0]: texts(row, "td")
        for row in html(report).iter("tr")
        if row[0].tag == "td"
    }
    current, previous = report.current, report.previous
    assert previous
    assert rows["totalCustomers"][1:3] == [
        str(current.totalCustomers),
        str(previous.totalCustomers),
    ]
    assert rows["okay"][1] == f"{current.okay:.2f}"


def test_what_customers_wrote_is_text_and_no_markup() -> None:
    report = drilldown(HOSTILE)
    shown = report._repr_html_()
    assert "<script" not in shown
    assert not {"\x00", "\x1b", "\ufffe"} & set(shown)
    written = (
        HOSTILE.replace("\x00", "\ufffd").replace("\x1b", "\ufffd").replace("\ufffe", "\ufffd")
    )
    assert written in texts(html(report), "td")


def test_a_long_text_is_cut() -> None:
    long = drilldown("x" * 10_000)
    assert f"{'x' * 200}…" in texts(html(long), "td")
    assert len(long._repr_html_()) < 3000


def test_a_page_of_a_list_says_which_it_is() -> None:
    assert texts(html(drilldown()), "p")[0] == "page 1 of 2, 2 in all"


def test_the_plain_repr_of_a_long_series_is_short() -> None:
    assert repr(series(1000)) == "NewConversations(current=<1000 items>, previous=None)"
    assert "Bucket(start=" in repr(series(1))
    hours = tuple(models.Hour(day=1, hour=hour, count=0) for hour in range(24))
    assert repr(models.BusyTimes(root=hours)) == "BusyTimes(root=<24 items>)"
