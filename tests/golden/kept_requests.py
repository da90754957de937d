"""The requests whose answers are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.golden.stage import KEY, basic

NEW: Final = "/v1/reports/conversations/new.json"
DRILLDOWN: Final = "/v1/reports/conversations/new-drilldown.json"
BUSY: Final = "/v1/reports/conversations/busy-times.json"
RANGE: Final = "start=2015-01-01T00:00:00Z&end=2015-01-31T23:59:59Z"
HALF: Final = "start=2015-01-01T00:00:00Z&end=2015-06-30T23:59:59Z"
BEFORE: Final = "previousStart=2014-12-01T00:00:00Z&previousEnd=2014-12-31T23:59:59Z"
FAR: Final = "start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z"
ALL_BAD: Final = (
    "viewBy=x&previousEnd=x&previousStart=x&folders=x&types=x&tags=x&mailboxes=x&end=x&start=x"
)


@dataclass(frozen=True)
class Request:
    """A request, with the old API key unless it says otherwise."""

    target: str
    method: str = "GET"
    authorization: str | None = basic()


REPORTS: Final = {
    "by week, as is the default": Request(f"{NEW}?{RANGE}"),
    "by day": Request(f"{NEW}?start=2015-01-29T12:30:00Z&end=2015-02-02T12:30:00Z&viewBy=day"),
    "by month": Request(f"{NEW}?{HALF}&viewBy=month"),
    "by month from the 31st": Request(f"{NEW}?start=2015-01-31&end=2015-06-15&viewBy=month"),
    "two ranges": Request(f"{NEW}?{RANGE}&{BEFORE}&viewBy=week"),
    "one mailbox": Request(f"{NEW}?{HALF}&viewBy=month&mailboxes=8501"),
    "two tags": Request(f"{NEW}?{HALF}&viewBy=month&tags=6001,6012"),
    "a folder": Request(f"{NEW}?{HALF}&viewBy=month&folders=72021,72061"),
    "all filters": Request(
        f"{NEW}?{HALF}&viewBy=month&mailboxes=8501,8508&types=email&tags=1,6001"
    ),
    "mailboxes that are not there": Request(f"{NEW}?{RANGE}&mailboxes=999999"),
    "untagged": Request(f"{NEW}?{HALF}&viewBy=month&tags=1"),
    "types": Request(f"{NEW}?{HALF}&viewBy=month&types=chat,phone"),
    "types in brackets": Request(f"{NEW}?{HALF}&viewBy=month&types[]=chat&types[]=phone"),
    "types repeated": Request(f"{NEW}?{HALF}&viewBy=month&types=chat&types=phone"),
    "folders that are not there": Request(f"{NEW}?{RANGE}&folders=999999"),
    "no length": Request(f"{NEW}?start=2015-01-01&end=2015-01-01"),
    "nothing was created": Request(f"{NEW}?start=2001-01-01&end=2001-01-31"),
    "in the future": Request(f"{NEW}?start=2500-01-01&end=2500-01-31"),
    "the first year": Request(f"{NEW}?start=0001-01-01&end=0001-01-31"),
    "the last year": Request(f"{NEW}?start=9999-12-01&end=9999-12-31T23:59:59Z"),
}
SPELLINGS: Final = {
    "percent-encoded": Request(
        f"{NEW}?start=2015-01-01T00%3A00%3A00Z&end=2015-01-31T23%3A59%3A59Z&types=chat%2Cphone"
    ),
    "a plus in an offset": Request(
        f"{NEW}?start=2015-01-01T12:00:00.000+01:00&end=2015-01-31T12:00:00+0100"
    ),
    "an encoded plus": Request(f"{NEW}?start=2015-01-01T12:00:00%2B01:00&end=2015-01-31"),
    "milliseconds": Request(f"{NEW}?start=2015-01-01T00:00:00.999Z&end=2015-01-31T00:00:00.001Z"),
    "no zone": Request(f"{NEW}?start=2015-01-01T00:00:00&end=2015-01-31T23:59:59"),
    "a space for the T": Request(f"{NEW}?start=2015-01-01%2000:00:00&end=2015-01-31"),
    "unknown parameters": Request(f"{NEW}?{RANGE}&foo=bar&key={KEY}"),
    "empty parameters": Request(f"{NEW}?{RANGE}&tags=&types=&viewBy=&previousStart="),
    "a repeated viewBy": Request(f"{NEW}?{RANGE}&viewBy=day&viewBy=month&viewBy=week"),
    "an encoded path": Request(f"/v1/reports/conversations/%6Eew.json?{RANGE}"),
    "two slashes": Request(f"/v1//reports/conversations/new.json?{RANGE}"),
    "a slash at the end": Request(f"{NEW}/?{RANGE}"),
    "no ending": Request(f"/v1/reports/conversations/new?{RANGE}"),
    "another ending": Request(f"/v1/reports/conversations/new.xml?{RANGE}"),
    "a capital": Request(f"/v1/reports/conversations/New.json?{RANGE}"),
}
DRILLDOWNS: Final = {
    "the first page": Request(f"{DRILLDOWN}?{RANGE}"),
    "two rows": Request(f"{DRILLDOWN}?{RANGE}&rows=2"),
    "the second page of two rows": Request(f"{DRILLDOWN}?{RANGE}&rows=2&page=2"),
    "past the end": Request(f"{DRILLDOWN}?{RANGE}&page=99"),
    "chats": Request(f"{DRILLDOWN}?{HALF}&types=chat&rows=3"),
    "nothing": Request(f"{DRILLDOWN}?start=2001-01-01&end=2001-01-31"),
    "bad pages": Request(f"{DRILLDOWN}?{RANGE}&page=0&rows=51"),
    "busy times": Request(f"{BUSY}?{HALF}"),
    "busy times of chats": Request(f"{BUSY}?{HALF}&types=chat"),
    "busy times of nothing": Request(f"{BUSY}?start=2001-01-01&end=2001-01-31"),
    "busy times without a range": Request(BUSY),
}
LISTS: Final = {
    "mailboxes": Request("/v1/mailboxes.json"),
    "mailboxes past the end": Request("/v1/mailboxes.json?page=2"),
    "page 0": Request("/v1/mailboxes.json?page=0"),
    "tags": Request("/v1/tags.json"),
    "folders": Request("/v1/mailboxes/8501/folders.json"),
    "folders of another mailbox": Request("/v1/mailboxes/8508/folders.json"),
    "folders of no mailbox": Request("/v1/mailboxes/999999/folders.json"),
    "a mailbox": Request("/v1/mailboxes/8501.json"),
    "no mailbox": Request("/v1/mailboxes/999999.json"),
    "users": Request("/v1/users.json"),
    "users of a mailbox": Request("/v1/mailboxes/8501/users.json?page=2"),
    "users of a wrong type": Request("/v1/users.json?type=x"),
    "a user": Request("/v1/users/4104.json"),
    "no user": Request("/v1/users/999999.json"),
    "the user of the application": Request("/v1/users/me.json"),
    "teams": Request("/v1/teams.json"),
    "a team": Request("/v1/teams/4902.json"),
    "members of a team": Request("/v1/teams/4902/members.json"),
    "folders of a name": Request("/v1/mailboxes/x/folders.json"),
    "a page that is no number": Request("/v1/tags.json?page=x"),
}
REFUSED: Final = {
    "no parameters": Request(NEW),
    "no end": Request(f"{NEW}?start=2015-01-01"),
    "a date that is none": Request(f"{NEW}?start=2015-02-30&end=2015-03-01"),
    "the end before the start": Request(f"{NEW}?start=2015-02-01&end=2015-01-31"),
    "the previous end alone": Request(f"{NEW}?{RANGE}&previousEnd=2014-01-01"),
    "the previous start alone": Request(f"{NEW}?{RANGE}&previousStart=2014-01-01"),
    "the previous end before its start": Request(
        f"{NEW}?{RANGE}&previousStart=2014-02-01&previousEnd=2014-01-31"
    ),
    "an unknown viewBy": Request(f"{NEW}?{RANGE}&viewBy=hour"),
    "an unknown type": Request(f"{NEW}?{RANGE}&types=fax"),
    "ids that are none": Request(f"{NEW}?{RANGE}&mailboxes=a&tags=1.0&folders=-1"),
    "an id of 19 digits": Request(f"{NEW}?{RANGE}&tags={'9' * 19}"),
    "too many buckets": Request(f"{NEW}?{FAR}&viewBy=day"),
    "too many buckets by default": Request(f"{NEW}?{FAR}"),
    "everything": Request(f"{NEW}?{ALL_BAD}"),
    "a value outside ASCII": Request(f"{NEW}?start=%C3%A9%E2%82%AC&end=%FF"),
    "control characters": Request(f"{NEW}?start=%00%0A%22%5C&end=%3Cb%3E"),
    "no key": Request(f"{NEW}?{RANGE}", authorization=None),
    "a wrong key": Request(f"{NEW}?{RANGE}", authorization=basic("another-key")),
    "an empty key": Request(f"{NEW}?{RANGE}", authorization="Basic Og=="),
    "the key as a Bearer": Request(f"{NEW}?{RANGE}", authorization=f"Bearer {KEY}"),
    "Basic without Base64": Request(f"{NEW}?{RANGE}", authorization="Basic ?"),
    "the scheme in lower case": Request(
        f"{NEW}?{RANGE}", authorization=basic().replace("Basic", "basic")
    ),
    "no key and no parameters": Request(NEW, authorization=None),
    "an unknown report": Request("/v1/reports/docs.json"),
    "an unknown report without a key": Request("/v1/reports/docs.json", authorization=None),
    "a path with odd characters": Request("/v1/reports/%3Cb%3E%22%C3%A9.json"),
}
METHODS: Final = {
    f"{method} {name}": Request(target, method)
    for method in ("HEAD", "OPTIONS", "POST", "PUT", "DELETE")
    for name, target in (("a report", f"{NEW}?{RANGE}"), ("a list", "/v1/tags.json"))
}
GROUPS: Final = {
    "reports": REPORTS,
    "spellings": SPELLINGS,
    "drilldown-and-busy-times": DRILLDOWNS,
    "lists": LISTS,
    "refused": REFUSED,
    "methods": METHODS,
}
LOCAL: Final = {
    "health": Request("/healthz", authorization=None),
    "HEAD health": Request("/healthz", "HEAD", authorization=None),
    "POST health": Request("/healthz", "POST", authorization=None),
    "POST metrics": Request("/metrics", "POST", authorization=None),
    "OPTIONS description": Request("/openapi.json", "OPTIONS", authorization=None),
    "elsewhere": Request("/elsewhere"),
    "version 1 alone": Request("/v1/"),
    "another list of version 1": Request("/v1/customers.json"),
    "version 2": Request("/v2/conversations"),
}
"""What only a server answers: the other entry points pass it on."""
