"""Checks of Mailbox API 2.0: access, plan, rate limit, clock, and how its lists behave."""

from __future__ import annotations

from typing import Final

from compat.config.accounts import credentials_names
from compat.config.settings import Settings, variable_name
from compat.doctor import Finding, Verdict, format_duration
from compat.doctor.account_facts import AccountFacts
from compat.v2.errors import (
    CredentialsRefused,
    InconsistentData,
    MalformedData,
    NothingAtAddress,
    Redirected,
    RequestLoop,
    UntrustedCertificate,
    UpstreamError,
)

_PLANS: Final = {200: "Standard", 400: "Plus", 800: "Pro"}
_FEW_LEFT: Final = 0.25
_MAX_CLOCK_DIFFERENCE: Final = 60
_USUAL_PAGE_SIZES: Final = (25, 50)
_MAX_EXAMPLES: Final = 5
_WHAT_TO_DO: Final = (
    (
        CredentialsRefused,
        "copy id and secret anew from Your Profile, My Apps at Help Scout into {credentials}",
    ),
    (RequestLoop, f"set {variable_name('connect_to')} to an address of Help Scout's"),
    (
        UntrustedCertificate,
        f"if a proxy inspects TLS, name its certificate authority in {variable_name('ca_file')}",
    ),
    (Redirected, f"check {variable_name('base_url')} and {variable_name('proxy')}"),
    (NothingAtAddress, f"check {variable_name('base_url')}"),
)
_CANNOT_BE_REACHED: Final = (
    f"check the network, {variable_name('base_url')} and {variable_name('proxy')}, "
    "and try again later"
)


def credentials(settings: Settings, account: AccountFacts, name: str) -> Finding:
    """Whether upstream accepts the credentials.

    Args:
        settings: The account's settings.
        account: Facts about it.
        name: Its name.
    """
    failure = account.failure
    if failure is None:
        return Finding("ok", "Help Scout accepts the application's id and secret")
    todo = next(
        (todo for kind, todo in _WHAT_TO_DO if isinstance(failure, kind)), _CANNOT_BE_REACHED
    )
    then = "Help Scout accepts them, and then: " if account.now is not None else ""
    facts = {"host": settings.base_url, "status": failure.status}
    todo = todo.format(credentials=credentials_names(name))
    return Finding("trouble", f"{then}{failure}", todo, facts)


def mailboxes(_settings: Settings, account: AccountFacts) -> Finding | None:
    """Whether there is anything to count."""
    if refusal := account.refusals.get("mailboxes"):
        return Finding("trouble", str(refusal), _advice(refusal, _NO_MAILBOX))
    if account.mailboxes is None:
        return None
    names = [f"{each.name} ({each.id})" for each in account.mailboxes]
    facts = {"ids": [each.id for each in account.mailboxes]}
    if not names:
        return Finding("trouble", "the application sees no mailbox", _NO_MAILBOX, facts)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    what = f"the application sees {len(names)}: {', '.join(names[:5])}{more}"
    return Finding("ok", what, facts=facts)


def _advice(refusal: UpstreamError, otherwise: str) -> str:
    """What to do about an answer of upstream's: the access of a user does not mend wrong data."""
    if isinstance(refusal, MalformedData):
        return (
            "look at it in Help Scout, and report it to Help Scout's support: questions and "
            "synchronisations that meet it fail until it is mended"
        )
    return "try again later" if isinstance(refusal, InconsistentData) else otherwise


_NO_MAILBOX: Final = "let a user who may see all mailboxes make the application"


def plan(settings: Settings, account: AccountFacts) -> Finding:
    """Whether upstream's own reports answer, and the plan by its rate limit."""
    name = _PLANS.get(account.rate_limit or 0)
    by_limit = f", which is that of {name}" if name else ""
    limit = account.rate_limit
    shown = f"{limit} requests a minute{by_limit}" if limit else "Help Scout sends no rate limit"
    facts = {"reports": account.has_reports, "rate_limit": account.rate_limit, "plan": name}
    if account.has_reports is None:
        return Finding("unknown", f"whether Help Scout's own reports answer: {shown}", "", facts)
    if account.has_reports:
        return Finding("ok", f"Help Scout's own reports answer: {shown}", "", facts)
    refused = f"Help Scout's own reports do not answer (a plan without, or a user without): {shown}"
    if settings.engine == "computed":
        return Finding("ok", f"{refused}; they are not needed to compute", "", facts)
    todo = f"set {variable_name('engine')} to computed, or leave it unset"
    verdict: Verdict = "trouble" if settings.engine == "relayed" else "warning"
    return Finding(verdict, refused, todo, facts)


