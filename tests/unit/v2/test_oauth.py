"""Tokens are requested once, cached, renewed in time, and not requested without need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from compat.v2.client import Client
from compat.v2.errors import CredentialsRefused, InconsistentData, Overloaded, Unreachable
from compat.v2.models import ConversationPage, TokenResponse
from compat.v2.oauth import AccessToken, Credentials, TokenCache
from tests.unit.v2.upstream import Asked, Reply, Upstream, answer, grants, in_turn, page_of

THREADS = 16
INVALID_TOKEN = answer({"error": "invalid_token", "error_description": "expired"}, 401)
INVALID_CLIENT = {"error": "invalid_client", "error_description": "no such application"}


def get_page(client: Client) -> None:
    client.get("/conversations", {}, ConversationPage)


def authorization(asked: Asked) -> str:
    return asked.headers["authorization"]


def accepting(*tokens: str) -> Callable[[Asked], Reply]:
    """An upstream that accepts these tokens and no others."""
    good = {f"Bearer {token}" for token in tokens}
    return lambda asked: page_of([]) if authorization(asked) in good else INVALID_TOKEN


def in_threads(work: Callable[[], object]) -> None:
    """Run this in sixteen threads that start at the same time."""
    barrier = threading.Barrier(THREADS)

    def one(_number: int) -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(THREADS)))


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TokenSource:
    """Issues numbered tokens, or refuses."""

    def __init__(self, lifetime: float = 7200.0) -> None:
        self.lifetime = lifetime
        self.asked = 0
        self.refuses = False
        self.fails = False

    def __call__(self) -> AccessToken:
        self.asked += 1
        if self.fails:
            raise Unreachable("no answer")
        if self.refuses:
            raise CredentialsRefused("refused", status=401)
        return AccessToken(f"token-{self.asked}", self.lifetime)


def test_the_first_request_gets_a_token_with_client_credentials(
    upstream: Upstream, client: Client
) -> None:
    get_page(client)
    (sign_in,) = upstream.signed_in
    assert (sign_in.method, sign_in.path) == ("POST", "/v2/oauth2/token")
    assert sign_in.body == (
        "grant_type=client_credentials&client_id=demo-app&client_secret=demo-secret"
    )
    assert "authorization" not in sign_in.headers


def test_a_token_is_kept_for_later_requests(upstream: Upstream, client: Client) -> None:
    for _ in range(3):
        get_page(client)
    assert [authorization(asked) for asked in upstream.asked] == ["Bearer token-1"] * 3
    assert len(upstream.signed_in) == 1


def test_a_token_may_be_long(upstream: Upstream, client: Client) -> None:
    token = "t" * 9000
    upstream.sign_in = in_turn(answer({"access_token": token, "expires_in": 172_800}))
    get_page(client)
    assert authorization(upstream.asked[0]) == f"Bearer {token}"


@pytest.mark.parametrize("lifetime", [172_800, 172_800.5, "172800"])
def test_a_lifetime_may_be_a_number_or_a_text(
    upstream: Upstream, client: Client, lifetime: object
) -> None:
    upstream.sign_in = grants(lifetime)
    get_page(client)
    get_page(client)
    assert len(upstream.signed_in) == 1


@pytest.mark.parametrize(
    ("lifetime", "good_for"),
    [(172_800.0, 172_500), (7200.0, 6900), (3000.0, 2700), (100.0, 90), (0.0, 0.9), (-5.0, 0.9)],
)
def test_a_token_is_renewed_before_it_expires(lifetime: float, good_for: float) -> None:
    source, clock = TokenSource(lifetime), Clock()
    tokens = TokenCache(source, clock=clock)
    assert tokens.current() == "token-1"
    clock.now += good_for - 0.01
    assert tokens.current() == "token-1"
    clock.now += 0.02
    assert tokens.current() == "token-2"


def test_a_token_is_renewed_from_the_second_in_which_that_is_due() -> None:
    clock = Clock()
    tokens = TokenCache(TokenSource(7200.0), clock=clock)
    tokens.current()
    clock.now += 7200 - 300
    assert tokens.current() == "token-2"


def test_a_token_that_could_not_be_replaced_is_not_used_again() -> None:
    source, clock = TokenSource(), Clock()
    tokens = TokenCache(source, clock=clock)
    stale = tokens.current()
    source.fails = True
    with pytest.raises(Unreachable):
        tokens.replace(stale)
    source.fails = False
    assert tokens.current() == "token-3"


def test_a_token_of_another_cache_is_replaced_by_a_new_one() -> None:
    assert TokenCache(TokenSource()).replace("token-0") == "token-1"


def test_nothing_is_refused_before_the_first_request_even_if_the_machine_has_just_started() -> None:
    clock = Clock()
    clock.now = 0.0
    assert not TokenCache(TokenSource(), clock=clock).refused


def test_a_token_that_is_not_accepted_is_renewed_and_the_request_repeated(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = accepting("token-2")
    get_page(client)
    get_page(client)
    assert [authorization(asked)[-1] for asked in upstream.asked] == ["1", "2", "2"]
    assert len(upstream.signed_in) == 2


def test_tokens_that_are_never_accepted_are_an_error(upstream: Upstream, client: Client) -> None:
    upstream.script = accepting()
    with pytest.raises(Unreachable, match="just handed out") as caught:
        get_page(client)
    assert caught.value.status == 401
    assert len(upstream.signed_in) > 2


def test_fresh_tokens_may_be_revoked_several_times_in_a_row(
    upstream: Upstream, client: Client
) -> None:
    upstream.script = accepting("token-5")
    get_page(client)
    assert [authorization(asked)[-1] for asked in upstream.asked][-1] == "5"


def test_a_token_that_expires_before_it_arrives_is_no_refusal(
    upstream: Upstream, client: Client
) -> None:
    clock = Clock()
    client._tokens = TokenCache(client._request_token, clock=clock)
    upstream.sign_in = grants(5)

    def slow(asked: Asked) -> Reply:
        clock.now += 10
        return accepting("token-3")(asked)

    upstream.script = slow
    get_page(client)
    assert [authorization(asked)[-1] for asked in upstream.asked] == ["1", "2", "3"]


def test_many_threads_without_a_token_request_one_token(upstream: Upstream, client: Client) -> None:
    in_threads(lambda: get_page(client))
    assert len(upstream.signed_in) == 1
    assert len(upstream.asked) == THREADS


def test_many_threads_whose_token_expires_renew_it_once(upstream: Upstream, client: Client) -> None:
    get_page(client)
    upstream.script = accepting("token-2")
    in_threads(lambda: get_page(client))
    assert len(upstream.signed_in) == 2


def test_a_token_that_another_thread_has_renewed_is_not_renewed_again() -> None:
    source = TokenSource()
    tokens = TokenCache(source, clock=Clock())
    stale = tokens.current()
    in_threads(lambda: tokens.replace(stale))
    assert (tokens.current(), source.asked) == ("token-2", 2)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_an_error_of_their_own_and_not_sent_again(
    upstream: Upstream, client: Client, status: int
) -> None:
    upstream.sign_in = in_turn(answer(INVALID_CLIENT, status))
    assert not client.credentials_refused
    for _ in range(3):
        with pytest.raises(CredentialsRefused, match="application's id and secret") as caught:
            get_page(client)
        assert caught.value.status == status
    assert client.credentials_refused
    assert len(upstream.signed_in) == 1
    assert upstream.asked == []


def test_a_refusal_is_remembered_for_half_a_minute() -> None:
    source, clock = TokenSource(), Clock()
    tokens = TokenCache(source, clock=clock)
    source.refuses = True
    for wait in (0.0, 1.0, 28.9):
        clock.now += wait
        with pytest.raises(CredentialsRefused):
            tokens.current()
    assert (tokens.refused, source.asked) == (True, 1)
    clock.now += 0.2
    source.refuses = False
    assert not tokens.refused
    assert (tokens.current(), source.asked) == ("token-2", 2)


def test_many_threads_share_one_refusal() -> None:
    source = TokenSource()
    source.refuses = True
    tokens = TokenCache(source, clock=Clock())

    def refused() -> None:
        with pytest.raises(CredentialsRefused):
            tokens.current()

    in_threads(refused)
    assert source.asked == 1


def test_a_token_request_that_fails_temporarily_is_retried(
    upstream: Upstream, client: Client
) -> None:
    upstream.sign_in = in_turn(
        Reply(503),
        Reply(200, b'{"access_token": "token-1", "expi'),
        Reply(200, b'{"access_token": "token-1"', fate="cut"),
        grants()(Asked("POST", "", {}, {}, "")),
    )
    get_page(client)
    assert len(upstream.signed_in) == 4


def test_a_token_request_that_always_fails_is_no_refusal(
    upstream: Upstream, client: Client
) -> None:
    upstream.sign_in = in_turn(Reply(503))
    with pytest.raises(Overloaded):
        get_page(client)
    assert len(upstream.signed_in) == 8
    assert not client.credentials_refused


@pytest.mark.parametrize(
    ("payload", "missing"),
    [
        ({"access_token": "t"}, "expires_in"),
        ({"expires_in": 7200}, "access_token"),
        ({"access_token": "", "expires_in": 7200}, "access_token"),
    ],
)
def test_a_token_response_without_a_key_is_inconsistent(
    upstream: Upstream, client: Client, payload: object, missing: str
) -> None:
    upstream.sign_in = in_turn(answer(payload))
    with pytest.raises(InconsistentData, match=missing):
        get_page(client)


def test_a_token_is_never_shown(upstream: Upstream, client: Client) -> None:
    get_page(client)
    upstream.script = accepting()
    with pytest.raises(Unreachable) as caught:
        get_page(client)
    tokens = TokenCache(lambda: AccessToken("token-1", 7200))
    tokens.current()
    shown = [
        repr(AccessToken("token-1", 7200)),
        repr(TokenResponse(access_token="token-1", expires_in=7200)),
        repr(Credentials("demo-app", "demo-secret")),
        repr(tokens) + repr(client) + repr(client.rate_limiter),
        repr(caught.value) + str(caught.value),
    ]
    assert not [text for text in shown if "token-" in text or "demo-secret" in text]
