"""Random changes of an account while it is read, repeatably."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, get_args

from compat.simulator.behaviour import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.store import Account

KINDS = ("email", "chat", "phone")
_USUAL_TAGS = 5


class Churn:
    """Changes an account before its lists are answered.

    Args:
        account: the account to change.
        behaviour: how many changes there are, and of which kinds.
    """

    def __init__(self, account: Account, behaviour: Behaviour) -> None:
        self._account = account
        self.set_behaviour(behaviour)

    def set_behaviour(self, behaviour: Behaviour) -> None:
        """Use this behaviour from the next list on; the draws start again."""
        self._behaviour = behaviour
        self._rng = Random(behaviour.seed)

    def before_list(self) -> None:
        """Make the changes before one list: the whole part of the rate, and the rest by chance."""
        rate = self._behaviour.churn
        if not rate:
            return
        whole = int(rate)
        for _ in range(whole + (self._rng.random() < rate - whole)):
            apply_random_change(self._account, self._rng, self._behaviour.churn_of)


def apply_random_change(
    account: Account, rng: Random, kinds: Sequence[ChangeKind] = get_args(ChangeKind)
) -> Conversation | None:
    """Make one random change of one of these kinds.

    Returns:
        The conversation after the change; None if there was no conversation to change.
    """
    kind = rng.choice(kinds)
    rows = account.conversations()
    if kind == "arrive":
        return _arrive(account, rng, rows)
    candidates = [row for row in rows if row.listed is not (kind == "return")]
    if not candidates:
        return None
    return _CHANGES[kind](account, rng, rng.choice(candidates))


def _arrive(account: Account, rng: Random, rows: Sequence[Conversation]) -> Conversation:
    """Add a conversation: created now, or imported with the creation time of another one."""
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
    return account.assign(row.id, rng.choice((0, *(user.id for user in account.layout.users))))


def _move(account: Account, rng: Random, row: Conversation) -> Conversation:
    return account.move(row.id, rng.choice(account.layout.mailboxes).id)


_CHANGES: dict[ChangeKind, Callable[[Account, Random, Conversation], Conversation | None]] = {
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
