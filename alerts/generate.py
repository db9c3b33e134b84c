"""Writes the alert files from the table: `python -m alerts.generate`, a test compares them.

dnsbalancer.alerts.yml         one alert per daemon
dnsbalancer.fleet.alerts.yml   one alert per fleet, without `instance`
*.alerts.test.yml              promtool's tests of both
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

from alerts.cases import CASES
from alerts.cases.shape import FOR_LONG, Case, Series
from alerts.rules import GROUPS
from alerts.rules.shape import Alert

FOLDER = Path(__file__).parent
RUNBOOKS = "https://runbooks.example/dnsbalancer"
"""Where the operator publishes docs/runbooks/; README.md says how it is changed."""

HEADER = """\
# {title}
# Made by `python -m alerts.generate` from alerts/rules/. README.md says which file to load,
# and how to change the job and the address of the runbooks.
groups:
"""


def per_daemon(alert: Alert) -> tuple[str, str, str]:
    """The expression, severity and description of an alert about one daemon."""
    return alert.expr, alert.severity, alert.description


def per_fleet(alert: Alert) -> tuple[str, str, str]:
    """The expression, severity and description of an alert about all daemons of a job."""
    expr = alert.fleet
    if not expr:
        expr = "count without (instance) (\n" + textwrap.indent(alert.expr, "  ") + ")\n"
    elif expr == "same":
        expr = alert.expr
    if not alert.fleet:
        expr = expr.rstrip() + " > 0\n"
    return expr, alert.fleet_severity or alert.severity, alert.fleet_description


FILES = {
    "dnsbalancer.alerts.yml": ("Alerts for dnsbalancer_exporter, one per daemon.", per_daemon),
    "dnsbalancer.fleet.alerts.yml": (
        "Alerts for dnsbalancer_exporter, one per fleet: instead of dnsbalancer.alerts.yml.",
        per_fleet,
    ),
}


def _rule(alert: Alert, expr: str, severity: str, description: str) -> Iterator[str]:
    name = f"DnsBalancer{alert.name}"
    yield textwrap.fill(alert.why, 94, initial_indent="# ", subsequent_indent="# ")
    yield f"- alert: {name}"
    yield "  expr: |"
    yield textwrap.indent(expr.rstrip(), "    ")
    if alert.wait:
        yield f"  for: {alert.wait}"
    yield "  labels:"
    yield f"    severity: {severity}"
    yield "  annotations:"
    yield f"    summary: {json.dumps(alert.summary)}"
    yield f"    description: {json.dumps(description)}"
    yield f"    runbook_url: {RUNBOOKS}/{name}.md"


TESTS = """\
# Made by `python -m alerts.generate` from alerts/cases/: promtool test rules {test}
rule_files: [{file}]
evaluation_interval: 30s
tests:
"""

FIRING = 'group by (alertname, instance, pool, target) (ALERTS{alertstate="firing"})'


def _labels(text: str) -> str:
    """`Name label=value` as the labels of ALERTS."""
    name, *labels = text.split()
    pairs = [("alertname", f"DnsBalancer{name}"), *(label.split("=") for label in labels)]
    return "{" + ", ".join(f'{key}="{value}"' for key, value in pairs) + "}"


def _series(series: Series) -> str:
    own = series.name.startswith(("up", "process_"))
    labels = {"job": "dnsbalancer", "instance": "a", **series.labels}
    inner = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{'' if own else 'dnsbalancer_'}{series.name}{{{inner}}}"


def _test(case: Case, fires: tuple[str, ...]) -> Iterator[str]:
    scraped = [series.labels.get("instance", "a") for series in case.series]
    given = [(_series(series), series.values.strip()) for series in case.series]
    if not any(series.name == "up" for series in case.series):
        ups = [Series("up", "", {"instance": i}) for i in sorted(set(scraped))]
        given = [*((_series(series), f"1x{FOR_LONG}") for series in ups), *given]
    yield f"  - name: DnsBalancer{case.alert} {case.says}"
    yield "    interval: 30s"
    yield "    input_series:"
    yield from (f"      - {{series: '{name}', values: '{values}'}}" for name, values in given)
    yield "    promql_expr_test:"
    yield from _firing(case.at, fires)
    if case.not_yet:
        others = tuple(text for text in fires if text.split()[0] != case.alert)
        yield from _firing(case.not_yet, others)


def _firing(at: str, fires: tuple[str, ...]) -> Iterator[str]:
    yield f"      - expr: {FIRING}"
    yield f"        eval_time: {at}"
    yield "        exp_samples:" + ("" if fires else " []")
    yield from (f"          - {{labels: '{_labels(text)}', value: 1}}" for text in fires)


def tests(file: str, test: str) -> str:
    """Promtool's tests of one file."""
    fleet = "fleet" in file
    lines = [TESTS.format(file=file, test=test).rstrip()]
    for case in CASES:
        lines += _test(case, case.fleet if fleet else case.fires)
    return "\n".join(lines) + "\n"


def documents() -> dict[Path, str]:
    """Every generated file, by its path."""
    found = {}
    for file, (title, view) in FILES.items():
        lines = [HEADER.format(title=title)]
        for group in GROUPS:
            lines.append(f"  - name: {group.name}\n    rules:\n")
            for alert in group.alerts:
                rule = "\n".join(_rule(alert, *view(alert)))
                lines.append(textwrap.indent(rule, "      ") + "\n\n")
        found[FOLDER / file] = "".join(lines).rstrip() + "\n"
        test = file.replace(".alerts.yml", ".alerts.test.yml")
        found[FOLDER / test] = tests(file, test)
    return found


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text)
