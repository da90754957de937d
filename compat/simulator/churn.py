"""Random changes of an account while it is read, repeatably."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, get_args

from compat.simulator.behaviour import ChangeKind
from compat.simulator.layout import saved_reply_id
from compat.simulator.thread import LINE_ITEM, NO_CHANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from compat.simulator.behaviour import Behaviour
    from compat.simulator.conversation import Conversation
    from compat.simulator.store import Account
    from compat.simulator.thread import Thread

KINDS = ("email", "chat", "phone")
_USUAL_TAGS = 5
_RATINGS = ("great", "okay", "not_good")
_COMMENTS = ("", "Now I know")


class Churn:
    """Changes an account before its lists of conversations and threads are answered.

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
        The conversation after the change; None if there was no conversation, or no thread in it,
        to change.
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


def _author(account: Account, rng: Random) -> int:
    return rng.choice(account.layout.users).id


def _reply(account: Account, rng: Random, row: Conversation) -> Conversation:
    """Add a reply; a closed conversation stays closed, or is opened again by it."""
    status = rng.choice((NO_CHANGE, "pending", "closed", "active"))
    saved = rng.choice((0, 0, saved_reply_id(row.mailbox_id, 0)))
    author_id = _author(account, rng)
    account.reply(row.id, author_id=author_id, status=status, saved_reply_id=saved)
    return account[row.id]


def _note(account: Account, rng: Random, row: Conversation) -> Conversation:
    """Add a note, a draft, or an imported thread with a time in the past."""
    author_id, kind = _author(account, rng), rng.choice(("note", "draft", "imported"))
    if kind == "note":
        account.note(row.id, author_id=author_id)
    elif kind == "draft":
        account.reply(row.id, author_id=author_id, state="draft")
    else:
        created = rng.randint(row.created, max(row.modified, row.created))
        account.reply(row.id, author_id=author_id, action="imported", created=created)
    return account[row.id]


def _write(account: Account, _: Random, row: Conversation) -> Conversation:
    account.write(row.id)
    return account[row.id]


def _of_a_thread(
    suits: Callable[[Thread], bool], change: Callable[[Account, Random, int, Thread], object]
) -> Callable[[Account, Random, Conversation], Conversation | None]:
    """A change of one of the threads that suit it, but never of the first one."""

    def make(account: Account, rng: Random, row: Conversation) -> Conversation | None:
        found = [each for each in account.threads(row.id)[1:] if suits(each)]
        if not found:
            return None
        change(account, rng, row.id, rng.choice(found))
        return account[row.id]

    return make


def _edit(account: Account, rng: Random, row_id: int, thread: Thread) -> None:
    """Change its text, or hide it or show it again."""
    states = {"published": "hidden", "hidden": "published"}
    if thread.status == NO_CHANGE and rng.random() < 0.5:
        account.edit_thread(row_id, thread.id, state=states[thread.state or "published"])
    else:
        account.edit_thread(row_id, thread.id, body="This text is another one")


def _rate(account: Account, rng: Random, row_id: int, thread: Thread) -> None:
    """Rate it, by any customer of the conversation: after a merge there may be several."""
    raters = sorted({each.customer_id for each in account.threads(row_id)} - {0})
    rating, comments = rng.choice(_RATINGS), rng.choice(_COMMENTS)
    rater_id = rng.choice(raters or [0])
    rater_id = 0 if rater_id == thread.customer_id else rater_id
    account.rate(row_id, thread.id, rating, comments, rater_id=rater_id)


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
    "write": _write,
    "reply": _reply,
    "note": _note,
    "edit": _of_a_thread(lambda each: each.state in {"published", "hidden"}, _edit),
    "send": _of_a_thread(
        lambda each: each.state == "draft",
        lambda account, _, row_id, thread: account.send(row_id, thread.id),
    ),
    "erase": _of_a_thread(
        lambda each: each.type != LINE_ITEM,
        lambda account, _, row_id, thread: account.remove_thread(row_id, thread.id),
    ),
    "rate": _of_a_thread(lambda each: each.counted and each.type == "message", _rate),
}
