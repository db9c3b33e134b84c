"""The watched files of targets: real files in a real folder, and looks in quick succession."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from dnsbalancer_exporter import startup
from dnsbalancer_exporter.config import Config
from dnsbalancer_exporter.inventory import HANGS, Inventories, Look, look
from tests.unit.config.samples import changed

OLD = tuple(f"213.213.213.{n}" for n in range(1, 11))
NEW = (*OLD, "213.213.213.99")
PERIOD = 0.005
LOOKS = 40
"""Periods after which, if nothing has happened, nothing will."""


class Scene:
    """A witness with a file of ten targets; ``taken`` are the lists that were taken from it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "targets.json"
        self.write(OLD)
        config = folder / "config.yaml"
        witness = changed("own_ip", "is_self_maintenance: false", "targets_file: targets.json")
        config.write_text(witness)
        self.config = startup.load(str(config), {})
        self.taken: list[tuple[str, ...]] = []
        self.told: list[tuple[str, int]] = []
        self.inventories = Inventories(lambda: 5.0, self._take, self._tell, PERIOD)
        self.inventories.begin(self.config)

    def _take(self, config: Config) -> None:
        self.taken.append(tuple(target.address for target in config.pools[0].listed))

    def _tell(self, path: str, problem: str, targets: int) -> None:
        assert path == str(self.file)
        self.told.append((problem, targets))

    def write(self, addresses: Iterable[str]) -> None:
        """As a good generator does: elsewhere, and renamed."""
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(list(addresses)))
        new.replace(self.file)

    @property
    def problem(self) -> str:
        return self.inventories.found[str(self.file)].problem

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110 - what it waits for is a file's
            await asyncio.sleep(PERIOD)

    async def looks(self) -> None:
        await asyncio.sleep(PERIOD * LOOKS)

    def play(self, story: Callable[[Scene], Awaitable[None]]) -> Scene:
        async def told() -> None:
            running = asyncio.ensure_future(self.inventories.run())
            try:
                await asyncio.wait_for(story(self), 30.0)
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

        asyncio.run(told())
        return self


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_does_not_change_is_no_news(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        await scene.looks()
        os.utime(scene.file)
        await scene.looks()

    assert (scene.play(story).taken, scene.told) == ([], [])


def test_a_new_list_is_taken_and_told_once(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        scene.write(NEW)
        await scene.until(lambda: scene.taken)
        await scene.looks()

    assert scene.play(story).taken == [NEW]
    assert scene.told == [("", 11)]
    assert scene.inventories.found[str(scene.file)].targets == 11


def instead(file: Path, make: Callable[[Path], object]) -> None:
    file.unlink()
    make(file)


def to_zeros(file: Path) -> None:
    file.symlink_to("/dev/zero")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda file: file.write_text(""), "is empty: it must hold a list of targets"),
    "an empty list": (lambda file: file.write_text("[]"), "is an empty list"),
    "half written": (lambda file: file.write_text(json.dumps(NEW)[:-30]), "not valid JSON"),
    "half an address": (lambda file: file.write_text('["213.213.213"]'), "must be an IP address"),
    "less than half": (lambda file: file.write_text(json.dumps(OLD[:4])), "has 4 targets, less"),
    "gone": (lambda file: file.unlink(), "does not exist"),
    "a folder": (lambda file: instead(file, Path.mkdir), "is a folder"),
    "a pipe": (lambda file: instead(file, os.mkfifo), "it is no regular file"),
    "zeros": (lambda file: instead(file, to_zeros), "no regular file"),
    "a terabyte": (lambda file: os.truncate(file, 10**12), "is larger than 4 MiB"),
}


@pytest.mark.parametrize("how", BAD)
def test_what_cannot_be_meant_keeps_the_old_list_and_is_told_once(scene: Scene, how: str) -> None:
    spoil, expected = BAD[how]

    async def story(scene: Scene) -> None:
        await scene.looks()
        spoil(scene.file)
        await scene.until(lambda: scene.problem)
        await scene.looks()
        assert len(scene.told) == 1
        if scene.file.is_dir():
            scene.file.rmdir()
        scene.write(NEW)
        await scene.until(lambda: scene.taken)

    scene.play(story)
    assert expected in scene.told[0][0]
    assert str(scene.file) not in scene.told[0][0]
    assert scene.told[0][1] == 10
    assert scene.told[1:] == [("", 11)]
    assert scene.taken == [NEW]
    assert scene.problem == ""


def test_the_old_list_again_ends_what_is_said_and_changes_nothing(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        scene.file.write_text("[")
        await scene.until(lambda: scene.problem)
        scene.write(OLD)
        await scene.until(lambda: not scene.problem)

    assert scene.play(story).taken == []


def test_half_is_enough_and_less_is_not(scene: Scene) -> None:
    async def story(scene: Scene) -> None:
        scene.write(OLD[:5])
        await scene.until(lambda: scene.taken)
        scene.write(OLD[:2])
        await scene.until(lambda: scene.problem)

    assert scene.play(story).taken == [OLD[:5]]


def test_a_list_that_is_too_short_is_taken_by_a_reload(scene: Scene) -> None:
    """A person has asked for it."""

    async def story(scene: Scene) -> None:
        scene.write(OLD[:1])
        await scene.until(lambda: scene.problem)
        config = startup.load(str(scene.file.parent / "config.yaml"), {})
        assert len(config.pools[0].listed) == 1
        scene.inventories.begin(config)
        assert scene.problem == ""
        await scene.looks()
        assert scene.problem == ""

    assert scene.play(story).taken == []


def test_a_file_that_is_being_written_is_left_until_it_is_at_rest(scene: Scene) -> None:
    """Each prefix that is a list of its own is longer than the half; none of them is taken."""

    async def story(scene: Scene) -> None:
        with scene.file.open("w") as stream:
            stream.write("[")
            for n in range(200):
                stream.write(f'{", " if n else ""}"213.213.{n}.1"')
                stream.flush()
                await asyncio.sleep(PERIOD / 4)
            stream.write("]")
        await scene.until(lambda: scene.taken)

    assert [len(taken) for taken in scene.play(story).taken] == [200]


def test_a_file_that_changes_between_two_looks_is_not_read(scene: Scene) -> None:
    path = str(scene.file)
    first = look(scene.config, path, None, "nothing yet")
    assert first.data is None
    scene.write(NEW)
    second = look(scene.config, path, first.seen, "nothing yet")
    assert second == Look(second.seen)
    third = look(scene.config, path, second.seen, "nothing yet")
    assert third.config is not None
    assert look(scene.config, path, third.seen, third.seen) == Look(third.seen)


def test_a_disk_that_hangs_delays_nobody_and_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop goes on, one thread hangs, and when the disk answers all is as before."""
    hangs = asyncio.Event()
    monkeypatch.setattr("dnsbalancer_exporter.inventory.SECONDS", 0.05)

    async def story(scene: Scene) -> None:
        loop = asyncio.get_running_loop()
        pending = loop.create_future()
        scene.inventories._files[str(scene.file)].looking = pending
        await scene.until(lambda: scene.problem == HANGS)
        hangs.set()
        pending.set_result(Look(None))
        scene.write(NEW)
        await scene.until(lambda: scene.taken)

    assert scene.play(story).taken == [NEW]
    assert hangs.is_set()
    assert scene.told == [(HANGS, 10), ("", 11)]
