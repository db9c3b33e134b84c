"""Compiles modules with the Python that runs this: TREE MODULE... to an xz archive on stdout.

Started by build.py with each Python that gets byte code; needs nothing but that Python. Docstrings,
columns and what functions say of their types are left out: nobody sees them. Together they would be
a good third of it.
"""

from __future__ import annotations

import ast
import lzma
import marshal
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path


class Untyped(ast.NodeTransformer):
    """Takes the annotations off functions; those of classes make dataclasses and named tuples."""

    def _of_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _of_function  # noqa: N815 - ast's own names

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """One argument."""
        node.annotation = None
        return node


def compiled(tree: Path, name: str) -> tuple[bool, bytes] | None:
    """Whether a module is a package, and its code; None if there is none."""
    path = tree / name.replace(".", "/") / "__init__.py"
    is_package = path.exists()
    if not is_package:
        path = (tree / name.replace(".", "/")).with_suffix(".py")
    if not path.exists():
        return None
    shown = f"dnsbalancer/{path.relative_to(tree)}"
    bare = Untyped().visit(ast.parse(path.read_bytes(), shown))
    code = compile(bare, shown, "exec", dont_inherit=True, optimize=2)
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
