"""What docs/deploy/compose.yaml starts works together: the same commands, settings and secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from compat.simulator import Account, Behaviour, Simulator, make_account, running
from tests.integration.proxies.started_proxies import NAME, PROXIES
from tests.programs import find_program, parse_yaml
from tests.test_deploy import CONTAINER, FOLDER, GUIDE, container_command, instructions
from tests.unit.archive.databases import place
from tests.unit.server.commands import COMMAND, Running, environment, run, started
from tests.unit.server.threaded_server import KEY, ask
from tests.unit.service.doubles import JANUARY, LONG

SECRETS = "/run/secrets/"
SERVERS = ("server-1", "server-2")


def shell_lines() -> list[str]:
    """The commands of the guide that write the secrets."""
    (block,) = re.findall(r"```sh\n(cd docs/deploy\n.*?)```", GUIDE, re.DOTALL)
    return str(block).splitlines()


@pytest.fixture(scope="module")
def account() -> Account:
    return make_account(300, seed=1)


@pytest.fixture(scope="module")
def upstream(account: Account) -> Iterator[str]:
    with running(Simulator(account, Behaviour(rate_limit=None))) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def folder(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of docs/deploy, with settings, and with secrets by the commands of the guide."""
    made = tmp_path_factory.mktemp("deploy")
    for name in ("compose.yaml", "Caddyfile"):
        shutil.copy(FOLDER / name, made)
    settings = f"HELPSCOUT_APP_ID=demo-app\nHELPSCOUT_BASE_URL={upstream}\n"
    (made / "helpscout-v1.env").write_text(settings, "utf-8")
    written = [line for line in shell_lines() if not line.startswith(("cd ", "chown ", "SITE="))]
    find_program("openssl", "openssl")
    subprocess.run(["/bin/sh", "-euc", "\n".join(written)], cwd=made, check=True, timeout=LONG)
    for name, text in {"app_secret": "demo-secret", "api_keys": "an-old-key"}.items():
        (made / "secrets" / name).chmod(0o600)
        (made / "secrets" / name).write_text(text, "utf-8")
    with place("postgresql", made) as url:
        file = made / "secrets" / "archive"
        file.chmod(0o600)
        assert sa.make_url(file.read_text("utf-8")).password
        (made / "url-of-the-guide").write_text(file.read_text("utf-8"), "utf-8")
        file.write_text(url, "utf-8")
        yield made


@pytest.fixture(scope="module")
def services(folder: Path) -> dict[str, Any]:
    """The services of the file, as Docker Compose reads them."""
    program = find_program("docker-compose", "docker-compose")
    done = subprocess.run(
        [program, "--file", str(folder / "compose.yaml"), "config"],
        env=environment({"SITE": NAME}),
        capture_output=True, text=True, timeout=LONG, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = parse_yaml(done.stdout)["services"]
    return found


def settings_of(service: dict[str, Any], folder: Path) -> dict[str, str]:
    """The environment of a service, with the files of the secrets that it is given."""
    given = {each["source"] for each in service["secrets"]}
    settings = {}
    for name, text in service["environment"].items():
        if text.startswith(SECRETS):
            assert text.removeprefix(SECRETS) in given
            text = str(folder / "secrets" / text.removeprefix(SECRETS))  # noqa: PLW2901
        settings[name] = text
    return settings


def command_of(service: dict[str, Any]) -> list[str]:
    """The arguments of our command, by the file or by the image."""
    program, *arguments = service.get("command") or container_command()
    assert program == Path(COMMAND).name
    return arguments


def health(service: dict[str, Any], folder: Path) -> int:
    """The exit status of the health check of a service."""
    kind, program, *arguments = service["healthcheck"]["test"]
    assert (kind, program) == ("CMD", Path(COMMAND).name)
    return run(*arguments, **settings_of(service, folder)).returncode


@contextmanager
def syncing(service: dict[str, Any], folder: Path) -> Iterator[Path]:
    """The service `sync`; the block gets what it prints."""
    output = folder / "sync.txt"
    with (
        output.open("w") as file,
        subprocess.Popen(
            [COMMAND, *command_of(service)],
            env=environment(settings_of(service, folder)),
            stdout=file,
            stderr=file,
        ) as process,
    ):
        try:
            yield output
        finally:
            process.kill()


def await_text(file: Path, text: str) -> None:
    deadline = time.monotonic() + LONG
    while text not in (said := file.read_text("utf-8")):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)


