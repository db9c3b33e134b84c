"""Restraint: what happens too often is done more slowly each time.

    event                                   counts from    delays                      forgotten
    --------------------------------------  -------------  --------------------------  -------------
    hold-down: a target returns (DOWN, UP)  the sixth in   its next publication: from  when the rate
                                            ten minutes    rise x fast_interval to     has fallen
                                                           five minutes, doubling
    contested: a record that we would have    the first      its next withdrawal: from   a step per
    gone is put back under a new id, and                   ten minutes to six hours,   agreement as
    a probe after that finds us right                      doubling                    long as it is

Law 6 has the first, law 9 the second: without it two machines that see different things delete and
create one record against each other thousands of times a day. A mere blink of UP forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dnsbalancer_exporter.model import Contest, Restraint, Timing

HOLD_DOWN_RETURNS = 5
HOLD_DOWN_WITHIN = 600.0
HOLD_DOWN_CAP = 300.0

CONTESTED_FIRST = 600.0
CONTESTED_CAP = 21600.0


@dataclass(frozen=True, slots=True)
class Rule:
    """More than ``allowed`` events in ``within`` seconds delay by ``first`` to ``cap`` seconds."""

    allowed: int
    within: float
    first: float
    cap: float


def hold_down(timing: Timing) -> Rule:
    """The rule for a target that comes back again and again."""
    first = timing.rise * timing.fast_interval
    return Rule(HOLD_DOWN_RETURNS, HOLD_DOWN_WITHIN, first, HOLD_DOWN_CAP)


def note(restraint: Restraint, rule: Rule, now: float) -> Restraint:
    """Return what ``restraint`` becomes by one more event at ``now``."""
    recent = (*(at for at in restraint.events if at > now - rule.within), now)
    if len(recent) <= rule.allowed:
        return Restraint(events=recent, until=restraint.until)
    step = restraint.step + 1
    delay = min(rule.cap, rule.first * 2 ** min(step - 1, 30))
    # More than allowed + 1 times are never needed to know that the rate is too high.
    return Restraint(events=recent[-rule.allowed - 1 :], step=step, until=now + delay)


def matters(restraint: Restraint, now: float) -> bool:
    """Say whether it delays anything, or may do so soon."""
    recent = any(at > now - HOLD_DOWN_WITHIN for at in restraint.events)
    return recent or now < restraint.until


def contest_delay(returns: int) -> float:
    """Seconds that a withdrawal waits after so many returns."""
    return min(CONTESTED_CAP, CONTESTED_FIRST * 2.0 ** max(0, min(returns - 1, 20)))


def contest(
    before: Contest, now: float, *, came_back: bool, up: bool, confirmed_at: float | None
) -> Contest:
    """Return what ``before`` becomes by one look at the zone, and at our view of the target.

    ``confirmed_at`` is when that view was last confirmed, if it is that the record should be gone.
    """
    agreed_since = (before.agreed_since if before.agreed_since is not None else now) if up else None
    returned_at = None if up else now if came_back else before.returned_at
    after = replace(before, agreed_since=agreed_since, returned_at=returned_at)
    if agreed_since is not None and now - agreed_since >= contest_delay(after.returns):
        after = replace(after, returns=max(0, after.returns - 1), agreed_since=now)
    if returned_at is not None and confirmed_at is not None and confirmed_at > returned_at:
        returns = after.returns + 1
        until = now + contest_delay(returns)
        after = replace(after, returns=returns, until=until, returned_at=None)
    return after
