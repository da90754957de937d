"""Finds customers in the JSON of a conversation, and removes those who were erased; pure functions.

The JSON is that of Mailbox API 2.0's list. A customer is recognised by their id and by their e-mail
addresses; users and teams of the account are not customers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from compat.core.models import Rating, Thread

REPLACEMENT: Final = "[erased]"
"""Replaces an erased address in a text."""

STAFF: Final = frozenset({"user", "team"})
"""The types of persons who are no customers."""
_PERSON_KEYS: Final = frozenset(
    {
        "assignee",
        "closedByUser",
        "createdBy",
        "createdByCustomer",
        "customer",
        "customers",
        "primaryCustomer",
    }
)
"""Keys whose value is a person, or a list of persons."""
_PERSON_FIELDS: Final = frozenset({"first", "firstName", "last", "lastName", "photoUrl"})
"""Keys that only the object of a person has."""
_NUMBER_KEYS: Final = frozenset(
    {"customer", "customerId", "customerIds", "customers", "primaryCustomer", "primaryCustomerId"}
)
"""Keys whose value is the id of a customer, or a list of ids."""
_AUTHOR_KEYS: Final = frozenset({"createdBy", "closedBy"})
"""Keys whose value may be the id of a user or of a customer."""
_RECIPIENT_KEYS: Final = frozenset({"cc", "bcc", "to"})
_TEXT_KEYS: Final = frozenset({"body", "preview", "subject", "text"})
"""Keys of texts that were written by the person in `createdBy` of the same object."""

_ADDRESS: Final = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,254}(?:@|%40)(?:[\w-]+\.)*[\w-]*\w")
_LOCAL_PART: Final = re.compile(r"(?:^['`*_~]+|.*[=/|?&#])?", re.DOTALL)
_CUSTOMER_LINK: Final = re.compile(r"(/customers/)(\d{1,18})(?!\d)")


class People(NamedTuple):
    """The ids of the people of a conversation, as the columns of the archive store them."""

    customer: int = 0
    created_by: int = 0
    closed_by: int = 0
    assignee: int = 0


_KEY_OF: Final[Mapping[str, str]] = {
    "customer": "primaryCustomer",
    "created_by": "createdBy",
    "closed_by": "closedBy",
    "assignee": "assignee",
}
"""For each field of `People`, the key of a document that names the same person."""


@dataclass(frozen=True)
class ErasedCustomers:
    """The customers who were erased.

    Attributes:
        numbers: The surrogate of each customer's id, which replaces it.
        addresses: The customer's surrogate for each digest of an e-mail address.
        users: Those of the ids that a user of the account has as well.
        key: The key of the digests.
    """

    numbers: Mapping[int, int]
    addresses: Mapping[str, int]
    users: frozenset[int]
    key: bytes

    def __bool__(self) -> bool:
        return bool(self.numbers or self.addresses)

    def remove_from(
        self, people: People, document: Mapping[str, Any] | None
    ) -> tuple[People, Mapping[str, Any] | None]:
        """Remove the erased customers from a conversation.

        Args:
            people: Its people.
            document: Its JSON, decoded; None if there is none.

        Returns:
            Its people, with surrogates for those who were erased, and its document without them.
            The document is None if the conversation is an erased customer's own, and the same
            object if nothing had to be removed.
        """
        after = self._numbers(people)
        if document is None:
            return after, None
        cleaned = self._value("", document)
        ids = {
            column: (_id_of(document.get(key)), _id_of(cleaned.get(key)))
            for column, key in _KEY_OF.items()
        }
        # A document says whether an id is a user's or a customer's, a column does not.
        from_document = {
            column: new
            for column, (old, new) in ids.items()
            if new is not None and old == getattr(people, column)
        }
        after = after._replace(**from_document)
        old, new = ids["customer"]
        if after.customer != people.customer or old != new:
            return after, None
        return after, document if cleaned == document else _without_links(cleaned)

    def remove_from_thread(self, thread: Thread, *, own: bool) -> Thread:
        """A thread with surrogates in place of erased customers, and its rating without theirs.

        Args:
            thread: The thread.
            own: Whether the conversation is an erased customer's own. What customers wrote in it
                is removed then, also of those who are not erased.
        """
        author = thread.author
        if thread.by not in STAFF:
            author = self.numbers.get(author, author)
        customer = self.numbers.get(thread.customer, thread.customer)
        rating = thread.rating and self._rating(thread.rating)
        if rating and (own or customer != thread.customer):
            rating = rating._replace(customer_name="", comments="")
        if rating and author != thread.author:
            rating = rating._replace(user_name="")
        return thread._replace(author=author, customer=customer, rating=rating)

    def remove_from_text(self, text: str) -> str:
        """A text with erased addresses and links to erased customers replaced."""
        if "@" in text or "%40" in text:
            text = _ADDRESS.sub(self._replace_address, text)
        return _CUSTOMER_LINK.sub(self._replace_link, text) if "/customers/" in text else text

    def new_addresses(self, document: Mapping[str, Any]) -> dict[str, int]:
        """Addresses of erased customers that a document shows and that are not known yet.

        Returns:
            The surrogate of the customer, by the digest of the address.
        """
        return {
            digested: self.numbers[number]
            for number, address in customer_addresses(document)
            if number in self.numbers
            and (digested := address_digest(self.key, address)) not in self.addresses
        }

    def _numbers(self, people: People) -> People:
        """People with surrogates, as far as their ids alone identify them."""
        customer = self.numbers.get(people.customer, people.customer)
        by_customer = people.created_by == people.customer
        return people._replace(
            customer=customer,
            created_by=customer if by_customer else self._author(people.created_by),
            closed_by=self._author(people.closed_by),
        )

    def _rating(self, rating: Rating) -> Rating:
        """A rating without erased customers."""
        surrogate = self.numbers.get(rating.customer)
        if surrogate is None:
            surrogate = self.addresses.get(address_digest(self.key, rating.customer_name))
        if surrogate is not None:
            return rating._replace(customer=surrogate, customer_name="", comments="")
        return rating._replace(
            customer_name=self.remove_from_text(rating.customer_name),
            comments=self.remove_from_text(rating.comments),
        )

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(key, value)
        if isinstance(value, list):
            cleaned = [self._value(key, each) for each in value]
            if key not in _RECIPIENT_KEYS:
                return cleaned
            return [new for new, old in zip(cleaned, value, strict=True) if new == old]
        if isinstance(value, str):
            return self.remove_from_text(value)
        return self._number(key, value) if type(value) is int else value

    def _number(self, key: str, number: int) -> int:
        if key in _AUTHOR_KEYS:
            return self._author(number)
        return self.numbers.get(number, number) if key in _NUMBER_KEYS else number

    def _object(self, key: str, value: dict[str, Any]) -> dict[str, Any]:
        if _is_person(key, value):
            if _is_staff(value):
                return value
            surrogate = self._surrogate(value)
            if surrogate is not None:
                return {name: value[name] for name in ("type",) if name in value} | {
                    "id": surrogate
                }
        cleaned = {name: self._value(name, each) for name, each in value.items()}
        closer = value.get("closedByUser")
        closer = closer if isinstance(closer, dict) else {}
        if _id_of(closer) is not None and closer.get("id") == value.get("closedBy"):
            cleaned["closedBy"] = cleaned["closedByUser"]["id"]
        author = value.get("createdBy")
        if isinstance(author, dict) and cleaned["createdBy"] != author:
            texts = {name for name in _TEXT_KEYS & cleaned.keys() if isinstance(cleaned[name], str)}
            cleaned |= dict.fromkeys(texts, "")
        return cleaned

    def _surrogate(self, person: Mapping[str, Any]) -> int | None:
        """The surrogate of a person; None if the person was not erased."""
        number = person.get("id")
        if type(number) is int and number in self.numbers:
            return self.numbers[number]
        known = (self.addresses.get(address_digest(self.key, each)) for each in _addresses(person))
        return next((surrogate for surrogate in known if surrogate is not None), None)

    def _author(self, number: int) -> int:
        """The surrogate for an id in place of an author's; the same id if it may be a user's."""
        return number if number in self.users else self.numbers.get(number, number)

    def _replace_address(self, found: re.Match[str]) -> str:
        whole = found[0]
        boundary = _LOCAL_PART.match(whole)
        starts = (0, boundary.end() if boundary else 0)
        for start in starts:
            if address_digest(self.key, whole[start:]) in self.addresses:
                return whole[:start] + REPLACEMENT
        return whole

    def _replace_link(self, found: re.Match[str]) -> str:
        number = int(found[2])
        return f"{found[1]}{self.numbers.get(number, number)}"


def address_digest(key: bytes, address: str) -> str:
    """The digest that is stored of an erased e-mail address; upper and lower case give the same."""
    same = address.strip().replace("%40", "@").casefold().encode(errors="surrogatepass")
    return hashlib.blake2b(same, key=key, digest_size=16).hexdigest()


def customer_addresses(document: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The customers that a document shows with an address.

    Returns:
        Pairs of an id, 0 if there is none, and an e-mail address.
    """
    for person in _persons("", document):
        if not _is_staff(person):
            for address in _addresses(person):
                yield _id_of(person) or 0, address


