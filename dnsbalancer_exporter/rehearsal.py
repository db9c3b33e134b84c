"""The verbs of the rehearsal stage: `emulate` and `demo`, with their options.

The stage is imported when it is wanted: every other start does without.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable

EMULATE = "serve the provider's two APIs and DNS from memory, to rehearse and to break"
DEMO = "show the main job on this machine: three applications, one dies, its record goes"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _emulate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--listen", type=_address, default="127.0.0.1:8053", metavar="HOST:PORT", help="the APIs")
    add("--dns", type=_address, default="127.0.0.1:5353", metavar="HOST:PORT", help="UDP and TCP")
    add("--zone", action="append", metavar="ZONE", help="repeat for more (default: example.com)")
    add("--record", action="append", metavar="'NAME TYPE VALUE [TTL]'", help="repeat for more")
    add("--fault", action="append", metavar="FAULT", help="e.g. create_record:lost:times=1")
    add("--switch", action="append", metavar="NAME=VALUE", help="e.g. slash=lenient")
    add("--login", default="operator@example.com")
    add("--password", default="rehearsal", help="opens nothing but this stage")
    add("--project-id", default="0123456789abcdef0123456789abcdef")


def _emulate(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from dnsbalancer_exporter.emulator import Emulator  # noqa: PLC0415

    switches = dict(text.partition("=")[::2] for text in options.switch or ())
    try:
        emulator = Emulator(
            listen=options.listen,
            dns=options.dns,
            zones=options.zone or ["example.com"],
            records=options.record or (),
            login=options.login,
            password=options.password,
            project_id=options.project_id,
            faults=options.fault or (),
            switches=switches,
        )
        emulator.start()
    except (ValueError, OSError) as error:
        print(f"dnsbalancer emulate: {error}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    host, port = emulator.dns_address
    for key, value in (("url", emulator.url), ("auth_url", emulator.auth_url)):
        print(f"{key}: {value}")
    print(f"login: {emulator.login}\nproject_id: {emulator.project_id}")
    print(f"dns: {host}:{port} (UDP and TCP)\ncontrol: {emulator.control_url}", flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    ended.wait()
    emulator.stop()
    return 0


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--script", action="store_true", help="end after the story")
    parser.add_argument("--dns-port", type=int, default=5353, help="default: 5353; 0: any free one")


def _demo(options: argparse.Namespace) -> int:
    from dnsbalancer_exporter.emulator.demo import demo  # noqa: PLC0415

    return demo(script=options.script, dns_port=options.dns_port)


Act = Callable[[argparse.Namespace], int]
Arguments = Callable[[argparse.ArgumentParser], None]

VERBS: dict[str, tuple[Arguments, Act, str]] = {
    "emulate": (_emulate_arguments, _emulate, EMULATE),
    "demo": (_demo_arguments, _demo, DEMO),
}
