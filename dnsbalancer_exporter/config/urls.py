"""URLs: of an API, of Keystone, of a name server. Each function raises Wrong, as in values.py."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from dnsbalancer_exporter.config.told import Told
from dnsbalancer_exporter.config.values import Wrong


def endpoint(ending: str, optional: tuple[str, ...]) -> Told[str]:
    """An http(s) URL that ends in ``ending``; each of ``optional`` may stand there already."""

    def convert(text: str) -> str:
        parts = _split(text.strip())
        trail = "/" + "/".join(filter(None, parts.path.split("/")))
        found = next((end for end in optional if trail.endswith(end)), "/")
        return f"{parts.scheme}://{parts.netloc}{trail.removesuffix(found)}{ending}"

    return Told(convert, "URL")


def powerdns(text: str) -> str:
    """The URL of PowerDNS's web server, with or without the path of its API."""
    parts = _split(text.strip())
    path = "/".join(filter(None, parts.path.split("/")))
    match = re.fullmatch(r"(.*/)?api/v1/servers/([A-Za-z0-9._-]+)", path)
    if match is None:
        path = f"{path.removesuffix('api/v1').strip('/')}/api/v1/servers/localhost".lstrip("/")
    return f"{parts.scheme}://{parts.netloc}/{path}/"


def name_server(text: str) -> str:
    """``dns://HOST:PORT``, without the port 53."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        port = 53 if parts.port is None else parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    host = parts.hostname or ""
    more = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "dns" or more or not port or not re.fullmatch(r"[a-z0-9._:-]+", host):
        raise Wrong("must be the primary name server, such as `dns://192.0.2.53` or with `:5353`")
    return f"dns://[{host}]:{port}" if ":" in host else f"dns://{host}:{port}"


def _split(text: str) -> SplitResult:
    """The parts of a URL; raises Wrong if it is more, or less, than scheme, host, port and path."""
    try:
        parts = urlsplit(text)
        port_is_good = parts.port != 0
    except ValueError:
        parts, port_is_good = SplitResult("", "", "", "", ""), False
    host = parts.hostname or ""
    if parts.username is not None or parts.password is not None:
        raise Wrong("must not hold a user or a password: `login` and `password` are keys")
    if "?" in text or "#" in text:
        raise Wrong("must end with its path, without `?` and `#`")
    fine = parts.scheme in ("http", "https") and re.fullmatch(r"[a-z0-9._:-]+", host)
    if not (fine and port_is_good and re.fullmatch(r"[!-~]+", text)):
        raise Wrong("must be a URL with scheme and host, such as `https://mcs.mail.ru/`")
    return parts


def is_clear_text(url: str) -> bool:
    """Plain http to another machine: whoever is on the way reads along."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        near = ipaddress.ip_address(host).is_loopback
    except ValueError:
        near = host == "localhost"
    return parts.scheme == "http" and not near
