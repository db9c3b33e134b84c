"""Who keeps a place when all are taken, and who is cut for being late."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dnsbalancer_exporter.export.places import CONNECTION_SECONDS, PLACES, Places, Visit, fitting


class Room:
    """Places with a clock that is set by hand, and clients with real sockets.

    Whoever is cut leaves before the next one comes, unless ``deaf``.
    """

    def __init__(self, places: int, resources: ExitStack) -> None:
        self.now = 0.0
        self.deaf = False
        self.places = Places(places, lambda: self.now)
        self._resources = resources
        self._clients: dict[Visit, socket.socket] = {}

    def come(self, address: str) -> Visit | None:
        """A client connects, a second after the last one."""
        self.now += 1
        for gone in [v for v in self._clients if v.rejected and not self.deaf]:
            self.places.leave(gone)
        ours, theirs = (self._resources.enter_context(s) for s in socket.socketpair())
        visit = self.places.enter(ours, address)
        if visit:
            self._clients[visit] = theirs
        return visit

    def enter(self, address: str) -> Visit:
        visit = self.come(address)
        assert visit
        return visit

    def is_cut(self, visit: Visit) -> bool:
        """Whether its client sees the end of the stream."""
        client = self._clients[visit]
        client.setblocking(False)
        try:
            return client.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def room() -> Iterator[Room]:
    with ExitStack() as resources:
        yield Room(3, resources)


def test_the_one_that_waits_longest_makes_room(room: Room) -> None:
    first, second, third = (room.enter("a") for _ in range(3))
    newcomer = room.enter("a")
    assert (room.is_cut(first), first.rejected) == (True, "limit")
    assert not any(room.is_cut(visit) for visit in (second, third, newcomer))


def test_an_address_drives_out_its_own_and_nobody_else(room: Room) -> None:
    scrape = room.enter("prometheus")
    crowd = [room.enter("crowd") for _ in range(20)]
    assert not room.is_cut(scrape)
    assert [room.is_cut(visit) for visit in crowd] == [True] * 18 + [False] * 2


def test_a_newcomer_is_let_in_past_a_crowd_of_another_address(room: Room) -> None:
    crowd = [room.enter("crowd") for _ in range(3)]
    scrape = room.enter("prometheus")
    assert not room.is_cut(scrape)
    assert crowd[0].rejected == "limit"


def test_who_is_being_answered_keeps_the_place(room: Room) -> None:
    first, second, third = (room.enter("a") for _ in range(3))
    first.waiting_since = None
    room.enter("a")
    assert not room.is_cut(first)
    assert room.is_cut(second)
    third.waiting_since = room.now + 1  # its answer is on the way
    room.enter("a")
    assert not room.is_cut(third)


def test_a_newcomer_is_refused_when_all_are_being_answered(room: Room) -> None:
    for _ in range(3):
        room.enter("a").waiting_since = None
    assert room.come("b") is None


def test_who_does_not_notice_that_he_was_cut_does_not_multiply(room: Room) -> None:
    room.deaf = True
    visits = [room.enter("a") for _ in range(6)]
    assert room.come("a") is None
    room.places.leave(visits[0])
    assert room.come("a")


def test_a_place_that_was_left_is_free(room: Room) -> None:
    visits = [room.enter("a") for _ in range(3)]
    room.places.leave(visits[1])
    room.enter("a")
    assert not any(visit.rejected for visit in visits)


def test_who_lasts_too_long_is_cut_whatever_he_does(room: Room) -> None:
    idle, busy = room.enter("a"), room.enter("a")
    busy.waiting_since = None
    room.now += CONNECTION_SECONDS - 1
    young = room.enter("a")
    room.places.cut_late()
    assert [v.rejected for v in (idle, busy, young)] == ["timeout", "", ""]
    room.now += 1
    room.places.cut_late()
    assert [v.rejected for v in (idle, busy, young)] == ["timeout", "timeout", ""]
    assert room.is_cut(busy)
    assert not room.is_cut(young)


@pytest.mark.parametrize(
    ("descriptors", "places"), [(2**63 - 1, PLACES), (1024, 256), (256, 64), (8, 4)]
)
def test_a_process_of_few_descriptors_has_few_places(descriptors: int, places: int) -> None:
    assert fitting(descriptors) == places
