"""What is written at the ballot, over the strict provider in memory."""

from __future__ import annotations

import asyncio

from dnsbalancer_exporter import quorum
from dnsbalancer_exporter.ballot import Ballot, Polls, slips
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.lists import Lists
from dnsbalancer_exporter.model import Create, Pool, ProbeSpec, Protocol, QuorumTerms, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.vote import Words
from tests.contract.memory import Memory, Store

A, B, C = (f"192.0.2.{n}" for n in range(1, 4))
NAME = "_dnsbalancer.example.com"
TERMS = QuorumTerms(A, 60.0)
POOL = Pool("p", "example.com", ("example.com",), True, (), ProbeSpec(Protocol.TCP, "", 80, 1.0))
BROKEN = ProviderError(ApiReason.SERVER_ERROR, "500")
LOST = AnswerLost(ApiReason.TIMEOUT, "lost")


class Scene:
    """One observer at its ballot."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = Store()
        self.memory = Memory(self.store)
        self.told: list[str] = []
        self.room = True
        self.since: dict[str, float] = {}
        self.ballot = self.begin()

    def begin(self) -> Ballot:
        self.ballot = Ballot(lambda: self, self._place, lambda: self.now)
        self.ballot.told = lambda _pool, event, _detail: self.told.append(event)
        return self.ballot

    async def _place(self) -> bool:
        return self.room

    async def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        return self.memory.list_records(zone, type, budget)

    async def create_record(self, zone: str, create: Create) -> Record:
        return self.memory.create_record(zone, create)

    async def delete_record(self, zone: str, record: Record) -> None:
        self.memory.delete_record(zone, record)

    def agree(self, words: Words | None, after: float = 0.0) -> bool:
        """Some seconds later, read the ballot and have our vote say this."""
        self.now += after
        found = self.memory.list_records("example.com", RecordType.TXT, 1.0)
        there = slips([r for r in found if r.name == NAME], self.since, self.now)
        return asyncio.run(self.ballot.agree(POOL, TERMS, there, words))

    @property
    def votes(self) -> list[str]:
        return self.store.values(NAME, RecordType.TXT)


def line(seq: int, *down: str, observer: str = A) -> str:
    return f"v=1 observer={observer} seq={seq}" + (f" down={','.join(down)}" if down else "")


def test_a_vote_is_written_renewed_changed_and_taken_back() -> None:
    scene = Scene()
    scene.agree(Words((B,)))
    assert scene.votes == [line(1, B)]
    scene.agree(Words((B,)), after=19.0)
    assert scene.votes == [line(1, B)]
    scene.agree(Words((B,)), after=1.0)
    assert scene.votes == [line(2, B)]
    scene.agree(Words((B, C)), after=5.0)
    assert scene.votes == [line(3, B, C)]
    scene.agree(None, after=1.0)
    assert scene.votes == []
    assert scene.told == ["cast", "cast", "cast", "taken_back"]


def test_the_next_vote_is_there_before_the_old_one_goes() -> None:
    scene = Scene()
    scene.agree(Words((B,)))
    scene.agree(Words((C,)), after=20.0)
    assert [operation for operation, _ in scene.store.calls if operation != "list"] == [
        "create",
        "create",
        "delete",
    ]


def test_however_often_it_changes_a_vote_is_written_twelve_times_in_a_lease() -> None:
    scene = Scene()
    for second in range(600):
        scene.agree(Words((B,) if second % 2 else (C,)), after=1.0)
    assert scene.told.count("cast") <= 120


def test_a_write_that_fails_is_tried_again_later_and_nothing_is_deleted() -> None:
    scene = Scene()
    scene.agree(Words((B,)))
    scene.store.failures.extend([None, BROKEN])
    scene.agree(Words((C,)), after=20.0)
    assert scene.votes == [line(1, B)]
    scene.agree(Words((C,)), after=1.0)
    assert scene.votes == [line(1, B)]
    scene.agree(Words((C,)), after=4.0)
    assert scene.votes == [line(3, C)]
    assert scene.told == ["cast", "failed", "cast"]


def test_a_vote_whose_answer_was_lost_is_found_by_the_next_read() -> None:
    scene = Scene()
    scene.store.lost = 1
    scene.agree(Words((B,)))
    assert scene.votes == [line(1, B)]
    scene.agree(Words((B,)), after=1.0)
    assert scene.votes == [line(1, B)]
    assert "shared" not in scene.told


def test_after_a_restart_it_goes_on_from_the_number_that_is_there_and_keeps_one() -> None:
    scene = Scene()
    for seq in (7, 8):
        scene.store.add(f"_dnsbalancer TXT {line(seq, C)}")
    scene.agree(Words((B,)))
    assert scene.votes == [line(9, B)]
    assert scene.told == ["cast"]


def test_a_twin_is_outbid_and_told_of_when_it_keeps_happening() -> None:
    scene = Scene()
    for twin in (10, 20, 30):
        scene.store.add(f"_dnsbalancer TXT {line(twin, C)}")
        scene.agree(Words((B,)), after=20.0)
    assert scene.votes == [line(31, B)]
    assert scene.told.count("shared") == 1


def test_without_a_place_nothing_is_written() -> None:
    scene = Scene()
    scene.room = False
    assert scene.agree(Words((B,))) is True
    assert scene.votes == []


def test_what_nobody_renews_for_ten_leases_is_deleted_and_nothing_else() -> None:
    scene = Scene()
    scene.store.add(f"_dnsbalancer TXT {line(3, C, observer=B)}")
    scene.store.add("_dnsbalancer TXT hello")
    scene.agree(None)
    scene.agree(None, after=599.0)
    assert len(scene.votes) == 2
    scene.agree(None, after=1.0)
    assert scene.votes == ["hello"]
    assert scene.told == ["tidied"]


def test_a_vote_that_is_renewed_is_another_record_each_time_and_stays() -> None:
    scene = Scene()
    for seq in range(1, 40):
        old = list(scene.store.zones["example.com"].values())
        scene.store.add(f"_dnsbalancer TXT {line(seq, C, observer=B)}")
        for record in old:
            del scene.store.zones["example.com"][record.id]
        scene.agree(None, after=20.0)
    assert scene.votes == [line(39, C, observer=B)]


def test_a_vote_that_is_cut_is_told_of_once() -> None:
    scene = Scene()
    many = Words(tuple(f"2001:db8::{n:x}" for n in range(1, 60)))
    scene.agree(many)
    scene.agree(many, after=20.0)
    assert len(scene.votes) == 1
    assert "cut=" in scene.votes[0]
    assert scene.told == ["cast", "cut", "cast"]
    scene.agree(many, after=10.0)
    assert scene.told == ["cast", "cut", "cast"]


def test_a_ballot_that_cannot_be_read_leaves_what_was_known_and_says_why() -> None:
    scene = Scene()

    async def read(zone: str, type_: RecordType) -> tuple[Record, ...]:
        return scene.memory.list_records(zone, type_, 1.0)

    lists = Lists(read, lambda: scene.now)
    polls = Polls(lists)
    scene.store.add(f"_dnsbalancer TXT {line(3, C, observer=B)}")
    asyncio.run(polls.read(POOL, TERMS))
    before = polls.poll(POOL)
    scene.store.failures.append(BROKEN)
    lists.reread()
    asyncio.run(polls.read(POOL, TERMS))
    assert (polls.poll(POOL).sightings, polls.poll(POOL).problem) == (before.sightings, "500")
    lists.reread()
    asyncio.run(polls.read(POOL, TERMS))
    assert polls.poll(POOL).problem == ""
    assert quorum.says(polls.poll(POOL), TERMS, Words()) == Words()
