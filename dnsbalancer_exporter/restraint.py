"""Restraint: what happens too often is done more slowly each time.

    event                               counted when            delays
    ----------------------------------  ----------------------  -----------------------
    a target returns (DOWN to UP)       more than 5 in 10 min   its next publication

The delay doubles with each event that is counted while the rate is too high, from `first` to `cap`,
and is forgotten when the rate has fallen. Hold-down is the case that exists today; see law 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from dnsbalancer_exporter.model import Restraint, Timing

HOLD_DOWN_RETURNS = 5
HOLD_DOWN_WITHIN = 600.0
HOLD_DOWN_CAP = 300.0


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
        return Restraint(events=recent)
    step = restraint.step + 1
    delay = min(rule.cap, rule.first * 2 ** min(step - 1, 30))
    # More than allowed + 1 times are never needed to know that the rate is too high.
    return Restraint(events=recent[-rule.allowed - 1 :], step=step, until=now + delay)
