"""From the tables to Grafana's JSON."""

from __future__ import annotations

from dashboards.shape import (
    DATASOURCE,
    WIDTH,
    Annotation,
    Dashboard,
    Json,
    Panel,
    Section,
    Text,
    Variable,
    expand,
)

TAG = "dnsbalancer"

CUSTOM: dict[str, Json] = {
    "line": {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never"},
    "step": {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 2,
        "fillOpacity": 0,
        "showPoints": "never",
    },
    "bars": {
        "drawStyle": "bars",
        "lineWidth": 1,
        "fillOpacity": 70,
        "stacking": {"mode": "normal", "group": "A"},
        "axisSoftMax": 1,
    },
}

OPTIONS: dict[str, Json] = {
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
    },
    "timeseries": {
        "legend": {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom"}
        | {"showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "state-timeline": {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    },
    "table": {"cellHeight": "sm", "showHeader": True},
}


def document(dashboard: Dashboard) -> Json:
    """The whole dashboard."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "links": [_link()],
        "annotations": {"list": [_annotation(a) for a in dashboard.annotations]},
        "templating": {"list": [_datasource(), *(_variable(v) for v in dashboard.variables)]},
        "panels": _panels(dashboard.sections),
    }


def _link() -> Json:
    return {
        "type": "dashboards",
        "title": "DNS balancer",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _annotation(annotation: Annotation) -> Json:
    return {
        "name": annotation.name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": annotation.color,
        "expr": expand(annotation.expr),
        "useValueForTime": "on",
        "step": "10s",
        "titleFormat": annotation.title,
        "textFormat": annotation.text,
        "tagKeys": "",
    }


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    }


def _variable(variable: Variable) -> Json:
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": DATASOURCE | {"uid": "$datasource"},
        "definition": variable.query,
        "query": {"query": variable.query, "refId": variable.name},
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "includeAll": True,
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def _panels(sections: tuple[Section, ...]) -> list[Json]:
    """Rows and panels, from left to right and from top to bottom."""
    found: list[Json] = []
    y = 0
    for section in sections:
        place = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        found.append(
            {"id": len(found) + 1, "type": "row", "title": section.title, "gridPos": place}
            | {"collapsed": False, "panels": []}
        )
        y += 1
        x = height = 0
        for panel in section.panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            found.append(_panel(panel, len(found) + 1, place))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return found


def _panel(panel: Panel, number: int, place: Json) -> Json:
    made: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "datasource": DATASOURCE,
        "targets": [_target(panel, i) for i in range(len(panel.queries))],
        "options": OPTIONS[panel.kind],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
    }
    if panel.kind == "table":
        made["transformations"] = [_organize(panel)]
    if panel.style == "bars":  # many series, most of them 0: what was highest comes first
        legend = made["options"]["legend"] | {"calcs": ["max"], "sortBy": "Max", "sortDesc": True}
        made["options"] = made["options"] | {"legend": legend}
    return made


def _target(panel: Panel, index: int) -> Json:
    query = panel.queries[index]
    return {
        "refId": "ABCDEFGH"[index],
        "datasource": DATASOURCE,
        "expr": expand(query.expr).strip(),
        "legendFormat": query.legend or panel.title,
        "instant": panel.instant,
        "range": not panel.instant,
        "format": "table" if panel.kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> Json:
    colored = panel.kind != "timeseries"
    steps = [{"color": color, "value": value} for color, value in panel.steps]
    made: Json = {
        "unit": panel.unit,
        "color": {"mode": "thresholds" if colored else "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": steps},
        "mappings": [_mapping(text, i) for i, text in enumerate(panel.texts)],
        "custom": {},
    }
    if panel.kind == "timeseries":
        made["custom"] = dict(CUSTOM[panel.style])
        if panel.soft_max is not None:
            made["custom"]["axisSoftMax"] = panel.soft_max
        made["min"] = 0
    if panel.kind == "state-timeline":
        made["custom"] = {"fillOpacity": 75, "lineWidth": 0}
    if panel.kind == "stat":
        made["noValue"] = "no data"
    if panel.decimals is not None:
        made["decimals"] = panel.decimals
    return made


def _mapping(text: Text, index: int) -> Json:
    result = {"text": text.text, "color": text.color, "index": index}
    if text.to is None:
        return {"type": "value", "options": {f"{text.value:g}": result}}
    return {"type": "range", "options": {"from": text.value, "to": text.to, "result": result}}


def _overrides(panel: Panel) -> list[Json]:
    """In a table only the value is coloured; its first column may lead elsewhere."""
    if panel.kind != "table":
        return []
    labels = [column for column in panel.columns if column[0] != "Value"]
    value = dict(panel.columns)["Value"]
    background: Json = {"id": "custom.cellOptions", "value": {"type": "color-background"}}
    made = [_override(value, [background])]
    if panel.link:
        links = [{"title": "Open this target", "url": panel.link, "targetBlank": False}]
        made.append(_override(labels[0][1], [{"id": "links", "value": links}]))
    plain: list[Json] = [{"id": "mappings", "value": []}, {"id": "unit", "value": "string"}]
    made += [_override(heading, plain) for _, heading in labels]
    return made


def _override(name: str, properties: list[Json]) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _organize(panel: Panel) -> Json:
    order = {label: index for index, (label, _) in enumerate(panel.columns)}
    return {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": order,
            "renameByName": dict(panel.columns),
        },
    }
