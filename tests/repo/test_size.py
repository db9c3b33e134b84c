"""The house stays livable: files of at most 300 lines, functions of at most 40, telling names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.repo.generated import ROOT

PACKAGE = ROOT / "dnsbalancer_exporter"
LONG_FILES = {
    "model.py": "the nouns in one place; nothing in it has a body worth a file",
    "plan.py": "the laws in one place, with the Situation that they read",
    "daemon.py": "it builds everything, and is the only one that knows everybody",
    "cycle.py": "one straight line with the Protocols that it needs",
}
LONG_FUNCTIONS = {
    "emulator/__init__.py:__init__": "all that there is to say about a stage, by name",
}
SHAPELESS = {"utils", "helpers", "common", "manager", "base"}


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _functions() -> Iterator[tuple[str, int]]:
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                name = f"{path.relative_to(PACKAGE)}:{node.name}"
                yield name, node.end_lineno - node.lineno + 1


def test_files_over_300_lines_have_a_reason() -> None:
    lengths = {str(p.relative_to(PACKAGE)): len(p.read_text().splitlines()) for p in _modules()}
    assert {name for name, lines in lengths.items() if lines > 300} == set(LONG_FILES)


def test_functions_over_40_lines_have_a_reason() -> None:
    assert {name for name, lines in _functions() if lines > 40} == set(LONG_FUNCTIONS)


def test_no_module_has_a_shapeless_name() -> None:
    assert [p for p in _modules() if p.stem in SHAPELESS] == []
