"""Votes: what each observer says of a pool's targets, and the line of text that carries it.

    v=1 observer=203.0.113.1 seq=17 down=203.0.113.2,203.0.113.3 drained=203.0.113.4 cut=1

``down`` are the targets that the observer holds DOWN, ``drained`` those that its operator wants out
of the zone; either is left out when it is empty. ``seq`` grows with every writing. ``cut`` is how
many addresses found no room in 255 bytes. Whatever is written otherwise is no vote: it is somebody
else's record, and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from dnsbalancer_exporter.model import Pool
from dnsbalancer_exporter.names import address_order, canonical_address

LABEL = "_dnsbalancer"
"""The label under which a pool's votes are, before its first name."""

RENEWALS = 3
"""How often in a lease a vote is renewed while anybody is named, and votes are read."""

LONGEST = 255
"""Bytes of a vote at most: one string of a TXT record."""

OBSERVER = re.compile(r"[0-9A-Za-z][0-9A-Za-z.:_-]{0,62}")
"""What an observer may be called: an address, or a word of up to 63 characters."""

VOTE_EVENTS = ("cast", "taken_back", "failed", "cut", "shared", "tidied")
"""What can become of votes that we write: the closed set of the label ``event``."""

_VOTE = re.compile(
    rf"v=1 observer=({OBSERVER.pattern}) seq=([1-9][0-9]{{0,14}})"
    r"(?: down=([0-9a-f.:,]+))?(?: drained=([0-9a-f.:,]+))?(?: cut=([1-9][0-9]{0,5}))?"
)


class Words(NamedTuple):
    """What a vote says: who is held DOWN, and who is drained; the most important first."""

    down: tuple[str, ...] = ()
    drained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote as it was written. ``cut``: so many addresses found no room in it."""

    observer: str
    seq: int
    words: Words = Words()
    cut: int = 0

    @property
    def names(self) -> bool:
        """Whether it names anybody: a vote that does not is there to be counted."""
        return any(self.words) or self.cut > 0


class Verdict(NamedTuple):
    """How many say of a target that it is DOWN, and of how many that vote."""

    down: int
    of: int

    @property
    def word(self) -> str:
        """``down`` if a strict majority says so, ``tied`` at exactly half of them, else ``up``."""
        twice = 2 * self.down
        return "down" if twice > self.of else "tied" if twice == self.of and self.down else "up"


class Standing(Enum):
    """As what an observer is counted; all but STALE are."""

    OWN = "own"
    """It is us: our view as it is now, as far as our vote in the zone says it."""
    VOTES = "votes"
    """Its sequence number has moved within the lease."""
    PRESUMED = "presumed"
    """A target that may have an observer, and has no fresh vote: it holds nobody DOWN."""
    STALE = "stale"
    """Its vote is there and has not moved for a lease: it is not counted."""


@dataclass(frozen=True, slots=True)
class Voter:
    """One observer. ``vote`` is None for one that has none; ``moved_at`` is when its sequence
    number was seen to have moved, on the process's clock.
    """

    observer: str
    standing: Standing
    vote: Vote | None = None
    moved_at: float | None = None


class Unsettled(Enum):
    """Why nothing is withdrawn by the votes, whatever they say."""

    WATCHING = "watching"
    """The votes have been watched for less than a lease."""
    UNREAD = "unread"
    """They could not be read for a third of the lease."""


@dataclass(frozen=True, slots=True)
class Count:
    """The votes of a pool, counted at one moment.

    ``voters`` begins with ourselves, then by name. ``verdicts`` has the targets that somebody
    counted holds DOWN; ``of`` is how many are counted. ``drained`` says of targets which other
    observers want them out. ``open_since`` is since when the ballot has had a vote that names
    somebody, ``settled_at`` when it has been watched for a lease; times on the process's clock.
    ``problem`` says why the last read of it failed.
    """

    voters: tuple[Voter, ...]
    of: int = 1
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    drained: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    read_at: float | None = None
    open_since: float | None = None
    settled_at: float | None = None
    unsettled: Unsettled | None = None
    problem: str = ""

    @property
    def majority(self) -> int:
        """How many observers make a target DOWN."""
        return self.of // 2 + 1

    def verdict(self, address: str) -> Verdict:
        """Of one target: nobody names one that is not in ``verdicts``."""
        return self.verdicts.get(address, Verdict(0, self.of))


def ballot_name(pool: Pool) -> str:
    """The FQDN where the votes of a pool are: at its first name; a wildcard needs a word there."""
    return f"{LABEL}.{pool.records[0].replace('*', '_wildcard')}"


def text(vote: Vote) -> str:
    """The vote as it is written; what has no room is left out from the end, and counted."""
    marked = [("down", a) for a in vote.words.down] + [("drained", a) for a in vote.words.drained]
    # A drain has the word of an operator and is short: what is cut is who is DOWN.
    marked.sort(key=lambda entry: entry[0] == "down")
    for room in range(len(marked), -1, -1):
        kept = {word: [a for w, a in marked[:room] if w == word] for word in ("down", "drained")}
        line = _line(vote, kept, len(marked) - room + vote.cut)
        if len(line.encode()) <= LONGEST:
            return line
    raise ValueError(f"an observer's name that is too long: {vote.observer}")


def _line(vote: Vote, kept: Mapping[str, list[str]], cut: int) -> str:
    parts = [f"v=1 observer={vote.observer} seq={vote.seq}"]
    parts += [f"{word}={','.join(addresses)}" for word, addresses in kept.items() if addresses]
    return " ".join(parts + [f"cut={cut}"] * (cut > 0))


def parsed(line: str) -> Vote | None:
    """The vote that ``line`` is; None if it is none, to the letter."""
    match = _VOTE.fullmatch(line)
    if match is None or len(line.encode()) > LONGEST:
        return None
    observer, seq, down, drained, cut = match.groups()
    try:
        words = Words(_addresses(down), _addresses(drained))
    except ValueError:
        return None
    return Vote(observer, int(seq), words, int(cut or 0))


def _addresses(listed: str | None) -> tuple[str, ...]:
    addresses = listed.split(",") if listed else []
    if any(canonical_address(address) != address for address in addresses):
        raise ValueError(f"not canonical: {listed}")
    return in_order(addresses)


def in_order(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses in their order, each once."""
    return tuple(sorted(set(addresses), key=address_order))
