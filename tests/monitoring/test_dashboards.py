"""The dashboards: as the linter wants them, and with data after a real failover."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dashboards import generate
from tests.monitoring.lint import Json, complaints, filled, panels, queries
from tests.monitoring.scene import Scene, failover
from tests.monitoring.stack import Sample
from tests.monitoring.test_rules import exported, named
from tests.needed import program

pytestmark = pytest.mark.xdist_group("dashboards")

DASHBOARDS: dict[str, Json] = {
    path.stem: json.loads(text) for path, text in generate.documents().items()
}
WINDOWS = {"__rate_interval": "10s", "__range": "5m", "__interval": "5s"}
QUERIES = [
    pytest.param(panel["type"], target["expr"], id=f"{name}-{panel['title']}-{target['refId']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in panels(dashboard)
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with failover(tmp_path_factory.mktemp("failover")) as scene:
        yield scene


def numbers(samples: list[Sample]) -> list[float]:
    return [v for sample in samples for v in sample.values if math.isfinite(v)]


def asked(scene: Scene, dashboard: str, title: str) -> list[Sample]:
    """The answers to all queries of a panel, over the whole scene."""
    (panel,) = [p for p in panels(DASHBOARDS[dashboard]) if p["title"] == title]
    exprs = [filled(target["expr"], WINDOWS) for target in panel["targets"]]
    return [s for expr in exprs for s in scene.prometheus.history(expr, scene.start, scene.end)]


@pytest.mark.parametrize("path", generate.documents(), ids=lambda path: path.name)
def test_the_files_are_as_they_are_made(path: Path) -> None:
    assert path.read_text() == generate.documents()[path], "run `make docs`"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_linter_has_nothing_to_say(name: str) -> None:
    assert complaints(DASHBOARDS[name]) == []


def test_three_dashboards_have_identities_of_their_own() -> None:
    uids = [dashboard["uid"] for dashboard in DASHBOARDS.values()]
    assert uids == ["dnsbalancer-overview", "dnsbalancer-target", "dnsbalancer-daemon"]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_do_not_overlap_and_fill_the_width_at_most(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_metric_of_a_dashboard_is_exported(name: str) -> None:
    assert named(json.dumps(DASHBOARDS[name])) - exported() == set()


def test_debians_prometheus_understands_every_query(tmp_path: Path) -> None:
    exprs = [filled(expr) for d in DASHBOARDS.values() for _, expr in queries(d)]
    rules = [{"record": f"dashboard:{i}", "expr": expr} for i, expr in enumerate(exprs)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    ran = subprocess.run(
        [program("promtool"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(("kind", "expr"), QUERIES)
def test_every_query_answers_with_data_after_a_failover(scene: Scene, kind: str, expr: str) -> None:
    query = filled(expr, WINDOWS)
    if kind in {"stat", "table"}:
        assert numbers(scene.prometheus.query(query)), query
    assert numbers(scene.prometheus.history(query, scene.start, scene.end)), query


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_variable_has_a_value(scene: Scene, name: str) -> None:
    for variable in DASHBOARDS[name]["templating"]["list"]:
        if variable["type"] == "query":
            selector, label = variable["definition"][len("label_values(") : -1].rsplit(", ", 1)
            series = scene.prometheus.query(filled(selector))
            assert {s.labels[label] for s in series if s.labels.get(label)}, variable["name"]


def test_failovers_and_returns_are_marked_at_their_exact_times(scene: Scene) -> None:
    marks = {a["name"]: a for a in DASHBOARDS["overview"]["annotations"]["list"]}
    host, port = scene.daemons[0].listen
    mine = {"target": scene.fallen, "instance": f"{host}:{port}"}
    for name, wanted in (("Failovers", scene.fell), ("Returns", scene.returned)):
        assert marks[name]["useValueForTime"] == "on"
        found = scene.prometheus.history(filled(marks[name]["expr"]), scene.start, scene.end)
        times = {v for s in found if mine.items() <= s.labels.items() for v in s.values}
        assert any(abs(time - wanted * 1000) < 50 for time in times), (name, times, wanted)
    down = scene.prometheus.history(filled(marks["Failovers"]["expr"]), scene.start, scene.end)
    assert {s.labels["target"] for s in down} == {scene.fallen}


@pytest.mark.parametrize("name", ["Reloads", "Restarts"])
def test_reloads_and_restarts_are_marked(scene: Scene, name: str) -> None:
    (mark,) = [a for a in DASHBOARDS["daemon"]["annotations"]["list"] if a["name"] == name]
    found = scene.prometheus.history(filled(mark["expr"]), scene.start, scene.end)
    assert any(scene.start - 60 < v / 1000 < scene.end for v in numbers(found))


@pytest.mark.parametrize(
    ("dashboard", "title", "values"),
    [
        ("overview", "Daemons that answer", {3.0}),
        ("overview", "Targets held down", {0.0, 1.0}),
        ("overview", "Pools available", {1.0}),
        ("overview", "Health of the targets", {0.0, 1.0}),
        ("overview", "Addresses in the zone", {0.0, 1.0}),
        ("overview", "Addresses in the zone, and wanted", {2.0, 3.0}),
        ("overview", "What the votes say of each target", {0.0, 1.0}),
        ("overview", "Observers, and how many decide", {3.0, 2.0}),
        ("target", "Last probe", {0.0, 1.0}),
        ("target", "What each daemon believes", {0.0, 2.0}),
        ("daemon", "Reloads", {0.0}),
    ],
)
def test_a_panel_shows_what_its_title_says(
    scene: Scene, dashboard: str, title: str, values: set[float]
) -> None:
    assert values <= set(numbers(asked(scene, dashboard, title)))


@pytest.mark.parametrize(
    ("title", "labels"),
    [
        ("Records created and deleted", {"action": "delete"}),
        ("Records created and deleted", {"action": "create"}),
    ],
)
def test_what_was_done_is_shown(scene: Scene, title: str, labels: dict[str, str]) -> None:
    series = [s for s in asked(scene, "overview", title) if labels.items() <= s.labels.items()]
    assert max(numbers(series)) > 0
