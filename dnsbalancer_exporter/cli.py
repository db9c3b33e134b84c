"""The operator's verbs. Exit status: 0 done, 1 not to be done, 2 wrong configuration or usage."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.audit import audit, has_problems, of_audit, of_audit_json
from dnsbalancer_exporter.config import Config, parse, problem_of_oserror
from dnsbalancer_exporter.config.values import Wrong, duration
from dnsbalancer_exporter.control import ask
from dnsbalancer_exporter.daemon import Daemon
from dnsbalancer_exporter.emulator import verbs
from dnsbalancer_exporter.errors import ConfigError, DnsBalancerError
from dnsbalancer_exporter.export import status, text
from dnsbalancer_exporter.export.access import read_access
from dnsbalancer_exporter.model import LONGEST_DRAIN
from dnsbalancer_exporter.nameservers import MISSING
from dnsbalancer_exporter.preview import preview

DEFAULT_CONFIG = "/etc/dnsbalancer/config.yaml"
EXIT_STATUS = (
    "exit status: 0 it is done, whatever it found; 1 it could not be done (no daemon answers, the"
    " address is no target, the API fails); 2 wrong configuration or usage"
)
TOO_LARGE = 4 * 1024 * 1024 + 1


def load(file: str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and parse a configuration file; raises ConfigError with every problem in it."""
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(TOO_LARGE)
            mode = os.fstat(stream.fileno()).st_mode
    except OSError as error:
        raise ConfigError(file, (problem_of_oserror(error),)) from None
    config = parse(data, file, environ, lambda name: Path(name).read_bytes())
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        note = f"{file} can be read by everybody and holds a login: chmod 0640, or password_file"
        config = replace(config, notes=(*config.notes, note))
    if MISSING and any(pool.resolvers for pool in config.pools):
        note = f"{file}: resolvers: nobody is asked in DNS: {MISSING}"
        config = replace(config, notes=(*config.notes, note))
    return config


def load_to_serve(file: str) -> Config:
    """The same, then also every problem of its `web_config_file`, certificate and key included."""
    config = load(file)
    if config.web_config_file:
        notes = read_access(config.web_config_file).notes
        config = replace(config, notes=(*config.notes, *notes))
    return config


def run(options: argparse.Namespace) -> int:
    """Run the daemon until it is told to stop."""
    config = load_to_serve(options.config)
    asyncio.run(Daemon(config, lambda: load_to_serve(options.config)).run())
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
        print(f"{file}: {role} of {', '.join(pool.records)} in zone {pool.zone}")
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
    document = ask(_state_dir(options), "status")
    print(json.dumps(document, indent=1) if options.json else text.of_status(document))
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print why a target is where it is."""
    found: list[status.Document] = ask(_state_dir(options), "explain", address=options.address)
    if not found:
        print(f"{options.address} is no target of this daemon", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1) if options.json else text.of_explanation(found))
    return 0


def drain(options: argparse.Namespace) -> int:
    """Take an address out of the zone for a time, and keep it out."""
    answer: list[status.Document] = ask(
        _state_dir(options),
        "drain",
        address=options.address,
        pool=options.pool,
        seconds=options.seconds,
        force=options.force,
    )
    print(text.of_drains(answer))
    return _wait_until_out(options, answer) if options.wait else 0


def _wait_until_out(options: argparse.Namespace, drained: list[status.Document]) -> int:
    """Wait until no record set has what was drained; 1 if that takes longer than was given."""
    waited = {(entry["pool"], entry["address"]) for entry in drained}
    end = time.monotonic() + options.wait
    while True:
        document = ask(_state_dir(options), "status")
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
    answer: list[status.Document] = ask(
        _state_dir(options), "undrain", address=options.address, pool=options.pool
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


def _state_dir(options: argparse.Namespace) -> str:
    return options.state_dir or load(options.config).state_dir


def _parents() -> list[argparse.ArgumentParser]:
    config = argparse.ArgumentParser(add_help=False)
    config.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help=f"the configuration (default: $DNSBALANCER_CONFIG, else {DEFAULT_CONFIG})",
    )
    return [config]


def _parser() -> argparse.ArgumentParser:
    parents = _parents()
    parser = argparse.ArgumentParser(
        prog="dnsbalancer",
        description="DNS failover for machines in several availability zones, and an exporter.",
        parents=parents,
        epilog=EXIT_STATUS,
    )
    parser.add_argument("--version", action="version", version=f"dnsbalancer {__version__}")
    parser.set_defaults(act=run)
    verbs_of = parser.add_subparsers(metavar="VERB")
    theirs = [(name, act, line, (add,)) for name, (add, act, line) in verbs.VERBS.items()]
    for name, act, line, options in (*VERBS, *theirs):
        sub = verbs_of.add_parser(
            name, help=line, description=line, parents=parents, epilog=EXIT_STATUS
        )
        sub.set_defaults(act=act)
        for add in options:
            add(sub)
    return parser


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
    ("run", run, "run the daemon (the default)", ()),
    ("check", check, "check a configuration, print every problem", (_add_file, _add_audit_options)),
    ("plan", plan, "print what would be done now, and why not more", (_add_file,)),
    ("status", show_status, "what the running daemon sees and does", (_add_json, _add_daemon)),
    ("explain", explain, "why a target is where it is", (_add_json, _add_daemon, _add_target)),
    ("drain", drain, "take an address out for a time", (_add_targets, _add_daemon, _add_drain)),
    ("undrain", undrain, "end a drain before its time", (_add_targets, _add_daemon)),
)
"""What the command can do, by name: what does it, what it says of itself, and its options."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb that ``arguments`` (default: the command line) name; returns the exit status."""
    options = _parser().parse_args(arguments)
    if not hasattr(options, "config"):
        options.config = os.environ.get("DNSBALANCER_CONFIG") or DEFAULT_CONFIG
    try:
        status_code: int = options.act(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except DnsBalancerError as error:
        print(f"dnsbalancer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status_code
