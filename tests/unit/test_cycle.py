"""The straight line, over a strict provider in memory that fails where it is told to."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.boundary import Exchange
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.lock import SingleWriter
from dnsbalancer_exporter.model import (
    Create,
    Drain,
    Ground,
    Health,
    HealthState,
    Hold,
    Kept,
    LockTerms,
    Mode,
    Pool,
    Record,
    RecordSetKey,
    Restraint,
    TargetKey,
    Unpublished,
    Withheld,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import PoolReport, TargetState
from dnsbalancer_exporter.roster import Watched
from tests.contract.memory import Memory, Store, Swapping
from tests.unit.pools import (
    DOWN,
    NAME,
    UNKNOWN,
    UP,
    A,
    B,
    C,
    D,
    E,
    pool,
    target,
    witness,
)

V6 = "2001:db8::1"
START = 1000.0
TERMS = LockTerms(lease=60.0, margin=20.0)


LOST = AnswerLost(ApiReason.TIMEOUT, "the answer was lost")
BROKEN = ProviderError(ApiReason.SERVER_ERROR, "500")


def others_of(*own: str, count: int, **changes: Any) -> list[Pool]:
    """So many pools of the same zone under names of their own."""
    names = [f"n{number}" for number in range(1, count + 1)]
    return [pool(*own, name=n, records=(f"{n}.example.com",), **changes) for n in names]


class Provider:
    """The strict driver in memory. ``faults`` are raised, per operation, before a call does
    anything, None lets one pass; ``lost`` counts calls that are done and whose answer is lost.
    ``then`` is called after each call with its name.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.faults: dict[str, deque[ProviderError | None]] = defaultdict(deque)
        self.lost: dict[str, int] = defaultdict(int)
        self.then: Callable[[str], None] = lambda operation: None
        self._memory = Memory(store)

    def _begin(self, operation: str, what: object) -> None:
        fault = self.faults[operation].popleft() if self.faults[operation] else None
        if fault is not None:
            self.store.calls.append((f"{operation} fails", what))
            raise fault
        if self.lost[operation]:
            self.lost[operation] -= 1
            self.store.lost += 1

    @property
    def exchange(self) -> Exchange | None:
        return None

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        await asyncio.sleep(0)
        self._begin("list", type)
        found = self._memory.list_records(zone, type, budget)
        self.then("list")
        return found

    async def create_record(self, zone: str, create: Create) -> Record:
        await asyncio.sleep(0)
        self._begin("create", create)
        made = self._memory.create_record(zone, create)
        self.then("create")
        return made

    async def delete_record(self, zone: str, record: Record) -> None:
        await asyncio.sleep(0)
        self._begin("delete", record)
        self._memory.delete_record(zone, record)
        self.then("delete")


class Stage:
    """A zone, a cycle over it, and targets that are what the test says."""

    def __init__(self, *records: str) -> None:
        self.now = START
        self.store = Store(records=records)
        self.provider = Provider(self.store)
        self.states: dict[TargetKey, TargetState] = {}
        self.health: dict[str, HealthState] = {}
        self.restrained: dict[str, float] = {}
        self.followed: list[frozenset[TargetKey]] = []
        self.asked: dict[str, float] = {}
        self.lock = SingleWriter(TERMS, lambda: self.now)
        self.cycle = Cycle(
            self.provider, self.lock, lambda: self.now, lambda: self.states, self._follow
        )

    def _follow(self, pool: Pool, wanted: Iterable[Watched]) -> None:
        """A watch that knows at once how everybody is."""
        wanted = tuple(wanted)
        for key in [k for k in self.states if k.pool == pool.name]:
            del self.states[key]
        for w in wanted:
            address = w.target.address
            state = TargetState(w.target, health=self.health.get(address, UNKNOWN))
            held = Restraint(until=self.restrained.get(address, 0.0))
            self.states[w.key] = state._replace(restraint=held)
        self.followed.append(frozenset(w.key for w in wanted))
        self.asked = {w.key.address: w.ask_after for w in wanted if w.ask_after is not None}

    def run(self, *pools: Pool) -> PoolReport:
        """Run a cycle and return the report of the first pool."""
        self.store.calls.clear()
        return asyncio.run(self.cycle.run(pools))[0]

    def run_twice(self, *pools: Pool) -> PoolReport:
        """Run a cycle that learns how the targets are by now, and one that knows."""
        self.probe()
        self.run(*pools)
        return self.run(*pools)

    def probe(self) -> None:
        """Have everybody who is followed already probed once more."""
        for key, state in self.states.items():
            self.states[key] = state._replace(health=self.health.get(key.address, UNKNOWN))

    def keep(self, *values: str) -> dict[str, Record]:
        """Take all other records out by hand; returns what was there."""
        before = self.store.zones["example.com"]
        kept = {i: r for i, r in before.items() if r.value in values}
        self.store.zones["example.com"] = kept
        return before

    def run_all(self, *pools: Pool) -> tuple[PoolReport, ...]:
        """Run a cycle and return all reports."""
        self.store.calls.clear()
        return asyncio.run(self.cycle.run(pools))

    @property
    def calls(self) -> list[str]:
        """What was asked of the provider in the last cycle, as ``operation value``."""
        texts = []
        for operation, what in self.store.calls:
            detail = what.value if isinstance(what, Create | Record | RecordType) else ""
            texts.append(f"{operation} {detail}")
        return texts

    @property
    def published(self) -> list[str]:
        return self.store.values(NAME)


def stage(*records: str, **health: HealthState) -> Stage:
    """Records like ``@ A 192.0.2.1``; targets by the letter of their address."""
    made = Stage(*records)
    letters = {"A": A, "B": B, "C": C, "D": D, "E": E, "V6": V6}
    made.health = {letters[letter]: state for letter, state in health.items()}
    return made


def at(*addresses: str) -> list[str]:
    return [f"@ {'AAAA' if ':' in a else 'A'} {a}" for a in addresses]


def errors(report: PoolReport) -> list[tuple[str, str, str]]:
    return [(c.action, c.record.value, c.error) for c in report.changes]


# --- what a cycle costs -------------------------------------------------------------------


