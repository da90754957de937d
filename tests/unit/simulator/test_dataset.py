"""A generated account looks like a real one."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from compat.simulator import Account, make_account
from tests.unit.simulator.clients import NOW, listed

SIZE = 5000


@pytest.fixture(scope="module")
def large() -> Account:
    return make_account(SIZE, 3, NOW)


@pytest.mark.parametrize("size", [0, 1, 5, 60, 300, SIZE])
def test_an_account_lists_as_many_conversations_as_requested(size: int) -> None:
    assert len(listed(make_account(size, 1, NOW))) == size


def test_the_same_seed_makes_the_same_account() -> None:
    assert make_account(200, 5, NOW).conversations() == make_account(200, 5, NOW).conversations()


def test_another_seed_makes_another_account() -> None:
    assert make_account(200, 5, NOW).conversations() != make_account(200, 6, NOW).conversations()


@pytest.mark.parametrize("seed", range(5))
def test_all_times_are_between_the_start_and_the_end(seed: int) -> None:
    since = datetime(2019, 6, 13, 23, 0, tzinfo=UTC)
    found = make_account(400, seed, NOW, since).conversations()
    assert all(since <= row.created_at <= NOW for row in found)
    assert all(row.created <= row.modified <= NOW.timestamp() for row in found)


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="beginning"):
        make_account(5, 1, NOW, NOW)


def test_ids_and_numbers_ascend_with_creation_and_ids_have_gaps(large: Account) -> None:
    found = sorted(large.conversations(), key=lambda row: row.id)
    assert [row.number for row in found] == list(range(1, len(found) + 1))
    assert [row.created for row in found] == sorted(row.created for row in found)
    assert found[-1].id - found[0].id > len(found)


@pytest.mark.parametrize("year", [2014, 2015])
def test_the_documented_januaries_have_conversations(year: int) -> None:
    account = make_account(now=datetime(2026, 6, 1, tzinfo=UTC))
    found = [row for row in listed(account) if row.counts]
    january = [row for row in found if (row.created_at.year, row.created_at.month) == (year, 1)]
    assert len(january) >= 15


def test_an_account_grows(large: Account) -> None:
    years = Counter(row.created_at.year for row in large.conversations())
    assert years[2014] < years[2018] + 100
    assert min(years[year] for year in range(2014, 2019)) > 500


def test_weekends_and_nights_are_quiet(large: Account) -> None:
    weekdays = Counter(row.created_at.weekday() for row in large.conversations())
    hours = Counter(row.created_at.hour for row in large.conversations())
    assert weekdays[6] < weekdays[1] / 2
    assert hours[3] < hours[10] / 2


def test_about_two_in_five_have_no_tag_and_few_tags_are_frequent(large: Account) -> None:
    found = listed(large)
    assert 0.35 < sum(not row.tag_ids for row in found) / SIZE < 0.45
    frequent = Counter(tag for row in found for tag in row.tag_ids).most_common()
    assert frequent[0][1] > 5 * frequent[-1][1]


def test_some_are_spam_and_some_are_drafts(large: Account) -> None:
    found = listed(large)
    assert 0.03 < sum(row.status == "spam" for row in found) / SIZE < 0.07
    assert 0.01 < sum(row.state == "draft" for row in found) / SIZE < 0.03


def test_some_were_deleted_and_some_merged_into_one_that_is_there(large: Account) -> None:
    gone = [row for row in large.conversations() if not row.listed]
    merged = [row for row in gone if row.merged_into is not None]
    assert 0 < len(merged) < len(gone)
    assert all(large[row.merged_into].listed for row in merged if row.merged_into)


def test_some_seconds_have_bursts(large: Account) -> None:
    seconds = Counter(row.created for row in large.conversations())
    assert sum(count >= 30 for count in seconds.values()) >= 3


def test_some_were_created_exactly_on_an_edge(large: Account) -> None:
    moments = {row.created_at for row in listed(large)}
    midnights = {moment for moment in moments if moment.time() == NOW.min.time()}
    assert len(midnights) > 20
    assert any(moment.day == 1 for moment in midnights)
    assert any((moment + timedelta(seconds=1)).time() == NOW.min.time() for moment in moments)


def test_every_kind_of_folder_is_in_every_mailbox(large: Account) -> None:
    kinds = {"open", "mytickets", "needs_attn", "drafts", "assigned", "closed", "spam", "team"}
    assert len(large.layout.mailboxes) >= 3
    for mailbox in large.layout.mailboxes:
        assert {folder.type for folder in large.layout.folders_of(mailbox.id)} == kinds


def test_payloads_only_name_home_folders(large: Account) -> None:
    types = {large.layout.folder_by_id[row.folder_id].type for row in listed(large)}
    assert types == {"open", "drafts", "assigned", "closed", "spam"}


def test_all_types_occur(large: Account) -> None:
    assert {row.type for row in listed(large)} == {"email", "chat", "phone"}


def test_some_tag_names_have_commas_and_spaces(large: Account) -> None:
    names = [tag.name for tag in large.layout.tags]
    assert any("," in name for name in names)
    assert any(" " in name for name in names)


def test_a_draft_has_no_published_threads(large: Account) -> None:
    drafts = {row.threads for row in listed(large) if row.state == "draft"}
    others = {row.threads for row in listed(large) if row.state != "draft"}
    assert drafts == {0}
    assert min(others) == 1


def test_a_customer_who_wrote_once_waits_since_the_creation(large: Account) -> None:
    assert all(row.waiting_since == row.created for row in listed(large) if row.threads < 2)


def test_nobody_waits_longer_than_a_conversation_is_open(large: Account) -> None:
    for row in listed(large):
        latest = row.modified if row.closed is None else row.closed
        assert row.created <= row.waiting_since <= latest <= row.modified
