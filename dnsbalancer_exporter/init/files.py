"""Writing a few files together: whole or not at all, and over another one only on demand."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is to be: its mode, and its group if that is not the user's own.

    ``over``: one that is there is replaced; ``keep``: and kept under another name.
    """

    path: Path
    text: str = field(repr=False)
    mode: int
    group: int = -1
    over: bool = False
    keep: bool = False


def why_not(path: Path) -> str:
    """Why this user cannot write a file there; empty if nothing is known against it."""
    if path.is_dir():
        return "is a folder: give the path of a file"
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"cannot be made: {folder} is no folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"cannot be written by this user: run this as root, or give another path ({folder})"
    return ""


def write(documents: Sequence[Document]) -> list[Path]:
    """Write all or none; the paths of what was kept. Raises OSError, FileExistsError without over.

    Each appears whole under its name, with its mode and owner, or not at all.
    """
    kept: list[Path] = []
    with contextlib.ExitStack() as undo:
        drafts = [(document, _drafted(document, undo)) for document in documents]
        for document, draft in drafts:
            kept += _kept(document)
            if document.over:
                draft.replace(document.path)
            else:
                document.path.hardlink_to(draft)
                undo.callback(document.path.unlink)
                draft.unlink()
        undo.pop_all()
    return kept


def _drafted(document: Document, undo: contextlib.ExitStack) -> Path:
    """The file under another name beside its own; removed if anything fails."""
    document.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=".dnsbalancer-", dir=document.path.parent)
    undo.callback(Path(name).unlink, missing_ok=True)
    with os.fdopen(number, "wb") as stream:
        stream.write(document.text.encode(errors="surrogateescape"))
        stream.flush()
        if document.group >= 0:
            os.fchown(number, -1, document.group)
        os.fchmod(number, document.mode)
        os.fsync(number)
    return Path(name)


def _kept(document: Document) -> list[Path]:
    """Give what is there a second name, with the time in it."""
    if not (document.keep and document.path.exists()):
        return []
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    second = document.path.with_name(f"{document.path.name}.{moment}")
    second.hardlink_to(document.path)
    return [second]