def test_a_quiet_cycle_costs_one_list_for_each_managed_type() -> None:
    scene = stage(*at(A, B, V6), A=UP, B=UP, V6=UP)
    scene.run(pool(A))
    assert scene.calls == ["list A"]
    scene.run(pool(A, V6))
    assert scene.calls == ["list A", "list AAAA"]


def test_pools_of_one_zone_share_its_reads() -> None:
    scene = stage(*at(A, B), "www A 192.0.2.1", A=UP, B=UP)
    scene.run(pool(A), pool(A, name="q", records=("www.example.com",)))
    assert scene.calls == ["list A"]


def test_a_pool_after_one_that_wrote_reads_anew() -> None:
    scene = stage(*at(B), "www A 192.0.2.1", A=UP, B=UP)
    scene.run(pool(A), pool(A, name="q", records=("www.example.com",)))
    assert scene.calls == ["list A", f"create {A}", "list A"]


def test_each_cycle_reads_anew() -> None:
    scene = stage(*at(A), A=UP)
    scene.run(pool(A))
    scene.store.add(f"@ A {B}")
    assert [r.value for r in scene.run(pool(A)).records] == [A, B]


# --- the line -----------------------------------------------------------------------------


def test_creates_come_first_and_deletes_last_each_on_a_fresh_read() -> None:
    scene = stage(*at(B, C), A=UP, B=DOWN, C=UP)
    report = scene.run(pool(A))
    assert scene.calls == [
        "list A",
        f"create {A}",
        "list A",  # read and plan again
        "list A",  # and again under the lock
        f"delete {B}",
        "list A",  # read back
    ]
    assert scene.published == [A, C]
    assert errors(report) == [("create", A, ""), ("delete", B, "")]
    assert [c.ground for c in report.changes] == [None, Ground.DOWN]


def test_a_write_is_told_when_it_is_over_and_before_the_next() -> None:
    scene = stage(*at(B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)
    told: list[str] = []
    scene.provider.then = told.append
    scene.cycle.wrote = lambda _, change: told.append(f"{change.action} {change.record.value}")
    scene.run(pool(A, D))
    assert [word for word in told if word != "list"] == [
        *("create", f"create {A}"),
        *("delete", f"delete {B}"),
        *("delete", f"delete {C}"),
    ]


def test_after_each_single_call_the_name_answers() -> None:
    scene = stage(*at(B, C, D), A=UP, B=DOWN, C=DOWN, D=DOWN)
    seen: list[list[str]] = []
    scene.provider.then = lambda operation: seen.append(scene.published)
    for _ in range(5):
        scene.run(pool(A))
    assert all(seen)
    assert scene.published == [A]
    assert all(A in values for values in seen if set(values) != {B, C, D})


def test_a_report_tells_what_was_seen_and_done() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    report = scene.run(pool(A))
    assert (report.targets, report.cycles, report.error) == ((A, B), 1, "")
    assert [r.value for r in report.records] == [A]
    assert report.remembered == (B,)
    assert report.read_at == START
    assert report.in_sync(RecordSetKey(NAME, RecordType.A))
    assert scene.run(pool(A)).cycles == 2


def test_what_a_cycle_learns_is_followed() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.cycle.outlook.begin(pool(A))
    assert scene.followed == [{TargetKey("p", A)}]
    scene.run(pool(A))
    assert scene.followed[-1] == {TargetKey("p", A), TargetKey("p", B)}


def test_a_pool_that_is_forgotten_starts_over() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.run(pool(A))
    scene.cycle.forget(pool(A))
    report = scene.run(pool(A))
    assert (report.cycles, report.remembered) == (1, ())


def test_an_observer_reads_and_never_writes() -> None:
    scene = stage(*at(B, C), A=UP, B=DOWN, C=UP)
    report = scene.run(pool(A, mode=Mode.OBSERVE))
    assert scene.calls == ["list A"]
    assert report.plan.holds == (Hold.OBSERVE_MODE,)
    assert [o.reason for o in report.plan.omitted] == [Unpublished.OBSERVE_MODE]


def test_records_of_other_names_and_types_are_never_touched() -> None:
    others = ("www A 192.0.2.2", "mail A 203.0.113.1", "@ TXT v=spf1 -all", f"@ AAAA {V6}")
    scene = stage(*at(A, B), *others, A=UP, B=DOWN)
    before = dict(scene.store.zones["example.com"])
    scene.run(pool(A))
    gone = set(before) - set(scene.store.zones["example.com"])
    assert [(before[i].name, before[i].value) for i in gone] == [(NAME, B)]


# --- reads that fail or are in doubt -------------------------------------------------------


def test_a_read_that_fails_leaves_the_zone_as_it_is() -> None:
    scene = stage(*at(B, C), A=UP, B=DOWN, C=UP)
    scene.provider.faults["list"].append(BROKEN)
    report = scene.run(pool(A))
    assert scene.calls == ["list fails A"]
    assert (report.error, report.again_at, report.read_at) == ("500", START + 5.0, None)
    assert not report.in_sync(RecordSetKey(NAME, RecordType.A))


def test_a_failing_read_is_tried_again_ever_more_slowly_and_not_after_the_interval() -> None:
    scene = stage(*at(A), A=UP)
    waits = []
    for _ in range(8):
        scene.provider.faults["list"].append(BROKEN)
        waits.append((scene.run(pool(A)).again_at or 0.0) - START)
    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 180.0, 180.0]
    assert scene.run(pool(A)).error == ""
    scene.provider.faults["list"].append(BROKEN)
    assert scene.run(pool(A)).again_at == START + 5.0


def test_after_a_read_that_failed_a_verdict_is_confirmed_before_it_withdraws() -> None:
    """Who could not read may have been cut off, and all its verdicts with it."""
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(pool(A))
    scene.health[B] = DOWN._replace(failed_at=START + 20.0)
    scene.now += 22.0
    scene.provider.faults["list"].append(BROKEN)
    scene.run(pool(A))
    scene.now += 5.0
    report = scene.run_twice(pool(A))
    assert (report.plan.holds, scene.published) == ((Hold.UNKNOWN_HEALTH,), [A, B])
    assert scene.asked == {B: scene.now}
    scene.health[B] = DOWN._replace(failed_at=scene.now + 0.5)
    scene.now += 2.5
    assert scene.run_twice(pool(A)).plan.holds == ()
    assert scene.published == [A]


