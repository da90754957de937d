"""Runs mutmut in the current directory, with fewer operators, and reads what survived.

It is imported in a process of its own: mutmut reads its configuration while it is imported.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import libcst as cst
from mutmut.__main__ import cli, create_mutants
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant, read_functions_from_index
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import (
    copy_also_copy_files,
    copy_src_dir,
    setup_source_paths,
    walk_mutatable_files,
)
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

_CAUGHT: Final = {"killed", "skipped", "caught by type check"}
_NOTICED: Final = 1
_LOGGERS: Final = {"log", "_log", "_LOG"}


class Survivor(NamedTuple):
    """A change that no test noticed.

    Attributes:
        function: Where, as `module.function` or `module.Class.method`.
        change: The changed lines before and after, with `=>` between them.
        status: What mutmut calls it: `survived`, `no tests`, `suspicious`, and so on.
        mutant: The name that mutmut gives it.
        data: What mutmut remembers of the file.
    """

    function: str
    change: str
    status: str
    mutant: str
    data: SourceFileMutationData

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The change is in the file while the context lasts."""
        file = self.data.path
        times, text = file.stat(), file.read_bytes()
        try:
            file.write_text(_mutated(self.mutant, file, text.decode()), "utf-8")
            yield
        finally:
            file.write_bytes(text)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def mark_noticed(self) -> None:
        """Remember that a test noticed the change after all."""
        self.data.exit_code_by_key[self.mutant] = _NOTICED
        self.data.save()


def run(processes: int, sample: int | None = None, seed: int = 0) -> list[Survivor]:
    """Test the mutants of which no test has noticed anything so far; returns what survives.

    Args:
        processes: How many are tested at a time.
        sample: How many are tested, chosen at random; all if None. Others are in no result.
        seed: Of the choice.
    """
    _narrow()
    if sample is not None:
        chosen = _choose(processes, sample, seed)
        cli(["run", "--max-children", str(processes), *chosen], standalone_mode=False)
        return [each for each in _survivors() if each.mutant in chosen]
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        data.exit_code_by_key = {
            name: exit_code if status_by_exit_code[exit_code] in _CAUGHT else None
            for name, exit_code in data.exit_code_by_key.items()
        }
        if data.exit_code_by_key:
            data.save()
    cli(["run", "--max-children", str(processes)], standalone_mode=False)
    return list(_survivors())


def _choose(processes: int, sample: int, seed: int) -> list[str]:
    """The names of some mutants; prints how many there are."""
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(processes)
    names: list[str] = []
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        names += data.exit_code_by_key
    chosen = random.Random(seed).sample(sorted(names), min(sample, len(names)))
    print(f"{len(chosen)} of {len(names)} mutants")
    return chosen


def _narrow() -> None:
    """Leave out the mutations that `scripts/mutants.py` lists."""
    replaced = {mutators.operator_string: _strings, mutators.operator_arg_removal: _arguments}
    mutators.mutation_operators[:] = [
        (node, replaced.get(operator, operator)) for node, operator in mutators.mutation_operators
    ]
    visit = MutationVisitor.on_visit
    MutationVisitor.on_visit = lambda self, node: not _is_left_out(node) and visit(self, node)


_types_of_casts: set[int] = set()


def _is_left_out(node: cst.CSTNode) -> bool:
    """Whether a node and all in it is not changed."""
    if isinstance(node, cst.Arg) and _is_strict(node):
        return True
    if not isinstance(node, cst.Call):
        return id(node) in _types_of_casts
    if isinstance(node.func, cst.Name) and node.func.value == "cast":
        _types_of_casts.add(id(node.args[0]))
    owner = node.func.value if isinstance(node.func, cst.Attribute) else None
    return isinstance(owner, cst.Name) and owner.value in _LOGGERS


def _is_strict(arg: cst.Arg) -> bool:
    """Whether an argument is the one that makes `zip` refuse what cannot be passed to it."""
    return arg.keyword is not None and arg.keyword.value == "strict"


def _is_text(node: cst.CSTNode) -> bool:
    """Whether a string is a text for people."""
    if isinstance(node, cst.SimpleString):
        return " " in node.raw_value
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def _strings(node: cst.BaseString) -> Iterable[cst.BaseString]:
    """Another string, once."""
    return () if _is_text(node) else list(mutators.operator_string(node))[:1]


def _arguments(node: cst.Call) -> Iterator[cst.Call]:
    """Each positional argument becomes None; the last one and those with a name are left out."""
    is_cast = isinstance(node.func, cst.Name) and node.func.value == "cast"
    positional = [arg for arg in node.args if arg.keyword is None]
    for number, arg in enumerate(node.args):
        if _is_text(arg.value) or arg.star or (is_cast and number == 0) or _is_strict(arg):
            continue
        before, after = node.args[:number], node.args[number + 1 :]
        if arg.keyword is None and not (
            isinstance(arg.value, cst.Name) and arg.value.value == "None"
        ):
            yield node.with_changes(
                args=[*before, arg.with_changes(value=cst.Name("None")), *after]
            )
        if len(node.args) > 1 and (arg.keyword or arg is positional[-1]):
            yield node.with_changes(args=[*before, *after])


def _survivors() -> Iterator[Survivor]:
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for name, exit_code in data.exit_code_by_key.items():
            status = status_by_exit_code[exit_code]
            if status not in _CAUGHT:
                diff = get_diff_for_mutant(name, path=path)
                yield Survivor(_function(name), _change(diff), status, name, data)


def _mutated(mutant: str, path: Path, text: str) -> str:
    """The text of a file with one mutant of a function in its place."""
    name, class_name = orig_function_and_class_names_from_key(mutant)
    _, changed = read_functions_from_index(mutant, path)
    module = cst.parse_module(text)
    bodies = [
        each.body.body
        for each in module.body
        if class_name and isinstance(each, cst.ClassDef) and each.name.value == class_name
    ]
    (original,) = (
        each
        for each in (bodies[0] if class_name else module.body)
        if isinstance(each, cst.FunctionDef) and each.name.value == name
    )
    return module.deep_replace(original, changed).code


def _function(mutant: str) -> str:
    """`compat.v1.query.Class.method` for `compat.v1.query.xǁClassǁmethod__mutmut_3`."""
    module, _, name = mutant.partition("__mutmut_")[0].rpartition(".")
    return f"{module}.{name.removeprefix('xǁ').removeprefix('x_').replace('ǁ', '.')}"


def _change(diff: str) -> str:
    """The lines of a difference that were taken away and added, in one line."""
    lines = diff.splitlines()[2:]
    before, after = (
        " ".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
    )
    return f"{before} => {after}"
