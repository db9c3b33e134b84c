"""Faults to order: which requests are hit, how often, and what is done to them.

A fault's text form, as on the command line and at ``/_emulator/faults``, one per line:

    OPERATION:ACTION[:OPTION=VALUE]...       create_record:lost:times=2
                                             list_records:short_list:type=A:fraction=0.5
                                             writes:status:code=503:retry_after=7:probability=0.3
                                             *:slow:seconds=1.5

    OPERATION  one of calls.OPERATIONS, or reads, writes (both without auth_token), or * for all
    ACTION     one of ACTIONS, below

    option         default   for        meaning
    -------------  --------  ---------  ---------------------------------------------------------
    type           any       all        A, AAAA, TXT...: only requests for records of this type
    match          any       all        only requests with this text in the path or the body
    skip           0         all        let this many requests go by first
    times          for ever  all        hit this many requests
    probability    1         all        hit a request with this chance, by a generator of its own
    seed           0         all        ...that starts from this number
    code           503       status     the status; the body is the API's own error unless ``body``
    retry_after    none      status     a Retry-After header
    body           none      status     must be the last one: the rest of the text, colons and all
    seconds        1         slow, delayed, stale_list
    answer         yes       delayed    no: drop the connection instead of answering
    fraction       1         short_list the part of the list that is missing from its end
    shape          html      garbage    what comes with the 200: html, object, null, text

Several faults that hit one request work inside one another, in the order in which they were given.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from dnsbalancer_exporter.emulator.actions import ACTIONS, GARBAGE
from dnsbalancer_exporter.emulator.calls import OPERATIONS, Call
from dnsbalancer_exporter.emulator.rules import KINDS
from dnsbalancer_exporter.emulator.switches import seconds

GROUPS: Mapping[str, frozenset[str]] = {
    **{operation: frozenset({operation}) for operation in OPERATIONS},
    "*": frozenset(OPERATIONS),
    "reads": frozenset(o for o, sort in OPERATIONS.items() if sort == "read"),
    "writes": frozenset(o for o, sort in OPERATIONS.items() if sort == "write") - {"auth_token"},
}
"""The words for operations and what each stands for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of request and what is done to it; the options are in the table above."""

    operation: str
    action: str
    type: str | None = None
    match: str | None = None
    skip: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    code: int = 503
    retry_after: str | None = None
    seconds: float = 1.0
    answer: bool = True
    fraction: float = 1.0
    shape: str = "html"
    body: str | None = None

    def __post_init__(self) -> None:
        checks = {
            "operation": _one_of(GROUPS),
            "action": _one_of(ACTIONS),
            **{name: check for name, check in OPTIONS.items() if name not in {"body", "match"}},
        }
        for name, check in checks.items():
            value = getattr(self, name)
            if value is not None:
                check(_text(value))
        action = ACTIONS[self.action]
        given = {name for name in OPTIONS if getattr(self, name) != DEFAULTS[name]}
        strange = sorted(given - COMMON - action.options)
        if strange:
            raise ValueError(f"{self.action} has no {', '.join(strange)}")
        if action.only and not GROUPS[self.operation] <= action.only | {"unknown"}:
            raise ValueError(f"{self.action} is for {', '.join(sorted(action.only))}")

    def __str__(self) -> str:
        changed = [name for name in OPTIONS if getattr(self, name) != DEFAULTS[name]]
        options = [f"{name}={_text(getattr(self, name))}" for name in changed]
        return ":".join((self.operation, self.action, *options))

    def fits(self, call: Call) -> bool:
        """Whether a request is of the kind that this fault hits."""
        return (
            call.operation in GROUPS[self.operation]
            and self.type in {None, call.route.kind.upper()}
            and (self.match is None or self.match in call.path + "\n" + call.body.decode("latin-1"))
        )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _one_of(words: Iterable[str]) -> Callable[[str], str]:
    known = tuple(words)

    def parse(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text!r} is none of {', '.join(known)}")
        return text

    return parse


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _part(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{text!r} is not a number from 0 to 1")
    return value


def _yes(text: str) -> bool:
    return _one_of(("yes", "no"))(text) == "yes"


OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "type": _one_of([kind.upper() for kind in KINDS]),
    "match": str,
    "skip": _whole(0, 10**9),
    "times": _whole(1, 10**9),
    "probability": _part,
    "seed": _whole(0, 10**18),
    "code": _whole(200, 599),
    "retry_after": str,
    "seconds": seconds,
    "answer": _yes,
    "fraction": _part,
    "shape": _one_of(GARBAGE),
    "body": str,
}
COMMON = {"type", "match", "skip", "times", "probability", "seed"}
DEFAULTS = {f.name: f.default for f in fields(Fault) if f.default is not MISSING}


def parse_fault(text: str) -> Fault:
    """The fault that a text says; ValueError says which word is wrong and what there is."""
    operation, _, rest = text.strip().partition(":")
    action, _, options = rest.partition(":")
    try:
        return Fault(operation, action, **_parse_options(options))
    except ValueError as error:
        raise ValueError(f"fault {text.strip()!r}: {error}") from None


def _parse_options(rest: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while rest:
        option, _, rest = (rest, "", "") if rest.startswith("body=") else rest.partition(":")
        name, equals, value = option.partition("=")
        if not equals or name not in OPTIONS:
            raise ValueError(f"unknown option {option!r}; there are {', '.join(OPTIONS)}")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = OPTIONS[name](value)
    return values


class _Armed:
    """A fault in force: what it has seen and done."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.hits = 0
        self._random = random.Random(fault.seed)

    def hit(self, call: Call) -> bool:
        fault = self.fault
        if not fault.fits(call):
            return False
        self.seen += 1
        if self.seen <= fault.skip or self.hits == fault.times:
            return False
        if self._random.random() >= fault.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults in force, in order; a fault that has had its times stays in the list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: tuple[_Armed, ...] = ()

    def add(self, *faults: Fault | str) -> None:
        """Put more faults in force: all of them or, with a ValueError, none."""
        new = tuple(_Armed(parse_fault(f) if isinstance(f, str) else f) for f in faults)
        with self._lock:
            self._armed += new

    def replace(self, *faults: Fault | str) -> None:
        """Put these faults in force and no others."""
        new = tuple(_Armed(parse_fault(f) if isinstance(f, str) else f) for f in faults)
        with self._lock:
            self._armed = new

    def clear(self) -> None:
        """No faults any more."""
        self.replace()

    def hitting(self, call: Call) -> tuple[Fault, ...]:
        """The faults that a request is to suffer; they are counted."""
        with self._lock:
            return tuple(armed.fault for armed in self._armed if armed.hit(call))

    def hits(self) -> tuple[tuple[Fault, int], ...]:
        """Each fault and how many requests it has hit."""
        with self._lock:
            return tuple((armed.fault, armed.hits) for armed in self._armed)
