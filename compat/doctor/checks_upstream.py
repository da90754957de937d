"""Judging the line to Mailbox API 2.0: who may ask, how much, and by which clock."""

from __future__ import annotations

from typing import Final

from compat.config.settings import Settings, variable_name
from compat.doctor.facts import AccountFacts
from compat.doctor.findings import Finding, Verdict, lasting
from compat.v2.errors import CredentialsRefused, Redirected, RequestLoop

_PLANS: Final = {200: "Standard", 400: "Plus", 800: "Pro"}
_FEW_LEFT: Final = 0.25
_CLOCK_OFF: Final = 60
_WHAT_TO_DO: Final = (
    (
        CredentialsRefused,
        (
            "copy id and secret anew from Your Profile, My Apps at Help Scout into "
            f"{variable_name('app_id')} and {variable_name('app_secret')}"
        ),
    ),
    (RequestLoop, f"set {variable_name('connect_to')} to an address of Help Scout's"),
    (Redirected, f"check {variable_name('base_url')} and {variable_name('proxy')}"),
)
_CANNOT_BE_REACHED: Final = (
    f"check the network, {variable_name('base_url')} and {variable_name('proxy')}, "
    "and try again later"
)


def credentials(settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether upstream lets us in."""
    trouble = learnt.trouble
    if trouble is None:
        return Finding("ok", "Help Scout accepts the application's id and secret")
    todo = next(
        (todo for kind, todo in _WHAT_TO_DO if isinstance(trouble, kind)), _CANNOT_BE_REACHED
    )
    then = "Help Scout accepts them, and then: " if learnt.now is not None else ""
    facts = {"host": settings.base_url, "status": trouble.status}
    return Finding("trouble", f"{then}{trouble}", todo, facts)


def mailboxes(_settings: Settings, learnt: AccountFacts) -> Finding | None:
    """Whether there is anything to count."""
    if refusal := learnt.refusals.get("mailboxes"):
        return Finding("trouble", str(refusal), _OTHER_USER)
    if learnt.mailboxes is None:
        return None
    names = [f"{each.name} ({each.id})" for each in learnt.mailboxes]
    facts = {"ids": [each.id for each in learnt.mailboxes]}
    if not names:
        return Finding("trouble", "the application sees no mailbox", _OTHER_USER, facts)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    what = f"the application sees {len(names)}: {', '.join(names[:5])}{more}"
    return Finding("ok", what, facts=facts)


_OTHER_USER: Final = "let a user who may see all mailboxes make the application"


def plan(settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether the successor's own reports can be relayed; and the plan, by the rate limit."""
    name = _PLANS.get(learnt.rate_limit or 0)
    by_limit = f", which is that of {name}" if name else ""
    shown = f"{learnt.rate_limit or 'unknown'} requests a minute{by_limit}"
    facts = {"reports": learnt.reports, "rate_limit": learnt.rate_limit, "plan": name}
    if learnt.reports is None:
        return Finding("unknown", f"whether Help Scout's own reports answer: {shown}", "", facts)
    if learnt.reports:
        return Finding("ok", f"Help Scout's own reports answer: {shown}", "", facts)
    refused = f"Help Scout's own reports do not answer (a plan without, or a user without): {shown}"
    if settings.engine == "computed":
        return Finding("ok", f"{refused}; they are not needed to compute", "", facts)
    todo = f"set {variable_name('engine')} to computed, or leave it unset"
    verdict: Verdict = "trouble" if settings.engine == "relayed" else "warning"
    return Finding(verdict, refused, todo, facts)


def budget(settings: Settings, learnt: AccountFacts) -> Finding:
    """How much of this minute's requests is left."""
    limit, left = learnt.rate_limit, learnt.rate_left
    facts = {"limit": limit, "left": left, "made": learnt.requests}
    made = f"{learnt.requests} requests were made to find all this out"
    if limit is None or left is None:
        return Finding("unknown", f"Help Scout tells no rate limit; {made}", "", facts)
    what = f"{left} of {limit} requests are left this minute; {made}"
    if left + learnt.requests < limit * _FEW_LEFT:
        todo = (
            "look for other programs that ask Help Scout for this account: they share the limit; "
            f"{variable_name('rate_reserve')} is the share that is left to them"
        )
        return Finding("warning", what, todo, facts)
    reserved = f"; {settings.rate_reserve:.0%} are left to other programs"
    return Finding("ok", what + reserved, "", facts)


def clock(_settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether this machine's clock agrees with upstream's."""
    if learnt.ahead is None:
        return Finding("unknown", "how late it is at Help Scout")
    facts = {"seconds_ahead_here": -learnt.ahead}
    if abs(learnt.ahead) <= _CLOCK_OFF:
        return Finding("ok", "this machine's clock agrees with Help Scout's", facts=facts)
    way = "behind" if learnt.ahead > 0 else "ahead of"
    return Finding(
        "warning",
        f"this machine's clock is {lasting(learnt.ahead)} {way} Help Scout's; counts do not "
        "depend on it, but words such as last-month and the times in logs do",
        "let the machine set its clock by NTP",
        facts,
    )
