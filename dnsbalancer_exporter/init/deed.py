"""All that `init` does, in order: ask, write, offer the service, and run the audit."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import grp
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dnsbalancer_exporter.audit import audit, has_problems, of_audit
from dnsbalancer_exporter.init import unit
from dnsbalancer_exporter.init.dialogue import Dialogue, Ended, settle
from dnsbalancer_exporter.init.files import Document, why_not, write
from dnsbalancer_exporter.init.questions import sheet_of
from dnsbalancer_exporter.init.sheet import CREDENTIAL, Sheet, embedded
from dnsbalancer_exporter.init.terminal import NoMoreAnswers, Terminal, terminal
from dnsbalancer_exporter.startup import load_to_serve

GROUP = "dnsbalancer"
"""Who may read the configuration: the packages, and our unit, have this group."""

NOTHING = "nothing was written"


def init(options: argparse.Namespace) -> int:
    """The verb; its exit status is that of the audit at its end."""
    file = str(Path(options.file or options.config).absolute())
    if not options.dry_run:
        _check_place(Path(file), force=options.force)
    if options.password_apart and not options.dry_run:
        _check_place(_apart(file), force=options.force)
    sheet = sheet_of(options, file, dict(os.environ))
    person = terminal()
    try:
        _answer(sheet, person)
        _place_password(options, sheet, person)
        service = not options.dry_run and _service(options, sheet, person)
    except KeyboardInterrupt:
        _say(f"\n{NOTHING}")
        raise
    except NoMoreAnswers as error:
        raise Ended(f"{error}: {NOTHING}") from None
    if options.dry_run:
        print(sheet.shown(), end="")
        return 0
    _write(sheet, service=service, force=options.force)
    return _finish(file, service=service)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check_place(path: Path, *, force: bool) -> None:
    """Before anything is asked: can it be written, and may it?"""
    why = why_not(path)
    if why:
        raise Ended(f"{path} {why}")
    if path.exists() and not (force or _is_untouched(path)):
        raise Ended(f"{path} is there: --force replaces it, and keeps it under another name")


def _is_untouched(path: Path) -> bool:
    """It is what the package has put there: nothing in it is anybody's."""
    with contextlib.suppress(OSError):
        return path.read_bytes() == embedded("config.yaml").encode()
    return False


def _answer(sheet: Sheet, person: Terminal | None) -> None:
    if person is None:
        settle(sheet, _say)
        return
    person.say(f"For {sheet.file}. Enter takes what stands in brackets; Ctrl-C writes nothing.")
    Dialogue(sheet, person).complete()


def _apart(file: str) -> Path:
    """The file of its own that the password may have."""
    return Path(file).with_name("password")


def _place_password(options: argparse.Namespace, sheet: Sheet, person: Terminal | None) -> None:
    """Find out whether the password, if it has no file yet, goes into one of its own."""
    place = _apart(sheet.file)
    wanted = bool(options.password_apart)
    if sheet.password is None or not (wanted or person):
        return
    if not wanted and person and (options.force or not place.exists()):
        wanted = person.agree(f"Keep the password in a file of its own, {place}?", default=False)
    if wanted:
        sheet.password_file = str(place)


def _service(options: argparse.Namespace, sheet: Sheet, person: Terminal | None) -> bool:
    """Whether the service is wanted, by flag or answer; raises NoService if it cannot be had."""
    why = unit.obstacle(sheet.file, unit.own_command())
    if options.unit and why:
        raise unit.NoService(f"no service: {why}; {NOTHING}")
    if options.unit is not None or why or person is None:
        return bool(options.unit)
    what = "Start the service" if unit.is_installed() else f"Write {unit.OURS} and start it"
    return person.agree(f"{what}, now and at boot?", default=False)


def _write(sheet: Sheet, *, service: bool, force: bool) -> None:
    """Write the unit that is lacking, whose group the others need, and what was answered."""
    try:
        if service and not unit.is_installed():
            for path in unit.install(unit.own_command(), sheet.file):
                _say(f"wrote {path}")
        documents = tuple(_documents(sheet, force=force))
        for old in write(documents):
            _say(f"kept {old}")
    except FileExistsError as error:
        raise Ended(f"{error.filename2 or error.filename} is there: --force replaces it") from None
    except OSError as error:
        raise Ended(f"{error.filename}: {error.strerror}; {sheet.file} was not written") from None
    for document in documents:
        _say(f"wrote {document.path} (mode {document.mode:04o})")


def _documents(sheet: Sheet, *, force: bool) -> Iterator[Document]:
    """The configuration, and the password if it has a file of its own that is to be made."""
    path, group = Path(sheet.file), _group()
    mode = 0o600 if group < 0 else 0o640
    if sheet.password is not None and sheet.password_file:
        place, text = Path(sheet.password_file), f"{sheet.password}\n"
        by_unit = sheet.password_file == CREDENTIAL  # root's alone: systemd hands it over
        owner = (0o600, -1) if by_unit else (mode, group)
        yield Document(place, text, *owner, over=force, keep=force)
    over = force or _is_untouched(path)
    yield Document(path, sheet.text(), mode, group, over=over, keep=force)


def _group() -> int:
    """The number of the group that may read; -1 without one, or if we may not give files to it."""
    with contextlib.suppress(KeyError):
        if os.geteuid() == 0:
            return grp.getgrnam(GROUP).gr_gid
    return -1


def _finish(file: str, *, service: bool) -> int:
    """Start what is wanted, and look whether all is well."""
    works = not service or _started()
    if not service:
        _say(unit.by_hand(file, unit.own_command()))
    found = asyncio.run(audit(file, load_to_serve(file), write=False))
    print(of_audit(found))
    return 0 if works and not has_problems(found) else 1


def _started() -> bool:
    try:
        unit.start()
    except unit.NoService as error:
        _say(f"the service does not run: {error}")
        return False
    _say("the service runs: systemctl status dnsbalancer")
    return True
