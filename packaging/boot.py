"""Makes importable what the file holds.

`bytecode/` has an xz archive for each Python from 3.10 to 3.13: the byte code of all that a start
imports. `sources.xz` has all sources, the libraries' too, for what is imported later and for any
other Python. As members of the zip, the two would make it twice as large.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER
from types import ModuleType
from typing import Any, cast

Modules = Mapping[str, tuple[bool, bytes] | None]
"""By name: whether it is a package, and its code or source; None if it is known not to be here."""

_file: Any = globals()["__loader__"]  # the zip, by zipimport


class Embedded:
    """Finds and loads modules, from ``codes`` where they are there, else from the sources."""

    def __init__(self, codes: Modules) -> None:
        self._codes = codes
        self._roots = {name.partition(".")[0] for name in codes}

    @cached_property
    def _sources(self) -> Modules:
        return _read("sources.xz", b"")

    def _found(self, name: str) -> tuple[bool, bytes] | None:
        if name in self._codes:
            return self._codes[name]
        if not self._codes or name.partition(".")[0] in self._roots:
            return self._sources.get(name)
        return None  # not ours: the archive need not be opened for it

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; None leaves it to the next finder."""
        found = self._found(name)
        if found is None:
            return None
        place = f"{_file.archive}/{name.replace('.', '/')}"
        origin = f"{place}/__init__.py" if found[0] else f"{place}.py"
        spec = ModuleSpec(name, cast("Any", self), origin=origin, is_package=found[0])
        spec.has_location = True
        if found[0]:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        _, data = cast("tuple[bool, bytes]", self._found(module.__name__))
        compiled = module.__name__ in self._codes
        exec(
            marshal.loads(data) if compiled else compile(data, str(module.__file__), "exec"),
            module.__dict__,
        )

    def get_data(self, path: str) -> bytes:
        """What lies beside a module that is not one."""
        return cast("bytes", _file.get_data(path))

    def get_source(self, name: str) -> str | None:
        """The source, for tracebacks."""
        found = self._sources.get(name)
        return found[1].decode() if found else None


def _read(member: str, magic: bytes) -> Modules:
    """What an archive holds; nothing if it is not there, or not for this Python."""
    import lzma

    try:
        data: bytes = _file.get_data(member)
    except OSError:
        return {}
    if not data.startswith(magic):
        return {}
    return cast("Modules", marshal.loads(lzma.decompress(data[len(magic) :])))


def install() -> None:
    """Make everything importable; ImportError on a Python that was built without lzma."""
    codes = _read(f"bytecode/{sys.implementation.cache_tag}.xz", MAGIC_NUMBER)
    sys.meta_path.insert(0, cast("Any", Embedded(codes)))


def begin() -> int:
    """Run the command; its exit status."""
    try:
        install()
    except ImportError as error:
        print(f"dnsbalancer: {sys.executable} lacks a standard module ({error})", file=sys.stderr)
        return 2
    from dnsbalancer_exporter.cli import main

    return main()
