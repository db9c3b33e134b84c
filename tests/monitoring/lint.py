"""What Grafana's dashboard-linter asks of a dashboard, in Python: it has no build to install.

Its rules: one templated data source called `datasource`; variables `job` and `instance` that take
several values and all; panels with title, description, unit and the templated data source; queries
that parse, match job and instance, use $__rate_interval in rates and rate every counter; not
editable. Beyond it: nothing may ask for `__inputs`, which only an import by hand fills.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser

Json = dict[str, Any]

RATES = {"rate", "irate", "increase"}
WORDS = {"__rate_interval": "4m", "__range": "3h", "__interval": "1m"}


def filled(expr: str, words: Mapping[str, str] = WORDS, variable: str = ".+") -> str:
    """A query with Grafana's words and all variables filled in."""
    for word, value in words.items():
        expr = re.sub(rf"\$\{{?{word}\b\}}?", value, expr)
    return re.sub(r"\$\{?\w+\}?", variable, expr)


def panels(dashboard: Json) -> list[Json]:
    """Its panels, without the rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Every query with where it is: of panels, of variables and of annotations."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def complaints(dashboard: Json) -> list[str]:
    """All that is wrong with a dashboard."""
    found = [*_head(dashboard), *_variables(dashboard)]
    for panel in panels(dashboard):
        found += (f"{panel.get('title')}: {text}" for text in _panel(panel))
    for where, expr in queries(dashboard):
        found += (f"{where}: {text}" for text in _query(expr))
    return found


def _head(dashboard: Json) -> Iterator[str]:
    if dashboard.get("editable") is not False:
        yield "it can be edited"
    if "__inputs" in dashboard or "__requires" in dashboard:
        yield "it can only be imported by hand"
    if dashboard.get("schemaVersion") != 39:
        yield "another schemaVersion"
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(ids) != len(set(ids)):
        yield "an id is used twice"


def _variables(dashboard: Json) -> Iterator[str]:
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    sources = [v for v in variables.values() if v["type"] == "datasource"]
    if [v["name"] for v in sources] != ["datasource"] or sources[0]["label"] != "Data source":
        yield "not one data source variable called datasource"
    for name in ("job", "instance"):
        if name not in variables:
            yield f"no variable {name}"
    for name, variable in variables.items():
        if variable["type"] != "query":
            continue
        wanted = {"multi": True, "includeAll": True, "allValue": ".+", "refresh": 2}
        yield from (f"{name}: {k}" for k, v in wanted.items() if variable[k] != v)
        if variable["datasource"]["uid"] != "$datasource" or variable["label"] != name.title():
            yield f"{name}: data source or label"


def _panel(panel: Json) -> Iterator[str]:
    if not panel.get("title") or not panel.get("description"):
        yield "no title or description"
    defaults = panel["fieldConfig"]["defaults"]
    if not defaults.get("unit") and not defaults.get("mappings"):
        yield "no unit"
    if not panel["targets"]:
        yield "no query"
    for part in (panel, *panel["targets"]):
        if part["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield "another data source"


def _query(expr: str) -> Iterator[str]:
    try:
        tree = promql_parser.parse(filled(expr))
    except ValueError as error:
        yield f"does not parse: {error}"
        return
    for selector, call in _selectors(tree, ""):
        names = {matcher.name for matcher in selector.matchers.matchers}
        if not {"job", "instance"} <= names:
            yield f"{selector.name} matches no job or instance"
        if selector.name.endswith("_total") and call not in RATES:
            yield f"{selector.name} is a counter and not rated"
    for function, window in re.findall(r"\b(i?rate|increase)\([^\[]*\[([^\]]+)\]", expr):
        if window not in {"$__rate_interval", "$__range"} or (window, function) == (
            "$__range",
            "rate",
        ):
            yield f"{function} over {window}"


def _selectors(node: Any, call: str) -> Iterator[tuple[Any, str]]:
    kind = type(node).__name__
    if kind == "VectorSelector":
        yield node, call
    elif kind == "MatrixSelector":
        yield node.vector_selector, call
    inner = node.func.name if kind == "Call" else ""
    children = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param")]
    for child in (*children, *(getattr(node, "args", None) or ())):
        if type(child).__module__.startswith("promql_parser"):
            yield from _selectors(child, inner)
