"""The keys of `http`: what a probe by http or https asks for, and which answer is a good one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.files import check_authorities
from dnsbalancer_exporter.config.sections import Key, Place, Section, items, read_section, scalar
from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.config.yaml_text import Items, Node, Table
from dnsbalancer_exporter.model import HttpTerms

Statuses = tuple[tuple[int, int], ...]

_STATUS = re.compile(r"([2-5][0-9]{2})(?: ?- ?([2-5][0-9]{2}))?")


def _method(text: str) -> str:
    word = text.strip().upper()
    if word not in ("GET", "HEAD"):
        raise Wrong("must be `GET` or `HEAD`: a probe changes nothing")
    return word


def _path(text: str) -> str:
    if not re.fullmatch(r"/[!\"$-~]{0,1999}", text):
        raise Wrong("must begin with `/` and be ASCII without blanks and `#`: write them as `%20`")
    return text


def _host(text: str) -> str:
    bare = text.strip()
    with suppress(Wrong):
        return values.machine(bare.removeprefix("[").removesuffix("]"))
    with suppress(Wrong):
        return values.zone(bare)
    raise Wrong(
        "must be a name in ASCII such as `www.example.com`, or an IP address, without a port"
    )


def _status(text: str) -> tuple[int, int]:
    match = _STATUS.fullmatch(text.strip())
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if low > high:
        raise Wrong("must be a status or a range within 200 to 599, such as `200` or `200-399`")
    return low, high


def _statuses(node: Node, place: Place) -> Statuses | None:
    found = [(node, place)]
    if isinstance(node, Items):
        found = list(items(node, place, "statuses, such as `200` or `200-399`", least=1))
    read = scalar(_status)
    entries = [read(item, at) for item, at in found]
    return tuple(entry for entry in entries if entry)


def _body(text: str) -> str:
    if not text or len(text) > 1000 or any("\ud800" <= c <= "\udfff" for c in text):
        raise Wrong("must be a text of 1 to 1000 characters")
    return text


METHOD = Key(
    "method", scalar(_method), "`GET`, or `HEAD`: without a body.", kind="word", default="GET"
)
PATH = Key(
    "path", scalar(_path), "The path, with its query if it has one.", kind="text", default="/"
)
HOST = Key(
    "host",
    scalar(_host),
    "The name in the request, in SNI and in the certificate; never resolved.",
    kind="domain name or IP address",
    otherwise="the pool's first record",
)
STATUS = Key(
    "status",
    _statuses,
    "The good statuses: one, a range, or a list of these. Redirects are not followed.",
    kind="number, range or list",
    default="200-399",
)
BODY = Key(
    "body",
    scalar(_body),
    "A text, as it is and no pattern, that the first 64 kB of the body must hold.",
    kind="text",
    otherwise="none: the body is not read",
)
VERIFY = Key(
    "verify",
    scalar(values.flag),
    "`https`: the certificate is of a trusted authority, valid, and for `host`; `false` checks "
    "nothing.",
    default="true",
)
TRUSTED = Key(
    "ca_file",
    scalar(values.path),
    "The absolute path of a PEM file with the authorities to trust instead.",
    otherwise="the system's",
)
HTTP_KEYS: tuple[Key[object], ...] = (METHOD, PATH, HOST, STATUS, BODY, VERIFY, TRUSTED)


_FIELDS = {key.name: key.name for key in HTTP_KEYS} | {STATUS.name: "statuses"}


@dataclass(frozen=True, slots=True)
class Http:
    """An `http` as written: the good values by key; what is not there is inherited."""

    given: Mapping[str, object]
    section: Section = field(compare=False)


def read_http(node: Node, place: Place) -> Http | None:
    """The mapping `http`; None if it is none."""
    section = read_section(node, place, HTTP_KEYS)
    if section is None:
        return None
    if isinstance(node, Table) and not node.entries:
        place.problem(node.line, f"is empty: give {', '.join(f'`{k}`' for k in _FIELDS)}, or none")
    return Http(section.values, section)


HTTP = Key(
    "http",
    read_http,
    "What `http` and `https` ask for, and which answer is good; ignored for other protocols.",
    kind="mapping",
    otherwise="`GET /` is answered with 200 to 399",
)


def merged(*layers: Http | None) -> HttpTerms:
    """What several `http` around each other mean, key by key; the outer ones come first."""
    given: dict[str, Any] = {}
    for layer in filter(None, layers):
        given |= {_FIELDS[name]: value for name, value in layer.given.items()}
    return HttpTerms(**given)


def check_http(layer: Http, read: Callable[[str], bytes]) -> None:
    """Note an authority that cannot be trusted since it cannot be read."""
    path = layer.given.get(TRUSTED.name)
    if isinstance(path, str):
        check_authorities(layer.section, TRUSTED, path, read)
