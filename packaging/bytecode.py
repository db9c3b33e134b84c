"""Compiles modules with the Python that runs this: TREE MODULE... to an xz archive on stdout.

Started by build.py with each Python that gets byte code; needs nothing but that Python. Docstrings
and columns are left out: they are a third of it, and nobody sees them.
"""

from __future__ import annotations

import lzma
import marshal
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path


def compiled(tree: Path, name: str) -> tuple[bool, bytes]:
    """Whether a module is a package, and its code."""
    path = tree / name.replace(".", "/") / "__init__.py"
    is_package = path.exists()
    if not is_package:
        path = (tree / name.replace(".", "/")).with_suffix(".py")
    shown = f"dnsbalancer/{path.relative_to(tree)}"
    code = compile(path.read_bytes(), shown, "exec", dont_inherit=True, optimize=2)
    return is_package, marshal.dumps(code)


def packed(data: bytes) -> bytes:
    """An xz archive, as small as it gets."""
    tuned = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "pb": 0}
    return lzma.compress(data, filters=[tuned])


def archive(tree: Path, names: list[str]) -> bytes:
    """The archive: this Python's magic number, and the compressed table of modules."""
    table = marshal.dumps({name: compiled(tree, name) for name in sorted(names)})
    return MAGIC_NUMBER + packed(table)


if __name__ == "__main__":
    sys.stdout.buffer.write(archive(Path(sys.argv[1]), sys.argv[2:]))
