"""The machine that this runs on: the configuration's notes, the folder, the port."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from dnsbalancer_exporter.audit.scene import Finding, Findings, Scene, note, ok, problem
from dnsbalancer_exporter.control import ControlError, ask


async def configuration(scene: Scene) -> Findings:
    """It is good, or there were no audit; its notes are repeated here."""
    roles = [f"{'member' if p.member else 'witness'} of {p.name}" for p in scene.config.pools]
    notes = [note(scene.file, text) for text in scene.config.notes]
    return [ok(scene.file, f"is good: {', '.join(roles)}"), *notes]


async def state_dir(scene: Scene) -> Findings:
    """The folder can be written by this user, or made."""
    folder = Path(scene.config.state_dir)
    there = folder
    while not there.exists():
        there = there.parent
    where, user = str(folder), f"user {os.geteuid()}"
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        how = "can be written" if there == folder else "is not there, and can be made"
        return [ok(where, f"{how} by this {user}")]
    text = f"cannot be written by this {user}: {there} forbids it"
    advice = "run this as the daemon's user, or give it StateDirectory=dnsbalancer in the unit"
    return [problem(where, text, advice)]


async def port(scene: Scene) -> Findings:
    """The port of `/metrics` is free, or a daemon of this configuration has it."""
    host, number = scene.config.listen
    where = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((host, number))
            tried.listen(1)
    except OSError as error:
        return [_taken(scene, where, error)]
    return [ok(where, "is free")]


def _taken(scene: Scene, where: str, error: OSError) -> Finding:
    if error.errno != errno.EADDRINUSE:
        return problem(where, f"cannot be opened: {error.strerror}", "give another `listen`")
    try:
        ask(scene.config.state_dir, "status")
    except ControlError as silent:
        text = f"is taken, and not by a daemon that this user can ask: {silent}"
        return problem(where, text, "give another `listen`, or end what has it")
    return ok(where, "is taken, and a daemon of this configuration answers")
