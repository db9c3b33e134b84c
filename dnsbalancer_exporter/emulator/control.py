"""The director's desk, below ``/_emulator/`` on the API's own port, for loopback clients only.

    GET     /_emulator/            state: zones with records, switches, faults with their hits
    GET     /_emulator/journal     the API requests so far, in order (journal.Entry)
    DELETE  /_emulator/journal     forget them
    GET     /_emulator/faults      the faults in force
    POST    /_emulator/faults      more faults: lines of text (faults.py), or a JSON list of them
    PUT     /_emulator/faults      these and no others
    DELETE  /_emulator/faults      none any more
    GET     /_emulator/switches    the switches
    PUT     /_emulator/switches    set some: a JSON object, or lines NAME=VALUE (switches.py)

All answers are JSON; a mistake is 400 with ``{"error": "what is wrong"}`` and changes nothing.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from dnsbalancer_exporter.emulator.calls import Answer, shown
from dnsbalancer_exporter.emulator.faults import Faults
from dnsbalancer_exporter.emulator.journal import Journal
from dnsbalancer_exporter.emulator.switches import SwitchBoard
from dnsbalancer_exporter.emulator.zones import ZoneStore


class ControlDesk:
    """Shows and changes a running emulator."""

    def __init__(
        self, zones: ZoneStore, board: SwitchBoard, faults: Faults, journal: Journal
    ) -> None:
        self._zones = zones
        self._board = board
        self._faults = faults
        self._journal = journal
        self._answers: Mapping[tuple[str, str], Callable[[bytes], object]] = {
            ("GET", ""): self._state,
            ("GET", "journal"): lambda _: journal.shown(),
            ("DELETE", "journal"): lambda _: journal.clear(),
            ("GET", "faults"): self._list_faults,
            ("POST", "faults"): lambda body: faults.add(*_lines(body)),
            ("PUT", "faults"): lambda body: faults.replace(*_lines(body)),
            ("DELETE", "faults"): lambda _: faults.clear(),
            ("GET", "switches"): lambda _: asdict(board.current),
            ("PUT", "switches"): lambda body: asdict(board.set(**_settings(body))),
        }

    def answer(self, method: str, path: str, body: bytes, client: str) -> Answer:
        """The answer to a request from the address ``client``."""
        if not _is_loopback(client):
            return shown({"error": "loopback clients only"}, 403)
        name = path.removeprefix("/_emulator").strip("/")
        act = self._answers.get((method, name))
        if act is None:
            known = any(there == name for _, there in self._answers)
            return shown({"error": f"no {method} {path}"}, 405 if known else 404)
        try:
            result = act(body)
        except ValueError as error:
            return shown({"error": str(error)}, 400)
        # What changed the faults shows them.
        return shown(self._list_faults(b"") if name == "faults" else result)

    def _list_faults(self, _: bytes) -> object:
        return [{"fault": str(fault), "hits": hits} for fault, hits in self._faults.hits()]

    def _state(self, _: bytes) -> object:
        status = self._board.current.status_flow
        zones = [
            {**zone.shown(status), "records": [{"type": r.kind, **r.shown()} for r in records]}
            for zone, records in self._zones.snapshot()
        ]
        switches = asdict(self._board.current)
        return {"zones": zones, "switches": switches, "faults": self._list_faults(b"")}


def _is_loopback(client: str) -> bool:
    address = ipaddress.ip_address(client.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _lines(body: bytes) -> list[str]:
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith("["):
        return [line for line in text.splitlines() if line.strip()]
    lines = json.loads(text)
    if not all(isinstance(line, str) for line in lines):
        raise ValueError("expected a list of strings")
    return list(lines)


def _settings(body: bytes) -> dict[str, object]:
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
        return {name.strip(): value.strip() for name, _, value in pairs}
    settings = json.loads(text)
    return dict(settings)
