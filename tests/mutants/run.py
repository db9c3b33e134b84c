"""Plant every bug of the tables, one at a time, and see the test that is named for it fail.

Each mutant has a copy of the package and the tests of its own. It is killed if its test fails; that
the test can run at all is seen first, without any mutant. `ONLY=word` takes the bugs with a word.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.drivers import DRIVERS
from tests.mutants.laws import LAWS
from tests.mutants.many import MANY_POOLS
from tests.mutants.mutant import Mutant
from tests.mutants.probes import PROBES
from tests.mutants.votes import VOTING
from tests.mutants.writers import WRITERS
from tests.repo.generated import ROOT

PACKAGE = "dnsbalancer_exporter"
MUTANTS = (*LAWS, *WRITERS, *PROBES, *MANY_POOLS, *DRIVERS, *VOTING)
AT_ONCE = os.cpu_count() or 1
SECONDS = 600.0
KILLED, SURVIVED = "killed", "SURVIVED"
WORDS = {0: SURVIVED, 1: KILLED}
"""What pytest's status means; any other one is the table's fault: no such test, no such syntax."""


class Rotten(Exception):
    """A row of the table does not fit the code any more."""


def planted(mutant: Mutant, source: str) -> str:
    """The file with the bug in it; raises Rotten if there is not exactly one place for it."""
    places = source.count(mutant.old)
    if places != 1:
        raise Rotten(f"{mutant.bug}: its old text is found {places} times in {mutant.file}")
    return source.replace(mutant.old, mutant.new)


@contextmanager
def copy_of_it_all() -> Iterator[Path]:
    """A folder with the package, its tests and how they are run."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder, unwanted = Path(name), shutil.ignore_patterns("__pycache__")
        for part in (PACKAGE, "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
        shutil.copy(ROOT / "pyproject.toml", folder)
        yield folder


def passes(folder: Path, tests: list[str], *options: str) -> tuple[int, str]:
    """Pytest's status, and what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *options]
    environment = {k: v for k, v in os.environ.items() if k not in ("SEED", "WORLDS")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)}
    try:
        ran = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=folder,
            check=False,
            env=environment,
            timeout=SECONDS,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end after {SECONDS:.0f} s"
    return ran.returncode, (ran.stdout + ran.stderr)[-3000:]


def judged(mutant: Mutant) -> tuple[str, str]:
    """What becomes of a mutant, in a word, and why if that needs to be told."""
    with copy_of_it_all() as folder:
        path = folder / PACKAGE / mutant.file
        path.write_text(planted(mutant, path.read_text()))
        status, said = passes(folder, [mutant.test])
    word = WORDS.get(status, f"status {status}")
    return word, "" if word == KILLED else said


def main() -> int:
    only = os.environ.get("ONLY", "")
    mutants = [m for m in MUTANTS if only in m.bug or only in m.file or only in m.test]
    for mutant in mutants:
        planted(mutant, (ROOT / PACKAGE / mutant.file).read_text())
    tests = sorted({mutant.test for mutant in mutants})
    print(f"{len(tests)} tests without a mutant ..", flush=True)
    with copy_of_it_all() as folder:
        status, said = passes(folder, tests, "-n", str(AT_ONCE))
    if status:
        print(said)
        return 1
    left = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, (word, said) in zip(mutants, pool.map(judged, mutants), strict=True):
            print(f"{word:9} {mutant.bug}\n          {mutant.file}, by {mutant.test}", flush=True)
            print(said, end="")
            left += word != KILLED
    print(f"{len(mutants) - left} of {len(mutants)} mutants were killed")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