def test_so_it_is_after_one_that_took_long_but_not_each_time() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)

    def slowly(operation: str) -> None:
        scene.now += 6.0 if operation == "list" else 0.0

    scene.provider.then = slowly
    assert scene.run(pool(A)).plan.holds == (Hold.UNKNOWN_HEALTH,)
    scene.health[B] = DOWN._replace(failed_at=scene.now + 0.5)
    scene.now += 2.5
    assert scene.run_twice(pool(A)).plan.holds == ()
    assert scene.published == [A]


def test_a_provider_that_asks_for_patience_gets_it() -> None:
    scene = stage(*at(A), A=UP)
    scene.provider.faults["list"].append(ProviderError(ApiReason.RATE_LIMITED, "429", 900.0))
    assert scene.run(pool(A)).again_at == START + 900.0


def test_what_was_known_stays_known_while_reads_fail() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    good = scene.run(pool(A))
    scene.provider.faults["list"].append(BROKEN)
    scene.now += 60.0
    report = scene.run(pool(A))
    assert (report.targets, report.records, report.read_at) == (good.targets, good.records, START)


def test_a_zone_that_cannot_be_read_is_asked_once_however_many_pools_it_has() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.faults["list"].append(BROKEN)
    reports = scene.run_all(pool(A), *others_of(A, count=5))
    assert scene.calls == ["list fails A"]
    assert [report.error for report in reports] == ["500"] * 6


def test_an_error_in_one_pool_does_not_stop_the_next() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.faults["create"].append(LOST)
    scene.provider.faults["list"] += [None, BROKEN]
    reports = scene.run_all(pool(A), *others_of(A, count=1))
    assert [report.error for report in reports] == ["500", ""]
    assert scene.store.values("n1.example.com") == [A]


def test_a_list_that_is_too_short_withholds_withdrawals_until_a_second_one_agrees() -> None:
    others = [f"mail A 203.0.113.{n}" for n in range(4)]
    scene = stage(*at(A, B, C), *others, A=UP, B=UP, C=UP)
    scene.run(pool(A))
    scene.keep(A, B, C)  # three of seven
    scene.health[B] = DOWN
    report = scene.run(pool(A))
    assert (report.plan.holds, report.again_at) == ((Hold.STALE_VIEW,), START + 1.0)
    assert scene.published == [A, B, C]
    scene.run(pool(A))
    assert scene.published == [A, C]


def test_a_list_that_is_too_short_withholds_no_create() -> None:
    scene = stage(*at(A, B, C), A=UP, B=UP, C=UP)
    scene.run(pool(A))
    scene.keep(B)
    scene.run(pool(A))
    assert scene.published == [A, B]


def test_the_targets_of_a_doubtful_list_are_those_of_the_last_good_one_too() -> None:
    scene = stage(*at(A, B, C), A=UP, B=UP, C=UP)
    scene.run(pool(A))
    before = scene.keep(A)
    doubtful = scene.run(pool(A))
    assert doubtful.targets == (A, B, C)
    scene.store.zones["example.com"] = before
    assert scene.run(pool(A)).targets == (A, B, C)


# --- creates that fail ---------------------------------------------------------------------


def test_a_create_that_is_lost_but_done_is_settled_by_reading() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.lost["create"] = 1
    report = scene.run(pool(A))
    assert scene.calls == ["list A", f"create {A}", "list A"]
    assert errors(report) == [("create", A, "")]
    assert report.changes[0].record.id != ""
    assert scene.published == [A, B]


def test_a_create_that_is_lost_and_absent_is_an_api_error_and_waits() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.faults["create"].append(LOST)
    report = scene.run(pool(A))
    assert scene.calls == ["list A", f"create fails {A}", "list A"]
    assert errors(report) == [("create", A, "the answer was lost")]
    waiting = scene.run(pool(A))
    assert scene.calls == ["list A"]
    assert [o.reason for o in waiting.plan.omitted] == [Unpublished.API_ERROR]
    assert waiting.again_at == START + 1.0
    scene.now += 1.0
    scene.run(pool(A))
    assert scene.published == [A, B]


def test_a_conflict_with_what_is_there_already_is_no_error() -> None:
    scene = stage(*at(B), A=UP, B=UP)

    def somebody_is_faster(operation: str) -> None:
        if A not in scene.published:
            scene.store.add(f"@ A {A}")

    scene.provider.then = somebody_is_faster
    report = scene.run(pool(A))
    assert scene.calls == ["list A", f"create {A}", "list A"]
    assert errors(report) == [("create", A, "")]
    assert scene.published == [A, B]


def test_a_conflict_with_what_is_not_there_waits_ever_longer() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    waits = []
    for _ in range(4):
        scene.provider.faults["create"].append(Conflict("409"))
        report = scene.run(pool(A))
        assert errors(report) == [("create", A, "409")]
        waiting = scene.run(pool(A))
        assert [o.reason for o in waiting.plan.omitted] == [Unpublished.CONFLICT]
        assert waiting.again_at is not None
        waits.append(waiting.again_at - scene.now)
        scene.now = waiting.again_at
    assert waits == [1.0, 2.0, 4.0, 8.0]
    scene.run(pool(A))
    assert scene.published == [A, B]


def test_a_create_that_succeeded_forgets_the_refusals_before_it() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    for _ in range(3):
        scene.provider.faults["create"].append(BROKEN)
        scene.run(pool(A))
        scene.now += 300.0
    scene.run(pool(A))
    scene.keep(B)
    scene.provider.faults["create"].append(BROKEN)
    scene.run(pool(A))
    assert scene.run(pool(A)).again_at == scene.now + 1.0


def test_a_refused_create_waits_as_long_as_the_provider_asks() -> None:
    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.faults["create"].append(ProviderError(ApiReason.RATE_LIMITED, "429", 77.0))
    scene.run(pool(A))
    assert scene.run(pool(A)).again_at == START + 77.0


