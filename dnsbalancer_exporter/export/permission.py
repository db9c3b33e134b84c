"""Who may make the daemon act (`POST /-/reload`): who gave a password, else whoever is here.

"Here" is loopback, which two strangers can borrow: a proxy on this machine, and a page in a browser
on it. Both leave marks in the headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

_OF_PROXIES = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)


def why_not(headers: Mapping[str, str], peer: str, *, secure: bool, known: bool) -> str:
    """Why a request may not make us act; empty if it may.

    ``peer`` is the address it comes from, ``secure`` means by TLS, ``known`` with a password.
    """
    host = headers.get("host", "")
    own = f"{'https' if secure else 'http'}://{host}"
    if headers.get("origin", own) != own or _is_of_another_site(headers):
        return "this was sent by a page of another site"
    if known:
        return ""
    if not _is_loopback(peer):
        return "only from the machine itself by loopback, or configure users (web_config_file)"
    if any(name in headers for name in _OF_PROXIES):
        return "this came through a proxy: configure users (web_config_file)"
    if host and not _is_loopback(_name(host)):
        return "ask for localhost or 127.0.0.1, or configure users (web_config_file)"
    return ""


def _is_of_another_site(headers: Mapping[str, str]) -> bool:
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
