"""What a dashboard is made of, and how it becomes Grafana's JSON (schemaVersion 39).

A query is PromQL with three short words for the variables' matchers:

    @job      job and instance
    @pool     job, instance and pool
    @target   job, instance, pool and target
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24
"""Columns of Grafana's grid."""

JOB = 'job=~"$job",instance=~"$instance"'
MATCHERS = {
    "@job": JOB,
    "@pool": JOB + ',pool=~"$pool"',
    "@target": JOB + ',pool=~"$pool",target=~"$target"',
}

GREEN, RED, ORANGE, BLUE, GREY = "green", "red", "orange", "blue", "#8e8e8e"


def expand(text: str) -> str:
    """A query with its matchers written out."""
    for word, matchers in MATCHERS.items():
        text = text.replace(word, matchers)
    return text


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel; ``legend`` is Grafana's, such as `{{pool}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A value, or the open interval from ``value`` to ``to``, shown as a word and a colour."""

    value: float
    text: str
    color: str
    to: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``steps`` are thresholds: a colour, and the value from which on it holds.

    ``columns`` are a table's, by label, with their headings, `Value` being the value. An axis
    reaches ``soft_max`` at least.
    """

    kind: str
    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 12
    height: int = 8
    texts: tuple[Text, ...] = ()
    steps: tuple[tuple[str, float | None], ...] = ((GREEN, None),)
    columns: tuple[tuple[str, str], ...] = ()
    style: str = "line"
    decimals: int | None = None
    soft_max: float | None = None
    link: str = ""

    @property
    def instant(self) -> bool:
        """Whether only the present is asked for."""
        return self.kind in {"stat", "table"}


@dataclass(frozen=True, slots=True)
class Section:
    """A row of the dashboard with its panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that is filled by a query."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks on the time axis; the value of ``expr`` is the time, in milliseconds."""

    name: str
    expr: str
    color: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard, with an identity that stays."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
    sections: tuple[Section, ...] = field(default=())


def stat(title: str, description: str, expr: str, legend: str = "", **more: Any) -> Panel:
    """One number, or one per series."""
    size = {"width": 3, "height": 4, **more}
    return Panel("stat", title, description, (Query(expr, legend),), **size)


def graph(title: str, description: str, *queries: Query, **more: Any) -> Panel:
    """Lines over time; ``style`` is `line`, `step` or `bars`."""
    return Panel("timeseries", title, description, queries, **more)


def timeline(title: str, description: str, *queries: Query, **more: Any) -> Panel:
    """States over time, as words."""
    return Panel("state-timeline", title, description, queries, **{"unit": "none", **more})


def table(title: str, description: str, expr: str, **more: Any) -> Panel:
    """One row per series."""
    return Panel("table", title, description, (Query(expr),), **{"unit": "none", **more})
