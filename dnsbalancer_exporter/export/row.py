"""The shape of a row of the catalogue, and what prometheus-client makes of each kind."""

from __future__ import annotations

from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily


class Row(NamedTuple):
    """One metric: its name after the prefix `dnsbalancer_` (no `_total`), kind, labels, help."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


FAMILIES = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "histogram": HistogramMetricFamily,
}
