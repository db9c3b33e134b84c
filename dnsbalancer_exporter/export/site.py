"""The site: which path answers with what, and which one makes the daemon act."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus

from dnsbalancer_exporter.export import page
from dnsbalancer_exporter.export.answer import Answer, Drawing, Route, plain
from dnsbalancer_exporter.export.shared import Shared
from dnsbalancer_exporter.export.status import Document
from dnsbalancer_exporter.json_text import json_pieces
from dnsbalancer_exporter.report import Report
from dnsbalancer_exporter.threads import gently


class Site:
    """The answers, each drawn from what ``report`` and ``status`` give at that moment.

    ``routes`` are asked by GET and change nothing. ``actions`` are asked by POST, by those who may
    make the daemon act; ``reload`` gives every problem of the configuration, none if it is good.
    """

    def __init__(
        self,
        exposition: Callable[[str], Answer],
        report: Callable[[], Report],
        status: Callable[[], Document],
        reload: Callable[[], Sequence[str]],
    ) -> None:
        self._report = report
        self._document = Shared(status)
        self._reload = reload
        ok, html = HTTPStatus.OK, "text/html; charset=utf-8"
        seen = Answer(ok, html, Drawing(self._page))
        told = Answer(ok, "application/json", Drawing(self._status))
        self.routes: Mapping[str, Route] = {
            "/": lambda _: seen,
            "/metrics": lambda headers: exposition(headers.get("accept", "")),
            "/api/v1/status": lambda _: told,
            "/-/healthy": lambda _: plain(HTTPStatus.OK, "healthy"),
            "/-/ready": self._ready,
        }
        self.actions: Mapping[str, Route] = {"/-/reload": self._reloaded}

    def _page(self) -> Iterator[bytes]:
        yield page.page(self._document())

    def _status(self) -> Iterator[bytes]:
        for some in gently(json_pieces(self._document())):
            yield "".join(some).encode()
        yield b"\n"

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
