"""A naive reading of what a rating of a simulated account must become."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compat.core.models import Rating
from compat.simulator.layout import Layout
from compat.simulator.people import customer_email, customer_name
from compat.simulator.thread import Thread

_VALUES: Final = {"great": 1, "okay": 2, "not_good": 3}


def expected_rating(thread: Thread, threads: Sequence[Thread], layout: Layout) -> Rating | None:
    """The rating of a thread.

    Args:
        thread: The thread.
        threads: All threads of its conversation.
        layout: The users of the account.
    """
    if not thread.rating:
        return None
    rater = thread.rater_id or thread.customer_id
    shown = {each.customer_id for each in threads}
    shown |= {each.author_id for each in threads if each.by == "customer"}
    return Rating(
        _VALUES[thread.rating],
        rater,
        _customer_name(rater) if rater in shown - {0} else "",
        _author_name(thread, layout),
        thread.comments,
    )


def _customer_name(customer: int) -> str:
    """First and last name, or else the email address."""
    return " ".join(customer_name(customer)).strip() or customer_email(customer)


def _author_name(thread: Thread, layout: Layout) -> str:
    """The name of who wrote a thread; users who left the account have none."""
    if thread.by == "customer":
        return " ".join(customer_name(thread.author_id)).strip()
    user = layout.user_by_id.get(thread.author_id)
    return f"{user.first} {user.last}" if user else ""
