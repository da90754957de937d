"""Files of settings are read whole, or the error says why not; nothing waits for ever."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from compat.config import files
from compat.config.accounts import read_accounts
from compat.config.files import is_readable_by_all, read_text
from compat.config.settings import Settings, SettingsError

LARGEST = 2**20


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A pipe with a name, into which nobody writes so far."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o600)
    return path


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe counts as silent after a moment."""
    monkeypatch.setattr(files, "_SILENCE", 0.1)


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_a_text_is_read_with_or_without_a_byte_order_mark(tmp_path: Path, start: str) -> None:
    path = tmp_path / "file"
    path.write_text(f"{start}grün\n", "utf-8")
    assert read_text(path) == "grün\n"


@pytest.mark.parametrize("kind", ["file", "pipe"])
def test_a_text_may_be_as_large_as_a_mebibyte(tmp_path: Path, pipe: Path, kind: str) -> None:
    for size in (LARGEST, LARGEST + 1):
        path = pipe if kind == "pipe" else tmp_path / "file"
        writer = threading.Thread(target=path.write_text, args=("x" * size,), daemon=True)
        writer.start()
        if kind == "file":
            writer.join()
        if size > LARGEST:
            with pytest.raises(OSError, match="it is too large"):
                read_text(path)
        else:
            assert len(read_text(path)) == size


def test_a_pipe_is_read_until_its_writer_closes_it(pipe: Path) -> None:
    def write() -> None:
        with pipe.open("w") as file:
            for part in ("hun", "ter", "2"):
                file.write(part)
                file.flush()
                threading.Event().wait(0.05)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_text(pipe) == "hunter2"
    writer.join()


@pytest.mark.usefixtures("silence")
def test_a_pipe_into_which_nobody_writes_is_an_error(pipe: Path) -> None:
    with pytest.raises(OSError, match="it is a pipe into which nothing is written"):
        read_text(pipe)


@pytest.mark.usefixtures("silence")
def test_a_pipe_whose_writer_goes_silent_is_an_error(pipe: Path) -> None:
    with pipe.open("r+b", buffering=0) as writer:
        writer.write(b"hunter")
        with pytest.raises(OSError, match="into which nothing is written"):
            read_text(pipe)


@pytest.mark.usefixtures("silence")
def test_accounts_in_a_pipe_into_which_nobody_writes_are_an_error_that_names_it(
    pipe: Path,
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_accounts(pipe, Settings())
    assert f"{pipe} cannot be read: it is a pipe" in str(refused.value)


@pytest.mark.parametrize(("mode", "expected"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_file_that_all_users_can_read_is_known(tmp_path: Path, mode: int, expected: bool) -> None:
    path = tmp_path / "env"
    path.touch()
    path.chmod(mode)
    assert is_readable_by_all(path) is expected
