"""The page about the code: its paths exist, and its layers are those of the import contract."""

from __future__ import annotations

import re
import tomllib

from tests.integration.docs.pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "how-the-code-is-organised.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_path_on_the_page_exists() -> None:
    paths = re.findall(r"`((?:compat|tests)/[\w./-]*)`", TEXT)
    assert len(paths) > 30
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_package_is_on_the_page() -> None:
    packages = {path.parent.name for path in (ROOT / "compat").glob("*/__init__.py")}
    assert [name for name in packages if not re.search(rf"\b{name}\b", TEXT)] == []


def test_the_layers_on_the_page_are_those_of_the_import_contract() -> None:
    contract = next(
        each
        for each in CONTRACTS["tool"]["importlinter"]["contracts"]
        if each["name"] == "Nothing imports upwards"
    )
    table = TEXT.partition("| packages and modules |")[2].partition("\n\n")[0]
    shown = [line.split(" | ")[0] for line in table.splitlines()[2:]]
    assert [re.findall(r"`(\w+)`", cell) for cell in shown] == [
        re.split(r" [|:] ", layer) for layer in contract["layers"]
    ]