def test_one_create_that_fails_does_not_stop_the_others() -> None:
    scene = stage(A=UP, B=UP, C=UP)
    scene.provider.faults["create"].append(BROKEN)
    report = scene.run(witness(A, B, C))
    assert errors(report) == [("create", A, "500"), ("create", B, ""), ("create", C, "")]
    assert scene.published == [B, C]


def test_a_failing_create_does_not_stop_deletes_that_leave_enough() -> None:
    scene = stage(*at(B, C), A=UP, B=DOWN, C=UP)
    scene.provider.faults["create"].append(BROKEN)
    report = scene.run(pool(A))
    assert errors(report) == [("create", A, "500"), ("delete", B, "")]
    assert scene.published == [C]


def test_a_failing_create_withholds_deletes_that_would_leave_too_little() -> None:
    scene = stage(*at(B), A=UP, B=DOWN)
    scene.provider.faults["create"].append(BROKEN)
    report = scene.run(pool(A))
    assert report.plan.withheld[0].hold is Hold.MIN_RECORDS
    assert scene.published == [B]


# --- deletes that fail ---------------------------------------------------------------------


def test_a_delete_that_is_lost_but_done_is_settled_by_reading() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.provider.lost["delete"] = 1
    report = scene.run(pool(A))
    assert errors(report) == [("delete", B, "")]
    assert scene.published == [A]
    scene.health[C] = DOWN
    scene.store.add(f"@ A {C}")
    scene.run(pool(A))
    assert scene.published == [A]  # the way is open


def test_an_unsettled_delete_ends_the_withdrawal_and_closes_the_way_for_the_lease() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)
    scene.provider.faults["delete"].append(LOST)
    report = scene.run(pool(A))
    assert errors(report) == [("delete", B, "the answer was lost")]
    assert f"delete {C}" not in scene.calls
    for now in (START, START + 1.0, START + 59.9):
        scene.now = now
        waiting = scene.run(pool(A))
        assert scene.calls == ["list A"]
        assert waiting.plan.holds == (Hold.NO_LOCK,)
        assert waiting.again_at == max(now + 1.0, START + 60.0)
    scene.now = START + 60.0
    scene.run(pool(A))
    assert scene.published == [A, D]


def test_a_lost_delete_that_cannot_be_read_back_closes_the_way_too() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.provider.faults["delete"].append(LOST)
    scene.provider.faults["list"].extend([None, None, BROKEN])
    assert scene.run(pool(A)).error == "500"
    scene.health[B] = DOWN._replace(failed_at=scene.now)
    assert scene.run_twice(pool(A)).plan.holds == (Hold.NO_LOCK,)
    scene.now += 60.0
    scene.run(pool(A))
    assert scene.published == [A]


def test_a_withdrawal_that_cannot_be_read_back_closes_the_way() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=UP, D=UP)
    scene.provider.faults["list"].extend([None, None, BROKEN])
    report = scene.run(pool(A))
    assert (report.error, errors(report)) == ("500", [("delete", B, "")])
    scene.health[C] = DOWN._replace(failed_at=scene.now)
    assert scene.run_twice(pool(A)).plan.holds == (Hold.NO_LOCK,)


def test_a_delete_that_is_refused_is_settled_and_the_next_one_is_tried() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)
    scene.provider.faults["delete"].append(BROKEN)
    report = scene.run(pool(A))
    assert errors(report) == [("delete", B, "500"), ("delete", C, "")]
    assert scene.published == [A, B, D]


def test_a_refused_delete_is_tried_again_ever_more_slowly() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    asked = ProviderError(ApiReason.RATE_LIMITED, "429", retry_after=60.0)
    for fault, wait in ((BROKEN, 5.0), (BROKEN, 10.0), (asked, 60.0)):
        scene.provider.faults["delete"].append(fault)
        scene.run(pool(A))
        waiting = scene.run(pool(A))
        assert (waiting.plan.holds, waiting.again_at) == ((Hold.NO_LOCK,), scene.now + wait)
        assert scene.calls == ["list A"]
        scene.now += wait
    scene.run(pool(A))
    assert scene.published == [A]


def test_a_delete_is_not_sent_once_the_lock_is_too_old() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)

    def slow(operation: str) -> None:
        scene.now += 41.0 if operation == "delete" else 0.0

    scene.provider.then = slow
    report = scene.run(pool(A))
    assert errors(report) == [("delete", B, "")]
    assert scene.published == [A, C, D]


def test_the_read_that_a_delete_rests_on_is_made_under_the_lock() -> None:
    """Somebody else withdrew A between our first read and the lock: B must stay."""
    scene = stage(*at(A, B, C), A=UP, B=DOWN, C=UP)

    class Late(SingleWriter):
        async def take(self, pool: Pool) -> bool:
            scene.keep(B)
            return await super().take(pool)

    scene.cycle.lock = Late(TERMS, lambda: scene.now)
    report = scene.run(witness())
    assert not [call for call in scene.calls if call.startswith("delete")]
    assert set(report.plan.holds) <= {Hold.STALE_VIEW, Hold.MIN_RECORDS}
    assert scene.published == [B]


def test_a_verdict_that_changes_during_the_withdrawal_counts() -> None:
    """C recovers while B is being deleted."""
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)

    def recover(operation: str) -> None:
        if operation == "delete":
            key = TargetKey("p", C)
            scene.states[key] = scene.states[key]._replace(health=UP)

    scene.provider.then = recover
    scene.run(pool(A))
    assert scene.published == [A, C, D]


def test_one_that_stood_in_and_begins_to_fail_stops_the_rest_of_the_withdrawal() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=DOWN)

    def falter(operation: str) -> None:
        if operation == "delete":
            key = TargetKey("p", A)
            shaky = UP._replace(failures=1, successes=0, failing_since=scene.now)
            scene.states[key] = scene.states[key]._replace(health=shaky)

    scene.provider.then = falter
    scene.run(pool(A))
    assert scene.published == [A, C, D]


