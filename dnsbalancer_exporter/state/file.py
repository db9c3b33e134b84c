"""The file that is kept between two runs, in whatever condition it, its folder and the disk are."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from dnsbalancer_exporter.model import Kept, Pool
from dnsbalancer_exporter.state.document import VERSION, Document, Unusable, of_document

NAME = "state.json"
TEMPORARY = f".{NAME}-"
LARGEST = 16 * 1024 * 1024


def read(folder: str) -> Document:
    """The document in the file, {} if there is none. Raises Unusable, OSError."""
    try:
        # Without O_NONBLOCK a named pipe of this name would be waited for.
        descriptor = os.open(Path(folder) / NAME, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable("it is no regular file")
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is a descriptor
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unusable(f"it is larger than {LARGEST} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise Unusable(f"it is not of version {VERSION}")
    return document


def write(folder: str, document: Document) -> None:
    """Put ``document`` in the place of the file, or leave the file as it is: OSError."""
    data = json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - it is a descriptor
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        Path(name).replace(Path(folder) / NAME)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _sync(folder)


def _sync(folder: str) -> None:
    """Have the new name outlive a loss of power, where the file system can promise it."""
    descriptor = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


class Claim:
    """The right to write in a folder: one process has it, until it ends.

    Of two daemons on one folder the later save would undo the drains of the other.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def take(self, folder: str) -> None:
        """Make ``folder`` and have it, and no other; OSError if that cannot be."""
        Path(folder).mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if self._has(descriptor):
                os.close(descriptor)
                return
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise OSError("another daemon keeps its state there") from None
        except OSError:
            pass  # a file system without locks: who shares it cannot be told
        self.release()
        self._descriptor = descriptor
        for left in Path(folder).glob(f"{TEMPORARY}*"):
            with contextlib.suppress(OSError):
                left.unlink()  # of a process that was killed while it wrote

    def write(self, folder: str, document: Document) -> None:
        """As `write`, if we may; raises OSError."""
        self.take(folder)
        write(folder, document)

    def release(self) -> None:
        """Let another process have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _has(self, descriptor: int) -> bool:
        return self._descriptor is not None and os.path.samestat(
            os.fstat(self._descriptor), os.fstat(descriptor)
        )


def load(
    folder: str, pools: Iterable[Pool], epoch: float, now: float
) -> tuple[Mapping[str, Kept], str]:
    """What was kept of ``pools``, by name, and a warning; "" if all is well.

    ``now`` is the process's clock, ``epoch`` makes it Unix time. What cannot be used, or not even
    be read, is set aside: the next save would take its place.
    """
    try:
        return of_document(read(folder), pools, epoch, now), ""
    except (Unusable, OSError) as error:
        fate = _set_aside(folder, now + epoch)
        return {}, f"{Path(folder) / NAME} cannot be used ({error}); {fate}"


def _set_aside(folder: str, unix: float) -> str:
    path = Path(folder) / NAME
    aside_name = f"{NAME}.unusable-{int(unix)}"
    try:
        path.rename(path.with_name(aside_name))
    except OSError as error:
        return f"nor could it be set aside: {error}"
    return f"it was set aside as {aside_name}, and what it kept (drains!) is not in force"
