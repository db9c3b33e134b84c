"""The control socket: how the verbs (`status`, `drain` ..) talk to a running daemon.

A Unix socket in the state folder, for its owner only (0600). One request and one answer per
connection, each a line of JSON: `{"verb": "status"}` gives the status document.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import socket
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.json_text import json_pieces
from dnsbalancer_exporter.threads import Late, NoThread, aside, gently

NAME = "control.sock"
LIMIT = 64 * 1024 * 1024
"""Bytes of an answer: ten thousand targets that all fail make 14 MB of status."""

SECONDS = 10.0

Verb = Callable[[Mapping[str, Any]], Any]
"""Answers a request with something that JSON can say, or that gives it when awaited."""


class ControlError(DnsBalancerError):
    """A running daemon could not be asked; the text says what to do."""


class Control:
    """Answers ``verbs`` at ``state_dir/control.sock``."""

    def __init__(self, state_dir: str, verbs: Mapping[str, Verb]) -> None:
        self.path = Path(state_dir) / NAME
        self._verbs = verbs
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Open the socket; raises OSError if the folder forbids it or another daemon has it."""
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        if self.path.exists():
            if answers(self.path.parent):
                raise FileExistsError(f"another daemon answers at {self.path}")
            self.path.unlink()
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=str(self.path))
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Close the socket and remove it."""
        if self._server:
            self._server.close()
            with contextlib.suppress(OSError):
                self.path.unlink()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), SECONDS)
            answer = await self._answer(line)
            writer.write(await aside(lambda: _written(answer), SECONDS))
            await asyncio.wait_for(writer.drain(), SECONDS)
        except (OSError, ValueError, asyncio.TimeoutError, Late, NoThread):
            pass  # whoever asked has gone, or said nothing, or too much
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            verb = self._verbs[request["verb"]]
        except (ValueError, KeyError, TypeError):
            return {"error": f"not a request; the verbs are {', '.join(sorted(self._verbs))}"}
        try:
            answer = verb(request)
            return {"answer": await answer if inspect.isawaitable(answer) else answer}
        except DnsBalancerError as error:
            return {"error": str(error)}
        except (Late, NoThread):
            return {"error": "the daemon is too busy to answer: try again"}


def _written(answer: Mapping[str, Any]) -> bytes:
    return "".join(chain.from_iterable(gently(json_pieces(answer)))).encode() + b"\n"


def answers(state_dir: str | Path) -> bool:
    """Whether a daemon listens there, to us at least."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        with contextlib.suppress(OSError):  # the path is too long for a socket, say
            return probe.connect_ex(str(Path(state_dir) / NAME)) == 0
    return False


def ask(state_dir: str, verb: str, **arguments: Any) -> Any:
    """Ask a running daemon; raises ControlError when there is none, or it is not for us to ask."""
    path = Path(state_dir) / NAME
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            connection.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline(LIMIT))
    except PermissionError as error:
        raise ControlError(f"no permission to use {path}: run this as the daemon's user") from error
    except (OSError, ValueError) as error:
        raise ControlError(
            f"no daemon answers at {path} ({error}): is it running, and is this its configuration?"
        ) from error
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["answer"]
