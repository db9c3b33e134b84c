"""The site: which path answers with what. `POST` and everything else are refused by the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dnsbalancer_exporter.export import page, status
from dnsbalancer_exporter.export.journal import Event
from dnsbalancer_exporter.export.web import Answer, Route
from dnsbalancer_exporter.report import Report


class Site:
    """The answers, each drawn from what ``report`` and ``events`` give at that moment."""

    def __init__(
        self,
        registry: CollectorRegistry,
        report: Callable[[], Report],
        epoch: Callable[[], float],
        events: Callable[[], Iterable[Event]],
    ) -> None:
        self._registry = registry
        self._report = report
        self._epoch = epoch
        self._events = events
        self.routes: Mapping[str, Route] = {
            "/": self._page,
            "/metrics": self._metrics,
            "/api/v1/status": self._status,
            "/-/healthy": lambda _: _plain("healthy\n"),
            "/-/ready": self._ready,
        }

    def _page(self, _: Mapping[str, str]) -> Answer:
        document = status.document(self._report(), self._epoch())
        return Answer(
            HTTPStatus.OK, "text/html; charset=utf-8", page.page(document, self._events())
        )

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        try:
            encoder, content_type = choose_encoder(headers.get("accept", ""))
        except (TypeError, ValueError):  # a version that it cannot read
            encoder, content_type = choose_encoder("")
        return Answer(HTTPStatus.OK, content_type, encoder(self._registry))

    def _status(self, _: Mapping[str, str]) -> Answer:
        document = status.document(self._report(), self._epoch())
        return Answer(HTTPStatus.OK, "application/json", json.dumps(document).encode() + b"\n")

    def _ready(self, _: Mapping[str, str]) -> Answer:
        """Ready after the first cycle of each pool, even if the API failed in it."""
        if all(pool.cycles for pool in self._report().pools):
            return _plain("ready\n")
        return _plain("the first cycle has not ended\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _plain(text: str, code: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(code, "text/plain; charset=utf-8", text.encode())
