"""The desk: what operators ask of a running daemon through the control socket, and its answers.

`drain` and `undrain` change what the next cycle does; they never write the zone themselves. A drain
is on disk before it is answered for, or the answer says that it is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from dnsbalancer_exporter import plan
from dnsbalancer_exporter.control import SECONDS, Verb
from dnsbalancer_exporter.errors import DnsBalancerError
from dnsbalancer_exporter.export import status
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.keeper import Keeper
from dnsbalancer_exporter.model import LONGEST_DRAIN, Drain, Mode, Pool
from dnsbalancer_exporter.names import canonical_address
from dnsbalancer_exporter.outlook import Outlook
from dnsbalancer_exporter.report import Report
from dnsbalancer_exporter.rounds import Rounds
from dnsbalancer_exporter.threads import aside

Asked = Mapping[str, Any]
Chosen = list[tuple[Pool, str]]


class Refused(DnsBalancerError):
    """What was asked is not done; the text says why, and what would be."""


class Desk:
    """Answers for one daemon; ``report`` gives its picture, ``epoch`` makes times Unix times.

    ``show`` gives the status document, which takes a while if there are many targets.
    """

    def __init__(
        self,
        outlook: Outlook,
        rounds: Rounds,
        keeper: Keeper,
        journal: Journal,
        report: Callable[[], Report],
        epoch: Callable[[], float],
        show: Callable[[], status.Document],
    ) -> None:
        self._outlook = outlook
        self._rounds = rounds
        self._keeper = keeper
        self._journal = journal
        self._report = report
        self._epoch = epoch
        self._show = show

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """By the name that the control socket knows them by."""
        return {
            "status": lambda _: aside(self._show, SECONDS),
            "explain": self._explain,
            "drain": self._drain,
            "undrain": self._undrain,
        }

    async def _explain(self, asked: Asked) -> list[status.Document]:
        shown = await aside(self._show, SECONDS)
        return status.explain(shown, str(asked.get("address", "")))

    async def _drain(self, asked: Asked) -> list[status.Document]:
        seconds, forced = asked.get("seconds", 3600.0), bool(asked.get("force"))
        if not isinstance(seconds, int | float) or not 1.0 <= seconds <= LONGEST_DRAIN:
            raise Refused(f"a drain lasts from 1 s to {LONGEST_DRAIN / 86400:.0f} days")
        report = self._report()
        chosen = self._chosen(report, asked)
        if not forced:
            self._admit(report, chosen)
        drain = Drain(report.at, report.at + seconds, forced)
        for pool, address in chosen:
            self._outlook.drain(pool, address, drain)
            text = f"{address} is drained for {seconds:.0f} s"
            self._journal.say(logging.WARNING, "drain", text, pool=pool.name, address=address)
        return await self._answer(chosen)

    async def _undrain(self, asked: Asked) -> list[status.Document]:
        report = self._report()
        drained = [
            (pool, address)
            for pool, address in self._chosen(report, asked)
            if address in self._outlook.drains(pool)
        ]
        if not drained:
            raise Refused("it is not drained here: `dnsbalancer status` shows what is")
        for pool, address in drained:
            self._outlook.drain(pool, address, None)
            text = f"{address} is no longer drained"
            self._journal.say(logging.INFO, "undrain", text, pool=pool.name, address=address)
        return await self._answer(drained)

    def _chosen(self, report: Report, asked: Asked) -> Chosen:
        """The pools and addresses that are meant: by an address or a name, else our own."""
        wanted, only = _canonical(str(asked.get("address") or "")), str(asked.get("pool") or "")
        pools = [r.pool for r in report.pools if only in ("", r.pool.name)]
        if not wanted:
            chosen = [(p, own.address) for p in pools if p.member for own in p.own]
            advice = "this daemon is a witness: say which address"
        else:
            here = {
                (key.pool, key.address)
                for key, state in report.targets.items()
                if not key.reference and wanted in (key.address, state.target.name)
            }
            # What is drained may be no target any more: a reload can have removed it.
            here |= {(p.name, a) for p in pools for a in self._outlook.drains(p) if a == wanted}
            chosen = [
                (p, address) for p in pools for name, address in sorted(here) if name == p.name
            ]
            advice = f"{wanted} is no target of this daemon: `dnsbalancer status` shows them"
        if not chosen:
            raise Refused(advice if pools else f"there is no pool {only}")
        return chosen

    def _admit(self, report: Report, chosen: Chosen) -> None:
        """Law 1 beforehand: Refused if the rest would be too little for any of ``chosen``."""
        read = {r.pool.name for r in report.pools if r.read_at is not None}
        for pool, address in chosen:
            if pool.name not in read:
                text = f"the zone of pool {pool.name} has not been read yet: try again, or --force"
                raise Refused(text)
            if not plan.drainable(self._outlook.situation(pool), address):
                raise Refused(
                    f"without {address} too little would be left of pool {pool.name}: at least "
                    f"{pool.min_records} (min_records), one of them up. With --force it is drained "
                    "as soon as one other is up"
                )

    async def _answer(self, chosen: Chosen) -> list[status.Document]:
        self._rounds.wake(*(pool.name for pool, _ in chosen))
        unsaved = await self._keeper.save()
        epoch, answer = self._epoch(), []
        for pool, address in chosen:
            drain = self._outlook.drains(pool).get(address)
            answer.append(
                {
                    "pool": pool.name,
                    "address": address,
                    "until": round(drain.until + epoch, 1) if drain else None,
                    "also": publishers(pool, address) if drain else "nobody",
                    "unsaved": unsaved or None,
                }
            )
        return answer


def _canonical(wanted: str) -> str:
    try:
        return canonical_address(wanted)
    except ValueError:
        return wanted  # then it is a target's name, or nothing that we know


def publishers(pool: Pool, address: str) -> str:
    """Who else would put a drained address back: a word of text.ALSO."""
    own = pool.member and any(own.address == address for own in pool.own)
    table = (
        ("observed", pool.mode is Mode.OBSERVE),
        ("voters", pool.quorum is not None),
        ("everybody", any(target.address == address for target in pool.listed)),
        ("nobody", own),
    )
    return next((word for word, applies in table if applies), "its_own")
