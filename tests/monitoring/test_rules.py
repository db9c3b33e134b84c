"""The alerts: as Prometheus 2.42 checks them, and as promtool plays them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from alerts import generate
from alerts.cases import CASES
from alerts.rules import GROUPS
from dnsbalancer_exporter.export.catalogue import PROCESS_ROWS, REPORT_ROWS
from dnsbalancer_exporter.export.row import Row
from tests.monitoring.stack import ALERTS
from tests.needed import program

RULES = sorted(ALERTS.glob("dnsbalancer.*.yml"))
FILES = ("dnsbalancer.alerts.yml", "dnsbalancer.fleet.alerts.yml")
NAMES = sorted({alert.name for group in GROUPS for alert in group.alerts})
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def exported(rows: tuple[Row, ...] = (*REPORT_ROWS, *PROCESS_ROWS)) -> set[str]:
    """The names of all series of the catalogue."""
    return {f"dnsbalancer_{r.name}{suffix}" for r in rows for suffix in SUFFIXES[r.kind]}


def named(text: str) -> set[str]:
    """The names of our series in a text of PromQL."""
    found = set(re.findall(r"(?<![:\w])dnsbalancer_[a-z_]+", text))
    return found - {"dnsbalancer_exporter"}


def rules(file: str) -> list[dict[str, object]]:
    document = yaml.safe_load((ALERTS / file).read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("path", generate.documents(), ids=lambda path: path.name)
def test_the_files_are_as_they_are_made(path: Path) -> None:
    assert path.read_text() == generate.documents()[path], "run `make docs`"


def test_promtool_has_nothing_to_say_about_the_rules() -> None:
    files = [path for path in RULES if ".test." not in path.name]
    assert len(files) == 3
    ran = subprocess.run(
        [program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", FILES)
def test_every_case_is_as_promtool_plays_it(file: str) -> None:
    test = ALERTS / file.replace(".alerts.yml", ".alerts.test.yml")
    ran = subprocess.run(
        [program("promtool"), "test", "rules", test], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_case_for_firing_and_one_for_silence(name: str) -> None:
    mine = [case for case in CASES if case.alert == name]
    fires = [case for case in mine if any(f.split()[0] == name for f in case.fires)]
    assert fires
    assert all(any(f.split()[0] == name for f in case.fleet) for case in fires)
    assert [c for c in mine if not any(f.split()[0] == name for f in (*c.fires, *c.fleet))]


def test_there_are_at_most_twenty_alerts_and_two_for_who_votes() -> None:
    assert len(NAMES) <= 22


@pytest.mark.parametrize("file", FILES)
def test_an_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on(file: str) -> None:
    for rule in rules(file):
        labels, annotations = rule["labels"], rule["annotations"]
        assert isinstance(labels, dict)
        assert isinstance(annotations, dict)
        assert labels["severity"] in {"critical", "warning", "info"}
        assert set(annotations) == {"summary", "description", "runbook_url"}
        assert re.fullmatch(r"[A-Z][^{}]*\.", annotations["summary"])
        assert annotations["runbook_url"] == f"{generate.RUNBOOKS}/{rule['alert']}.md"


def test_an_alert_of_the_fleet_names_no_daemon() -> None:
    text = (ALERTS / FILES[1]).read_text()
    assert "$labels.instance" not in text


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_metric_of_the_rules_is_exported(path: Path) -> None:
    assert named(path.read_text()) - exported() == set()


def test_the_example_for_alertmanager_is_good_and_routes_by_severity() -> None:
    example = ALERTS / "alertmanager.yml"
    subprocess.run([program("amtool"), "check-config", example], check=True, capture_output=True)
    routes = {"critical": "wake", "warning": "tell", "info": "nobody"}
    for severity, receiver in routes.items():
        labels = ("alertname=DnsBalancerX", f"severity={severity}")
        verify = (f"--config.file={example}", f"--verify.receivers={receiver}")
        command = (program("amtool"), "config", "routes", "test", *verify, *labels)
        subprocess.run(command, check=True, capture_output=True)


def test_the_example_for_alertmanager_inhibits_alerts_that_exist() -> None:
    example = yaml.safe_load((ALERTS / "alertmanager.yml").read_text())
    for rule in example["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            if not matcher.startswith("alertname") or ".+" in matcher:
                continue
            (value,) = re.findall(r'"DnsBalancer\(?([^")]+)\)?"', matcher)
            assert set(value.split("|")) <= set(NAMES), matcher
