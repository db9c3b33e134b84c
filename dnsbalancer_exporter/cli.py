"""The operator's verbs. Exit status: 0 done, 1 not to be done, 2 wrong configuration or usage."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from dnsbalancer_exporter import __version__, init, rehearsal
from dnsbalancer_exporter.audit import audit, has_problems, of_audit, of_audit_json
from dnsbalancer_exporter.config.values import Wrong, duration
from dnsbalancer_exporter.control import answers, ask
from dnsbalancer_exporter.daemon import Daemon
from dnsbalancer_exporter.errors import ConfigError, DnsBalancerError
from dnsbalancer_exporter.export import logs, status, text
from dnsbalancer_exporter.model import LONGEST_DRAIN
from dnsbalancer_exporter.preview import preview
from dnsbalancer_exporter.privileges import become
from dnsbalancer_exporter.probe import with_reserve
from dnsbalancer_exporter.startup import (
    DEFAULT_CONFIG,
    default_config,
    load,
    load_to_serve,
    state_dir_of,
    take_descriptors,
)

EXIT_STATUS = (
    "exit status: 0 it is done, whatever it found; 1 it could not be done (no daemon answers, the"
    " address is no target, the API fails); 2 wrong configuration or usage"
)


def run(options: argparse.Namespace) -> int:
    """Run the daemon until it is told to stop."""
    probers = None
    if options.user:
        # Where only root may open a raw socket. All else, the configuration too, is the user's.
        probers = with_reserve()
        become(options.user)
    take_descriptors()
    config = load_to_serve(options.config)
    asyncio.run(Daemon(config, lambda: load_to_serve(options.config), probers).run())
    return 0


def check(options: argparse.Namespace) -> int:
    """Say whether a configuration is good, and with --online whether the world is."""
    file = options.file or options.config
    config = load_to_serve(file)
    if options.online:
        found = asyncio.run(audit(file, config, write=options.write_test))
        print(of_audit_json(found) if options.json else of_audit(found))
        return 1 if has_problems(found) else 0
    if options.write_test or options.json:
        print("dnsbalancer: --write-test and --json go with --online", file=sys.stderr)
        return 2
    for note in config.notes:
        print(f"{file}: note: {note}")
    for pool in config.pools:
        role = "member" if pool.member else "witness"
        listed = f", {len(pool.listed)} targets of {pool.targets_file}" if pool.targets_file else ""
        print(f"{file}: {role} of {', '.join(pool.records)} in zone {pool.zone}{listed}")
    print(f"{file}: good")
    return 0


def plan(options: argparse.Namespace) -> int:
    """Print what would be done now, and why not more; change nothing."""
    config = load(options.file or options.config)
    for found in asyncio.run(preview(config)):
        print(text.of_plan(found.pool, found.plan, found.states, found.published))
    return 0


def show_status(options: argparse.Namespace) -> int:
    """Print what a running daemon sees and does."""
    document = _daemon(options)("status")
    print(json.dumps(document, indent=1) if options.json else text.of_status(document))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print why a target is where it is."""
    found: list[status.Document] = _daemon(options)("explain", address=options.address)
    if not found:
        print(f"{options.address} is no target of this daemon", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1) if options.json else text.of_explanation(found))
    return 0


def drain(options: argparse.Namespace) -> int:
    """Take an address out of the zone for a time, and keep it out."""
    daemon = _daemon(options)
    answer: list[status.Document] = daemon(
        "drain",
        address=options.address,
        pool=options.pool,
        seconds=options.seconds,
        force=options.force,
    )
    print(text.of_drains(answer))
    return _wait_until_out(daemon, options.wait, answer) if options.wait else 0


def _wait_until_out(daemon: Ask, seconds: float, drained: list[status.Document]) -> int:
    """Wait until no record set has what was drained; 1 if that takes longer than was given."""
    waited = {(entry["pool"], entry["address"]) for entry in drained}
    end = time.monotonic() + seconds
    while True:
        document = daemon("status")
        left = [t for t in text.targets(document, waited) if t["published"]]
        if not left:
            print("it is out of the zone; resolvers may have it for one more TTL")
            return 0
        if time.monotonic() >= end:
            for target in left:
                print(f"{target['address']} is still in the zone: {text.why_published(target)}")
            return 1
        time.sleep(0.5)


def undrain(options: argparse.Namespace) -> int:
    """End a drain before its time."""
    answer: list[status.Document] = _daemon(options)(
        "undrain", address=options.address, pool=options.pool
    )
    print(text.of_drains(answer))
    return 0


def _seconds(least: float) -> Callable[[str], float]:
    def convert(given: str) -> float:
        try:
            return duration(least, LONGEST_DRAIN)(given)
        except Wrong as wrong:
            raise argparse.ArgumentTypeError(str(wrong)) from None

    return convert


