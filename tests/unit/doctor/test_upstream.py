"""Checks of Mailbox API 2.0, with a simulated one."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from pydantic import SecretStr

from compat.doctor.examination import examine
from compat.v2.rate_limit import REMAINING_HEADER
from tests.integration.exactness.simulated_upstream import Upstream
from tests.unit.doctor.conftest import Examiner, account_of


def test_nothing_is_wrong_with_a_healthy_account_and_it_takes_two_dozen_requests(
    examiner: Examiner,
) -> None:
    examined = examiner.examine()
    assert examined.sound, examined.findings
    assert not examined.cut_short
    assert examiner.simulator.requests.total() <= 24
    made = examined.findings["rate budget"].facts["made"]
    assert made == examiner.simulator.requests.total()


def test_a_wrong_secret_is_trouble_and_ends_the_requests(examiner: Examiner) -> None:
    examined = examiner.examine(app_secret=SecretStr("not-the-secret"))
    credentials = examined.findings["credentials"]
    assert credentials.verdict == "trouble"
    assert "HELPSCOUT_APP_SECRET" in credentials.to_do
    assert not examined.sound
    assert not examined.cut_short
    assert set(examiner.simulator.requests) == {"/v2/oauth2/token"}
    assert "not-the-secret" not in str(examined)
    assert set(examined.findings) == {"credentials", "archive", "old API keys", "patience"}


def test_refused_credentials_are_named_by_their_keys_in_the_file_of_accounts(
    examiner: Examiner,
) -> None:
    wrong = examiner.settings.model_copy(update={"app_secret": SecretStr("not-the-secret")})
    found = examine(wrong, name="acme").findings["credentials"]
    assert "app_id and app_secret of [acme]" in found.to_do
    assert "HELPSCOUT_APP" not in found.what + found.to_do


def test_another_program_at_the_address_of_upstream_is_trouble_and_ends_the_requests(
    examiner: Examiner,
) -> None:
    elsewhere = examiner.settings.base_url.removesuffix("/v2") + "/elsewhere/v2"
    examined = examiner.examine(base_url=elsewhere)
    assert examined.findings["credentials"].to_do == "check HELPSCOUT_BASE_URL"
    assert set(examined.findings) == {"credentials", "archive", "old API keys", "patience"}


def test_missing_credentials_are_trouble_that_names_the_variables(examiner: Examiner) -> None:
    credentials = examiner.examine(app_id="", app_secret=SecretStr("")).findings["credentials"]
    assert credentials.verdict == "trouble"
    assert "HELPSCOUT_APP_ID" in credentials.what
    assert "HELPSCOUT_APP_SECRET" in credentials.to_do


def test_an_upstream_that_fails_cuts_the_examination_short(examiner: Examiner) -> None:
    examiner.show(fail_rate=1)
    examined = examiner.examine()
    assert examined.cut_short
    assert examined.findings["credentials"].verdict == "trouble"
    assert set(examined.findings) == {"credentials", "archive", "old API keys", "patience"}


@pytest.mark.parametrize(
    ("plan", "limit", "name", "reports"),
    [
        ("standard", 200, "Standard", False),
        ("plus", 400, "Plus", True),
        ("pro", 800, "Pro", True),
    ],
)
def test_the_plan_shows_in_the_rate_limit_and_in_whether_reports_answer(
    examiner: Examiner, plan: Any, limit: int, name: str, reports: bool
) -> None:
    examiner.show(plan=plan)
    found = examiner.examine().findings["plan"]
    assert found.verdict == "ok"
    assert found.facts == {"reports": reports, "rate_limit": limit, "plan": name}


@pytest.mark.parametrize(("engine", "verdict"), [("relayed", "trouble"), ("auto", "warning")])
def test_an_engine_that_needs_reports_is_wrong_on_a_plan_without(
    examiner: Examiner, engine: str, verdict: str
) -> None:
    found = examiner.examine(engine=engine).findings["plan"]
    assert found.verdict == verdict
    assert "COMPAT_ENGINE" in found.to_do


def test_a_limit_that_was_used_up_before_is_not_blamed_on_others(examiner: Examiner) -> None:
    stands = time.time()
    examiner.show(account_of(clock=lambda: stands))  # so that no new minute begins meanwhile
    examined = examiner.examine(rate_reserve=0)
    found = examined.findings["rate budget"]
    assert (found.verdict, found.facts["limit"]) == ("ok", 200)
    while found.facts["left"] > 25:
        examined = examiner.examine(rate_reserve=0)
        found = examined.findings["rate budget"]
    assert found.verdict == "unknown"
    assert "run this again in a minute" in found.to_do
    assert examined.sound


class Shared:
    """Another program uses the same rate limit: so many requests for each of ours."""

    def __init__(self, simulator: Any, requests: int) -> None:
        self._simulator = simulator
        self._requests = requests
        self._used = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [self._less(*each) for each in message["headers"]]
                message = {**message, "headers": headers}
            await send(message)

        await self._simulator(scope, receive, sending)

    def _less(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name.lower() != REMAINING_HEADER.lower().encode():
            return name, value
        self._used += self._requests
        return name, b"%d" % max(int(value) - self._used, 20)


def test_a_limit_that_others_use_up_meanwhile_is_a_warning_about_them(
    examiner: Examiner, served: Upstream
) -> None:
    stands = time.time()
    examiner.show(account_of(clock=lambda: stands))
    served.app = Shared(examiner.simulator, 12)
    examined = examiner.examine(rate_reserve=0)
    found = examined.findings["rate budget"]
    assert found.verdict == "warning"
    assert "by others meanwhile" in found.what
    assert "other programs" in found.to_do
    assert not examined.sound


@pytest.mark.parametrize("ahead", [7200.0, -7200.0])
def test_a_clock_that_is_off_is_a_warning_with_how_much(examiner: Examiner, ahead: float) -> None:
    examiner.show(account_of(clock=lambda: time.time() + ahead))
    found = examiner.examine().findings["clock"]
    assert found.verdict == "warning"
    assert found.facts["seconds_ahead_here"] == pytest.approx(-ahead, abs=30)
    assert ("behind" if ahead > 0 else "ahead of") in found.what


def test_a_clock_that_agrees_is_fine(examiner: Examiner) -> None:
    assert examiner.examine().findings["clock"].verdict == "ok"


@pytest.mark.parametrize("lists_spam", [True, False])
def test_it_detects_whether_all_includes_spam(examiner: Examiner, lists_spam: bool) -> None:
    examiner.show(all_lists_spam=lists_spam)
    assert examiner.examine().findings["spam in all"].facts == {"listed": lists_spam}


def test_without_any_spam_it_is_unknown_whether_all_includes_it(examiner: Examiner) -> None:
    account = account_of()
    for row in account.conversations():
        row.status == "spam" and account.delete(row.id)
    examiner.show(account)
    assert examiner.examine().findings["spam in all"].verdict == "unknown"


@pytest.mark.parametrize("kept", [True, False])
def test_it_detects_whether_the_index_keeps_fractions(examiner: Examiner, kept: bool) -> None:
    examiner.show(index_fractions=kept)
    assert examiner.examine().findings["fractions of seconds"].facts["kept"] is kept


def test_in_an_empty_account_some_findings_are_unknown_and_nothing_is_wrong(
    examiner: Examiner,
) -> None:
    examiner.show(account_of(0))
    examined = examiner.examine()
    unknown = {name for name, each in examined.findings.items() if each.verdict == "unknown"}
    assert unknown == {"page size", "spam in all", "home folders", "fractions of seconds"}
    assert examined.sound


@pytest.mark.parametrize("size", [25, 50])
def test_it_shows_how_many_conversations_a_page_has(examiner: Examiner, size: int) -> None:
    examiner.show(page_size=size)
    assert examiner.examine().findings["page size"].facts == {"rows": size}


def test_home_folders_agree_with_what_conversations_say(examiner: Examiner) -> None:
    found = examiner.examine().findings["home folders"]
    assert found.verdict == "ok"
    assert found.facts["conversations"] > 25


class Misfiled:
    """Conversations name another folder in some lists: in those of a folder, or in all others."""

    def __init__(self, simulator: Any, folder: int, *, in_folders: bool) -> None:
        self._simulator = simulator
        self._named = f'"folderId":{folder}'.encode()
        self._in_folders = in_folders

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            in_folder = b"folder=" in scope.get("query_string", b"")
            if message.get("body") and in_folder is self._in_folders:
                body = re.sub(rb'"folderId":\s*\d+', self._named, message["body"])
                message = {**message, "body": body}
            if message["type"] == "http.response.start":
                headers = [each for each in message["headers"] if each[0] != b"content-length"]
                message = {**message, "headers": headers}
            await send(message)

        await self._simulator(scope, receive, sending)


@pytest.mark.parametrize("in_folders", [True, False])
def test_home_folders_that_do_not_agree_are_a_warning_with_examples(
    examiner: Examiner, served: Upstream, in_folders: bool
) -> None:
    folder = examiner.examine().findings["home folders"].facts["folders"][0]
    named = 1 if in_folders else folder
    served.app = Misfiled(examiner.simulator, named, in_folders=in_folders)
    found = examiner.examine().findings["home folders"]
    assert found.verdict == "warning"
    assert found.facts["odd"]
    assert "folderId" in found.what


@pytest.mark.parametrize(
    ("settings", "check", "said"),
    [
        ({"api_keys": ()}, "old API keys", "COMPAT_API_KEYS"),
        ({"patience": 60.0}, "patience", "COMPAT_PATIENCE"),
    ],
)
def test_unsuitable_settings_are_warnings_that_name_them(
    examiner: Examiner, settings: dict[str, Any], check: str, said: str
) -> None:
    examined = examiner.examine(**settings)
    assert examined.findings[check].verdict == "warning"
    assert said in examined.findings[check].to_do
    assert not examined.sound
