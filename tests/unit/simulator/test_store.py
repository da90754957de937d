"""How an account changes."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import pytest

from compat.simulator import Account

MOMENT = datetime(2015, 1, 31, 23, 59, 59, tzinfo=UTC)


@pytest.fixture
def account() -> Account:
    return Account(clock=lambda: 1_500_000_000.5)


def home_of(account: Account, row_id: int) -> str:
    return account.layout.folder_by_id[account[row_id].folder_id].type


def test_a_new_conversation_is_an_active_email_created_now(account: Account) -> None:
    row = account.add()
    assert (row.type, row.status, row.state) == ("email", "active", "published")
    assert row.created == row.modified == 1_500_000_000


def test_a_conversation_can_be_added_to_the_past(account: Account) -> None:
    assert account.add(MOMENT).created_at == MOMENT
    assert account.add(1_420_070_400).created == 1_420_070_400


def test_a_datetime_without_a_zone_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match="zone"):
        account.add(MOMENT.replace(tzinfo=None))


def test_any_field_can_be_given(account: Account) -> None:
    row = account.add(MOMENT, type="chat", tags=["vip", 6001], subject="Hi", mailbox_id=8508)
    vip = account.layout.tag_by_name["vip"].id
    assert (row.type, row.tag_ids, row.subject) == ("chat", (vip, 6001), "Hi")
    assert row.mailbox_id == 8508


def test_a_field_that_does_not_exist_is_refused(account: Account) -> None:
    with pytest.raises(TypeError, match="colour"):
        account.add(colour="red")


def test_numbers_and_ids_ascend_also_after_chosen_ones(account: Account) -> None:
    chosen = account.add(id=500_000, number=70)
    following = account.add()
    assert (chosen.id, chosen.number) == (500_000, 70)
    assert (following.id, following.number) == (500_001, 71)


def test_a_chosen_small_id_does_not_make_ids_repeat(account: Account) -> None:
    known = account.add(id=500_000)
    account.add(id=3)
    assert account.add().id == known.id + 1


def test_the_home_folder_follows_status_state_and_assignee(account: Account) -> None:
    row_id = account.add(state="draft").id
    seen = [home_of(account, row_id)]
    account.publish(row_id)
    seen.append(home_of(account, row_id))
    account.assign(row_id, 4101)
    seen.append(home_of(account, row_id))
    account.close(row_id)
    seen.append(home_of(account, row_id))
    account.spam(row_id)
    seen.append(home_of(account, row_id))
    account.unspam(row_id)
    account.assign(row_id, 0)
    seen.append(home_of(account, row_id))
    assert seen == ["drafts", "open", "assigned", "closed", "spam", "open"]


def test_moving_changes_mailbox_and_folder(account: Account) -> None:
    row = account.move(account.add().id, 8508)
    assert account.layout.folder_by_id[row.folder_id].mailbox_id == 8508


def test_closing_records_when_and_by_whom(account: Account) -> None:
    row = account.close(account.add(assignee_id=4104).id)
    assert (row.closed, row.closed_by) == (1_500_000_000, 4104)
    again = account.reopen(row.id, "pending")
    assert (again.status, again.closed, again.closed_by) == ("pending", None, 0)


def test_a_deleted_conversation_can_be_restored(account: Account) -> None:
    row = account.delete(account.add().id)
    assert not row.listed
    assert row in account.conversations()
    assert account.restore(row.id).listed


def test_merging_names_the_other_conversation_and_adds_its_threads(account: Account) -> None:
    gone, target = account.add(threads=2), account.add(threads=3)
    assert account.merge(gone.id, target.id).merged_into == target.id
    assert account[target.id].threads == 5
    assert not account[gone.id].listed


def test_retagging_replaces_the_tags_and_makes_new_ones(account: Account) -> None:
    row = account.retag(account.add(tags=["vip"]).id, ["never seen"])
    assert [account.layout.tag_by_id[tag].name for tag in row.tag_ids] == ["never seen"]


def test_every_change_sets_the_modification_time(account: Account) -> None:
    row = account.add(MOMENT, modified=5)
    assert row.modified == 5
    assert account.touch(row.id).modified == 1_500_000_000


def test_a_snapshot_stays_as_it_was(account: Account) -> None:
    row = account.add()
    before = account.conversations()
    account.spam(row.id)
    assert before == [row]


def test_what_counts_is_published_and_no_spam(account: Account) -> None:
    account.add(state="draft")
    account.spam(account.add().id)
    account.delete(account.add().id)
    kept = account.close(account.add().id)
    assert [row for row in account.conversations() if row.counts] == [kept]


def test_many_threads_may_add_at_once(account: Account) -> None:
    def work() -> None:
        for _ in range(200):
            account.add()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = account.conversations()
    assert len({row.id for row in found}) == len({row.number for row in found}) == 800
