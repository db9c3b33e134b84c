"""Reading a file that somebody else writes: it must neither hang nor fill the process."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

LARGEST = 4 * 1024 * 1024
"""Bytes that are read of a file, and one more, by which it is seen to be larger."""


class Signature(NamedTuple):
    """What changes with a file: another one in its place, its time, its length."""

    device: int
    inode: int
    changed: int
    length: int


def read(path: str) -> bytes:
    """The bytes of a regular file, at most one more than LARGEST; OSError.

    A FIFO, a device or a socket is refused before it is waited for.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as stream:  # noqa: PTH123 - it is open already
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is no regular file")
        return stream.read(LARGEST + 1)


def signature(path: str) -> Signature | None:
    """What the file is by now; None if it cannot be looked at."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path of the configuration, as it is
    except OSError:
        return None
    return Signature(found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
