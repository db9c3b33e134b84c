"""Saving beside everything else: on a good disk, a broken one, and one that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from dnsbalancer_exporter import keeper, state
from dnsbalancer_exporter.keeper import Keeper
from dnsbalancer_exporter.model import Drain, Kept, Pool, ProbeSpec, Protocol
from dnsbalancer_exporter.state import Document

PATIENCE = 20.0
"""After so many seconds a test is held to hang."""


class Disk:
    """A disk on which a write can hang, or fail. ``written`` is what it was given, in order."""

    def __init__(self) -> None:
        self.written: list[Document] = []
        self.begun = 0
        self.failures: list[OSError] = []
        self.works = threading.Event()
        self.works.set()

    def write(self, folder: str, document: Document) -> None:
        self.begun += 1
        assert self.works.wait(PATIENCE)
        if self.failures:
            raise self.failures.pop(0)
        self.written.append(document)


class Scene:
    """A keeper, what it is to keep, and what it told."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.now: Document = {"version": 1}
        self.told: list[str] = []
        self.keeper = Keeper(lambda: ("/state", dict(self.now)), self.told.append, disk.write)

    def change(self, number: int) -> None:
        self.now = {"version": number}
        self.keeper.changed()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.ensure_future(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def until(condition: Callable[[], object]) -> None:
    """Wait for ``condition``; the deadline is there against hanging."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while not condition():
        assert loop.time() < end
        await asyncio.sleep(0.005)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.works.set()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that gives up, and tries again, at once."""
    monkeypatch.setattr(keeper, "SECONDS", 0.05)
    monkeypatch.setattr(keeper, "AGAIN_SECONDS", 0.01)


def play(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


def test_what_has_not_changed_is_written_once(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        assert await scene.keeper.save() == ""
        assert await scene.keeper.save() == ""
        assert disk.written == [{"version": 1}]
        scene.change(2)
        assert await scene.keeper.save() == ""
        assert disk.written == [{"version": 1}, {"version": 2}]

    play(story)


def test_it_saves_when_it_is_told_of_a_change(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        async with scene.running():
            scene.change(2)
            await until(lambda: disk.written == [{"version": 2}])
            scene.change(3)
            await until(lambda: disk.written[1:] == [{"version": 3}])

    play(story)


@pytest.mark.usefixtures("hasty")
def test_a_save_that_failed_is_told_and_tried_again(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/state/.state.json-abc")
        disk.failures = [full, full]
        async with scene.running():
            scene.change(2)
            await until(lambda: scene.told[-1:] == [""])
        # The text is the same each time: it is logged once.
        assert scene.told == ["/state: No space left on device"] * 2 + [""]
        assert disk.written == [{"version": 2}]

    play(story)


def test_whoever_asks_hears_why_it_failed(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        disk.failures = [OSError("another daemon keeps its state there")]
        assert await scene.keeper.save() == "/state: another daemon keeps its state there"

    play(story)


def test_a_change_while_a_save_is_in_flight_is_not_lost(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        disk.works.clear()
        async with scene.running():
            scene.change(2)
            await until(lambda: disk.begun)
            scene.change(3)
            disk.works.set()
            await until(lambda: disk.written[-1:] == [{"version": 3}])
        assert disk.written == [{"version": 2}, {"version": 3}]

    play(story)


def test_of_many_saves_at_once_the_last_one_written_is_the_newest(disk: Disk) -> None:
    """Two threads could end in the wrong order, and the older state would stay on the disk."""

    async def story() -> None:
        scene = Scene(disk)
        disk.works.clear()
        saves = []
        for number in range(5):
            scene.change(number)
            saves.append(asyncio.ensure_future(scene.keeper.save()))
            await asyncio.sleep(0)
        await until(lambda: disk.begun)
        await asyncio.sleep(0.05)
        assert disk.begun == 1
        disk.works.set()
        assert await asyncio.gather(*saves) == [""] * 5
        assert disk.written == [{"version": 0}, {"version": 4}]

    play(story)


@pytest.mark.usefixtures("hasty")
def test_a_disk_that_hangs_hangs_one_thread_however_often_it_is_tried(disk: Disk) -> None:
    async def story() -> None:
        scene = Scene(disk)
        disk.works.clear()
        async with scene.running():
            scene.change(2)
            await until(lambda: len(scene.told) >= 4)
            assert disk.begun == 1
            assert set(scene.told) == {f"/state: {keeper.LATE}"}
            scene.change(3)
            disk.works.set()
            await until(lambda: scene.told[-1] == "")
        assert disk.written == [{"version": 2}, {"version": 3}]

    play(story)


def test_a_save_that_nobody_waits_for_any_more_is_before_the_next_one(disk: Disk) -> None:
    """The end of the daemon: the save in flight is given up, and one last is made."""

    async def story() -> None:
        scene = Scene(disk)
        disk.works.clear()
        async with scene.running():
            scene.change(2)
            await until(lambda: disk.begun)
        scene.change(3)
        last = asyncio.ensure_future(scene.keeper.save())
        await asyncio.sleep(0.05)
        assert disk.begun == 1
        disk.works.set()
        assert await last == ""
        assert disk.written == [{"version": 2}, {"version": 3}]

    play(story)


def test_a_bug_is_not_taken_for_a_full_disk() -> None:
    async def story() -> None:
        def bug(folder: str, document: Document) -> None:
            raise ZeroDivisionError

        broken = Keeper(lambda: ("/state", {}), lambda _: None, bug)
        with pytest.raises(ZeroDivisionError):
            await broken.save()

    play(story)


# --- loading ------------------------------------------------------------------------------

POOL = Pool(
    "p",
    "example.com",
    ("example.com",),
    member=True,
    own=(),
    probe=ProbeSpec(Protocol.TCP, "192.0.2.1", 80, 2.0),
)


def test_what_is_in_the_file_is_loaded(tmp_path: Path) -> None:
    async def story() -> None:
        kept = Kept(drains={"192.0.2.1": Drain(5.0, 95.0)})
        state.write(str(tmp_path), state.to_document([(POOL, kept)], 1e9))
        assert await keeper.load(str(tmp_path), [POOL], 1e9, 50.0) == ({"p": kept}, "")

    play(story)


@pytest.mark.usefixtures("hasty")
def test_a_disk_that_hangs_at_the_start_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def hang(*_: object) -> None:
        goes_on.wait(PATIENCE)

    async def story() -> None:
        monkeypatch.setattr(os, "open", hang)
        kept, warning = await keeper.load(str(tmp_path), [POOL], 1e9, 50.0)
        assert kept == {}
        assert warning.endswith(keeper.LATE)

    try:
        play(story)
    finally:
        goes_on.set()
