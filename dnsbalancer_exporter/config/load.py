"""From a file's bytes to a Config, or to the list of everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath

from dnsbalancer_exporter.config import schema
from dnsbalancer_exporter.config.api import Api, find_api
from dnsbalancer_exporter.config.drivers import terms_of
from dnsbalancer_exporter.config.files import why_unread
from dnsbalancer_exporter.config.fingerprint import fingerprint
from dnsbalancer_exporter.config.inventory import Inventories, Read, TargetsFile
from dnsbalancer_exporter.config.pool_keys import LONGEST_TTL, TARGETS, TARGETS_FILE, TTL
from dnsbalancer_exporter.config.pools import build_pool, check_pool, check_pools_together
from dnsbalancer_exporter.config.quorum_keys import note_rate
from dnsbalancer_exporter.config.sections import Ledger, Place, Section, read_section
from dnsbalancer_exporter.config.top_keys import (
    API_RATE,
    DRIVER,
    LISTEN,
    LOCK,
    LOG_FORMAT,
    LOG_LEVEL,
    POOLS,
    STATE_DIR,
    WEB_CONFIG_FILE,
)
from dnsbalancer_exporter.config.yaml_text import Empty, Node, Table, Unreadable, read_yaml
from dnsbalancer_exporter.errors import ConfigError, Problem
from dnsbalancer_exporter.model import LockTerms, Pool

WithFiles = Callable[[Mapping[str, bytes]], "Config"]


def _no_files(_: Mapping[str, bytes]) -> Config:
    raise KeyError("not a configuration from a file")


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that can be used.

    ``api_rate`` is in writes per second; ``fingerprint`` is of what the file says, less the
    password; ``notes`` are worth a warning. ``files`` are those that targets were taken from, by
    path, and ``with_files`` gives the same configuration with other bytes in them: ConfigError.
    It holds all that was read, and so is there only if there are ``files``.
    """

    api: Api
    pools: tuple[Pool, ...]
    files: Mapping[str, TargetsFile] = field(repr=False)
    lock: LockTerms
    api_rate: float
    listen: tuple[str, int]
    web_config_file: str | None
    state_dir: str
    log_level: str
    log_format: str
    fingerprint: str
    notes: tuple[str, ...]
    with_files: WithFiles = field(default=_no_files, compare=False, repr=False)


def parse(
    data: bytes,
    file: str,
    environ: Mapping[str, str],
    read: Read,
    read_inventory: Read | None = None,
) -> Config:
    """The configuration in ``data``; ``read`` gives the bytes of other files that it names,
    ``read_inventory`` those of files with targets.

    Raises ConfigError with every problem, each with its line and key. No message repeats a value
    that might be the password.
    """
    ledger = Ledger()
    folder = str(PurePosixPath(file).parent)
    config = _parse(data, environ, read, ledger, Inventories(folder, read_inventory or read))
    if config is None or ledger.problems:
        raise ConfigError(file, tuple(ledger.problems))
    return config


def find_state_dir(data: bytes, environ: Mapping[str, str]) -> str:
    """`state_dir` of a configuration whatever else is wrong with it, or its default."""
    try:
        top = _top(read_yaml(data), Ledger())
    except Unreadable:
        top = None
    return (top and top.find(STATE_DIR)) or _state_dir(environ)


def problem_of_oserror(error: OSError) -> Problem:
    """What to say of a configuration file that could not be read at all."""
    return Problem(0, "", why_unread(error))


def _parse(
    data: bytes, environ: Mapping[str, str], read: Read, ledger: Ledger, inventories: Inventories
) -> Config | None:
    try:
        root = read_yaml(data)
    except Unreadable as error:
        ledger.problems.add(error.problem)
        return None
    top = _top(root, ledger)
    if top is None:
        return None
    pools = _pool_sections(top)
    for section in (top, *pools):
        if section.lines.keys() >= {TARGETS.name, TARGETS_FILE.name}:
            section.problem(TARGETS_FILE, "stands beside `targets`: keep one of them")
    filled = _checked(pools, inventories, read)
    check_pools_together(filled)
    _check_ttls(top, pools)
    _check_top(top, read)
    api = find_api(top, environ, read)
    if api is None or ledger.problems:
        return None
    built = _built(pools, filled, inventories)
    note_rate(top, built)
    config = Config(
        api=api,
        pools=built,
        files=inventories.files,
        lock=top.need(LOCK),
        api_rate=top.need(API_RATE),
        listen=top.need(LISTEN),
        web_config_file=top.find(WEB_CONFIG_FILE),
        state_dir=top.find(STATE_DIR) or _state_dir(environ),
        log_level=top.need(LOG_LEVEL),
        log_format=top.need(LOG_FORMAT),
        fingerprint=fingerprint(root),
        notes=tuple(str(note) for note in sorted(ledger.notes)),
    )
    again = partial(_refilled, config, pools, inventories.folder, read)
    return replace(config, with_files=again) if inventories.files else config


