"""An account that lives: what happens in it while it is read."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, get_args

from compat.simulator.behaviour import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from compat.simulator.account import Account
    from compat.simulator.behaviour import Behaviour
    from compat.simulator.records import Conversation

KINDS = ("email", "chat", "phone")
_USUAL_TAGS = 5


class Churn:
    """Changes an account before its lists are answered, repeatably.

    Args:
        account: what is changed.
        behaviour: how much happens, and what.
    """

    def __init__(self, account: Account, behaviour: Behaviour) -> None:
        self._account = account
        self.become(behaviour)

    def become(self, behaviour: Behaviour) -> None:
        """From the next list on it is like this; the draw begins anew."""
        self._behaviour = behaviour
        self._rng = Random(behaviour.seed)

    def before_list(self) -> None:
        """What happens before one list: the whole part of the rate, and the rest by chance."""
        rate = self._behaviour.churn
        if not rate:
            return
        whole = int(rate)
        for _ in range(whole + (self._rng.random() < rate - whole)):
            happen(self._account, self._rng, self._behaviour.churn_of)


def happen(
    account: Account, rng: Random, kinds: Sequence[Happening] = get_args(Happening)
) -> Conversation | None:
    """Lets one of these things happen to some conversation.

    Returns:
        The conversation as it is afterwards; None where there was nothing for it to happen to.
    """
    kind = rng.choice(kinds)
    rows = account.conversations()
    if kind == "arrive":
        return _arrive(account, rng, rows)
    known = [row for row in rows if row.listed is not (kind == "return")]
    if not known:
        return None
    return _CHANGES[kind](account, rng, rng.choice(known))


def _arrive(account: Account, rng: Random, rows: Sequence[Conversation]) -> Conversation:
    """Someone writes now; or, since pages are sorted by time, was imported among the others."""
    imported = rows and rng.random() < 0.5
    return account.add(
        rng.choice(rows).created if imported else None,
        mailbox_id=rng.choice(account.layout.mailboxes).id,
        tags=_tags(account, rng),
        type=rng.choice(KINDS),
        millis=rng.randrange(1000),
    )


def _tags(account: Account, rng: Random) -> list[int]:
    usual = [tag.id for tag in account.layout.tags[:_USUAL_TAGS]]
    return rng.sample(usual, min(len(usual), rng.choice((0, 0, 1, 2))))


def _merge(account: Account, rng: Random, row: Conversation) -> Conversation | None:
    others = [each.id for each in account.conversations() if each.listed and each.id != row.id]
    return account.merge(row.id, rng.choice(others)) if others else None


def _assign(account: Account, rng: Random, row: Conversation) -> Conversation:
    return account.assign(row.id, rng.choice((0, *account.layout.user_by_id)))


def _move(account: Account, rng: Random, row: Conversation) -> Conversation:
    return account.move(row.id, rng.choice(account.layout.mailboxes).id)


_CHANGES: dict[Happening, Callable[[Account, Random, Conversation], Conversation | None]] = {
    "vanish": lambda account, _, row: account.delete(row.id),
    "merge": _merge,
    "return": lambda account, _, row: account.restore(row.id),
    "spam": lambda account, _, row: account.spam(row.id),
    "unspam": lambda account, _, row: account.unspam(row.id),
    "close": lambda account, _, row: account.close(row.id),
    "reopen": lambda account, rng, row: account.reopen(row.id, rng.choice(("active", "pending"))),
    "assign": _assign,
    "move": _move,
    "retag": lambda account, rng, row: account.retag(row.id, _tags(account, rng)),
    "publish": lambda account, _, row: account.publish(row.id),
    "touch": lambda account, _, row: account.touch(row.id),
}
