"""Search expressions: the grammar, and what an expression selects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compat.simulator import Conversation
from compat.simulator.conversation import format_timestamp
from compat.simulator.evaluation import Evaluator
from compat.simulator.people import customer_email
from compat.simulator.search import And, Between, Equals, Not, Or, SearchSyntaxError, Text, parse
from tests.unit.simulator.clients import small_account

ACCOUNT = small_account(60)
ROWS = ACCOUNT.conversations()
TAGS = {tag.name: tag.id for tag in ACCOUNT.layout.tags}
EVALUATOR = Evaluator(ACCOUNT.layout, fractions=False)


def select(expression: str) -> list[int]:
    predicate = EVALUATOR.predicate(parse(expression))
    return [row.id for row in ROWS if predicate(row)]


@pytest.mark.parametrize(
    ("expression", "tree"),
    [
        ("number:1", Equals("number", "1")),
        ("number: 1", Equals("number", "1")),
        ('tag:"a, b"', Equals("tag", "a, b")),
        (r'tag:"a \"b\""', Equals("tag", 'a "b"')),
        ("number:[1 TO 2]", Between("number", "1", "2")),
        ("number:[* TO 2]", Between("number", None, "2")),
        ("number:[1 TO *]", Between("number", "1", None)),
        ("NOT number:1", Not(Equals("number", "1"))),
        ("NOT NOT number:1", Equals("number", "1")),
        ("lost parcel", And((Text("lost"), Text("parcel")))),
        ('"lost parcel"', Text("lost parcel")),
        ('"AND"', Text("AND")),
        ("((number:1))", Equals("number", "1")),
        ("email:a.b@c.example", Equals("email", "a.b@c.example")),
        (
            "createdAt:[2015-01-01T00:00:00Z TO *]",
            Between("createdAt", "2015-01-01T00:00:00Z", None),
        ),
        ("number:1 number:2", And((Equals("number", "1"), Equals("number", "2")))),
        ("number:1 AND number:2", And((Equals("number", "1"), Equals("number", "2")))),
        (
            "number:1 OR number:2 number:3",
            Or((Equals("number", "1"), And((Equals("number", "2"), Equals("number", "3"))))),
        ),
        (
            "(number:1 OR number:2)number:3",
            And((Or((Equals("number", "1"), Equals("number", "2"))), Equals("number", "3"))),
        ),
        ("NOT(number:1)number:2", And((Not(Equals("number", "1")), Equals("number", "2")))),
    ],
)
def test_an_expression_is_parsed_to_this_tree(expression: str, tree: object) -> None:
    assert parse(expression) == tree


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "()",
        "status:active",
        "type:email",
        "createdat:[* TO *]",
        "number:",
        "number:[1 TO 2",
        "number:[1, 2]",
        "number:[1 2]",
        "number:{1 TO 2}",
        "number:[1 TO 2}",
        "tag:[a TO b]",
        "(number:1",
        "number:1)",
        "number:1 AND",
        "AND number:1",
        "OR",
        "NOT",
        "number:1 OR OR number:2",
        'tag:"open',
        "tag:AND",
        "number : 1",
        "(" * 100 + "number:1" + ")" * 100,
    ],
)
def test_an_invalid_expression_is_refused(expression: str) -> None:
    with pytest.raises(SearchSyntaxError):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "number:one",
        "number:[1.5 TO 2]",
        "id:-1",
        "number:\uff11",
        "createdAt:[2015-01-01 TO *]",
        "createdAt:[2015-01-01T00:00:00.000Z TO *]",
        "createdAt:[2015-02-30T00:00:00Z TO *]",
        "modifiedAt:yesterday",
        "attachments:some",
        "replyUserIds:me",
    ],
)
def test_a_value_that_does_not_fit_its_field_is_refused(expression: str) -> None:
    with pytest.raises(SearchSyntaxError):
        EVALUATOR.predicate(parse(expression))


def repliers(row: Conversation) -> set[int]:
    return {each.author_id for each in ACCOUNT.threads(row.id) if each.is_reply}


ONE = next(row for row in ROWS if row.assignee_id and row.tag_ids)
SINGLE_FIELDS: list[tuple[str, Callable[[Conversation], bool]]] = [
    (f"number:{ONE.number}", lambda row: row.number == ONE.number),
    (f"id:{ONE.id}", lambda row: row.id == ONE.id),
    (f"mailboxid:{ONE.mailbox_id}", lambda row: row.mailbox_id == ONE.mailbox_id),
    (f"customerIds:{ONE.customer_id}", lambda row: row.customer_id == ONE.customer_id),
    (f"assigned:{ONE.assignee_id}", lambda row: row.assignee_id == ONE.assignee_id),
    ('assigned:"AMARA okafor"', lambda row: row.assignee_id == 4101),
    ("assigned:Unassigned", lambda row: row.assignee_id == 0),
    ("attachments:true", lambda row: row.attachments),
    ("attachments:false", lambda row: not row.attachments),
    (f"replyUserIds:{ONE.assignee_id}", lambda row: ONE.assignee_id in repliers(row)),
    ("subject:PASSWORD", lambda row: "password" in row.subject.lower()),
    ("body:regards", lambda row: True),
    ("password", lambda row: "password" in row.subject.lower()),
    ('tag:"Billing, Invoices"', lambda row: TAGS["billing, invoices"] in row.tag_ids),
    ("tag:nosuch", lambda row: False),
    (f"createdAt:{format_timestamp(ONE.created)}", lambda row: row.created == ONE.created),
    (
        f"modifiedAt:[{format_timestamp(ONE.modified)} TO *]",
        lambda row: row.modified >= ONE.modified,
    ),
]


@pytest.mark.parametrize(("expression", "holds"), SINGLE_FIELDS)
def test_a_field_selects_what_it_says(
    expression: str, holds: Callable[[Conversation], bool]
) -> None:
    assert select(expression) == [row.id for row in ROWS if holds(row)]


def test_a_customer_is_found_by_address() -> None:
    expected = [row.id for row in ROWS if row.customer_id == ONE.customer_id]
    assert select(f"email:{customer_email(ONE.customer_id)}") == expected


NUMBERS = st.integers(0, len(ROWS) + 1)
INSTANTS = st.sampled_from([row.created for row in ROWS[:20]]).flatmap(
    lambda moment: st.sampled_from([moment - 1, moment, moment + 1])
)
LEAVES = st.one_of(
    st.tuples(st.just("tag"), st.sampled_from(sorted(TAGS)[:12])),
    st.tuples(st.just("number"), NUMBERS),
    st.tuples(st.just("number"), NUMBERS, NUMBERS),
    st.tuples(st.just("created"), st.none() | INSTANTS, st.none() | INSTANTS),
)
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or", "beside"]), inner, inner),
        st.tuples(st.just("brackets"), inner),
    ),
    max_leaves=8,
)


JOINTS: dict[str, tuple[str, Callable[[bool, bool], bool]]] = {
    "and": (" AND ", lambda left, right: left and right),
    "beside": (" ", lambda left, right: left and right),
    "or": (" OR ", lambda left, right: left or right),
}


def printed(tree: Any) -> str:
    match tree:
        case ("not", part):
            return f"NOT ({printed(part)})"
        case ("brackets", part):
            return f"({printed(part)})"
        case (name, left, right) if name in JOINTS:
            return f"({printed(left)}){JOINTS[name][0]}({printed(right)})"
        case ("created", low, high):
            ends = ["*" if end is None else format_timestamp(end) for end in (low, high)]
            return f"createdAt:[{ends[0]} TO {ends[1]}]"
        case (field, value):
            return f'{field}:"{value}"'
    return f"number:[{tree[1]} TO {tree[2]}]"


def holds(tree: Any, row: Conversation) -> bool:
    match tree:
        case ("not", part):
            return not holds(part, row)
        case ("brackets", part):
            return holds(part, row)
        case (name, left, right) if name in JOINTS:
            return JOINTS[name][1](holds(left, row), holds(right, row))
        case ("created", low, high):
            return (low is None or row.created >= low) and (high is None or row.created <= high)
        case ("tag", name):
            return TAGS[name] in row.tag_ids
    return row.number in range(tree[1], tree[-1] + 1)


@given(TREES)
def test_a_tree_written_as_an_expression_selects_what_the_tree_selects(tree: Any) -> None:
    assert select(printed(tree)) == [row.id for row in ROWS if holds(tree, row)]


@given(st.lists(st.tuples(st.booleans(), NUMBERS), min_size=1, max_size=6))
def test_and_binds_tighter_than_or(terms: list[tuple[bool, int]]) -> None:
    text, groups = "", [[terms[0][1]]]
    for at, (new_group, number) in enumerate(terms):
        term = f"number:[{number} TO *]"
        if at == 0:
            text = term
        elif new_group:
            text += f" OR {term}"
            groups.append([number])
        else:
            text += f" AND {term}"
            groups[-1].append(number)
    expected = [r.id for r in ROWS if any(all(r.number >= n for n in group) for group in groups)]
    assert select(text) == expected


@given(st.text(alphabet='()[]{}":* \\abNOTANDR19', max_size=25))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
    except SearchSyntaxError:
        return