def _check_ttls(top: Section, pools: tuple[Section, ...]) -> None:
    least = terms_of(top.find(DRIVER)).least_ttl
    for section in pools:
        ttl = section.find(TTL)
        if ttl is not None and ttl < least:
            section.problem(TTL, f"must be from {least} to {LONGEST_TTL} seconds with this driver")


def _check_top(top: Section, read: Read) -> None:
    lock = top.find(LOCK)
    if lock is not None and not lock.enabled:
        top.note(LOCK, "is off: two writers may withdraw at once and leave the name empty")
    _check_web_config_file(top, read)


def _checked(
    pools: tuple[Section, ...], inventories: Inventories, read: Read
) -> tuple[Section, ...]:
    """The sections of the pools with the targets of their files; what is wrong is noted."""
    filled = tuple(inventories.fill(section) for section in pools)
    for section in filled:
        check_pool(section, read)
    for section in pools:
        inventories.tell(section)
    return filled


def _built(
    pools: tuple[Section, ...], filled: tuple[Section, ...], inventories: Inventories
) -> tuple[Pool, ...]:
    paths = [inventories.path(section) or "" for section in pools]
    built = zip(map(build_pool, filled), paths, strict=True)
    return tuple(replace(pool, targets_file=path) for pool, path in built)


def _refilled(
    config: Config,
    pools: tuple[Section, ...],
    folder: str,
    read: Read,
    files: Mapping[str, bytes],
) -> Config:
    inventories = Inventories(folder, files.__getitem__)
    filled = _checked(pools, inventories, read)
    ledger = pools[0].place.ledger
    problems = tuple(ledger.problems)
    ledger.problems.clear()  # they were none before, and are none of the next attempt's
    if problems:
        raise ConfigError("", problems)
    return replace(
        config,
        pools=_built(pools, filled, inventories),
        files=inventories.files,
        with_files=partial(_refilled, config, pools, folder, read),
    )


def _top(root: Node, ledger: Ledger) -> Section | None:
    """The mapping under ``config``, the only key of the root."""
    if not isinstance(root, Table):
        sentence = "must be a mapping with the key `config`"
        message = "is empty: it must hold the key `config`" if isinstance(root, Empty) else sentence
        ledger.problems.add(Problem(root.line, "", message))
        return None
    found = [entry for entry in root.entries if entry.key == "config"]
    if not found:
        message = "the key `config` is missing: put it first and indent all settings below it"
        ledger.problems.add(Problem(root.line, "", message))
        return None
    for entry in root.entries:
        if entry.key != "config":
            message = (
                "a key beside `config`: indent it like the settings below `config`, or remove it"
            )
            ledger.problems.add(Problem(entry.line, "", message))
    place = Place("config", ledger)
    for again in found[1:]:
        place.problem(again.line, f"is given twice, first on line {found[0].line}: keep one")
    section = read_section(found[0].node, place, schema.TOP, elsewhere=schema.NOT_AT_TOP)
    return replace(section, line=found[0].line) if section else None


def _pool_sections(top: Section) -> tuple[Section, ...]:
    """One section per pool: the top level itself, or the entries of ``pools`` within it."""
    if not top.gives(POOLS):
        return (top,)
    sections = (
        read_section(
            entry.node, entry.place, schema.IN_POOL, elsewhere=schema.NOT_IN_POOL, outer=top
        )
        for entry in top.find(POOLS) or ()
    )
    return tuple(section for section in sections if section)


def _check_web_config_file(top: Section, read: Read) -> None:
    """Whether it can be read; its problems are told with its own name and lines."""
    path = top.find(WEB_CONFIG_FILE)
    try:
        if path is not None:
            read(path)
    except OSError as error:
        top.problem(WEB_CONFIG_FILE, why_unread(error))


def _state_dir(environ: Mapping[str, str]) -> str:
    """Systemd's folder for us (the first, if the unit has several), else the usual one."""
    return environ.get("STATE_DIRECTORY", "").split(":")[0] or "/var/lib/dnsbalancer"
