"""Inventories: the files that targets are taken from, watched beside everything else.

    what has changed is                                    then
    -----------------------------------------------------  ----------------------------------------
    the same at two looks in a row, and good                 it is the list from now on
    unreadable, empty, wrong, or less than half as long      the old list stays in use; it is said
    not the same at two looks: it is being written           looked at again
    unknown, since the disk does not answer                  the old list stays in use; it is said

A reload or a restart, which a person asks for, takes any list that is good, however short it is.
What leaves a list is left in the zone (law 2). Each look has a thread of its own, so that a disk
that hangs delays nobody, not even another file's look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from dnsbalancer_exporter import plain_file
from dnsbalancer_exporter.config import Config, problem_of_oserror
from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.plain_file import Signature
from dnsbalancer_exporter.report import Inventory
from dnsbalancer_exporter.threads import NoThread, begin, ended

PERIOD = 5.0
"""Seconds between two looks at a file."""

SECONDS = 5.0
"""Seconds that a look may take before it is said that the disk does not answer."""

HANGS = f"cannot be looked at: the disk did not answer within {SECONDS:.0f} s"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the file's signature, and if it was read what it makes of everything.

    ``data`` are the bytes that were read; ``config`` is None if they cannot be used: ``problem``.
    """

    seen: Signature | None
    data: bytes | None = None
    config: Config | None = None
    problem: str = ""


@dataclass(slots=True)
class _File:
    """One file: what the last look saw, what was judged last, and a look that is under way."""

    seen: Signature | None = None
    judged: Signature | None = None
    is_judged: bool = False
    looking: asyncio.Future[Look] | None = None


class Inventories:
    """Watches the files of the configuration in use. All methods are the event loop's thread's.

    ``take`` is given a configuration with other targets; ``told`` hears of each change of what is
    to be said of a file: its path, the problem or "", and the number of targets in use.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        take: Callable[[Config], None],
        told: Callable[[str, str, int], None],
        period: float = PERIOD,
    ) -> None:
        self._period = period
        self.found: dict[str, Inventory] = {}
        self._clock = clock
        self._take = take
        self._told = told
        self._config: Config | None = None
        self._files: dict[str, _File] = {}

    def begin(self, config: Config) -> None:
        """A configuration is in use, with what its files had when it was read."""
        self._config = config
        now = self._clock()
        self._files = {path: self._files.get(path, _File()) for path in config.files}
        self.found = {p: Inventory(p, f.length, now) for p, f in config.files.items()}
        for file in self._files.values():
            file.is_judged = False

    async def run(self) -> None:
        """Look at all files for ever."""
        while True:
            await asyncio.sleep(self._period)
            for path in list(self._files):
                await self._look(path)

    async def _look(self, path: str) -> None:
        file, config = self._files.get(path), self._config
        if file is None or config is None:
            return
        is_new = file.looking is None
        if file.looking is None:
            try:
                file.looking = begin(lambda: look(config, path, file.seen, _judged(file)))
            except NoThread as error:
                self._say(path, str(error))
                return
        if not await ended(file.looking, SECONDS if is_new else 0.0):
            self._say(path, HANGS)
            file.is_judged = False  # when it answers again, all is to be said anew
            return
        looking, file.looking = file.looking, None
        if self._config is config and self._files.get(path) is file:
            self._judge(path, file, looking.result())

    def _judge(self, path: str, file: _File, found: Look) -> None:
        assert self._config  # noqa: S101 - `_look` has seen it
        file.seen = found.seen
        if found.data is None and not found.problem:
            return  # nothing new, or not at rest
        file.judged, file.is_judged = found.seen, True
        problem = found.problem or _too_short(path, self._config, found.config)
        if not problem and found.config and found.data != self._config.files[path].data:
            self._config = found.config
            length = found.config.files[path].length
            self.found[path] = Inventory(path, length, self._clock())
            self._take(found.config)
            self._told(path, "", length)
        else:
            self._say(path, problem)

    def _say(self, path: str, problem: str) -> None:
        before = self.found[path]
        if problem != before.problem:
            self.found[path] = replace(before, problem=problem)
            self._told(path, problem, before.targets)


def _judged(file: _File) -> Signature | str | None:
    return file.judged if file.is_judged else "nothing yet"


def look(
    config: Config, path: str, before: Signature | None, judged: Signature | str | None
) -> Look:
    """Look at a file and, if it has come to rest since ``before`` and is not the one that was
    ``judged`` last, read it; it blocks.
    """
    seen = plain_file.signature(path)
    if seen == judged or seen != before:
        return Look(seen)
    try:
        data = plain_file.read(path)
    except OSError as error:
        return Look(seen, problem=problem_of_oserror(error).message)
    if plain_file.signature(path) != seen:
        return Look(None)
    files = {other: file.data for other, file in config.files.items()}
    try:
        return Look(seen, data, config.with_files({**files, path: data}))
    except ConfigError as error:
        # who is told of a file knows its path, and pools that share it share what is wrong with it
        said = dict.fromkeys(p.message.removeprefix(f"{path}: ") for p in error.problems)
        return Look(seen, data, problem="; ".join(said))


def _too_short(path: str, config: Config, found: Config | None) -> str:
    now, then = found.files[path].length if found else 0, config.files[path].length
    if now * 2 >= then:
        return ""
    return (
        f"has {now} targets, less than half of the {then} in use: if that is meant, reload (SIGHUP)"
    )
