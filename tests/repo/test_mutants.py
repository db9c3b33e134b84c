"""The tables of mutants fit the code: `make mutants` would plant them, and find their tests."""

from __future__ import annotations

import ast
from functools import cache

import pytest

from tests.mutants.mutant import Mutant
from tests.mutants.run import MUTANTS, PACKAGE, planted
from tests.repo.generated import ROOT


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.bug)
def test_a_mutant_has_its_place_and_its_test(mutant: Mutant) -> None:
    source = (ROOT / PACKAGE / mutant.file).read_text()
    after = planted(mutant, source)
    assert after != source
    ast.parse(after)
    path, name = mutant.test.split("::")
    assert name in functions(path)


def test_no_bug_is_there_twice() -> None:
    assert len({mutant.bug for mutant in MUTANTS}) == len(MUTANTS) >= 50
    assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS)