def staff_ids(document: Mapping[str, Any]) -> Iterator[int]:
    """The ids of the users and teams that a document shows."""
    for person in _persons("", document):
        number = _id_of(person)
        if number is not None and _is_staff(person):
            yield number


def to_json(document: Mapping[str, Any]) -> bytes:
    """A document as compact JSON."""
    return json.dumps(document, separators=(",", ":")).encode()


def _persons(key: str, value: Any) -> Iterator[Mapping[str, Any]]:
    """All persons in a document or a part of it."""
    if isinstance(value, list):
        for each in value:
            yield from _persons(key, each)
    elif isinstance(value, dict):
        if _is_person(key, value):
            yield value
            return
        for name, each in value.items():
            yield from _persons(name, each)


def _is_person(key: str, value: Mapping[str, Any]) -> bool:
    return key in _PERSON_KEYS or not _PERSON_FIELDS.isdisjoint(value)


def _is_staff(person: Mapping[str, Any]) -> bool:
    kind = person.get("type")
    return isinstance(kind, str) and kind in STAFF


def _addresses(person: Mapping[str, Any]) -> Sequence[str]:
    """The e-mail addresses of a person, in a field or in a list."""
    embedded = person.get("_embedded")
    listed = person.get("emails")
    if listed is None and isinstance(embedded, dict):
        listed = embedded.get("emails")
    listed = listed if isinstance(listed, list) else []
    values = (each.get("value") if isinstance(each, dict) else each for each in listed)
    return [each for each in (person.get("email"), *values) if isinstance(each, str) and each]


def _id_of(person: Any) -> int | None:
    number = person.get("id") if isinstance(person, dict) else person
    return number if type(number) is int else None


def _without_links(value: Any) -> Any:
    """A document without its links, which also contain ids of people."""
    if isinstance(value, dict):
        return {name: _without_links(each) for name, each in value.items() if name != "_links"}
    return list(map(_without_links, value)) if isinstance(value, list) else value
