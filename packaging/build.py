"""Builds the single file: a zipapp of the command and all it needs, the same bits each time.

It holds the sources, the libraries that `embedded.lock` pins, and byte code for those of Python
3.10 to 3.13 that are found here (`--all`: it is an error if one is not), so that a start need not
compile. Equal sources and equal Pythons give equal bits, whoever builds, where and when.
"""

from __future__ import annotations

import argparse
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bytecode import packed

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "dnsbalancer_exporter"
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
LARGEST = 2_500_000
"""Bytes. A file that an operator copies to three machines by hand stays small."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every member: the first that a zip can say."""

FIRST = ("__main__.py", "boot.py")
"""What stays a member of the zip: it is imported before the archives can be."""

LEFT_OUT = (
    "charset_normalizer/cli",
    "prometheus_client/aiohttp",
    "prometheus_client/bridge",
    "prometheus_client/django",
    "prometheus_client/openmetrics/parser.py",
    "prometheus_client/twisted",
    "urllib3/contrib/emscripten",
    "urllib3/contrib/pyopenssl.py",
    "urllib3/contrib/socks.py",
    "_yaml",
)
"""Parts of the libraries that other programs use."""


def lay_out(tree: Path) -> None:
    """Put everything that the file holds, but for byte code, below ``tree``."""
    with tempfile.TemporaryDirectory() as wheels:
        _download(wheels)
        for wheel in sorted(Path(wheels).glob("*.whl")):
            with zipfile.ZipFile(wheel) as opened:
                _unpack(opened, tree)
    for place in (tree / name for name in LEFT_OUT):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    shutil.copytree(PACKAGE, tree / PACKAGE.name, ignore=lambda *_: {"__pycache__", "py.typed"})
    for name, source in (("__main__", "entry"), ("boot", "boot"), ("certifi", "certifi")):
        shutil.copy(HERE / f"{source}.py", tree / f"{name}.py")


def _download(folder: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    wanted = ["--python-version", "3.10", "--platform", "manylinux2014_x86_64"]
    pinned = ["--no-deps", "--require-hashes", "-r", str(HERE / "embedded.lock")]
    command = [*pip, "download", *wanted, "--only-binary", ":all:", "-d", folder, *pinned]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the libraries of {HERE / 'embedded.lock'} were not to be had:\n{done.stderr}")


def _unpack(wheel: zipfile.ZipFile, tree: Path) -> None:
    """The Python files of a wheel, and its licence."""
    for name in wheel.namelist():
        folder, _, path = name.partition("/")
        if name.endswith("/"):
            continue
        if folder.endswith(".dist-info"):
            if Path(path).name.upper().startswith(("LICEN", "NOTICE")):
                kept = tree / "licenses" / folder.partition("-")[0] / Path(path).name
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(wheel.read(name))
        elif name.endswith(".py"):
            wheel.extract(name, tree)


def used_at_start(tree: Path) -> list[str]:
    """The modules that the command asks ``tree`` for before it does anything.

    With those that are not there, such as PyYAML's in C, and those that end without them.
    """
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "class Asked:\n"
        "    def find_spec(name, path=None, target=None): print(name)\n"
        "sys.meta_path.insert(0, Asked)\n"
        "import dnsbalancer_exporter.cli"
    )
    command = [sys.executable, "-S", "-B", "-c", script, str(tree)]
    asked = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    ours = {path.stem for path in tree.iterdir()}
    return sorted(name for name in set(asked) if name.partition(".")[0] in ours)


def pythons() -> dict[str, str]:
    """The Pythons to make byte code for that are found here: their commands, by version."""
    found: dict[str, str] = {}
    for version in VERSIONS:
        for command in _candidates(version):
            asked = [command, "-c", "import lzma, sys; print('%d.%d' % sys.version_info[:2])"]
            said = subprocess.run(asked, check=False, capture_output=True, text=True)
            if said.stdout.strip() == version:
                found[version] = command
                break
    return found


def _candidates(version: str) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True))


def compile_for(python: str, tree: Path, names: list[str]) -> bytes:
    """The byte code of ``names`` for one Python."""
    script = str(HERE / "bytecode.py")
    command = [python, "-s", "-S", "-X", "no_debug_ranges", script, str(tree), *names]
    environ = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environ).stdout


def pack_sources(tree: Path) -> None:
    """Put all sources into one archive, in the place of their files."""
    table: dict[str, tuple[bool, bytes]] = {}
    for path in sorted(tree.rglob("*.py")):
        place = path.relative_to(tree)
        if str(place) in FIRST:
            continue
        is_package = place.name == "__init__.py"
        name = ".".join(place.parent.parts if is_package else place.with_suffix("").parts)
        table[name] = (is_package, path.read_bytes())
        path.unlink()
    # marshal's version 2 is the same for every Python, and for equal values
    (tree / "sources.xz").write_bytes(packed(marshal.dumps(table, 2)))


def write(tree: Path, target: Path) -> None:
    """Write the zip of ``tree``, with a first line that lets it be run."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    with target.open("wb") as stream:
        stream.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(stream, "w") as archive:
            for path in files:
                member = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EPOCH)
                member.external_attr = 0o100644 << 16
                member.create_system = 3
                packed = zipfile.ZIP_STORED if path.suffix == ".xz" else zipfile.ZIP_DEFLATED
                archive.writestr(member, path.read_bytes(), packed, 9)
    target.chmod(0o755)


def build(target: Path, wanted: dict[str, str]) -> None:
    """Build ``target`` with byte code for the Pythons ``wanted``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve() / "tree"
        lay_out(tree)
        names = used_at_start(tree)
        codes = {v: compile_for(python, tree, names) for v, python in wanted.items()}
        pack_sources(tree)
        (tree / "bytecode").mkdir()
        for version, code in codes.items():
            tag = f"cpython-{version.replace('.', '')}"
            (tree / "bytecode" / f"{tag}.xz").write_bytes(code)
        write(tree, target)


def main() -> int:
    """Build what the command line says."""
    parser = argparse.ArgumentParser(description="Build the single file.")
    parser.add_argument("target", type=Path, metavar="FILE", nargs="?")
    parser.add_argument("--pythons", action="store_true", help="only print the Pythons found here")
    parser.add_argument("--all", action="store_true", help="all of Python 3.10 to 3.13 or none")
    options = parser.parse_args()
    found = pythons()
    if options.pythons or not options.target:
        print("\n".join(found.values()))
        return 0
    missing = ", ".join(v for v in VERSIONS if v not in found)
    if missing and options.all:
        sys.exit(f"no byte code can be made for Python {missing}: install it, or put it on PATH")
    build(options.target, found)
    size = options.target.stat().st_size
    note = f"; Python {missing} was not found here and will start more slowly" if missing else ""
    print(f"{options.target}: {size} bytes, byte code for Python {', '.join(found)}{note}")
    if size > LARGEST:
        sys.exit(f"{options.target} is larger than {LARGEST} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