Ask = Callable[..., Any]


def _daemon(options: argparse.Namespace) -> Ask:
    """What asks the daemon; it runs on when its configuration is refused, and can be asked then."""
    folder = options.state_dir
    try:
        folder = folder or load(options.config).state_dir
    except ConfigError:
        folder = state_dir_of(options.config)
        if not answers(folder):
            raise
        text = (
            "is refused: the daemon runs with the old one; `dnsbalancer check` says what is wrong"
        )
        print(options.config, text, file=sys.stderr)
    return partial(ask, folder)


def _parents() -> list[argparse.ArgumentParser]:
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"the configuration (default: $DNSBALANCER_CONFIG, else {DEFAULT_CONFIG})",
    )
    return [config]


def parser() -> argparse.ArgumentParser:
    """The command line; manual page and shell completion are written from it."""
    parents = _parents()
    command = argparse.ArgumentParser(
        prog="dnsbalancer",
        description="DNS failover for machines in several availability zones, and an exporter.",
        parents=parents,
        epilog=EXIT_STATUS,
    )
    command.add_argument("--version", action="version", version=f"dnsbalancer {__version__}")
    command.set_defaults(act=run, user="")
    verbs_of = command.add_subparsers(metavar="VERB")
    theirs = [(name, act, line, (add,)) for name, (add, act, line) in rehearsal.VERBS.items()]
    for name, act, line, options in (*VERBS, *theirs):
        sub = verbs_of.add_parser(
            name, help=line, description=line, parents=parents, epilog=EXIT_STATUS
        )
        sub.set_defaults(act=act)
        for add in options:
            add(sub)
    return command


def _add_user(sub: argparse.ArgumentParser) -> None:
    line = "started by root, open the ICMP sockets and become this user"
    sub.add_argument("--user", metavar="NAME", default="", help=line)


def _add_file(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("file", metavar="FILE", nargs="?")


def _add_daemon(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--state-dir", metavar="DIR", help="the daemon's state_dir")


def _add_json(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--json", action="store_true", help="print JSON")


def _add_target(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("address", metavar="ADDRESS", help="an address, or a target's name")


def _add_targets(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--pool", metavar="NAME", default="", help="in this pool only")
    sub.add_argument(
        "address",
        metavar="ADDRESS",
        nargs="?",
        default="",
        help="an address, or a target's name (default: our own)",
    )


def _add_audit_options(sub: argparse.ArgumentParser) -> None:
    for flag, line in (
        ("--online", "look at login, zone, DNS and targets as well; nothing is written"),
        ("--write-test", "with --online: create and delete a TXT record _dnsbalancer-check"),
        ("--json", "with --online: print JSON"),
    ):
        sub.add_argument(flag, action="store_true", help=line)


def _add_drain(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "--for",
        dest="seconds",
        metavar="TIME",
        type=_seconds(1.0),
        default=3600.0,
        help="how long, e.g. 90, 10m, 2h, 1d (default: 1h)",
    )
    sub.add_argument(
        "--force", action="store_true", help="even if fewer than min_records would be left"
    )
    sub.add_argument(
        "--wait",
        metavar="TIME",
        type=_seconds(0.0),
        default=0.0,
        help="wait until it is out of the zone, and say so",
    )


Options = tuple[Callable[[argparse.ArgumentParser], None], ...]

VERBS: tuple[tuple[str, Callable[[argparse.Namespace], int], str, Options], ...] = (
    ("run", run, "run the daemon (the default)", (_add_user,)),
    ("check", check, "check a configuration, print every problem", (_add_file, _add_audit_options)),
    ("init", init.act, init.LINE, (init.add_arguments,)),
    ("plan", plan, "print what would be done now, and why not more", (_add_file,)),
    ("status", show_status, "what the running daemon sees and does", (_add_json, _add_daemon)),
    ("explain", explain, "why a target is where it is", (_add_json, _add_daemon, _add_target)),
    ("drain", drain, "take an address out for a time", (_add_targets, _add_daemon, _add_drain)),
    ("undrain", undrain, "end a drain before its time", (_add_targets, _add_daemon)),
)
"""What the command can do, by name: what does it, what it says of itself, and its options."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb that ``arguments`` (default: the command line) name; returns the exit status."""
    options = parser().parse_args(arguments)
    if not hasattr(options, "config"):
        options.config = os.environ.get("DNSBALANCER_CONFIG") or default_config()
    try:
        status_code: int = options.act(options)
    except ConfigError as error:
        logs.refuse(str(error))
        return 2
    except DnsBalancerError as error:
        logs.refuse(f"dnsbalancer: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status_code