def rate_limit(settings: Settings, account: AccountFacts) -> Finding:
    """How many requests are left this minute."""
    limit, left = account.rate_limit, account.rate_left
    facts = {"limit": limit, "left": left, "made": account.requests}
    made = f"{account.requests} requests were made to find all this out"
    if limit is None or left is None:
        return Finding("unknown", f"Help Scout sends no rate limit; {made}", "", facts)
    what = f"{left} of {limit} requests are left this minute; {made}"
    if left + account.requests < limit * _FEW_LEFT:
        if account.used_by_others:
            what += f", and {account.used_by_others} by others meanwhile"
            return Finding("warning", what, _OTHER_PROGRAMS, facts)
        todo = (
            "run this again in a minute: sync, serve or doctor may have used the others a moment "
            f"ago; if it stays so, {_OTHER_PROGRAMS}"
        )
        return Finding("unknown", what, todo, facts)
    reserved = f"; {settings.rate_reserve:.0%} are left to other programs"
    return Finding("ok", what + reserved, "", facts)


_OTHER_PROGRAMS: Final = (
    "look for other programs that use this account at Help Scout: they share the limit; "
    f"{variable_name('rate_reserve')} is the share that is left to them"
)


def clock(_settings: Settings, account: AccountFacts) -> Finding:
    """Whether this machine's clock agrees with upstream's."""
    if account.clock_ahead is None:
        return Finding("unknown", "how late it is at Help Scout")
    facts = {"seconds_ahead_here": -account.clock_ahead}
    if abs(account.clock_ahead) <= _MAX_CLOCK_DIFFERENCE:
        return Finding("ok", "this machine's clock agrees with Help Scout's", facts=facts)
    way = "behind" if account.clock_ahead > 0 else "ahead of"
    return Finding(
        "warning",
        f"this machine's clock is {format_duration(account.clock_ahead)} {way} Help Scout's; "
        "counts do not depend on it, but words such as last-month and the times in logs do",
        "let the machine set its clock by NTP",
        facts,
    )


def page_size(_settings: Settings, account: AccountFacts) -> Finding:
    """How many requests a thousand conversations take."""
    size = account.page_size
    facts = {"rows": size}
    if refusal := account.refusals.get("page size"):
        return Finding("trouble", f"conversations: {refusal}", _advice(refusal, _NO_ACCESS), facts)
    if size is None:
        return Finding("unknown", "all conversations fit on one page of unknown size", "", facts)
    what = f"{size} conversations a page: a thousand take about {1000 / (size - 1):.0f} requests"
    if size in _USUAL_PAGE_SIZES:
        return Finding("ok", what, "", facts)
    todo = "nothing: the size is read from the answers; it was always 25 or 50 so far"
    return Finding("ok", what, todo, facts)


_NO_ACCESS: Final = "let a user who may see the conversations make the application"


def spam_in_all(_settings: Settings, account: AccountFacts) -> Finding:
    """Whether the list of `all` includes spam."""
    facts = {"listed": account.spam_in_all}
    if account.spam_in_all is None:
        what = "whether the list of `all` shows spam: there is none to check"
        return Finding("unknown", what, "nothing: spam is fetched by itself wherever it counts")
    shows = "shows" if account.spam_in_all else "hides"
    what = f"the list of `all` {shows} spam; answers are right either way"
    return Finding("ok", what, facts=facts)


def home_folders(_settings: Settings, account: AccountFacts) -> Finding:
    """Whether the lists of home folders agree with payloads: filters by folder rely on that."""
    compared = sum(home.compared for home in account.home_folders.values())
    odd = {
        folder: [*home.unexpected, *home.unlisted]
        for folder, home in account.home_folders.items()
        if home.unexpected or home.unlisted
    }
    facts = {"folders": list(account.home_folders), "conversations": compared, "odd": odd}
    if not compared:
        return Finding("unknown", "no home folder with anything in it was found", "", facts)
    if not odd:
        folders = len(account.home_folders)
        what = f"{compared} conversations of {folders} home folders are where they say"
        return Finding("ok", what, "", facts)
    ids = [str(id_) for each in odd.values() for id_ in each][:_MAX_EXAMPLES]
    return Finding(
        "warning",
        f"the lists of home folders {', '.join(map(str, odd))} do not agree with `folderId`, for "
        f"example for {', '.join(ids)}",
        "run this again, since they may just have been moved; if it stays so, do not rely on "
        "counts by folder, and report it",
        facts,
    )


def fractions(_settings: Settings, account: AccountFacts) -> Finding:
    """Whether upstream's index keeps fractions of seconds that payloads do not show."""
    seconds = account.one_second_lists
    if seconds is None or not seconds.shown + seconds.hidden:
        return Finding(
            "unknown", "whether the index keeps fractions of seconds: no conversation shows it"
        )
    facts = {"kept": bool(seconds.hidden), "shown": seconds.shown, "hidden": seconds.hidden}
    if seconds.hidden:
        what = (
            "the index keeps fractions of seconds that payloads do not show; requests cover a "
            f"second more, so answers are right ({variable_name('count_by')}=totals has no effect)"
        )
        return Finding("ok", what, facts=facts)
    what = f"lists of one second show what was created in it ({seconds.shown} of {seconds.shown})"
    return Finding("ok", what, facts=facts)
