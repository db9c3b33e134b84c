"""The Public DNS API: what is answered to a request whose path is understood (see routes.py).

Every request wants a token that opens the project, else 401. Success bodies are spaced JSON, errors
compact (or as error_style says); 201 comes with a Location that has http and lacks
``/public-dns``, as the real one does; 204 has no body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from dnsbalancer_exporter.emulator.calls import OPERATIONS, Answer, Call, ra_error, shown
from dnsbalancer_exporter.emulator.rules import Refused, Value, invalid, json_object
from dnsbalancer_exporter.emulator.stored import Zone
from dnsbalancer_exporter.emulator.switches import SwitchBoard
from dnsbalancer_exporter.emulator.zones import ZoneStore


class PublicDns:
    """Answers for the zones; ``valid`` says whether a token opens the project."""

    def __init__(self, zones: ZoneStore, board: SwitchBoard, valid: Callable[[str], bool]) -> None:
        self._zones = zones
        self._board = board
        self._valid = valid
        self._answers: Mapping[str, Callable[[Call], Answer]] = {
            "list_zones": self._list_zones,
            "create_zone": self._create_zone,
            "get_zone": self._get_zone,
            "update_zone": self._update_zone,
            "delete_zone": self._delete_zone,
            "list_records": self._list_records,
            "create_record": self._create_record,
            "get_record": self._get_record,
            "update_record": self._update_record,
            "delete_record": self._delete_record,
        }

    def answer(self, call: Call) -> Answer:
        """The honest answer to a request."""
        try:
            self._admit(call)
            return self._answers[call.operation](call)
        except Refused as refusal:
            return self.error(refusal.status, refusal.kind, str(refusal))

    def error(self, status: int, kind: str, message: str) -> Answer:
        """An error in the style that the switch says."""
        style = self._board.current.error_style
        if style == "html":
            html = f"<html><body><h1>{status}</h1></body></html>"
            return Answer(status, html.encode(), "text/html")
        return Answer(status, ra_error(kind, message) if style == "ra" else b"")

    # --- one method per operation -----------------------------------------------------------

    def _list_zones(self, call: Call) -> Answer:
        shown_zones = [self._show(zone) for zone in self._zones.list_zones(call.age)]
        for name, values in self._filters(call).items():
            shown_zones = [zone for zone in shown_zones if str(zone.get(name)) in values]
        return shown(shown_zones)

    def _create_zone(self, call: Call) -> Answer:
        zone = self._zones.create_zone(_fields(call), call.defer)
        return shown(self._show(zone), 201, Location=_location(call, zone.uuid))

    def _get_zone(self, call: Call) -> Answer:
        return shown(self._show(self._zones.get_zone(call.route.zone_id)))

    def _update_zone(self, call: Call) -> Answer:
        zone = self._zones.update_zone(call.route.zone_id, _fields(call), call.defer)
        return shown(self._show(zone))

    def _delete_zone(self, call: Call) -> Answer:
        self._zones.delete_zone(call.route.zone_id, call.defer)
        return Answer(self._board.current.delete_code)

    def _list_records(self, call: Call) -> Answer:
        if call.query and self._board.current.unknown_filters == "reject":
            raise invalid("Records have no filters.")
        records = self._zones.list_records(call.route.zone_id, call.route.kind, call.age)
        return shown([record.shown() for record in records])

    def _create_record(self, call: Call) -> Answer:
        where = call.route
        record = self._zones.create_record(where.zone_id, where.kind, _fields(call), call.defer)
        location = _location(call, where.zone_id, where.kind, record.uuid)
        return shown(record.shown(), 201, Location=location)

    def _get_record(self, call: Call) -> Answer:
        where = call.route
        return shown(self._zones.get_record(where.zone_id, where.kind, where.record_id).shown())

    def _update_record(self, call: Call) -> Answer:
        where = call.route
        record = self._zones.update_record(
            where.zone_id, where.kind, where.record_id, _fields(call), call.defer
        )
        return shown(record.shown())

    def _delete_record(self, call: Call) -> Answer:
        where = call.route
        self._zones.delete_record(where.zone_id, where.kind, where.record_id, call.defer)
        return Answer(self._board.current.delete_code)

    # --- their parts --------------------------------------------------------------------------

    def _admit(self, call: Call) -> None:
        switches = self._board.current
        if not self._valid(call.headers.get("x-auth-token", "")):
            raise Refused(401, "Unauthorized", "The token is missing, wrong or expired.")
        if call.route.refusal is not None:
            raise call.route.refusal
        if OPERATIONS[call.operation] == "write" and switches.role == "viewer":
            raise Refused(switches.viewer_code, "Forbidden", "The role may only read.")

    def _show(self, zone: Zone) -> dict[str, Value]:
        return zone.shown(self._board.current.status_flow)

    def _filters(self, call: Call) -> dict[str, list[str]]:
        given = parse_qs(call.query, keep_blank_values=True)
        unknown = sorted(set(given) - set(_FILTERS))
        if unknown and self._board.current.unknown_filters == "reject":
            raise invalid(f"{', '.join(unknown)}: unknown filter.")
        return {name: values for name, values in given.items() if name in _FILTERS}


_FILTERS = (
    *("uuid", "tenant", "zone", "status", "soa_primary_dns", "soa_admin_email"),
    *("soa_serial", "soa_refresh", "soa_retry", "soa_expire", "soa_ttl"),
)
"""What zones can be listed by; the same one twice means either value."""


def _fields(call: Call) -> dict[str, object]:
    content_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refused(400, "ParseError", "The content type is not application/json.")
    return json_object(call.body)


def _location(call: Call, *segments: str) -> str:
    return "/".join((f"http://{call.headers.get('host', '')}/v2/dns", *segments))
