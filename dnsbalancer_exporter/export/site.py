"""The site: which path answers with what, and which one makes the daemon act."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dnsbalancer_exporter.export import page
from dnsbalancer_exporter.export.answer import Answer, Route, plain
from dnsbalancer_exporter.export.shared import Shared
from dnsbalancer_exporter.export.status import Document
from dnsbalancer_exporter.report import Report

MOST_TYPES = 8
"""Of /metrics that are remembered: the library lets the client's version into them."""


class Site:
    """The answers, each drawn from what ``report`` and ``status`` give at that moment.

    ``routes`` are asked by GET and change nothing. ``actions`` are asked by POST, by those who may
    make the daemon act; ``reload`` gives every problem of the configuration, none if it is good.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        report: Callable[[], Report],
        status: Callable[[], Document],
        reload: Callable[[], Sequence[str]],
    ) -> None:
        self._registry = registry
        self._report = report
        self._document = status
        self._reload = reload
        self._drawn: dict[str, Shared] = {}
        self.routes: Mapping[str, Route] = {
            "/": self._page,
            "/metrics": self._metrics,
            "/api/v1/status": self._status,
            "/-/healthy": lambda _: plain(HTTPStatus.OK, "healthy"),
            "/-/ready": self._ready,
        }
        self.actions: Mapping[str, Route] = {"/-/reload": self._reloaded}

    def _page(self, _: Mapping[str, str]) -> Answer:
        return Answer(HTTPStatus.OK, "text/html; charset=utf-8", page.page(self._document()))

    def _metrics(self, headers: Mapping[str, str]) -> Answer:
        try:
            encoder, content_type = choose_encoder(headers.get("accept", ""))
        except (TypeError, ValueError):  # a version that it cannot read
            encoder, content_type = choose_encoder("")
        drawn = self._drawn.get(content_type)
        if drawn is None:
            drawn = Shared(lambda: encoder(self._registry))
            if len(self._drawn) < MOST_TYPES:
                self._drawn[content_type] = drawn
        return Answer(HTTPStatus.OK, content_type, drawn())

    def _status(self, _: Mapping[str, str]) -> Answer:
        text = json.dumps(self._document(), separators=(",", ":")) + "\n"
        return Answer(HTTPStatus.OK, "application/json", text.encode())

    def _ready(self, _: Mapping[str, str]) -> Answer:
        """Ready after the first cycle of each pool, even if the API failed in it."""
        if all(pool.cycles for pool in self._report().pools):
            return plain(HTTPStatus.OK, "ready")
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, "the first cycle has not ended")

    def _reloaded(self, _: Mapping[str, str]) -> Answer:
        problems = self._reload()
        if problems:
            lines = "\n".join(("the old configuration stays in use:", *problems))
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, lines)
        return plain(HTTPStatus.OK, "the configuration is good and taken into use")
