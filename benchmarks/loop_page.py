"""benchmarks/failover.md: what benchmarks/loop.py has measured, and what that does not say."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks import results
from benchmarks.loop_servers import Setting
from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.promise import Promise, worst
from tests.needed import PATH

PAGE = Path(__file__).with_name("failover.md")
VERSIONS = (("named", "-V"), ("unbound", "-V"), ("gdnsd", "version"), ("pdns_server", "--version"))
ROUNDING = 1
"""Seconds: unbound counts whole ones, and forgets an answer when its TTL is exceeded."""

HEADINGS = (
    "requests failed",
    "from first to last, s",
    "record gone, s",
    "last failure, s",
    "serves again, s",
    "failed by the return",
)
HEAD = """\
# A failover from the client's chair

Written by `make loop`. Three machines (network namespaces on a bridge), each with an application
and one of our members; BIND, the members' provider (`driver: rfc2136`); gdnsd (`multifo`) and
PowerDNS (`ifportup`), which probe the same applications and answer for names of their own; one
unbound before all of them, which caches for the TTL; one client, which asks unbound for each name
ten times a second, keeps nothing, and sends a request to the first address that it is told, once,
with a second of patience. One death is every contender's, at a random moment of the interval, of
one machine after the other.

*{machine}; {versions}; load average before: {load}*

"""
FOOT = """\
## How to read it

*Requests failed* are of ten in a second, a third of which would go to the dead one of three. *From
first to last* is how long they failed. *Record gone* and *last failure* are counted from the death;
*serves again* from the return to the first request that the target was given. Figures are the
median of all rounds, and the worst of them in brackets.

*Promised* is the arithmetic of [docs/failover.md](../docs/failover.md) for these settings: the
record is gone after `interval` + (`fall` - 1) x `fast_interval`, and `fall` x `probe_timeout` more
for a machine that is cut off; the last failure is later by the TTL and one second, since unbound
counts whole ones; a target serves again after `interval` + (`rise` - 1) x `fast_interval` and as
much for the cache. What was measured has more in it: reading and writing the zone, and the turns
until a client is given the target again, one of three.

The members were started a third of an `interval` apart, as machines do not boot in step. Who is
certain first withdraws; but the member of a dead application puts its record back (*besides*) until
it is certain, too. Then the record is gone when this last one has withdrawn it: within the promise,
which is for one observer, and not sooner, as three could have it.

A member that was cut off must connect to the name server anew, in the pace of TCP's own
retransmission, before it can publish itself: *serves again* may so be later than promised. And one
that was cut off twice within a minute took the others out for some tenths of a second, up to one,
by what it had believed while it was alone, until they put themselves back (*besides*). No request
failed by that, since it was up itself.

## What is not fair

* Ours writes into a zone that any name server can serve; the others *are* the name server, and need
  no write. Here that costs milliseconds, since BIND is near; a provider's own time comes on top.
* Three members watch, but one gdnsd and one PowerDNS: theirs is one place less to be wrong, and one
  point of view. In the lab nothing but the target ever fails.
* Nobody is set as installed. gdnsd asks for ten failures at ten seconds, PowerDNS for one at five;
  ours for three, the first within 180 s. gdnsd 3.8 refuses an interval below two seconds.
* PowerDNS knows no number of failures: one lost probe withdraws. Ours asked for three in each row,
  gdnsd for three in the first setting and for one in the second.
* gdnsd halves the TTL that it gives while a target is down.
* PowerDNS ran with its packet cache off (`cache-ttl=0`), which as installed keeps answers for
  longer.
* The records of BIND were put in with the TTL of the table, which our members take over; the key
  `ttl`, for the first record of a name, begins at 60.
"""


class Seen(Protocol):
    """What the client saw of a contender; see benchmarks/loop.py."""

    failed: list[float]
    lasted: list[float]
    gone: list[float]
    last: list[float]
    back: list[float]
    failed_by_return: int
    put_back: int


def promised(setting: Setting, *, silent: bool) -> Promise:
    """Seconds at worst until the last client is given the dead address; see ROUNDING."""
    return worst(setting.ours, setting.ttl + ROUNDING, silent=silent)


def promises(setting: Setting, *, silent: bool) -> tuple[float, float, float]:
    """Seconds at worst until the record is gone, the last failure, and the first request again."""
    promise, timing = promised(setting, silent=silent), setting.ours
    back = timing.interval + (timing.rise - 1) * timing.fast_interval + promise.cached
    return promise.noticed, promise.total, back


def promise_row(terms: Iterable[float]) -> tuple[str, ...]:
    """The row of the table below ours."""
    return ("*promised for it, at most*", "", "", *(f"{term:g}" for term in terms), "0")


def part(setting: Setting, death: str, seen: Mapping[str, Seen], *, silent: bool) -> str:
    """The table of one way to die under one setting."""
    ours, *_ = seen.values()
    terms = promises(setting, silent=silent)
    worsts = (max(figures) for figures in (ours.gone, ours.last, ours.back))
    shares = [f"{found / term:.0%}" for found, term in zip(worsts, terms, strict=True)]
    measured = [_row(name, found) for name, found in seen.items()]
    rows = [
        measured[0],
        promise_row(terms),
        ("*the worst measured of that*", "", "", *shares, ""),
        *measured[1:],
    ]
    rounds = len(ours.failed)
    head = (f"{death}, {rounds} rounds", *HEADINGS)
    note = f"Records that our members put back besides, in all rounds: {ours.put_back}."
    return f"{results.table(head, rows)}\n\n{note}"


def _row(name: str, seen: Seen) -> tuple[str, ...]:
    seconds = (seen.lasted, seen.gone, seen.last, seen.back)
    figures = (_figures(seen.failed, 0), *map(_figures, seconds))
    return (name, *figures, str(seen.failed_by_return))


def page(settings: Sequence[Setting], parts: Sequence[str]) -> str:
    """All of it; ``parts`` are as many for each setting."""
    each = len(parts) // len(settings)
    sections = [
        "\n\n".join((f"## {setting.name}", told(setting), *parts[i * each : (i + 1) * each]))
        for i, setting in enumerate(settings)
    ]
    load = " ".join(f"{value:.1f}" for value in LOAD)
    head = HEAD.format(machine=results.machine(), versions=", ".join(_versions()), load=load)
    return head + "\n\n".join((*sections, FOOT))


LOAD = os.getloadavg()


def told(setting: Setting) -> str:
    """How everybody is set, in one line."""
    keys = ", ".join(f"{key}: {value:g}" for key, value in setting.keys().items())
    options = ", ".join(f"{key} => {value}" for key, value in setting.gdnsd.items())
    return (
        f"TTL {setting.ttl} s. Ours: `{{{keys}}}`. gdnsd: `{options}`. PowerDNS: "
        f"`lua-health-checks-interval={setting.pdns_interval}`, `timeout={setting.pdns_timeout}`."
    )


def _figures(values: Iterable[float], digits: int = 1) -> str:
    known = list(values)
    return f"{statistics.median(known):.{digits}f} ({max(known):.{digits}f})"


def _versions() -> Iterable[str]:
    yield f"dnsbalancer {__version__}"
    for program, flag in VERSIONS:
        command = [shutil.which(program, path=PATH) or program, flag]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"\d+\.\d+[.\d]*", done.stdout + done.stderr)
        yield f"{program} {found.group() if found else '?'}"
