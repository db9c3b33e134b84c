"""Quorum: what the votes of all observers of a pool make of each target. Pure.

    who is counted                                  as what               until
    ----------------------------------------------  --------------------  ------------------------
    we ourselves                                    what our vote says    we see it otherwise (1)
    an observer whose vote's number has risen       what the vote says    a lease after it rose
    .. and whose vote has vanished since            holding nobody DOWN   a lease after it rose
    for a member, a target that has no such vote    holding nobody DOWN   it is silent a lease (2)
    for a witness, a target that has no such vote   holding nobody DOWN   it was asked a lease (3)

    of those counted, DOWN is said by    the target is   may be withdrawn   may be published
    -----------------------------------  --------------  -----------------  --------------------
    more than half                       down            yes                no
    exactly half                         tied            no                 no (levels stay)
    fewer                                up              no                 yes

    if                                                              nothing is       is published
    --------------------------------------------------------------  ---------------  --------------
    the votes were watched for less than a lease                    withdrawn        as above
    they could not be read for a third of the lease                 withdrawn        as above
    they could not be read for a lease                              withdrawn        by the own view
    no target of the record set is up by the votes                  withdrawn        by the own view

(1) We count as saying DOWN of whom we hold DOWN now and our vote in the zone names: whoever finds a
record gone finds the votes that took it out. (2) We hold it DOWN for a lease, and a vote that names
somebody has been there for a lease: who can read and write the zone has had the time to vote.
(3) The same without our view of it: a target has no observer as far as a witness knows, unless it
votes.

Times are on the reader's own clock: no two clocks need agree. Rises are seen in the answers of
reads; a vote is fresh as of the last read. A break of a lease in the reading begins the watch anew:
what is found then counts as fresh. Both the view of who writes and the votes must say DOWN: votes
only ever withhold what would have been done without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from dnsbalancer_exporter.model import Health, HealthState, Pool, QuorumTerms
from dnsbalancer_exporter.names import address_type
from dnsbalancer_exporter.vote import (
    RENEWALS,
    Count,
    Standing,
    Unsettled,
    Verdict,
    Vote,
    Voter,
    Words,
    in_order,
)

LOOKS = 12
"""How often in a lease votes are read, and at most changed, while they change."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The newest vote of an observer: when its number rose, and when it last said another thing."""

    vote: Vote
    moved_at: float
    said_at: float


@dataclass(frozen=True, slots=True)
class Poll:
    """What a reader knows of a pool's votes.

    ``since`` is since when it has watched without a break, ``asked_since`` since when there has
    been a fresh vote that names somebody; ``read_at`` is when the votes were last read.
    """

    since: float = 0.0
    read_at: float | None = None
    asked_since: float | None = None
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    problem: str = ""

    def fresh(self, lease: float) -> dict[str, Sighting]:
        """The sightings whose number has risen within the lease, as of the last read."""
        read_at = self.read_at
        if read_at is None:
            return {}
        return {o: s for o, s in self.sightings.items() if read_at - s.moved_at < lease}


def read(poll: Poll, votes: Iterable[Vote], now: float, lease: float) -> Poll:
    """What a reader knows after an answer that came at ``now``."""
    broken = poll.read_at is None or now - poll.read_at >= lease
    before = {} if broken else poll.sightings
    newest: dict[str, Vote] = {}
    for vote in votes:
        held = newest.get(vote.observer)
        if held is None or vote.seq > held.seq:
            newest[vote.observer] = vote
    seen = {o: _vanished(s, now) for o, s in before.items() if now - s.moved_at < lease}
    seen |= {o: _sighting(before.get(o), vote, now) for o, vote in sorted(newest.items())}
    after = Poll(now if broken else poll.since, now, None, seen)
    if not any(s.vote.names for s in after.fresh(lease).values()):
        return after
    asked = now if broken or poll.asked_since is None else poll.asked_since
    return replace(after, asked_since=asked)


def _sighting(before: Sighting | None, vote: Vote, now: float) -> Sighting:
    """Only a higher number is news: a vote that changes without one is not believed."""
    if before is None:
        return Sighting(vote, now, now)
    if vote.seq <= before.vote.seq:
        return before
    said = (vote.words, vote.cut) == (before.vote.words, before.vote.cut)
    return Sighting(vote, now, before.said_at if said else now)


def _vanished(before: Sighting, now: float) -> Sighting:
    """Taken back, or lost by a provider of whole sets: its observer is there, and names nobody."""
    said_at = now if before.vote.names else before.said_at
    return Sighting(Vote(before.vote.observer, before.vote.seq), before.moved_at, said_at)


# --- counting -----------------------------------------------------------------------------


