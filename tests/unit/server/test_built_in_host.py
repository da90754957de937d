"""The way of the how-to page for programs whose host is built in, gone step by step."""

from __future__ import annotations

import http.client
import json
import re
import shlex
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from compat.config.settings import all_variables
from compat.simulator import Account, Behaviour, Simulator
from tests.unit.server.commands import Running, environment, run, started
from tests.unit.server.threaded_server import KEY, LOOPBACK, Answer, read, serving
from tests.unit.service.doubles import FIRST, JANUARY, LONG

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "a-host-that-cannot-be-changed.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
NAME = "api.helpscout.net"
GRANT = "grant_type=client_credentials&client_id=demo-app&client_secret=demo-secret"


def commands(word: str) -> list[list[str]]:
    """The commands of the page that begin with a word, split as a shell would."""
    lines = "".join(BLOCKS).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(f"{word} ")]


def shell(script: str, folder: Path) -> str:
    """Run a script that must not fail; all that it said."""
    done = subprocess.run(
        ["/bin/sh", "-euc", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the page's openssl commands were run."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl on this machine to make certificates with")
    made = tmp_path_factory.mktemp("authority")
    for block in (block for block in BLOCKS if "openssl" in block):
        shell(block, made)
    return made


@pytest.fixture(scope="module")
def upstream(folder: Path) -> Iterator[int]:
    """Mailbox API 2.0 behind TLS, under the very name."""
    account = Account()
    account.add(FIRST)
    simulator = Simulator(account, Behaviour(rate_limit=None))
    files = {"ssl_certfile": folder / "server.pem", "ssl_keyfile": folder / "server.key"}
    with serving(simulator, lifespan="off", date_header=False, **files) as port:
        yield port


@contextmanager
def server(folder: Path, upstream: int, **others: str) -> Iterator[Running]:
    """The page's server, on any port, with the page's own arguments otherwise."""
    settings = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "HELPSCOUT_BASE_URL": f"https://{NAME}/v2",
        "COMPAT_API_KEYS": "an-old-key",
        "COMPAT_CONNECT_TO": f"{LOOPBACK}:{upstream}",
        "COMPAT_PASS_V2": "true",
        "COMPAT_CA_FILE": str(folder / "ca.pem"),
        **others,
    }
    (command,) = commands("helpscout-v1")
    files = {"server.pem", "server.key"}
    arguments = [str(folder / word) if word in files else word for word in command[1:]]
    arguments[arguments.index("--port") + 1] = "0"
    with started(*arguments, **{name: text for name, text in settings.items() if text}) as running:
        yield running


@pytest.fixture(scope="module")
def running(folder: Path, upstream: int) -> Iterator[Running]:
    with server(folder, upstream) as made:
        yield made


class Built(http.client.HTTPSConnection):
    """A client that has the host built in, on a machine where the name leads elsewhere."""

    def connect(self) -> None:
        there = socket.create_connection((LOOPBACK, self.port), timeout=LONG)
        self.sock = self.context.wrap_socket(there, server_hostname=NAME)

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(NAME, port, context=context)
        self.context = context


def trusting(folder: Path) -> ssl.SSLContext:
    trust = ssl.create_default_context(cafile=folder / "ca.pem")
    trust.verify_flags |= ssl.VERIFY_X509_STRICT  # as newer Pythons verify of themselves
    return trust


def ask(
    port: int,
    trust: ssl.SSLContext,
    target: str,
    headers: dict[str, str],
    body: str | None = None,
) -> Answer:
    with closing(Built(port, trust)) as connection:
        connection.request("POST" if body else "GET", target, body, headers)
        return read(connection)


def test_a_client_with_the_host_built_in_gets_its_report(folder: Path, running: Running) -> None:
    answer = ask(running.port, trusting(folder), f"{JANUARY}&viewBy=month", KEY)
    assert answer.status == 200
    assert answer.json == {"current": [{"start": "2015-01-01T00:00:00Z", "count": 1}]}


def test_the_pages_curl_command_gets_its_report(folder: Path, running: Running) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    (line,) = commands("curl")
    port = str(running.port)
    here = [
        word.replace(":443:", f":{port}:").replace(f"{NAME}/", f"{NAME}:{port}/") for word in line
    ]
    here = [word.replace("YOUR_OLD_KEY", "an-old-key") for word in here]
    done = subprocess.run(
        [*here, "--silent", "--show-error", "--noproxy", "*"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [bucket["count"] for bucket in json.loads(done.stdout)["current"]] == [1, 0, 0, 0, 0]


def test_a_client_that_does_not_trust_the_authority_sends_nothing(running: Running) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(running.port, ssl.create_default_context(), JANUARY, KEY)


def test_a_client_of_mailbox_api_2_reaches_it_under_the_same_name(
    folder: Path, running: Running
) -> None:
    trust = trusting(folder)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = ask(running.port, trust, "/v2/oauth2/token", form, GRANT).json["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answer = ask(running.port, trust, "/v2/conversations?status=all", bearer)
    assert answer.status == 200
    assert answer.json["page"]["totalElements"] == 1


def test_without_the_further_authority_upstream_is_not_trusted(folder: Path, upstream: int) -> None:
    with server(folder, upstream, COMPAT_CA_FILE="", COMPAT_PATIENCE="0.1") as distrusting:
        trust = trusting(folder)
        assert ask(distrusting.port, trust, "/v2/conversations", {}).status == 503
        assert ask(distrusting.port, trust, JANUARY, KEY).status == 503


def test_the_authority_certifies_no_other_name(folder: Path) -> None:
    said = shell(
        """
        openssl req -newkey rsa:2048 -nodes -subj /CN=bank.example -keyout o.key -out o.csr
        echo subjectAltName=DNS:bank.example >o.ext
        openssl x509 -req -in o.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
          -extfile o.ext -out o.pem
        openssl verify -CAfile ca.pem server.pem
        ! openssl verify -CAfile ca.pem o.pem
        """,
        folder,
    )
    assert "permitted subtree violation" in said


def test_every_variable_of_the_page_is_a_setting() -> None:
    known = {name for name, _ in all_variables()}
    assert set(re.findall(r"\b(?:COMPAT|HELPSCOUT)_[A-Z0-9_]+\b", PAGE)) <= known


@pytest.mark.parametrize("text", ["", "nothing of the kind"])
def test_a_file_without_authorities_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text(text)
    settings = {
        "HELPSCOUT_APP_ID": "demo-app",
        "HELPSCOUT_APP_SECRET": "demo-secret",
        "COMPAT_API_KEYS": "an-old-key",
        "COMPAT_CA_FILE": str(wrong),
    }
    done = run("serve", "--port", "0", **settings)
    assert done.returncode == 2
    assert "COMPAT_CA_FILE" in done.stderr
    assert "no certificate that can be read" in done.stderr
