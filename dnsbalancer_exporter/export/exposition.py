"""/metrics: one document of one Report, in the format that is asked for.

The targets' series come first, as text; then those of pools, records and the process, written by
prometheus-client. All are of one Report, and the process's counters are read after it: who is gone
from the Report is gone from them, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from dnsbalancer_exporter.export import target_text
from dnsbalancer_exporter.export.answer import Answer, Drawing
from dnsbalancer_exporter.export.metrics import Source, families, samples
from dnsbalancer_exporter.export.seen import Group, groups
from dnsbalancer_exporter.export.shared import Shared
from dnsbalancer_exporter.export.target_text import Encoder, Writer
from dnsbalancer_exporter.threads import gently

MOST_TYPES = 8
"""Of formats that are remembered: the library lets the client's version into them."""


class Exposition:
    """Answers scrapes with what ``source`` and ``registry`` (the process's own metrics) give."""

    def __init__(self, source: Source, registry: CollectorRegistry) -> None:
        self._source = source
        self._registry = registry
        self._formats: dict[str, Drawing] = {}

    def __call__(self, accept: str) -> Answer:
        """The answer to who accepts these formats."""
        try:
            encoder, type_ = choose_encoder(accept)
        except (TypeError, ValueError):  # a version that it cannot read
            encoder, type_ = choose_encoder("")
        drawing = self._formats.get(type_)
        if drawing is None:
            drawing = Drawing(_Format(self._source, self._registry, encoder).pieces)
            if len(self._formats) < MOST_TYPES:
                self._formats[type_] = drawing
        return Answer(HTTPStatus.OK, type_, drawing)


class _Scene(NamedTuple):
    """What a document is drawn from: the targets, and the text of all the rest."""

    targets: list[Group]
    rest: bytes


class _Format:
    """The document in one format."""

    def __init__(self, source: Source, registry: CollectorRegistry, encoder: Encoder) -> None:
        self._source = source
        self._registry = registry
        self._write = Writer(encoder)
        self._forms = target_text.forms(self._write)
        self._scene = Shared(self._look)

    def _look(self) -> _Scene:
        report, epoch = self._source()
        targets = [*chain.from_iterable(gently(groups(report, epoch)))]
        seen = chain.from_iterable(gently(samples(report, epoch)))
        every = chain(families(seen), self._registry.collect())
        rest = [b"".join(some) for some in gently(map(self._write, every))]
        return _Scene(targets, b"".join((*rest, self._write.end)))

    def pieces(self) -> Iterator[bytes]:
        """The document, made as it is taken."""
        targets, rest = self._scene()
        for some in gently(target_text.pieces(self._forms, targets)):
            yield "".join(chain.from_iterable(some)).encode()
        yield rest
