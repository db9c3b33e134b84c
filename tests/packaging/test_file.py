"""The single file: the same bits each time, small, and at home with any Python that it meets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from tests.needed import unavailable
from tests.packaging.conftest import BUILD, make
from tests.repo.generated import ROOT

LARGEST = 2_500_000
OLD = ("2.7", "3.6", "3.7", "3.8", "3.9")
CERTIFICATE_STORES = ("/etc/ssl/certs", "/etc/pki/tls/certs")


def run(*command: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run with an empty environment, and no home."""
    return subprocess.run(
        [str(word) for word in command],
        env={"HOME": "/nonexistent", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def pythons() -> list[str]:
    """The Pythons of this machine that the file is for."""
    return make(BUILD, "--pythons").split()


def old_pythons() -> list[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = [sorted(pyenv.glob(f"{version}.*/bin/python{version}")) for version in OLD]
    on_path = [shutil.which(f"python{version}") for version in OLD]
    said = [*(str(path) for paths in found for path in paths), *filter(None, on_path)]
    return [python for python in said if run(python, "-c", "").returncode == 0]


def test_it_is_the_same_bits_whoever_builds_it_and_where(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a folder of another name"
    wanted = ("dnsbalancer_exporter", "packaging")
    for name in wanted:
        shutil.copytree(ROOT / name, elsewhere / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in elsewhere.rglob("*"):
        path.chmod(0o700)
        os.utime(path, (1, 1))
    mask = os.umask(0o077)
    try:
        make(
            elsewhere / "packaging/build.py",
            tmp_path / "again",
            SOURCE_DATE_EPOCH="86400",
            PYTHONHASHSEED="7",
            TZ="Asia/Kamchatka",
            LC_ALL="C",
        )
    finally:
        os.umask(mask)
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_it_is_small_and_anybody_may_run_it(file: Path) -> None:
    assert file.stat().st_size < LARGEST
    assert file.stat().st_mode & 0o777 == 0o755


def test_it_runs_with_every_python_without_a_home_and_writes_nothing(
    file: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone/dnsbalancer"
    alone.parent.mkdir()
    shutil.copy(file, alone)
    for folder in ("alone", "empty"):
        (tmp_path / folder).mkdir(exist_ok=True)
    used = pythons()
    assert used
    for python in used:
        said = run(python, alone, "--version", TMPDIR=str(tmp_path / "empty"))
        assert (said.returncode, said.stdout, said.stderr) == (
            0,
            f"dnsbalancer {__version__}\n",
            "",
        ), python
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["dnsbalancer"]
    assert list((tmp_path / "empty").iterdir()) == []


def rewritten(file: Path, target: Path, *, drop: str) -> Path:
    """A copy of the file without the members whose names are like ``drop``."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if not re.fullmatch(drop, name):
                new.writestr(name, old.read(name))
    return target


def test_a_start_has_all_in_byte_code_and_never_opens_the_sources(
    file: Path, tmp_path: Path
) -> None:
    spoilt = rewritten(file, tmp_path / "spoilt", drop=r"sources\.xz")
    with zipfile.ZipFile(spoilt, "a") as opened:
        opened.writestr("sources.xz", b"to open it would cost a tenth of a start")
    for python in pythons():
        said = run(python, spoilt, "check", tmp_path / "missing.yaml")
        assert said.returncode == 2, (python, said.stderr)
        assert "does not exist" in said.stderr


def test_it_carries_what_init_writes(file: Path, tmp_path: Path) -> None:
    without = rewritten(file, tmp_path / "without-byte-code", drop=r"bytecode/.*")
    for python, built in ((pythons()[0], file), (pythons()[-1], without)):
        said = run(python, built, "init", tmp_path / "config.yaml")
        assert said.returncode == 2, said.stderr
        assert "--login NAME: is needed" in said.stderr
    with zipfile.ZipFile(file) as opened:
        for name in ("config.yaml", "dnsbalancer.service", "sysusers.conf", "sysctl.conf"):
            there = opened.read(f"dnsbalancer_exporter/init/{name}")
            assert there == (ROOT / "packaging" / name).read_bytes(), name


def test_a_python_without_byte_code_uses_the_sources(file: Path, tmp_path: Path) -> None:
    without = rewritten(file, tmp_path / "without-byte-code", drop=r"bytecode/.*")
    for python in pythons():
        said = run(python, without, "--version")
        assert said.stdout == f"dnsbalancer {__version__}\n", said.stderr


def test_an_older_python_is_told_so_in_one_line(file: Path) -> None:
    found = old_pythons()
    if not found:
        unavailable("no Python older than 3.10 is here to refuse the file")
    for python in found:
        said = run(python, file, "--version")
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1), python
        assert "Python 3.10 or newer" in said.stderr
        assert "install" in said.stderr


def test_it_carries_what_is_pinned_and_every_licence(file: Path) -> None:
    lock = (ROOT / "packaging/embedded.lock").read_text()
    pinned = [line.partition("==")[0] for line in lock.splitlines() if line[:1].isalpha()]
    with zipfile.ZipFile(file) as opened:
        licensed = {name.split("/")[1] for name in opened.namelist() if "licenses/" in name}
    assert {name.lower().replace("-", "_") for name in pinned} == {n.lower() for n in licensed}


def test_everything_that_is_needed_is_pinned() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    needed = text.partition("dependencies = [")[2].partition("]")[0]
    lock = (ROOT / "packaging/embedded.lock").read_text()
    names = [line.strip().strip('",').partition(">")[0] for line in needed.strip().splitlines()]
    assert len(names) >= 5
    assert [name for name in names if f"\n{name}==" not in lock] == []


def test_it_trusts_the_system_and_carries_no_authorities(file: Path) -> None:
    with zipfile.ZipFile(file) as opened:
        assert [name for name in opened.namelist() if name.endswith(".pem")] == []
    asked = "import boot; boot.install(); import requests; print(requests.certs.where())"
    said = run(pythons()[0], "-c", asked, PYTHONPATH=str(file))
    assert said.stdout.startswith(CERTIFICATE_STORES), said.stderr


@pytest.mark.real
@pytest.mark.xdist_group("demo")
def test_a_failover_is_played_from_it(file: Path) -> None:
    said = run(pythons()[-1], file, "demo", "--script", "--dns-port", "0", PATH=os.defpath)
    # the whole story is the end-to-end tests' business; this is about daemons started from the file
    assert "its record is back" in said.stdout, said.stdout + said.stderr