def test_no_more_than_half_is_withdrawn_in_one_cycle() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=DOWN)
    report = scene.run(pool(A))
    assert scene.published == [A, D]
    assert report.plan.withheld == (Withheld(report.records[1], Ground.DOWN, Hold.MAX_WITHDRAWALS),)
    assert report.again_at == START + 1.0
    scene.run(pool(A))
    assert scene.published == [A]


def test_duplicates_do_not_count_towards_what_one_cycle_may_withdraw() -> None:
    """B falls while a duplicate of A is being deleted."""
    scene = stage(*at(A, B, A), A=UP, B=UP)

    def fall(operation: str) -> None:
        scene.health[B] = DOWN if operation == "delete" else scene.health[B]

    scene.provider.then = fall
    report = scene.run(pool(A))
    assert errors(report) == [("delete", A, "")]
    assert [d.record.value for d in report.plan.deletes] == [B]
    assert report.again_at == START + 1.0


def test_withdrawals_in_one_zone_wait_for_an_unsettled_one_of_another_pool() -> None:
    scene = stage(*at(A, B), "www A 192.0.2.1", "www A 192.0.2.2", A=UP, B=DOWN)
    scene.provider.faults["delete"].append(LOST)
    pools = (pool(A), pool(A, name="q", records=("www.example.com",)))
    scene.run(*pools)
    assert scene.store.values("www.example.com") == [A, B]


# --- what is kept from one cycle to the next -------------------------------------------------


def test_while_warming_nothing_is_withdrawn_and_the_end_is_waited_for() -> None:
    scene = stage(*at(A, B, C), A=UP, B=DOWN)
    report = scene.run(pool(A))
    assert (report.warming, report.plan.holds) == (True, (Hold.UNKNOWN_HEALTH,))
    assert report.again_at is not None
    scene.now = report.again_at
    over = scene.run(pool(A))
    assert (over.warming, scene.published) == (False, [A, C])


def test_a_witness_puts_back_what_it_withdrew_once_it_is_up() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    assert scene.run(witness(own=(target(E),))).remembered == (B,)
    assert scene.published == [A]
    scene.health[B] = UP
    scene.run(witness(own=(target(E),)))
    assert scene.published == [A, B]


def test_a_member_leaves_that_to_the_peers_own_instance() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.run(pool(A))
    scene.health[B] = UP
    report = scene.run(pool(A))
    assert (scene.published, report.targets) == ([A], (A, B))


def test_what_somebody_took_out_while_it_was_up_is_forgotten() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(witness(own=(target(E),)))
    scene.store.zones["example.com"].popitem()
    report = scene.run(witness(own=(target(E),)))
    assert (scene.published, report.targets) == ([A], (A,))


def test_who_is_taken_out_while_up_is_probed_at_once_and_put_back_all_the_same() -> None:
    """Its own daemon may not have noticed yet that it is dead: with an interval of 180 s, long."""
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(pool(A))
    assert scene.asked == {}
    scene.keep(B)
    scene.now += 20.0
    scene.run(pool(A, mode=Mode.OBSERVE))  # else it is read once more after the create
    assert scene.asked == {A: scene.now}
    scene.run(pool(A))
    assert (scene.published, scene.asked) == ([A, B], {})


def test_a_list_in_doubt_asks_nobody() -> None:
    scene = stage(*at(A, B, C), A=UP, B=UP, C=UP)
    of = pool(A, listed=(A, B, C))
    scene.run(of)
    scene.keep(C)
    scene.run(of)
    assert scene.asked == {}


def test_references_that_all_fail_hold_withdrawals() -> None:
    reference = target("203.0.113.53")
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.health[reference.address] = DOWN
    of = pool(A, reference=(reference,))
    assert scene.run(of).plan.holds == (Hold.ISOLATED,)
    scene.health[reference.address] = UP
    assert scene.run(of).plan.holds == ()
    assert scene.published == [A]


def test_a_target_of_another_pool_vouches_for_us() -> None:
    """Ours last answered long ago; what began to fail since then may be our own fault."""
    stale = UP._replace(succeeded_at=10.0)
    scene = stage(*at(A, B), "www A 192.0.2.3", A=stale, B=DOWN, C=UP)
    assert scene.run(pool(A)).plan.holds == (Hold.ISOLATED,)
    scene.cycle.outlook.begin(pool(C, name="q", records=("www.example.com",)))
    assert scene.run(pool(A)).plan.holds == ()
    assert scene.published == [A]


def test_a_peer_that_is_put_back_is_probed_first_and_contested_if_it_is_still_down() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    assert scene.run(pool(A)).plan.holds == ()
    assert scene.published == [A]
    scene.store.add(f"@ A {B}")
    scene.now += 180.0
    report = scene.run(pool(A))
    assert (report.plan.holds, scene.published) == ((Hold.UNKNOWN_HEALTH,), [A, B])
    assert scene.asked == {B: scene.now}
    scene.now += 1.0
    scene.health[B] = DOWN._replace(failed_at=scene.now - 0.5)
    report = scene.run_twice(pool(A))
    assert (report.plan.holds, scene.published) == ((Hold.CONTESTED,), [A, B])
    assert report.again_at == scene.now + 600.0


def test_a_peer_that_is_put_back_and_answers_is_no_contest() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.run(pool(A))
    scene.store.add(f"@ A {B}")
    scene.run(pool(A))
    scene.health[B] = UP
    report = scene.run_twice(pool(A))
    assert (report.plan.holds, report.contests, scene.published) == ((), {}, [A, B])


def test_a_restraint_of_the_watch_delays_a_publication() -> None:
    scene = stage(*at(B, C), A=UP, B=UP, C=UP)
    scene.restrained[A] = START + 8.0
    report = scene.run(pool(A))
    assert [o.reason for o in report.plan.omitted] == [Unpublished.HOLD_DOWN]
    assert report.again_at == START + 8.0


def test_only_the_providers_errors_are_caught() -> None:
    """A bug ends the process; DNS stays as it is."""

    def bug(operation: str) -> None:
        raise ZeroDivisionError

    scene = stage(*at(B), A=UP, B=UP)
    scene.provider.then = bug
    with pytest.raises(ZeroDivisionError):
        scene.run(pool(A))


