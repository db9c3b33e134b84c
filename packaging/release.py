"""Makes a release: builds everything with byte code for every Python, tests it, writes checksums.

Nothing is published. The folder has file, packages, and, if all tests were passed, SHA256SUMS. What
is released is a commit, and all that is new in it is told in CHANGELOG.md under its version.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from package import version

ROOT = Path(__file__).resolve().parent.parent


def step(*command: str | Path, **environ: str) -> None:
    """Run one step; the release ends where it fails."""
    words = [sys.executable, *map(str, command)]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **environ}, check=False)
    if done.returncode:
        sys.exit(f"no release: {' '.join(words)} ended with {done.returncode}")


def obstacles() -> list[str]:
    """What speaks against a release of what is here, each with what to do about it."""
    found = []
    changed = _git("status", "--porcelain")
    if changed:
        found.append(f"not committed, commit or remove it:\n{changed}")
    if not re.search(rf"(?m)^## {re.escape(version())} \(", (ROOT / "CHANGELOG.md").read_text()):
        found.append(f"CHANGELOG.md has no section `## {version()}`: run towncrier build")
    untold = sorted(path.name for path in ROOT.glob("changelog.d/*.*.md"))
    if untold:
        found.append(f"not in CHANGELOG.md yet, run towncrier build: {', '.join(untold)}")
    return found


def _git(*words: str) -> str:
    return subprocess.check_output(["git", "-C", str(ROOT), *words], text=True).strip()


def make(folder: Path) -> None:
    """Build, test, write checksums."""
    shutil.rmtree(folder, ignore_errors=True)
    file = folder / "dnsbalancer"
    step("packaging/build.py", file, "--all")
    step("packaging/package.py", file, folder)
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/packaging")
    step(*tests, DNSBALANCER_DIST=str(folder), CI="true")
    made = sorted(path for path in folder.iterdir() if path.is_file())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made]
    (folder / "SHA256SUMS").write_text("".join(sums))
    print(f"{folder}: dnsbalancer {version()}, tested; sha256sum -c SHA256SUMS")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Make a release of this commit.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="emptied, and filled")
    parser.add_argument("--ready", action="store_true", help="only say what speaks against it")
    options = parser.parse_args()
    against = obstacles()
    if against:
        sys.exit("\n".join(f"no release: {obstacle}" for obstacle in against))
    if not options.ready:
        make(options.folder.resolve())


if __name__ == "__main__":
    main()
