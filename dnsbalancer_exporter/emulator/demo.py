"""The demo: the main job on one machine, told with times, and checked step by step.

An emulated provider, three sample applications on 127.0.0.11 to .13, and one daemon process for
each of them. What happens is read from DNS answers, not from the daemons.
"""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from dnsbalancer_exporter.emulator import Emulator, SampleApp
from dnsbalancer_exporter.emulator.lookup import lookup

ADDRESSES = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
ZONE = "example.com"
METRICS_PORT = 9853
STEP_SECONDS = 30.0

_PLACE = Path(__file__).resolve().parents[2]
_SELF = [str(_PLACE)] if _PLACE.is_file() else ["-m", "dnsbalancer_exporter"]
COMMAND = [sys.executable, *_SELF]
"""How we are started: as the single file, or from an installed copy."""

CONFIG = """\
config:
    url: "{url}"
    auth_url: "{auth_url}"
    login: "{login}"
    password: "{password}"
    project_id: "{project_id}"
    zone: "{zone}"
    own_ip: "{own}"
    is_self_maintenance: true
    driver: "vkcloudns"
    protocol: "tcp"
    port: {port}
    interval: 1
    fast_interval: 200ms
    probe_timeout: 500ms
    listen: "{own}:{metrics}"
    state_dir: "{state}"
    resolvers: ["{resolver}"]
"""


class StepFailed(Exception):
    """A step of the story did not happen in time."""


class Story:
    """Prints what happens, each line with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, text: str) -> None:
        """Print one line of it."""
        print(f"[{time.monotonic() - self._began:6.2f} s] {text}", flush=True)


class Stage:
    """The emulator, the applications and the daemons; a context manager that ends them all."""

    def __init__(self, story: Story, folder: Path, dns_port: int) -> None:
        self.folder = folder
        self.story = story
        self.emulator = Emulator(
            listen=("127.0.0.1", 0),
            dns=("127.0.0.1", dns_port),
            zones=[ZONE],
            records=[f"@ A {address} 60" for address in ADDRESSES],
        )
        port = _free_port(ADDRESSES, 8080)
        self.metrics_port = _free_port(ADDRESSES, METRICS_PORT)
        self.apps = {address: SampleApp(address, port) for address in ADDRESSES}
        self._daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Stage:
        try:
            self.emulator.start()
            for address, app in self.apps.items():
                app.start()
                self._daemons.append(self._daemon(address))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in self._daemons:
            daemon.terminate()
        for daemon in self._daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(5)
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()
        for app in self.apps.values():
            app.stop()
        self.emulator.stop()

    def _daemon(self, address: str) -> subprocess.Popen[bytes]:
        state = self.folder / address
        state.mkdir()
        config = state / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(
            CONFIG.format(
                url=self.emulator.url,
                auth_url=self.emulator.auth_url,
                login=self.emulator.login,
                password=self.emulator.password,
                project_id=self.emulator.project_id,
                zone=ZONE,
                own=address,
                port=self.apps[address].address[1],
                metrics=self.metrics_port,
                state=state,
                resolver="{}:{}".format(*self.emulator.dns_address),
            )
        )
        with (state / "log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [*COMMAND, "run", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def answers(self) -> frozenset[str]:
        """The addresses that DNS gives for the name now."""
        return lookup(self.emulator.dns_address, ZONE)

    def until(self, wanted: Sequence[str], what: str) -> None:
        """Wait until DNS answers with exactly ``wanted``; raises StepFailed if it does not."""
        began = time.monotonic()
        while self.answers() != frozenset(wanted):
            self._all_alive()
            if time.monotonic() - began > STEP_SECONDS:
                found = ", ".join(sorted(self.answers())) or "nothing"
                raise StepFailed(f"{what}: after {STEP_SECONDS:.0f} s DNS answers {found}")
            time.sleep(0.02)
        self.story.tell(f"  {what} after {time.monotonic() - began:.2f} s: {_words(wanted)}")

    def stays(self, wanted: Sequence[str], seconds: float, what: str) -> None:
        """See that DNS answers with exactly ``wanted`` all the time for ``seconds``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.answers() != frozenset(wanted):
                raise StepFailed(f"{what}: DNS answers {_words(sorted(self.answers()))}")
            time.sleep(0.02)
        self.story.tell(f"  {what}: {_words(wanted)}")

    def agreed(self, up: int) -> None:
        """Wait until every daemon holds exactly ``up`` targets to be up, and plans on that.

        Until then one that has not noticed that its own application is dead may publish it again.
        """
        healthy, cycles = b"pool_targets_healthy", b"cycles_total"
        for address in ADDRESSES:
            self._until_metric(address, healthy, lambda seen: b" %.1f\n" % up in seen)
        # A cycle that began before may still be writing: the next one to end is its end, or later.
        before = {a: _metric(a, self.metrics_port, cycles) for a in ADDRESSES}
        for address in ADDRESSES:
            self._until_metric(address, cycles, partial(_other_than, (b"", before[address])))

    def _until_metric(self, address: str, name: bytes, wanted: Callable[[bytes], bool]) -> None:
        began = time.monotonic()
        while not wanted(_metric(address, self.metrics_port, name)):
            self._all_alive()
            if time.monotonic() - began > STEP_SECONDS:
                raise StepFailed(f"the daemon of {address} does not come to see what happened")
            time.sleep(0.05)

    def _all_alive(self) -> None:
        for address, daemon in zip(ADDRESSES, self._daemons, strict=False):
            if daemon.poll() is not None:
                log = (self.folder / address / "log").read_text()
                raise StepFailed(f"the daemon of {address} ended with {daemon.returncode}:\n{log}")


