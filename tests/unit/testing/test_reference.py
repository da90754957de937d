"""The reference, about reports that need threads."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings

from compat.testing import Reference, payloads
from tests.integration.exactness import oracle
from tests.integration.exactness.oracle import Asked
from tests.integration.exactness.questions import homes, questions
from tests.integration.exactness.simulated_upstream import busy_account, conventions_of

ACCOUNT = busy_account(120, 20)
"""It has chats, drafts, spam and imported threads."""

WITH_THREADS = payloads(ACCOUNT, threads=True)
WHOLE = Asked(ACCOUNT.conversations()[0].created, int(ACCOUNT.clock()))


@settings(max_examples=min(settings().max_examples, 400))
@given(asked=questions(ACCOUNT, homes(ACCOUNT)))
def test_received_messages_are_counted_in_the_threads_that_are_given(asked: Asked) -> None:
    with Reference(conventions_of(asked)) as reference:
        answer = reference.answer(asked.target(path=oracle.MESSAGES), WITH_THREADS)
    assert answer.status == 200
    assert json.loads(answer.body) == oracle.received(asked, ACCOUNT)


def test_a_given_chat_is_taken_as_whole() -> None:
    asked = replace(WHOLE, filters={"types": ("chat",)})
    assert sum(each["messages"] for each in oracle.received(asked, ACCOUNT)["current"]) > 10
    with Reference() as reference:
        answer = reference.answer(asked.target(path=oracle.MESSAGES), WITH_THREADS)
    assert json.loads(answer.body) == oracle.received(asked, ACCOUNT)


def test_threads_that_are_not_given_are_not_counted_as_none() -> None:
    one_without = [*WITH_THREADS[1:], payloads(ACCOUNT)[0]]
    with Reference() as reference:
        answer = reference.answer(WHOLE.target(path=oracle.MESSAGES), one_without)
        others = reference.answer(WHOLE.target(), one_without)
    assert answer.status == 400
    assert "knows all threads of no time yet" in answer.body.decode()
    assert others.status == 200