# --- what a cycle must not forget ---------------------------------------------------------


def test_a_witness_remembers_what_it_withdrew_even_if_it_is_up_by_the_next_read() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    observer = witness(own=(target(E),))
    scene.provider.faults["list"].extend([None, None, BROKEN])
    scene.run(observer)
    assert scene.published == [A]
    scene.health[B] = UP
    key = TargetKey("p", B)
    scene.states[key] = scene.states[key]._replace(health=UP)
    scene.now += 120.0
    scene.run(observer)
    assert scene.published == [A, B]


def test_a_dead_value_with_a_duplicate_goes_in_one_cycle() -> None:
    scene = stage(*at(A, B, B), A=UP, B=DOWN)
    scene.run(pool(A))
    assert scene.published == [A]


def test_a_create_that_was_made_is_told_even_if_the_next_one_cannot_be_settled() -> None:
    scene = stage(A=UP, B=UP)
    scene.provider.faults["create"].extend([None, LOST])
    scene.provider.faults["list"].extend([None, BROKEN])
    report = scene.run(witness(A, B))
    assert [(c.action, c.record.value, c.error) for c in report.changes] == [("create", A, "")]
    assert report.error == "500"


def test_after_an_unsettled_delete_the_report_shows_what_is_left() -> None:
    scene = stage(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)
    scene.provider.faults["delete"].extend([None, LOST])
    report = scene.run(pool(A))
    assert [r.value for r in report.records] == [A, C, D]