def _other_than(unwanted: tuple[bytes, ...], seen: bytes) -> bool:
    return seen not in unwanted


def _words(addresses: Sequence[str]) -> str:
    return f"{ZONE} is " + (", ".join(addresses) or "nothing")


def _metric(address: str, port: int, name: bytes) -> bytes:
    """The lines of one metric, b"" while nobody answers."""
    with contextlib.suppress(OSError), socket.create_connection((address, port), 1.0) as web:
        web.settimeout(2.0)
        web.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        with web.makefile("rb") as lines:
            return b"".join(line for line in lines if line.startswith(b"dnsbalancer_" + name))
    return b""


def _free_port(addresses: Sequence[str], first: int) -> int:
    """A port that is free on all of ``addresses``: ``first``, or one of the next hundred."""
    for port in range(first, first + 100):
        with contextlib.ExitStack() as stack:
            try:
                for address in addresses:
                    taken = stack.enter_context(socket.socket())
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    taken.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    raise StepFailed(f"{address} is no address of this machine: {error}") from None
                continue
            return port
    raise StepFailed(f"no free port from {first} on {', '.join(addresses)}")


def _tell(stage: Stage) -> None:
    """The story itself."""
    one, two, three = ADDRESSES
    say = stage.story.tell
    say("an emulated provider, three applications, one daemon for each")
    stage.until(ADDRESSES, "three records")
    stage.agreed(3)
    say("every daemon has seen every application up")
    say(f"the application on {two} is killed")
    stage.apps[two].stop()
    stage.until([one, three], "its record is gone")
    say(f"the application on {two} is started again")
    stage.apps[two].start()
    stage.until(ADDRESSES, "its record is back")
    say(f"two of three are killed: {one} and {two}")
    stage.apps[one].stop()
    stage.apps[two].stop()
    stage.until([three], "the name points at the third")
    stage.agreed(1)
    stage.until([three], "every daemon has seen it")
    say(f"the last one is killed: {three}")
    stage.apps[three].stop()
    stage.stays([three], 3.0, "nothing is up, so the zone stays as it was")
    say("all three are started again")
    for app in stage.apps.values():
        app.start()
    stage.until(ADDRESSES, "three records again")


def _look(stage: Stage) -> None:
    host, port = stage.emulator.dns_address
    print("\nIt goes on until Ctrl-C. Where to look:")
    for address in ADDRESSES:
        where = f"http://{address}:{stage.metrics_port}"
        print(f"  {where}/   {where}/metrics")
    print(f"  dig +short @{host} -p {port} {ZONE} A")
    print(f"  curl {stage.emulator.control_url}")
    for address in ADDRESSES:
        print(f"  dnsbalancer status --state-dir {stage.folder / address}")
    sys.stdout.flush()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM end the demo as Ctrl-C does, so that its daemons end with it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def demo(*, script: bool, dns_port: int) -> int:
    """Tell the story; with ``script`` end after it. Returns 0, or 1 if a step did not happen."""
    story = Story()
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="dnsbalancer-demo-") as folder:
        try:
            with Stage(story, Path(folder), dns_port) as stage:
                _tell(stage)
                story.tell("that was the story")
                if not script:
                    _look(stage)
                    while True:
                        signal.pause()
        except (StepFailed, OSError) as error:
            story.tell(f"it did not happen: {error}")
            return 1
        except KeyboardInterrupt:
            print("\nended")
    return 0
