"""Puts the byte code for the running Python, if the file has it, before the sources.

All byte code for one Python is one xz archive: as members of the zip, that of four Pythons would
be twice as large as all the rest. What is not in it, and all of it on another Python, is imported
from the sources in the zip, as in any zipapp.
"""

from __future__ import annotations

import marshal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER
from types import ModuleType
from typing import Any, cast

_sources: Any = globals()["__loader__"]  # the zip, by zipimport


class Compiled:
    """Finds and loads modules from ``codes``: by name, whether it is a package, and its code."""

    def __init__(self, codes: dict[str, tuple[bool, bytes]]) -> None:
        self._codes = codes

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; None leaves it to the next finder, the zip."""
        if name not in self._codes:
            return None
        is_package = self._codes[name][0]
        place = f"{_sources.archive}/{name.replace('.', '/')}"
        origin = f"{place}/__init__.py" if is_package else f"{place}.py"
        spec = ModuleSpec(name, cast("Any", self), origin=origin, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """The usual module will do."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        exec(marshal.loads(self._codes[module.__name__][1]), module.__dict__)

    def get_source(self, name: str) -> str | None:
        """The source, for tracebacks."""
        source: str | None = _sources.get_source(name)
        return source


def _byte_code() -> dict[str, tuple[bool, bytes]]:
    """The byte code for this Python; nothing if there is none, or no lzma to read it with."""
    try:
        import lzma

        data: bytes = _sources.get_data(f"bytecode/{sys.implementation.cache_tag}.xz")
    except (ImportError, OSError):
        return {}
    if not data.startswith(MAGIC_NUMBER):
        return {}
    codes: dict[str, tuple[bool, bytes]] = marshal.loads(lzma.decompress(data[len(MAGIC_NUMBER) :]))
    return codes


def begin() -> int:
    """Run the command; its exit status."""
    sys.meta_path.insert(0, cast("Any", Compiled(_byte_code())))
    from dnsbalancer_exporter.cli import main

    return main()