def test_a_steady_disagreement_is_bounded_and_ends_when_the_peer_is_really_dead() -> None:
    """Two days in which the peer puts its record back at once, whenever it is gone."""
    scene = stage(*at(A, B), A=UP, B=DOWN)
    deletes: list[float] = []
    for _ in range(2 * 86400 // 60):
        scene.health[B] = DOWN._replace(failed_at=scene.now)
        report = scene.run(pool(A))
        deletes += [scene.now] * sum(c.action == "delete" for c in report.changes)
        if B not in scene.published:
            scene.store.add(f"@ A {B}")
        scene.now += 60.0
    days = [sum(day <= (at - START) / 86400 < day + 1 for at in deletes) for day in (0, 1)]
    assert days == [9, 4]
    scene.now += restraint.CONTESTED_CAP
    scene.health[B] = DOWN._replace(failed_at=scene.now)
    scene.run(pool(A))
    assert scene.published == [A]


# --- gaps: a set that was not empty and is ---------------------------------------------------

SET_A = RecordSetKey(NAME, RecordType.A)


def test_a_set_that_somebody_emptied_is_a_gap_once_and_is_refilled() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    observer = witness(A, B)
    assert scene.run(observer).gaps == ()
    scene.keep()
    report = scene.run(observer)
    assert report.gaps == (SET_A,)
    assert [(c.record.value, c.refills) for c in report.changes] == [(A, True), (B, True)]
    assert scene.published == [A, B]
    later = scene.run(observer)
    assert (later.gaps, later.changes) == ((), ())


def test_a_gap_that_cannot_be_refilled_is_counted_once_and_the_refill_when_it_comes() -> None:
    scene = stage(*at(A), A=UP)
    scene.run(pool(A))
    scene.keep()
    scene.provider.faults["create"].append(BROKEN)
    assert scene.run(pool(A)).gaps == (SET_A,)
    scene.now += 300.0
    report = scene.run(pool(A))
    assert report.gaps == ()
    assert [c.refills for c in report.changes] == [True]


def test_a_set_that_never_had_anything_is_no_gap() -> None:
    scene = stage(A=UP)
    report = scene.run(pool(A))
    assert report.gaps == ()
    assert [c.refills for c in report.changes] == [False]


def test_what_we_withdrew_ourselves_is_no_gap() -> None:
    """Somebody else takes the last one out between our delete and our look: that is one."""
    scene = stage(*at(A, B), A=UP, B=DOWN)
    assert scene.run(pool(A)).gaps == ()
    assert scene.run(pool(A)).gaps == ()
    scene.keep()
    assert scene.run(pool(A)).gaps == (SET_A,)


def test_only_the_set_that_was_emptied_is_a_gap() -> None:
    scene = stage(*at(A, V6), A=UP, V6=UP)
    scene.run(pool(A, V6))
    scene.keep(A)
    assert scene.run(pool(A, V6)).gaps == (RecordSetKey(NAME, RecordType.AAAA),)


def test_a_family_that_a_reload_took_from_the_pool_is_no_gap() -> None:
    scene = stage(*at(A, V6), A=UP, V6=UP)
    scene.run(pool(A, V6))
    assert scene.run(pool(A)).gaps == ()
    assert scene.run(pool(A)).gaps == ()


def test_a_pool_that_is_forgotten_leaves_no_gap_to_its_successor() -> None:
    scene = stage(*at(A), A=UP)
    scene.run(pool(A))
    scene.keep()
    scene.provider.faults["list"].extend([None, BROKEN])
    scene.cycle.outlook.lists.reread()
    asyncio.run(scene.cycle.outlook.look(pool(A)))  # found, and not yet told
    scene.cycle.forget(pool(A))
    assert scene.run(pool(A)).gaps == ()


def test_a_conflict_reveals_a_list_that_lied_and_nothing_is_refilled() -> None:
    scene = stage(*at(A), A=UP)
    scene.run(pool(A))
    hidden = scene.keep()

    def reappear(operation: str) -> None:
        scene.store.zones["example.com"] = dict(hidden)

    scene.provider.then = reappear
    report = scene.run(pool(A))
    assert scene.calls == ["list A", f"create {A}", "list A"]
    assert (report.gaps, errors(report)) == ((SET_A,), [("create", A, "")])
    assert [c.refills for c in report.changes] == [False]
    assert report.error == ""


# --- under the lock -------------------------------------------------------------------------


class Witnessed(SingleWriter):
    """A lock that does something when it is taken, and notes what was asked under it."""

    def __init__(self, scene: Stage, act: Callable[[], object] = lambda: None) -> None:
        super().__init__(TERMS, lambda: scene.now)
        self.scene, self.act = scene, act
        self.under: list[str] = []
        self.from_call = 0

    async def take(self, pool: Pool) -> bool:
        self.act()
        taken = await super().take(pool)
        self.from_call = len(self.scene.store.calls)
        return taken

    async def release(self, pool: Pool, *, settled: bool) -> None:
        self.under = self.scene.calls[self.from_call :]
        await super().release(pool, settled=settled)


def test_what_is_missing_under_the_lock_is_created_before_anything_is_deleted() -> None:
    """Somebody takes our record out between the first look and the lock."""
    scene = stage(*at(A, B, C), A=UP, B=DOWN, C=UP)
    scene.cycle.lock = lock = Witnessed(scene, lambda: scene.keep(B, C))
    scene.run(pool(A))
    assert lock.under == ["list A", f"create {A}", "list A", f"delete {B}", "list A"]
    assert scene.published == [A, C]


def test_a_create_that_fails_under_the_lock_withholds_the_deletes_that_need_it() -> None:
    scene = stage(*at(A, B), A=UP, B=DOWN)
    scene.cycle.lock = lock = Witnessed(scene, lambda: scene.keep(B))
    scene.provider.faults["create"].append(BROKEN)
    report = scene.run(pool(A))
    assert lock.under == ["list A", f"create fails {A}"]
    assert scene.published == [B]
    assert report.plan.holds


def test_a_list_back_that_shows_our_own_missing_puts_it_back_under_the_lock() -> None:
    """Clause 10: it heals what a broken assumption did."""
    scene = stage(*at(A, B, C), A=UP, B=DOWN, C=UP)
    scene.cycle.lock = lock = Witnessed(scene)

    def take_ours(operation: str) -> None:
        if operation == "delete":
            scene.keep(C)

    scene.provider.then = take_ours
    report = scene.run(pool(A))
    assert lock.under[-3:] == ["list A", f"create {A}", "list A"]
    assert scene.published == [A, C]
    assert report.in_sync(SET_A)


# --- compare and swap -----------------------------------------------------------------------


class Swapper(Provider):
    """A provider that can compare and swap, as strict as the other one."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._swapping = Swapping(store)

    @property
    def exchange(self) -> Exchange | None:
        return self

    async def delete_records(
        self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]
    ) -> None:
        await asyncio.sleep(0)
        self._begin("exchange", gone)
        self._swapping.delete_records(zone, seen, gone)
        self.then("exchange")


def swapping(*records: str, store: Store | None = None, **health: HealthState) -> Stage:
    """As `stage`, with a provider that can compare and swap, and a lock that nobody may take."""
    scene = stage(*records, **health)
    scene.store = store or scene.store
    scene.cycle.provider = scene.provider = Swapper(scene.store)

    class Untouched(SingleWriter):
        async def take(self, pool: Pool) -> bool:
            raise AssertionError("no lock is needed")

    scene.cycle.lock = Untouched(TERMS, lambda: scene.now)
    return scene


def test_who_can_compare_and_swap_withdraws_in_one_step_per_set_and_without_a_lock() -> None:
    scene = swapping(*at(A, B, C, D), A=UP, B=DOWN, C=DOWN, D=UP)
    report = scene.run(pool(A))
    assert [c.split()[0] for c in scene.calls] == ["list", "exchange", "list"]
    assert errors(report) == [("delete", B, ""), ("delete", C, "")]
    assert scene.published == [A, D]
    assert report.in_sync(SET_A)


def test_each_record_set_is_swapped_by_itself() -> None:
    other = "2001:db8::2"
    scene = swapping(*at(A, B, V6, other), A=UP, B=DOWN, V6=UP)
    scene.health[other] = DOWN
    scene.run(pool(A, V6))
    assert scene.calls.count("exchange ") == 2
    assert scene.published == [A]
    assert scene.store.values(NAME, RecordType.AAAA) == [V6]


def test_creates_come_first_here_too() -> None:
    scene = swapping(*at(B), A=UP, B=DOWN)
    scene.run(pool(A))
    assert scene.calls == ["list A", f"create {A}", "list A", "exchange ", "list A"]
    assert scene.published == [A]


def test_who_else_has_written_makes_it_fail_with_nothing_done_and_no_error() -> None:
    """A peer withdraws A after our look: with B gone, too, the name would be empty."""
    scene = swapping(*at(A, B), A=UP, B=DOWN)

    def somebody(operation: str) -> None:
        scene.provider.then = lambda _: None
        scene.keep(B)

    scene.provider.then = somebody
    report = scene.run(witness())
    assert (errors(report), report.error) == ([], "")
    assert (scene.published, report.plan.deletes) == ([B], ())


def test_after_a_conflict_the_next_cycle_does_it() -> None:
    scene = swapping(*at(A, B), A=UP, B=DOWN, C=UP)
    scene.provider.faults["exchange"].append(Conflict("somebody has written"))
    report = scene.run(pool(A))
    assert (errors(report), scene.published) == ([], [A, B])
    assert report.again_at == scene.now + 1.0
    scene.run(pool(A))
    assert scene.published == [A]


def test_a_lost_answer_of_an_exchange_is_settled_by_reading() -> None:
    scene = swapping(*at(A, B), A=UP, B=DOWN)
    scene.provider.lost["exchange"] = 1
    report = scene.run(pool(A))
    assert errors(report) == [("delete", B, "")]
    assert scene.published == [A]
    again = swapping(*at(A, B), A=UP, B=DOWN)
    again.provider.faults["exchange"].append(LOST)
    report = again.run(pool(A))
    assert errors(report) == [("delete", B, "the answer was lost")]
    assert again.published == [A, B]
    again.run(pool(A))
    assert again.published == [A]


def test_a_refused_exchange_waits_as_a_refused_delete_does() -> None:
    scene = swapping(*at(A, B), A=UP, B=DOWN)
    scene.provider.faults["exchange"].append(BROKEN)
    assert errors(scene.run(pool(A))) == [("delete", B, "500")]
    waiting = scene.run(pool(A))
    assert (waiting.plan.holds, waiting.again_at) == ((Hold.NO_LOCK,), START + 5.0)
    scene.now += 5.0
    scene.run(pool(A))
    assert scene.published == [A]


def test_who_came_back_while_another_set_was_swapped_keeps_its_record() -> None:
    scene = swapping(*at(A, B), "@ AAAA 2001:db8::2", "@ AAAA 2001:db8::1", A=UP, B=DOWN, V6=UP)
    other = "2001:db8::2"
    scene.health[other] = DOWN

    def recover(operation: str) -> None:
        if operation == "exchange":
            key = TargetKey("p", other)
            scene.states[key] = scene.states[key]._replace(health=UP)
            scene.health[other] = UP

    scene.provider.then = recover
    scene.run(pool(A, V6))
    assert scene.published == [A]
    assert scene.store.values(NAME, RecordType.AAAA) == [V6, other]


def test_two_writers_that_hold_each_other_for_dead_never_empty_the_name() -> None:
    """The trace that needs a lock where there is no compare and swap: both plan, both delete."""
    one = swapping(*at(A, B), A=UP, B=DOWN)
    two = swapping(store=one.store, A=DOWN, B=UP)
    emptied: list[list[str]] = []

    def look(operation: str) -> None:
        if not one.published:
            emptied.append(one.published)

    one.provider.then = two.provider.then = look

    async def both() -> None:
        for _ in range(20):
            await asyncio.gather(one.cycle.run([pool(A)]), two.cycle.run([pool(B)]))
            one.now += 200.0
            two.now += 200.0

    asyncio.run(both())
    assert emptied == []
    done = [operation for operation, _ in one.store.calls]
    assert "exchange" in done


# --- drained and retired --------------------------------------------------------------------


def drained(scene: Stage, of: Pool, address: str, seconds: float = 3600.0) -> None:
    scene.cycle.outlook.drain(of, address, Drain(scene.now, scene.now + seconds))


def fight(scene: Stage, of: Pool, address: str, cycles: int) -> int:
    """Somebody puts ``address`` back as often as we take it out; how often we did."""
    deletes = 0
    for _ in range(cycles):
        report = scene.run(of)
        deletes += sum(c.action == "delete" and not c.error for c in report.changes)
        if address not in scene.published:
            scene.store.add(f"@ A {address}")
        scene.now += 30.0
    return deletes


def test_a_drained_address_that_somebody_puts_back_is_contested() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(pool(A))
    drained(scene, pool(A), B)
    assert fight(scene, pool(A), B, 15) == 1
    assert scene.run(pool(A)).plan.holds == (Hold.CONTESTED,)


def test_a_retired_address_that_somebody_puts_back_is_contested() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    of = pool(A, retired=(B,))
    assert fight(scene, of, B, 15) == 1
    assert scene.run(of).plan.holds == (Hold.CONTESTED,)


def test_a_contest_about_a_drain_ends_with_it() -> None:
    """Else a real failure within the next ten minutes would be left in the zone."""
    for end in ("undrain", "expiry"):
        scene = stage(*at(A, B), A=UP, B=UP)
        scene.run(pool(A))
        drained(scene, pool(A), B)
        fight(scene, pool(A), B, 4)
        if end == "undrain":
            scene.cycle.outlook.drain(pool(A), B, None)
        else:
            drained(scene, pool(A), B, 1.0)
            scene.now += 1.0
        assert scene.run(pool(A)).contests == {}
        scene.health[B] = DOWN
        scene.run_twice(pool(A))
        assert scene.published == [A]


def test_what_we_publish_ourselves_is_no_return_and_contests_nothing() -> None:
    """Nobody else is up, so the drained address comes back, until there is another one."""
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(pool(A))
    drained(scene, pool(A), A)
    scene.run(pool(A))
    assert scene.published == [B]
    scene.health[B] = DOWN
    scene.run_twice(pool(A))
    assert A in scene.published
    scene.health[B] = UP
    if B not in scene.published:
        scene.store.add(f"@ A {B}")
    report = scene.run_twice(pool(A))
    assert report.contests == {}
    assert scene.published == [B]


def test_a_drained_address_goes_even_if_it_never_answered_from_here() -> None:
    """An operator's word: `own_unproven` is a doubt about our own judgement."""
    never = HealthState(Health.DOWN, failures=3, failing_since=900.0)
    scene = stage(*at(A, B), A=never, B=UP)
    assert scene.run(pool(A)).plan.holds == (Hold.OWN_UNPROVEN,)
    drained(scene, pool(A), A)
    report = scene.run(pool(A))
    assert [c.ground for c in report.changes] == [Ground.DRAINED]
    assert scene.published == [B]


def test_of_two_drained_ones_the_dead_one_goes_when_nobody_else_is_left() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    scene.run(pool(A))
    drained(scene, pool(A), A)
    drained(scene, pool(A), B)
    scene.health[B] = DOWN
    scene.run_twice(pool(A))
    assert scene.published == [A]


def test_what_is_kept_of_those_not_probed_yet_is_not_lost_by_a_save() -> None:
    """The API is down at the start: who is in the zone is not known, and not forgotten."""
    scene = stage(*at(A, B), A=UNKNOWN, B=UNKNOWN)
    soon = Restraint((START - 1.0,), 1, START + 60.0)
    kept = Kept(restraints={B: soon}, proven=frozenset({target(A).probe.label}))
    scene.cycle.outlook.restore(pool(A), kept)
    scene.cycle.outlook.begin(pool(A))
    scene.provider.faults["list"].append(BROKEN)
    scene.run(pool(A))
    assert scene.cycle.outlook.kept([pool(A)]) == [(pool(A), kept)]


def test_a_witness_puts_back_whom_it_drained_even_if_that_ended_before_the_next_read() -> None:
    scene = stage(*at(A, B), A=UP, B=UP)
    observer = witness(own=(target(E),))
    scene.run(observer)
    drained(scene, observer, B)
    scene.provider.faults["list"].extend([None, None, BROKEN])
    scene.run(observer)
    assert scene.published == [A]
    scene.cycle.outlook.drain(observer, B, None)
    scene.now += 120.0
    scene.run(observer)
    assert scene.published == [A, B]
