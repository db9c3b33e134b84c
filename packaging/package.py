"""Makes the .deb and the .rpm of the single file, by nfpm from packaging/nfpm.yaml.

Manual page and shell completion are written from the command's own argparse. The time of every file
is SOURCE_DATE_EPOCH, by default that of the last commit, so that equal sources give equal packages.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ("alerts/*.yml", "dashboards/*.json")
"""What goes to /usr/share/dnsbalancer as it is, less the tests of the alerts."""

SHELLS = ("bash", "zsh", "fish")
MODULE, FUNCTION = "dnsbalancer_exporter.cli", "parser"

CHANGELOG = """\
dnsbalancer ({version}) unstable; urgency=medium

  * What is new in this version is told in CHANGELOG.md of the sources.

 -- dnsbalancer_exporter authors <dnsbalancer@noreply.invalid>  {date}
"""


def version() -> str:
    """The version, from the one place where it stands."""
    text = (ROOT / "dnsbalancer_exporter/__init__.py").read_text()
    found = re.search(r'__version__ = "(.+)"', text)
    if found is None:
        sys.exit("dnsbalancer_exporter/__init__.py has no __version__")
    return found[1]


def moment() -> int:
    """The Unix time that every file gets."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    git = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    said = subprocess.run(git, check=False, capture_output=True, text=True)
    return int(said.stdout) if said.returncode == 0 else 0


def _output(at: int, *command: str) -> bytes:
    """What one of the environment's Python commands prints; its clock and width are fixed."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(at), "COLUMNS": "80", "TZ": "UTC"}
    whole = [sys.executable, *command]
    return subprocess.run(whole, check=True, stdout=subprocess.PIPE, env=environ, cwd=ROOT).stdout


def manual(at: int) -> bytes:
    """The manual page."""
    return _output(
        at,
        *("-c", "from argparse_manpage.cli import main; main()"),
        *("--module", MODULE, "--function", FUNCTION, "--manual-title", "dnsbalancer"),
        *("--project-name", "dnsbalancer", "--version", version()),
        *("--description", "DNS failover and Prometheus exporter"),
        *("--format", "single-commands-section", "--include", "packaging/manual.txt"),
    )


def completion(at: int, shell: str) -> bytes:
    """The completion of one shell."""
    wanted = ("-u", "-s", shell, "--prog", "dnsbalancer", f"{MODULE}.{FUNCTION}")
    return _output(at, "-m", "shtab", *wanted)


def lay_out(work: Path, file: Path, at: int) -> None:
    """Put everything that nfpm.yaml names below ``work``."""
    made, share = work / "made", work / "made/share"
    share.mkdir(parents=True)
    shutil.copy(ROOT / "packaging/config.yaml", share)
    for path in (path for pattern in SHARED for path in sorted(ROOT.glob(pattern))):
        if not path.name.endswith(".test.yml"):
            (share / path.parent.name).mkdir(exist_ok=True)
            shutil.copy(path, share / path.parent.name)
    for shell in SHELLS:
        (made / shell).write_bytes(completion(at, shell))
    licence = "".join(f" {line}\n" for line in _licence())
    (made / "copyright").write_text((ROOT / "packaging/copyright").read_text() + licence)
    news = CHANGELOG.format(version=version(), date=formatdate(at))
    for name, text in (("dnsbalancer.1", manual(at)), ("changelog", news.encode())):
        (made / f"{name}.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    (work / "dist").mkdir()
    shutil.copy(file, work / "dist/dnsbalancer")
    shutil.copytree(ROOT / "packaging", work / "packaging")
    shutil.copy(ROOT / "LICENSE", work)
    for path in work.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (at, at))


def _licence() -> list[str]:
    """The lines of the licence as a Debian copyright file has them: an empty one is a dot."""
    text = (ROOT / "LICENSE").read_text()
    return [line or "." for line in text[text.index("Permission") :].strip().splitlines()]


def main() -> int:
    """Make both packages in the folder of the command line."""
    parser = argparse.ArgumentParser(description="Make the packages of the single file.")
    parser.add_argument("file", type=Path, metavar="FILE", help="the single file")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the packages go")
    parser.add_argument("--version", default=version(), help="to make a later one, in tests")
    options = parser.parse_args()
    at = moment()
    target = options.folder.resolve()
    nfpm = [str(Path(sys.executable).with_name("nfpm")), "package", "-f", "packaging/nfpm.yaml"]
    environ = {**os.environ, "VERSION": options.version, "SOURCE_DATE_EPOCH": str(at)}
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder), options.file, at)
        for packager in ("deb", "rpm"):
            command = [*nfpm, "-p", packager, "-t", str(target)]
            said = subprocess.run(
                command, check=False, cwd=folder, env=environ, capture_output=True, text=True
            )
            if said.returncode:
                sys.exit(f"nfpm could not make the {packager}:\n{said.stdout}{said.stderr}")
            print(said.stdout.strip().rpartition(" ")[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
