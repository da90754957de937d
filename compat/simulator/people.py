"""Names of people and texts, computed from ids, so that no record has to store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compat.simulator.layout import Layout, User

FIRST_NAMES = (
    *("Ada", "Ben", "Carmen", "Dara", "Elif", "Felix", "Grace", "Hugo", "Ines", "Jonas"),
    *("Kaya", "Liam", "Mina", "Noor", "Olga", "Pedro", "Quinn", "Rosa", "Sami", "Tara"),
)
LAST_NAMES = (
    *("Abbott", "Becker", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen"),
    *("Ivanov", "Jensen", "Kowalski", "Lopez", "Moreau", "Novak", "O'Brien", "Petrov", "Quist"),
)
TOPICS = ("order", "invoice", "password", "account", "parcel", "plan", "export", "password reset")
OPENINGS = (
    "Question about my",
    "Problem with the",
    "Please change my",
    "Where is my",
    "Lost",
)
SUBJECTS = tuple(f"{opening} {topic}" for opening in OPENINGS for topic in TOPICS)

NAMELESS = 13
"""One of so many customers has no name."""

Person = dict[str, object]
"""A person in a payload."""


def customer_name(customer_id: int) -> tuple[str, str]:
    """First and last name of a customer; of some, only the email address is known."""
    if customer_id % NAMELESS == 0:
        return "", ""
    return _given_name(customer_id), LAST_NAMES[customer_id // 7 % len(LAST_NAMES)]


def customer_email(customer_id: int) -> str:
    """The email address of a customer, different for every id."""
    return f"{_given_name(customer_id).lower()}{customer_id}@customers.example"


def customer(customer_id: int) -> Person:
    """A customer in a payload."""
    first, last = customer_name(customer_id)
    return _person(customer_id, "customer", first, last, customer_email(customer_id))


def user(account_user: User) -> Person:
    """A user in a payload."""
    return _person(
        account_user.id, "user", account_user.first, account_user.last, account_user.email
    )


def user_by_id(user_id: int, layout: Layout) -> Person:
    """A user in a payload, by id; one that left the account has no name."""
    known = layout.user_by_id.get(user_id)
    return user(known) if known else _person(user_id, "user", "", "", "")


def photo_url(person_id: int) -> str:
    """The address of a person's picture."""
    return f"https://photos.example/{person_id}.png"


def preview(subject: str, customer_id: int) -> str:
    """The first words of a conversation; search expressions call them its body."""
    return f"Hello, {subject.lower()}. Regards, {_given_name(customer_id)}"


def _given_name(customer_id: int) -> str:
    return FIRST_NAMES[customer_id % len(FIRST_NAMES)]


def _person(person_id: int, kind: str, first: str, last: str, email: str) -> Person:
    return {
        "id": person_id,
        "type": kind,
        "first": first,
        "last": last,
        "email": email,
        "photoUrl": photo_url(person_id),
    }
