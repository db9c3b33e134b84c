"""What was wanted of all this, and what RESULTS.md says: the last section of it.

    python -m benchmarks.verdict

The other benchmarks have run before; a figure that is not there is said to be missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from benchmarks import results

PROBES, SCRAPE = "Probes: what one costs", "A scrape"
STEADY = "Steady state: what a check costs, everything included"
KILL = "From a kill to the record gone"
TCP, ICMP = "dnsbalancer, `tcp_close: reset`", "dnsbalancer"
RATE, SCRAPED, SWALLOWS = "probes/s, one core", "10,000 (", "with one that swallows: median"
OURS, PDNS = "dnsbalancer, `fall: 1`", "PowerDNS `ifportup`"
THREE = "dnsbalancer, `fall: 3`, `fast_interval: 0.05`"
THOUSAND, MANY = "1,000 x 1 s, ", "10,000 x 1 s, "
KINDS = ("tcp", "icmp")
LOST = ("tcp, 10,000/s for 60 s", "tcp, 10,000/s for 60 s, 20 %", "icmp, 10,000/s for 60 s")

Cells = dict[tuple[str, str, str], float]
"""Figures by section, first cell of the row, and column."""


class Goal(NamedTuple):
    """``figure`` is looked up; it is good at or below the bounds, or above them if ``more``."""

    what: str
    figure: Callable[[Cells], float]
    must: float
    should: float
    unit: str
    more: bool = False


def at(cells: Cells, section: str, row: str, column: str) -> float:
    """One figure; the row and the column are known by how they begin."""
    for (of, name, head), value in cells.items():
        if of == section and head.startswith(column) and (name == row or _begins(name, row)):
            return value
    raise KeyError(f"{section}: {row}: {column}")


def _begins(name: str, row: str) -> bool:
    return row[-1] in "(%" and name.startswith(row)


def _growth(cells: Cells) -> float:
    column = "CPU us/check"
    return max(
        (at(cells, STEADY, MANY + k, column) / at(cells, STEADY, THOUSAND + k, column) - 1) * 100
        for k in KINDS
    )


def _after_pdns(row: str, column: str = "median") -> Callable[[Cells], float]:
    return lambda c: at(c, KILL, row, column) - at(c, KILL, PDNS, "median")


def _swallows(row: str) -> Callable[[Cells], float]:
    return lambda c: at(c, KILL, row, SWALLOWS) - at(c, KILL, row, "median")


GOALS = (
    Goal(
        "CPU per TCP probe, blackbox_exporter / ours",
        lambda c: at(c, PROBES, TCP, "blackbox"),
        5,
        7,
        "x",
        more=True,
    ),
    Goal(
        "CPU per ICMP probe, blackbox_exporter / ours",
        lambda c: at(c, PROBES, ICMP, "blackbox"),
        12,
        28,
        "x",
        more=True,
    ),
    Goal(
        "the same, ours / fping",
        lambda c: at(c, PROBES, ICMP, "CPU") / at(c, PROBES, "fping", "CPU"),
        float("inf"),
        1,
        "x",
    ),
    Goal("TCP probes on one core", lambda c: at(c, PROBES, TCP, RATE), 2e4, 2.8e4, "/s", more=True),
    Goal(
        "ICMP probes on one core", lambda c: at(c, PROBES, ICMP, RATE), 5e4, 1.1e5, "/s", more=True
    ),
    Goal(
        "healthy targets called down at 10,000/s for 60 s, also with 20 % black holes",
        lambda c: sum(at(c, PROBES, row, "of them") for row in LOST),
        0,
        0,
        "",
    ),
    Goal(
        "lag p99 at 10,000 targets x 1 s, the worse of both protocols",
        lambda c: max(at(c, STEADY, MANY + k, "lag p99") for k in KINDS),
        100,
        20,
        "ms",
    ),
    Goal(
        "error of the latency p99 at 5,000/s: at most all of the latency",
        lambda c: max(at(c, PROBES, f"{k}, 5,000/s for 10 s", "latency") for k in KINDS),
        0.3,
        0.05,
        "ms",
    ),
    Goal(
        "scrape of 10,000 targets, generate_latest / ours",
        lambda c: at(c, SCRAPE, SCRAPED, "ratio"),
        20,
        45,
        "x",
        more=True,
    ),
    Goal(
        "delay p99 added by scrapes without a pause",
        lambda c: at(c, SCRAPE, "ours", "p99") - at(c, SCRAPE, "nobody scrapes", "p99"),
        20,
        5,
        "ms",
    ),
    Goal(
        "resident memory, 10,000 targets",
        lambda c: max(at(c, STEADY, MANY + k, "RSS") for k in KINDS),
        90,
        60,
        "MB",
    ),
    Goal("kill to record gone, one failure, after ifportup", _after_pdns(OURS), 0.1, 0.1, "s"),
    Goal("the same, three failures at 0.05 s", _after_pdns(THREE), 0.2, 0.2, "s"),
    Goal("one failure, with one that swallows packets: longer by", _swallows(OURS), 0.1, 0.1, "s"),
    Goal("three failures, the same", _swallows(THREE), 0.1, 0.1, "s"),
    Goal(
        "CPU per check, 1,000 targets, tcp",
        lambda c: at(c, STEADY, f"{THOUSAND}tcp", "CPU us/check"),
        75,
        45,
        "us",
    ),
    Goal("a check at 10,000 targets, dearer than at 1,000 by", _growth, 15, 5, "%"),
)


def read(text: str) -> Cells:
    """All figures of all tables."""
    cells: Cells = {}
    section, head = "", [""]
    for line in text.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        parts = [part.strip() for part in line.strip("| ").split(" | ")]
        if not line.startswith("|"):
            head = [""]
        elif head == [""]:
            head = parts
        for column, part in zip(head[1:], parts[1:], strict=False):
            found = re.search(r"-?\d[\d,]*\.?\d*", part)
            if found and part not in head:
                value = float(found[0].replace(",", ""))
                cells.setdefault((section, parts[0], column), value)
    return cells


def judged(goal: Goal, cells: Cells) -> tuple[str, ...]:
    """One row: the bounds, the figure and what it is."""
    bounds = [f"{bound:,.10g} {goal.unit}".strip() for bound in (goal.must, goal.should)]
    bounds = ["" if bound.startswith("inf") else bound for bound in bounds]
    try:
        figure = goal.figure(cells)
    except KeyError as missing:
        return (goal.what, *bounds, "missing", f"not measured: {missing.args[0]}")
    sign = -1 if goal.more else 1
    words = ("as it should be", "as it must be", "**not as it must be**")
    rank = sum(sign * figure > sign * bound for bound in (goal.should, goal.must))
    return (goal.what, *bounds, f"{figure:,.4g} {goal.unit}".strip(), words[rank])


def main() -> None:
    cells = read(results.RESULTS.read_text())
    rows = [judged(goal, cells) for goal in GOALS]
    table = results.table(("what", "must", "should", "measured", "it is"), rows)
    results.put("What was wanted, and what was measured", table)
    print(table)


if __name__ == "__main__":
    main()
