"""docs/failover.md: its numbers are computed, its API calls are played."""

from __future__ import annotations

import asyncio
import re

import pytest

from dnsbalancer_exporter import health, restraint
from dnsbalancer_exporter.config import parse
from dnsbalancer_exporter.model import LockTerms, Pool
from dnsbalancer_exporter.promise import worst
from dnsbalancer_exporter.provider import WRITE_BUDGET
from dnsbalancer_exporter.roster import WarmUp
from tests.repo.generated import ROOT
from tests.simulation.stage import LOCK, A, B, Stage
from tests.unit.config.samples import changed

PAGES = pytest.mark.parametrize("page", ["docs/failover.md", "docs/ru/failover.md"])
FILE = changed("timeout")


def pool(setting: str = "{}") -> Pool:
    """The pool of a file with these keys, written as in the page: ``{interval: 5}``."""
    more = "".join(f"    {line}\n" for line in setting.strip("{}").split(", ") if line)
    (made,) = parse((FILE + more).encode(), "", {}, lambda _: b"").pools
    return made


def computed(pool: Pool) -> list[float]:
    """The column of the worked examples."""
    refused = worst(pool.timing, pool.ttl, silent=False)
    silent = worst(pool.timing, pool.ttl)
    back = pool.timing.interval + (pool.timing.rise - 1) * pool.timing.fast_interval
    totals = [refused.total, silent.total, back, back + pool.ttl]
    return [refused.noticed, silent.noticed, *totals]


@PAGES
def test_the_worked_examples_are_what_the_code_computes(page: str) -> None:
    text = (ROOT / page).read_text()
    (table,) = re.findall(r"^\| [^|]+ \| `\{\}` \|(?:.*\|\n)+", text, re.MULTILINE)
    head, _, *rows = (
        [cell.strip() for cell in line.split("|")[2:-1]] for line in table.split("\n")[:-1]
    )
    columns = list(zip(*rows, strict=True))
    assert len(columns) == len(head) == 4
    for setting, column in zip(head, columns, strict=True):
        told = [float(cell) for cell in column]
        assert told == pytest.approx(computed(pool(setting.strip("`")))), setting


@PAGES
def test_a_withdrawal_is_the_calls_of_the_page(page: str) -> None:
    text = (ROOT / page).read_text()
    told = re.findall(r"^\| [1-7] \| `(\w+ \w+)` \|", text, re.MULTILINE)
    calls: list[str] = []

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.dies(B)
        await stage.until(lambda: bool(stage.times(A, "delete", LOCK)), 60.0)
        moments = [moment for _, moment in stage.done]
        asked = moments.index((A, "create", LOCK)) - 1  # the plan that wanted the lock
        released = moments.index((A, "delete", LOCK))
        for _, operation, what in moments[asked : released + 1]:
            kind = "TXT" if what == LOCK else what if operation == "list" else "A"
            calls.append(f"{operation} {kind}")

    Stage(A, B).play(story)
    assert calls == told


@PAGES
def test_the_other_numbers_are_the_codes(page: str) -> None:
    text = re.sub(r"\s+", " ", (ROOT / page).read_text())
    default, terms = pool(), LockTerms()
    assert WarmUp().seconds(default) == 14.5
    assert terms.lease == 60.0
    assert terms.lease - terms.margin == 40.0
    assert terms.margin > WRITE_BUDGET
    assert (health.TOO_MANY, health.WINDOW) == (5, 10)
    assert restraint.hold_down(default.timing).first == 2.0
    assert (restraint.HOLD_DOWN_RETURNS, restraint.HOLD_DOWN_WITHIN) == (5, 600.0)
    assert (restraint.CONTESTED_FIRST, restraint.CONTESTED_CAP) == (600.0, 6 * 3600.0)
    assert restraint.HOLD_DOWN_CAP == 300.0
    for number in ("14.5 ", "(60 ", " 40 ", "(2 "):
        assert number in text