def count(
    pool: Pool,
    terms: QuorumTerms,
    poll: Poll,
    own: Words,
    healths: Mapping[str, HealthState],
    now: float,
) -> Count:
    """Count the votes on the targets that ``healths`` has; ``own`` is our view of this moment."""
    lost = poll.read_at is None or now - poll.read_at >= terms.lease
    others = {} if lost else poll.fresh(terms.lease)
    others.pop(terms.observer, None)
    presumed = _presumed(pool, poll, terms.lease, healths, now) - others.keys() - {terms.observer}
    of = 1 + len(others) + len(presumed)
    said = [_said(poll, terms, own), *(s.vote.words for s in others.values())]
    named = {address for words in said for address in words.down} & healths.keys()
    drained = {a for s in others.values() for a in s.vote.words.drained} & healths.keys()
    return Count(
        voters=_voters(terms, poll, others, presumed),
        of=of,
        verdicts={a: Verdict(sum(a in w.down for w in said), of) for a in in_order(named)},
        drained={
            a: tuple(o for o, s in others.items() if a in s.vote.words.drained)
            for a in in_order(drained)
        },
        read_at=poll.read_at,
        open_since=poll.asked_since,
        settled_at=None if poll.read_at is None else poll.since + terms.lease,
        unsettled=_unsettled(poll, terms.lease, now),
        problem=poll.problem,
    )


def _said(poll: Poll, terms: QuorumTerms, own: Words) -> Words:
    """Whom we hold DOWN, as far as our vote in the zone says it."""
    mine = poll.sightings.get(terms.observer)
    written = mine.vote.words.down if mine else ()
    return Words(tuple(a for a in own.down if a in written), own.drained)


def _presumed(
    pool: Pool, poll: Poll, lease: float, healths: Mapping[str, HealthState], now: float
) -> set[str]:
    """The targets that may have an observer, of one family: a machine has one address of each."""
    own = {target.address for target in pool.own}
    mine = pool.types[:1]
    might = {a for a in healths if address_type(a) in mine and a not in own}
    if not _asked(poll, lease):
        return might
    if not pool.member:
        return set()
    return {a for a in might if not _silent(healths[a], now, lease)}


def _asked(poll: Poll, lease: float) -> bool:
    """Whether whoever votes has had a lease to do so, as of the last read."""
    if poll.read_at is None or poll.asked_since is None:
        return False
    return poll.read_at - poll.asked_since >= lease


def _silent(state: HealthState, now: float, lease: float) -> bool:
    """Whether a target has been DOWN for a lease."""
    return state.health is Health.DOWN and state.since is not None and now - state.since >= lease


def _unsettled(poll: Poll, lease: float, now: float) -> Unsettled | None:
    if poll.read_at is None or now - poll.read_at >= lease / RENEWALS:
        return Unsettled.UNREAD
    return Unsettled.WATCHING if poll.read_at - poll.since < lease else None


def _voters(
    terms: QuorumTerms, poll: Poll, others: Mapping[str, Sighting], presumed: set[str]
) -> tuple[Voter, ...]:
    """Ourselves, and then everybody else by name, counted or not."""
    me = poll.sightings.get(terms.observer)
    voters = [Voter(o, Standing.PRESUMED) for o in presumed - poll.sightings.keys()]
    for observer, s in poll.sightings.items():
        counted = Standing.PRESUMED if observer in presumed else Standing.STALE
        standing = Standing.VOTES if observer in others else counted
        voters.append(Voter(observer, standing, s.vote, s.moved_at))
    own = Voter(terms.observer, Standing.OWN)
    if me:
        own = replace(own, vote=me.vote, moved_at=me.moved_at)
    return (own, *sorted((v for v in voters if v.observer != own.observer), key=_by_name))


def _by_name(voter: Voter) -> str:
    return voter.observer


# --- voting -------------------------------------------------------------------------------


def says(poll: Poll, terms: QuorumTerms, own: Words) -> Words | None:
    """What our vote is to say; None: nobody names anybody, so there is to be none."""
    fresh = poll.fresh(terms.lease)
    others = any(s.vote.names for o, s in fresh.items() if o != terms.observer)
    return own if any(own) or others else None


def named(poll: Poll, terms: QuorumTerms) -> frozenset[str]:
    """Whom the fresh votes of others say to be DOWN."""
    fresh = poll.fresh(terms.lease)
    others = (s.vote.words.down for o, s in fresh.items() if o != terms.observer)
    return frozenset(address for down in others for address in down)


def disputed(
    poll: Poll, terms: QuorumTerms, healths: Mapping[str, HealthState]
) -> dict[str, float]:
    """Whom to probe at once, and since when: a vote contradicts our view of it."""
    asked: dict[str, float] = {}
    ours = {Health.DOWN: set[str](), Health.UP: set[str]()}
    for address, state in healths.items():
        if state.health is not Health.UNKNOWN:
            ours[state.health].add(address)
    for observer, s in poll.fresh(terms.lease).items():
        named = set(s.vote.words.down)
        against = (named & ours[Health.UP]) | (ours[Health.DOWN] - named)
        for address in against if observer != terms.observer else ():
            asked[address] = max(s.said_at, asked.get(address, 0.0))
    return asked


def look_again(poll: Poll, terms: QuorumTerms, own: Words, now: float) -> float:
    """When the votes are to be read next: soon while they change, else before they expire."""
    mine, said = poll.sightings.get(terms.observer), says(poll, terms, own)
    changing = any(now - s.said_at < terms.lease for s in poll.sightings.values())
    changing |= _sets(said or Words()) != _sets(mine.vote.words if mine else Words())
    return now + terms.lease / (LOOKS if changing else RENEWALS)


def _sets(words: Words) -> list[set[str]]:
    return [set(addresses) for addresses in words]
