"""The doors: the metrics port and the control socket, opened and kept open.

A port that is taken, or a folder that cannot be written, ends nothing: it is said once, exported,
and tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from dnsbalancer_exporter.clock import happens
from dnsbalancer_exporter.control import Control, Verb
from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.export.porter import Porter
from dnsbalancer_exporter.export.site import Site
from dnsbalancer_exporter.export.web import WebServer

AGAIN_SECONDS = 10.0
"""Seconds between attempts to open what could not be opened."""


class Doors:
    """Serves ``site`` on the port and ``verbs`` on the socket; the port has a porter.

    `place` says where, again after a reload; `keep_open` is the activity that opens.
    """

    def __init__(
        self,
        site: Site,
        verbs: Mapping[str, Verb],
        journal: Journal,
        instruments: Instruments,
    ) -> None:
        self._site = site
        self._verbs = verbs
        self._journal = journal
        self._instruments = instruments
        self._porter = Porter(journal, instruments)
        self._listen: tuple[str, int] = ("", 0)
        self._state_dir = ""
        self._web: WebServer | None = None
        self._control: Control | None = None
        self._told: set[str] = set()
        self._moved = asyncio.Event()

    async def place(
        self, listen: tuple[str, int], web_config_file: str | None, state_dir: str
    ) -> None:
        """Be here from now on, with this access to the port; what has not moved stays open."""
        self._porter.use(web_config_file)
        if listen != self._listen:
            self._close_web()
        if state_dir != self._state_dir:
            await self._close_control()
        self._listen, self._state_dir = listen, state_dir
        self._moved.set()

    async def keep_open(self) -> None:
        """Open what is closed, at once and then every AGAIN_SECONDS."""
        while True:
            self._moved.clear()
            try:
                self._open_web()
            except OSError as error:
                self._instruments.listening(False)  # noqa: FBT003 - it is the gauge's value
                host, port = self._listen
                self._tell_once("listen_failed", f"cannot listen on {host}:{port}: {error}")
            try:
                await self._open_control()
            except OSError as error:
                text = f"no control socket, `status` will not work: {error}"
                self._tell_once("control_failed", text)
            await happens(self._moved, AGAIN_SECONDS)

    async def close(self) -> None:
        """Close both."""
        self._close_web()
        await self._close_control()

    def _open_web(self) -> None:
        if self._web is None:
            self._web = WebServer(
                self._listen, self._site, self._porter.access, self._instruments.web_rejected
            )
            self._web.start()
            self._instruments.listening(True)  # noqa: FBT003
            host, port = self._web.server_address[:2]
            text = f"listening on {host!s}:{port}"
            self._journal.say(logging.INFO, "listen", text, port=str(port))

    async def _open_control(self) -> None:
        if self._control is None:
            control = Control(self._state_dir, self._verbs)
            await control.start()
            self._control = control

    def _close_web(self) -> None:
        if self._web:
            self._web.stop()
            self._web = None

    async def _close_control(self) -> None:
        if self._control:
            await self._control.stop()
            self._control = None

    def _tell_once(self, name: str, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._journal.say(logging.WARNING, name, text)