@contextmanager
def serving(service: dict[str, Any], folder: Path) -> Iterator[Running]:
    with started(*command_of(service), "--port", "0", **settings_of(service, folder)) as server:
        yield server


def test_sync_fills_the_archive_and_both_servers_answer_behind_https(
    services: dict[str, Any], folder: Path, account: Account, tmp_path: Path
) -> None:
    sync = services["sync"]
    assert health(sync, folder) != 0
    with syncing(sync, folder) as output:
        await_text(output, '"event": "done"')
        assert health(sync, folder) == 0
        with (
            serving(services["server-1"], folder) as first,
            serving(services["server-2"], folder) as second,
            PROXIES["caddy"](tmp_path, [first.port, second.port]) as proxy,
        ):
            answers = [ask(server.port, JANUARY).json for server in (first, second)]
            assert answers[0] == answers[1]
            assert sum(bucket["count"] for bucket in answers[0]["current"]) > 0
            assert proxy.ask(JANUARY, KEY).json == answers[0]
            assert first.stop(15) == 0
            assert [proxy.ask(JANUARY, KEY).json for _ in range(4)] == [answers[0]] * 4


def test_a_server_does_not_start_before_there_is_an_archive(
    services: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    service = services["server-1"]
    assert service["depends_on"]["sync"]["condition"] == "service_healthy"
    settings = settings_of(service, folder)
    (tmp_path / "archive").write_text(f"{tmp_path}/none.db", "utf-8")
    settings["COMPAT_ARCHIVE_FILE"] = str(tmp_path / "archive")
    assert run(*command_of(service), **settings).returncode == 2


def test_the_proxy_is_told_what_its_file_asks_for(services: dict[str, Any], folder: Path) -> None:
    proxy = services["proxy"]
    file = (folder / "Caddyfile").read_text("utf-8")
    assert set(proxy["environment"]) == set(re.findall(r"\{\$([A-Z]+):", file))
    (port,) = instructions("EXPOSE")
    addresses = [f"{name}:{port}" for name in SERVERS]
    assert proxy["environment"]["SERVERS"] == " ".join(addresses)
    assert set(SERVERS) <= set(services)
    assert f"{folder}/Caddyfile:/etc/caddy/Caddyfile:ro" in proxy["volumes"]


def test_only_the_proxy_can_be_reached_from_outside(services: dict[str, Any]) -> None:
    opened = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(opened) == {"proxy"}
    assert {port["published"] for port in opened["proxy"]} == {80, 443}
    assert services["database"]["networks"] == {"inside": None}


def test_the_url_in_the_guide_leads_to_the_database(services: dict[str, Any], folder: Path) -> None:
    url = sa.make_url((folder / "url-of-the-guide").read_text("utf-8"))
    database = services["database"]["environment"]
    assert url.host in services
    assert (url.username, url.database) == (database["POSTGRES_USER"], database["POSTGRES_DB"])
    password = database["POSTGRES_PASSWORD_FILE"].removeprefix(SECRETS)
    assert url.password == (folder / "secrets" / password).read_text("utf-8")


def test_our_containers_have_few_rights_and_can_read_their_secrets(
    services: dict[str, Any],
) -> None:
    (user,) = re.findall(r"--uid (\d+)", CONTAINER)
    assert f"chown {user} secrets/*" in shell_lines()
    for name in ("sync", *SERVERS):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["restart"] == "unless-stopped"
