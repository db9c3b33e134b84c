"""The fingerprint of a configuration: whether two files say the same, and nothing of the password.

It is exported on a port that may be open to all. A hash over the password, too, would let somebody
who knows the rest of the file try out short ones; so its value is left out, and only whether it is
given counts. Comments, quotes and blank lines do not count either; the order of the keys does.
"""

from __future__ import annotations

import hashlib
import json
from typing import TypeAlias

from dnsbalancer_exporter.config.top_keys import PASSWORD
from dnsbalancer_exporter.config.yaml_text import Empty, Items, Node, Text

Plain: TypeAlias = "str | list[Plain] | None"


def fingerprint(root: Node) -> str:
    """The SHA-256 of what is said in the file below ``root``, in hexadecimal."""
    return hashlib.sha256(json.dumps(_plain(root)).encode()).hexdigest()


def _plain(node: Node) -> Plain:
    """Keys and values as they are given, less the value of every key that is named `password`."""
    if isinstance(node, Empty):
        return None
    if isinstance(node, Text):
        return node.text
    if isinstance(node, Items):
        return [_plain(item) for item in node.items]
    return [[e.key, None if e.key == PASSWORD.name else _plain(e.node)] for e in node.entries]
