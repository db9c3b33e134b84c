"""Becoming somebody else: from root to a user who may do less, for good."""

from __future__ import annotations

import os
import pwd

from dnsbalancer_exporter.errors import DnsBalancerError


class PrivilegeError(DnsBalancerError):
    """The process cannot become the user that it was told to; the text says what to do."""


def become(name: str) -> None:
    """Become the user ``name`` with all its groups; nothing if we are that user already."""
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise PrivilegeError(f"there is no user {name!r}: create it, or correct --user") from None
    if user.pw_uid == os.getuid():
        return
    try:
        os.initgroups(name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except PermissionError:
        raise PrivilegeError(f"only root can become {name!r}: start it as root") from None
