"""Other files that the configuration names: whether they can be read, and what is said if not."""

from __future__ import annotations

from collections.abc import Callable

from dnsbalancer_exporter.config.sections import Key, Section

Read = Callable[[str], bytes]
"""Gives the bytes of a file, or raises OSError."""

_REASONS: tuple[tuple[type[OSError], str], ...] = (
    (FileNotFoundError, "does not exist: create it, or correct the path"),
    (IsADirectoryError, "is a folder: give the path of a file"),
    (NotADirectoryError, "does not exist: a part of the path is no folder"),
    (PermissionError, "must not be read by this user: change its owner or mode"),
)


def why_unread(error: OSError) -> str:
    """A plain sentence for a file that could not be read."""
    for kind, sentence in _REASONS:
        if isinstance(error, kind):
            return sentence
    return f"cannot be read: {error.strerror or type(error).__name__}"


def check_authorities(section: Section, key: Key[str], path: str, read: Read) -> None:
    """Look into a file of authorities: a wrong one would be noticed when it is needed only."""
    try:
        is_pem = b"-----BEGIN " in read(path)
    except OSError as error:
        section.problem(key, why_unread(error))
        return
    if not is_pem:
        section.problem(key, "holds no certificate: it must be a PEM file")
