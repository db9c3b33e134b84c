"""What operators ask of a daemon, and what they are answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dnsbalancer_exporter import state
from dnsbalancer_exporter.desk import Desk, Refused
from dnsbalancer_exporter.export import status, text
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.keeper import Keeper
from dnsbalancer_exporter.model import LONGEST_DRAIN, HealthState, Mode, Pool, QuorumTerms
from dnsbalancer_exporter.report import PoolReport, Report
from dnsbalancer_exporter.rounds import Rounds
from tests.unit.pools import DOWN, UP, A, B, C, E, pool, target, witness
from tests.unit.test_cycle import BROKEN, V6, Stage, at

EPOCH = 1_700_000_000.0
WWW = ("www.example.com",)


class Scene(Stage):
    """A daemon's inside without its threads and sockets: the desk, and all that it needs."""

    def __init__(self, folder: Path, *pools: Pool, records: tuple[str, ...]) -> None:
        super().__init__(*records)
        self.pools = pools
        self.health = {A: UP, B: UP, C: UP, E: UP, V6: UP}
        self.folder = str(folder)
        self.journal = Journal(lambda: self.now + EPOCH)
        self.rounds = Rounds(self.cycle, lambda: self.now, lambda *_: None)
        self.claim = state.Claim()
        keeper = Keeper(self._to_keep, lambda _: None, self.claim.write)
        self.desk = Desk(
            self.cycle.outlook,
            self.rounds,
            keeper,
            self.journal,
            self.report,
            lambda: EPOCH,
            lambda: status.document(self.report(), EPOCH),
        )
        for each in pools:
            self.rounds.begin(each)

    def _to_keep(self) -> tuple[str, state.Document]:
        return self.folder, state.to_document(self.cycle.outlook.kept(self.pools), EPOCH)

    def report(self) -> Report:
        return Report(self.now, tuple(self.rounds.reports.values()), dict(self.states))

    def turn(self, times: int = 1) -> PoolReport:
        """Run cycles of all pools; the last report of the first one."""
        for _ in range(times):
            self.probe()
            self.run(*self.pools)
            self.rounds.reports.update(self.cycle._reports)
        return self.rounds.reports[self.pools[0].name]

    def ask(self, verb: str, **asked: Any) -> Any:
        async def story() -> Any:
            answer = self.desk.verbs[verb]({"verb": verb, **asked})
            return await answer if asyncio.iscoroutine(answer) else answer

        return asyncio.run(story())

    def drained(self, of: Pool | None = None) -> set[str]:
        return set(self.cycle.outlook.drains(of or self.pools[0]))

    def kept(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads((Path(self.folder) / state.NAME).read_text())
        return found["pools"]  # type: ignore[no-any-return]


@pytest.fixture
def scenes(tmp_path: Path) -> Any:
    made: list[Scene] = []

    def make(*pools: Pool, records: tuple[str, ...] = tuple(at(A, B))) -> Scene:
        made.append(Scene(tmp_path, *pools or (pool(A),), records=records))
        made[-1].turn()
        return made[-1]

    yield make
    for scene in made:
        scene.claim.release()


# --- drain --------------------------------------------------------------------------------


def test_a_member_drains_itself_unless_told_whom(scenes: Any) -> None:
    scene = scenes()
    (answer,) = scene.ask("drain")
    assert answer == {
        "pool": "p",
        "address": A,
        "until": scene.now + 3600.0 + EPOCH,
        "also": "nobody",
        "unsaved": None,
    }
    assert scene.turn(2).plan.holds == ()
    assert scene.published == [B]
    (event,) = [e for e in scene.journal.events() if e.name == "drain"]
    assert (event.level, event.fields["address"]) == (logging.WARNING, A)


def test_it_is_on_disk_when_it_is_answered_for(scenes: Any) -> None:
    scene = scenes()
    scene.ask("drain", seconds=90)
    until = round(scene.now + EPOCH + 90.0, 1)
    assert scene.kept()["p"]["drains"][A]["until"] == until


def test_a_drain_that_could_not_be_saved_says_so_and_holds(scenes: Any, tmp_path: Path) -> None:
    scene = scenes()
    scene.folder = str(tmp_path / "file" / "folder")
    (tmp_path / "file").touch()
    (answer,) = scene.ask("drain")
    assert answer["unsaved"].startswith(f"{scene.folder}: ")
    assert "a restart forgets it" in text.of_drains([answer])
    scene.turn(2)
    assert scene.published == [B]


@pytest.mark.parametrize("seconds", [0.5, 0, -1, LONGEST_DRAIN + 1, float("nan"), "1h", None, []])
def test_a_time_that_is_none_is_refused(scenes: Any, seconds: object) -> None:
    scene = scenes()
    with pytest.raises(Refused, match="30 days"):
        scene.ask("drain", seconds=seconds)
    assert scene.drained() == set()


@pytest.mark.parametrize("given", ["2001:DB8:0::1", V6])
def test_an_address_is_known_in_any_spelling(scenes: Any, given: str) -> None:
    other = "2001:db8::2"
    scene = scenes(pool(A, V6), records=tuple(at(A, B, V6, other)))
    scene.health[other] = UP
    scene.turn()
    assert [a["address"] for a in scene.ask("drain", address=given)] == [V6]
    assert [a["address"] for a in scene.ask("undrain", address=given)] == [V6]


def test_a_target_is_known_by_its_name(scenes: Any) -> None:
    scene = scenes(replace(pool(A), listed=(target(A), replace(target(B), name="vm-2"))))
    assert [a["address"] for a in scene.ask("drain", address="vm-2")] == [B]
    assert [a["address"] for a in scene.ask("undrain", address="vm-2")] == [B]


def test_a_member_of_both_families_drains_both(scenes: Any) -> None:
    other = "2001:db8::2"
    scene = scenes(pool(A, V6), records=tuple(at(A, B, V6, other)))
    scene.health[other] = UP
    scene.turn()
    scene.ask("drain")
    scene.turn(2)
    assert scene.published == [B]
    assert scene.drained() == {A, V6}


def test_a_witness_must_say_which(scenes: Any) -> None:
    with pytest.raises(Refused, match="say which address"):
        scenes(witness()).ask("drain")


@pytest.mark.parametrize("given", ["192.0.2.77", "vm-77", "; rm -rf /", "2001:db8::77"])
def test_who_is_no_target_is_refused(scenes: Any, given: str) -> None:
    with pytest.raises(Refused, match="is no target"):
        scenes().ask("drain", address=given)


def test_of_several_pools_all_are_meant_or_the_one_that_is_named(scenes: Any) -> None:
    q = pool(A, name="q", records=WWW)
    records = (*at(A, B), "www A 192.0.2.1", "www A 192.0.2.2")
    scene = scenes(pool(A), q, records=records)
    assert [a["pool"] for a in scene.ask("drain")] == ["p", "q"]
    scene = scenes(pool(A), q, records=records)
    assert [a["pool"] for a in scene.ask("drain", address=B, pool="q")] == ["q"]
    assert (scene.drained(), scene.drained(q)) == (set(), {B})
    with pytest.raises(Refused, match="no pool r"):
        scene.ask("drain", pool="r")


def test_if_one_of_several_pools_refuses_none_is_drained(scenes: Any) -> None:
    q = pool(A, name="q", records=WWW)
    scene = scenes(pool(A), q, records=(*at(A, B), "www A 192.0.2.1"))
    with pytest.raises(Refused, match="pool q"):
        scene.ask("drain")
    assert scene.drained() | scene.drained(q) == set()


def test_a_second_drain_takes_the_place_of_the_first(scenes: Any) -> None:
    scene = scenes()
    scene.ask("drain", seconds=7200)
    scene.turn(2)
    (answer,) = scene.ask("drain", seconds=60)
    assert answer["until"] == scene.now + 60.0 + EPOCH


# --- refused ------------------------------------------------------------------------------

TOO_FEW: dict[str, tuple[Pool, dict[str, HealthState], tuple[str, ...]]] = {
    "the last one": (pool(A), {}, (A,)),
    "the other one is down": (pool(A), {B: DOWN}, (A, B)),
    "below min_records": (pool(A, min_records=2), {}, (A, B)),
}


@pytest.mark.parametrize(("of", "health", "there"), TOO_FEW.values(), ids=TOO_FEW)
def test_a_drain_that_leaves_too_little_is_refused_unless_forced(
    scenes: Any, of: Pool, health: dict[str, HealthState], there: tuple[str, ...]
) -> None:
    scene = scenes(of, records=tuple(at(*there)))
    scene.health |= health
    scene.turn()
    with pytest.raises(Refused, match="--force"):
        scene.ask("drain")
    assert scene.drained() == set()
    scene.ask("drain", force=True)
    scene.turn(2)
    assert scene.drained() == {A}
    assert scene.published  # law 1 holds for whoever uses force, too


def test_before_the_zone_was_read_it_is_refused_unless_forced(tmp_path: Path) -> None:
    scene = Scene(tmp_path, pool(A), records=tuple(at(A, B)))
    with pytest.raises(Refused, match="not been read"):
        scene.ask("drain")
    scene.ask("drain", force=True)
    scene.turn(2)
    assert scene.published == [B]
    scene.claim.release()


# --- undrain, and the end -------------------------------------------------------------------


def test_undrain_ends_it(scenes: Any) -> None:
    scene = scenes()
    scene.ask("drain")
    scene.turn(2)
    (answer,) = scene.ask("undrain")
    assert (answer["until"], answer["unsaved"]) == (None, None)
    assert scene.kept()["p"]["drains"] == {}
    scene.turn()
    assert scene.published == [A, B]


def test_what_is_not_drained_cannot_be_undrained(scenes: Any) -> None:
    with pytest.raises(Refused, match="not drained"):
        scenes().ask("undrain")
    with pytest.raises(Refused, match="no target"):
        scenes().ask("undrain", address=C)


def test_undrain_takes_those_that_are_drained(scenes: Any) -> None:
    q = pool(A, name="q", records=WWW)
    records = (*at(A, B), "www A 192.0.2.1", "www A 192.0.2.2")
    scene = scenes(pool(A), q, records=records)
    scene.ask("drain", pool="q")
    assert [a["pool"] for a in scene.ask("undrain")] == ["q"]


def test_what_a_reload_took_from_the_targets_can_be_undrained(scenes: Any) -> None:
    scene = scenes(pool(A, listed=(A, B, C)), records=tuple(at(A, B, C)))
    scene.ask("drain", address=C)
    scene.pools = (pool(A, listed=(A, B)),)
    scene.turn()
    assert C not in scene.report().pools[0].targets
    scene.ask("undrain", address=C)
    assert scene.drained() == set()


def test_what_a_witness_drains_stays_to_be_seen_and_is_put_back_at_the_end(scenes: Any) -> None:
    """It learned of the target by the record that it withdrew."""
    observer = witness(own=(target(E),))
    scene = scenes(observer)
    (answer,) = scene.ask("drain", address=B, seconds=600)
    assert answer["also"] == "its_own"
    scene.turn(2)
    assert scene.published == [A]
    (found,) = scene.ask("explain", address=B)
    assert (found["published"], found["not_published"]) == (False, ["drained"])
    assert found["drained_until"] == scene.now + 600.0 + EPOCH
    scene.now += 600.0
    scene.turn(2)
    assert scene.published == [A, B]


def test_what_a_witness_drained_can_be_undrained(scenes: Any) -> None:
    scene = scenes(witness(own=(target(E),)))
    scene.ask("drain", address=B)
    scene.turn(3)
    scene.ask("undrain", address=B)
    scene.turn()
    assert scene.published == [A, B]


# --- what it shows --------------------------------------------------------------------------

ALSO = {
    "alone": (pool(A), "", "nobody"),
    "a peer": (pool(A), B, "its_own"),
    "listed": (pool(A, listed=(A, B)), "", "everybody"),
    "a listed peer": (pool(A, listed=(A, B)), B, "everybody"),
    "a witness": (witness(), B, "its_own"),
    "voted": (replace(pool(A, listed=(A, B)), quorum=QuorumTerms(A)), B, "voters"),
    "only observed": (pool(A, listed=(A, B), mode=Mode.OBSERVE), "", "observed"),
}


@pytest.mark.parametrize(("of", "address", "also"), ALSO.values(), ids=ALSO)
def test_it_says_who_else_would_put_the_address_back(
    scenes: Any, of: Pool, address: str, also: str
) -> None:
    (answer,) = scenes(of).ask("drain", address=address)
    assert answer["also"] == also
    assert text.ALSO[also] in text.of_drains([answer])


def test_a_drain_made_while_the_api_is_down_is_shown(scenes: Any) -> None:
    scene = scenes()
    scene.ask("drain")
    scene.provider.faults["list"].append(BROKEN)
    assert scene.turn().error == "500"
    (found,) = scene.ask("explain", address=A)
    assert found["drained_until"] == scene.now + 3600.0 + EPOCH
    scene.now += 3600.0
    scene.provider.faults["list"].append(BROKEN)
    scene.turn()
    (found,) = scene.ask("explain", address=A)
    assert found["drained_until"] is None
