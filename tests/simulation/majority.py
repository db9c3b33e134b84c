"""Worlds with votes, and the law that they add, as a judge sees it who knows the whole network.

**No machine is withdrawn that a strict majority of the observers with access to the API reaches.**

Nobody can know this moment's network, so there is a grace: an observer *reaches* a machine if its
probes were answered for an interval, a lease and 15 s; it *has access* if for a lease and 15 s its
daemon ran, was allowed to write, and its calls arrived and were answered; it *may count* unless for
two leases it had none of this. The law is broken by a withdrawal, on the ground DOWN, by who takes
part in the votes, of a machine that is reached by observers with access who are more than half of
all that may count. Where calls fail by chance, access means nothing: there the ten laws are judged.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from dnsbalancer_exporter.model import Mode, QuorumTerms
from dnsbalancer_exporter.quorum import LOOKS
from tests.simulation import virtual_time
from tests.simulation.instance import Daemon, Instance
from tests.simulation.laws import LawBroken
from tests.simulation.network import Network
from tests.simulation.world import World


class Since:
    """For how long something has been as it is."""

    def __init__(self) -> None:
        self._states: dict[object, tuple[object, float]] = {}

    def note(self, what: object, state: object) -> None:
        now = virtual_time.loop().time()
        if self._states.get(what, (None, now))[0] != state:
            self._states[what] = (state, now)

    def seconds(self, what: object, state: object) -> float:
        """For how long it has been in this state; 0 if it is in another."""
        known, since = self._states.get(what, (None, 0.0))
        return virtual_time.loop().time() - since if known == state else 0.0


class VotingWorld(World):
    """A drawn world whose instances agree by votes; in some, one of them does not take part.

    What happens lasts for longer than in other worlds: a majority must be there to be outvoted.
    """

    length = 4

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        draw = random.Random(f"votes {seed}")
        self.lease = draw.choice((30.0, 60.0))
        self.patience = 5 * self.lease
        self.calm = draw.choice((30.0, 100.0, 200.0))
        self.api.trouble = draw.choice((0.0, 0.0, 0.0, self.api.trouble))
        outsider = draw.choice((*self.instances, *[None] * 8))
        for instance in self.instances:
            votes = None if instance is outsider else QuorumTerms(instance.place, self.lease)
            instance.pool = replace(instance.pool, quorum=votes)
        self.since = Since()
        self.withdrawn = 0
        self.near = 0
        self.laws.majority = self._against

    async def play(self) -> VotingWorld:
        """Play it to its end; raises LawBroken."""
        await super().play()
        for daemon, times in self.laws.ballots.items():
            for first, later in zip(times, times[LOOKS + 1 :], strict=False):
                if later - first < 0.9 * self.lease:
                    raise self.laws.broken(f"{daemon.place} wrote {LOOKS + 2} votes in a lease")
        return self

    @property
    def between(self) -> float:
        return self.calm

    def _events(self) -> list[Callable[[Instance], None]]:
        apart = [self._split, self._split, self._cut, self._cut, self._cut_from_one, self._apart]
        return [*super()._events(), *apart * 3]

    def _split(self, _: Instance) -> None:
        """Two groups, neither of which reaches the other."""
        some = set(self.draw.sample(self.instances, self.draw.randrange(len(self.instances))))
        for one in self.instances:
            others = (o.place for o in self.instances if (o in some) is not (one in some))
            self.network.cuts |= {(one.place, other) for other in others}
        self.laws.say(f"split: {sorted(instance.place for instance in some)} from the rest")

    def _cut_from_one(self, _: Instance) -> None:
        """One machine is not reached by some; it reaches all."""
        machine = self.draw.choice(self.machines)
        some = self.draw.sample(self.instances, self.draw.randrange(len(self.instances)))
        self.network.cuts |= {(one.place, machine) for one in some if one.place != machine}
        self.laws.say(f"{machine} is not reached by {sorted(one.place for one in some)}")

    def happened(self) -> None:
        """Note what each observer can do from now on."""
        network = self.network
        places = {instance.place for instance in self.instances}
        for instance in self.instances:
            self.since.note(instance.place, self._access(instance))
            for address in places:
                self.since.note((instance.place, address), _reaches(network, instance, address))

    def _access(self, instance: Instance) -> bool:
        network, daemon = self.network, instance.daemon
        away = network.mute | network.deaf | network.offline
        if daemon is None or not instance.lives or instance.place in away:
            return False
        return daemon.pool.quorum is not None and daemon.pool.mode is Mode.ENFORCE

    def _against(self, who: Daemon, value: str) -> str:
        """Why this withdrawal breaks the law; "" if it does not."""
        self.happened()
        kept = who.cycle.outlook.memory(who.pool).drains
        if who.pool.quorum is None or self.api.trouble or value in (*kept, *who.pool.retired):
            return ""
        self.withdrawn += 1
        since, lately = self.since, self.lease + 15.0
        voters = [i.place for i in self.instances if i.pool.quorum]
        may_count = [p for p in voters if since.seconds(p, False) < 2 * self.lease]
        have_access = [p for p in voters if since.seconds(p, True) >= lately]
        answered = {p for p in voters if since.seconds((p, value), True) >= lately + self.interval}
        reach = [p for p in have_access if p in answered]
        self.near += bool(reach)
        if 2 * len(reach) <= len(may_count):
            return ""
        return f"law of votes: {who.place} withdraws {value}, which {reach} of {may_count} reach"


def _reaches(network: Network, instance: Instance, address: str) -> bool:
    if not network.up.get(address) or (instance.place, address) in network.cuts:
        return False
    if instance.place == address:
        return True
    return not network.loss and instance.place not in network.offline


def told(seed: int) -> str:
    """How a law was broken in this world; "" if none was."""
    try:
        virtual_time.run(VotingWorld(seed).play())
    except LawBroken as broken:
        return f"SEED={seed}: {broken}"
    return ""
