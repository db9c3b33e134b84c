"""The paths of the two APIs: which one means what, and what a wrong one gets.

Keystone has keystone.PATHS. The Public DNS API is below ``/public-dns``:

    path (strict slashes)          GET            POST            PUT            DELETE
    -----------------------------  -------------  --------------  -------------  --------------
    /v2/dns/                       list_zones     create_zone     405            405
    /v2/dns/ZONE                   get_zone       405             update_zone    delete_zone
    /v2/dns/ZONE/TYPE/             list_records   create_record   405            405
    /v2/dns/ZONE/TYPE/RECORD       get_record     405             update_record  delete_record

    without its slash              404 UnsupportedMethod /v2/dns; 400 ParseError /v2/dns/ZONE/TYPE;
                                   POST 405 UnsupportedHttpMethod
    with one too many              404 IncorrectRouteAttribute

With slash=lenient a final slash counts for nothing. Anything else is 404.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from dnsbalancer_exporter.emulator.calls import Route
from dnsbalancer_exporter.emulator.keystone import PATHS
from dnsbalancer_exporter.emulator.rules import KINDS, Refused

PREFIX = "/public-dns"

_SHAPES: Mapping[tuple[int, bool], str] = {
    (0, False): "/v2/dns",
    (1, True): "zones",
    (1, False): "zone",
    (2, True): "extra slash",
    (2, False): "no slash",
    (3, True): "records",
    (3, False): "record",
    (4, True): "extra slash",
}
"""What a path means by its number of segments below /v2/dns, and whether the last one is empty."""

_LENIENT = ("zones", "zone", "records", "record")

_ROUTES: Mapping[tuple[str, str], str] = {
    ("zones", "GET"): "list_zones",
    ("zones", "POST"): "create_zone",
    ("zone", "GET"): "get_zone",
    ("zone", "PUT"): "update_zone",
    ("zone", "DELETE"): "delete_zone",
    ("records", "GET"): "list_records",
    ("records", "POST"): "create_record",
    ("record", "GET"): "get_record",
    ("record", "PUT"): "update_record",
    ("record", "DELETE"): "delete_record",
}

_MISTAKES: Mapping[tuple[str, str], tuple[int, str, str]] = {
    ("/v2/dns", "GET"): (404, "UnsupportedMethod", "Method 'GET' is not supported for dns."),
    ("no slash", "GET"): (400, "ParseError", "Can't parse value: uuid=None."),
    ("no slash", "PUT"): (400, "ParseError", "Can't parse value: uuid=None."),
    ("no slash", "DELETE"): (400, "ParseError", "Can't parse value: uuid=None."),
}
"""What wrong slashes get; by default 405, or 404 for a path that is not there."""


def route(method: str, path: str, *, lenient: bool) -> Route:
    """What a method and a path, without its query, ask for."""
    if path in PATHS:
        return Route("auth_token")
    segments = path.removeprefix(PREFIX).split("/")
    shape = None
    if path.startswith(PREFIX + "/") and segments[:3] == ["", "v2", "dns"]:
        shape = _shape(segments[3:], lenient=lenient)
    operation = _ROUTES.get((shape or "", method))
    if operation is None:
        return Route(refusal=_mistake(shape, method))
    zone_id, kind, record_id = (*segments[3:], "", "", "")[:3]
    refusal = _wrong_segment(zone_id, kind, record_id)
    return Route(operation, zone_id, kind, record_id, refusal)


def _shape(segments: list[str], *, lenient: bool) -> str | None:
    last_empty = bool(segments) and not segments[-1]
    named = segments[:-1] if last_empty else segments
    if not all(named):
        return None
    if lenient:
        return _LENIENT[len(named)] if len(named) < len(_LENIENT) else None
    return _SHAPES.get((len(segments), last_empty))


def _mistake(shape: str | None, method: str) -> Refused:
    if shape is None or shape == "extra slash":
        return Refused(404, "IncorrectRouteAttribute", "No such route.")
    unsupported = (405, "UnsupportedHttpMethod", f"Method '{method}' is not supported.")
    return Refused(*_MISTAKES.get((shape, method), unsupported))


def _wrong_segment(zone_id: str, kind: str, record_id: str) -> Refused | None:
    if kind and kind not in KINDS:
        return Refused(404, "IncorrectRouteAttribute", f"No such route: {kind}.")
    wrong = [text for text in (zone_id, record_id) if text and not _is_uuid(text)]
    return Refused(400, "ParseError", f"Can't parse value: uuid={wrong[0]}.") if wrong else None


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
