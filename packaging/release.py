"""Makes a release: builds everything with byte code for every Python, tests it, writes checksums.

Nothing is published. The folder has file, packages, and, if all tests were passed, SHA256SUMS;
a version that CHANGELOG.md does not tell of is not released.
"""

from __future__ import annotations

import hashlib
import os
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


def main(folder: Path) -> None:
    """Build, test, write checksums."""
    if f"\n## {version()}" not in (ROOT / "CHANGELOG.md").read_text():
        sys.exit(f"no release: CHANGELOG.md has no section `## {version()}`")
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


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
