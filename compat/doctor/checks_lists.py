"""Judging how upstream's lists behave, where its pages say nothing about it."""

from __future__ import annotations

from typing import Final

from compat.config.settings import Settings, variable_name
from compat.doctor.facts import AccountFacts
from compat.doctor.findings import Finding

_USUAL_SIZES: Final = (25, 50)
_SHOWN_IDS: Final = 5


def page_size(_settings: Settings, learnt: AccountFacts) -> Finding:
    """How many requests a thousand conversations cost."""
    size = learnt.page_size
    facts = {"rows": size}
    if refusal := learnt.refusals.get("page size"):
        return Finding("trouble", f"conversations: {refusal}", _RIGHTS, facts)
    if size is None:
        return Finding("unknown", "all conversations fit on one page of unknown size", "", facts)
    what = f"{size} conversations a page: a thousand take about {1000 / (size - 1):.0f} requests"
    if size in _USUAL_SIZES:
        return Finding("ok", what, "", facts)
    todo = "nothing: the size is read from the answers; it was always 25 or 50 so far"
    return Finding("ok", what, todo, facts)


_RIGHTS: Final = "let a user who may see the conversations make the application"


def spam(_settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether the list of `all` shows spam."""
    facts = {"listed": learnt.spam_in_all}
    if learnt.spam_in_all is None:
        what = "whether the list of `all` shows spam: there is none to tell by"
        return Finding("unknown", what, "nothing: spam is walked by itself wherever it counts")
    shows = "shows" if learnt.spam_in_all else "hides"
    what = f"the list of `all` {shows} spam; answers are right either way"
    return Finding("ok", what, facts=facts)


def homes(_settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether home folders show what payloads say, since filters by folder rely on that."""
    compared = sum(home.compared for home in learnt.homes.values())
    odd = {
        folder: [*home.strayed, *home.missed]
        for folder, home in learnt.homes.items()
        if home.strayed or home.missed
    }
    facts = {"folders": list(learnt.homes), "conversations": compared, "odd": odd}
    if not compared:
        return Finding("unknown", "no home folder with anything in it was found", "", facts)
    if not odd:
        what = f"{compared} conversations of {len(learnt.homes)} home folders are where they say"
        return Finding("ok", what, "", facts)
    ids = [str(id_) for each in odd.values() for id_ in each][:_SHOWN_IDS]
    return Finding(
        "warning",
        f"the lists of home folders {', '.join(map(str, odd))} do not agree with `folderId`, for "
        f"example for {', '.join(ids)}",
        "run this again, since they may just have been moved; if it stays so, do not rely on "
        "counts by folder, and report it",
        facts,
    )


def fractions(_settings: Settings, learnt: AccountFacts) -> Finding:
    """Whether upstream's index keeps more of the time of creation than payloads show."""
    seconds = learnt.seconds
    if seconds is None or not seconds.shown + seconds.hidden:
        return Finding("unknown", "whether the index keeps fractions of seconds: nothing tells")
    facts = {"kept": bool(seconds.hidden), "shown": seconds.shown, "hidden": seconds.hidden}
    if seconds.hidden:
        what = (
            "the index keeps fractions of seconds that payloads do not show; walks ask for a "
            f"second more, so answers are right ({variable_name('count_by')}=totals has no effect)"
        )
        return Finding("ok", what, facts=facts)
    what = f"lists of one second show what was created in it ({seconds.shown} of {seconds.shown})"
    return Finding("ok", what, facts=facts)
