"""What people are told, in words: one verdict per pool, why a target is where it is, how long ago.

The page, the verbs and the JSON say the same, for they all take it from here. Everything is drawn
from the status document; the keys of the tables are the closed sets of model.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Document = Mapping[str, Any]

NOT_WITHDRAWN = {
    "observe_mode": "mode is observe: nothing is ever written",
    "stale_view": "the list of records was suspiciously short, and is read once more",
    "overloaded": "probes begin more than a second late: what is known of the targets is old",
    "unknown_health": "not every target is known yet, or its last probe does not confirm it",
    "fail_open": "nothing in the pool is up, so what is published stays",
    "isolated": "nobody has answered us since it began to fail: we may be the ones cut off",
    "own_unproven": "our own address was never up from here: give it a `probe` that works",
    "contested": "its owner keeps putting it back",
    "no_quorum": "no majority of the observers holds it down, or their votes do not count yet",
    "min_records": "too little would be left (min_records, one of it up)",
    "max_withdrawals": "enough was withdrawn in this cycle",
    "no_lock": "the lock cannot be had, or an earlier delete is unsettled or was refused",
}
"""The closed set of reasons not to withdraw, as sentences."""

NOT_PUBLISHED = {
    "observe_mode": "mode is observe: nothing is ever written",
    "unknown_health": "it is not known yet whether it is up",
    "drained": "an operator has drained it",
    "retired": "the configuration has retired it",
    "hold_down": "it came back too often: its return is delayed",
    "voted_down": "the observers do not hold it up: most of them, or half of them, hold it down",
    "conflict": "the provider says that it is there, and it is not",
    "api_error": "the provider refused to create it",
}
"""The closed set of reasons not to publish, as sentences."""

ADVICE = {
    "stale_view": "if it lasts, look at the zone in the provider's console: somebody else is"
    " deleting",
    "overloaded": "look at the load of this machine; probe less often, or fewer targets",
    "fail_open": "bring one machine back; if they are fine, the probe is wrong (port, firewall) or"
    " this machine is cut off",
    "isolated": "look at this machine's network; compare with the page of another daemon",
    "own_unproven": "give the own address a probe that works:"
    " `own_ip: {address: A, probe: 127.0.0.1}`",
    "contested": "the two daemons see different things: compare their pages, look for a one-way"
    " network fault",
    "no_quorum": "compare the pages of the observers",
    "hold_down": "find out why it flaps",
    "voted_down": "compare the pages of the observers",
    "conflict": "look at the zone in the console: the record may exist in another spelling, or the"
    " quota may be used up",
    "api_error": "the log has the answer: `record_create_failed`",
}
"""What to do about a reason, in the words of docs/runbook.md; the others pass, or were meant."""

MEANT = frozenset({"drained", "retired", "observe_mode"})
"""Reasons not to publish that somebody wanted: no cause for alarm."""

PLANNED = {
    "create": "the next cycle publishes it",
    "delete": "the next cycle withdraws it",
}
OTHERWISE = {
    ("down", True): "the next cycle decides",
    ("down", False): "it is down",
    ("up", False): "it is for its own daemon, or for a witness, to publish it",
    ("unknown", False): NOT_PUBLISHED["unknown_health"],
}
"""By health and whether it is published: what there is to say if no reason is given."""

LEVELS = ("good", "attention", "trouble")
"""How bad it is: nothing to do; look, it is taken care of or will be; somebody suffers from it."""


UNTIL = {
    "hold_down_until": "held down",
    "drained_until": "drained",
    "contested_until": "contested",
}
"""What delays or keeps out a target for a time, by the field that says until when."""

REFUSED = "the configuration is refused, the old one stays in use"
"""What is said where `config_problems` has any: of the process, and not of a pool."""

LATE = 60.0
"""Seconds by which a read of the zone may be overdue before that is worth a word."""


class Verdict(NamedTuple):
    """What an operator must know first: one of LEVELS, and a sentence without its full stop."""

    level: str
    text: str


def verdict(pool: Document, now: float | None) -> Verdict:
    """The verdict on a pool of the status document; without ``now`` it says nothing of ages."""
    healths = [target["health"] for target in pool["targets"]]
    facts = list(_of_zone(pool, now))
    if "up" in healths or not pool["fail_open"]:
        facts += _of_targets(pool["targets"], now)
    if not facts and not all(s["in_sync"] for s in pool["record_sets"]):
        facts.append(Verdict("attention", "the zone is not in sync yet"))
    level = max((fact.level for fact in facts), key=LEVELS.index, default="good")
    count = f"{healths.count('up')} of {len(healths)} up"
    if level == "good":
        facts.insert(0, Verdict("good", f"{count}, zone in sync"))
    elif "up" in healths:
        facts.append(Verdict("good", count))
    if pool["mode"] == "observe":
        facts.append(Verdict("good", "observe mode, the zone is never written"))
    return Verdict(level, "; ".join(fact.text for fact in facts))


def _of_zone(pool: Document, now: float | None) -> Iterator[Verdict]:
    references, read_at, quorum = pool["references"], pool["read_at"], pool["quorum"] or {}
    if pool["fail_open"]:
        sets = [f"{s['name']} {s['type']}" for s in pool["record_sets"] if s["fail_open"]]
        text = f"FAIL OPEN: nothing of {names(sets)} is up, so what is published stays"
        yield Verdict("trouble", text)
    if (pool.get("targets_file") or {}).get("problem"):
        yield Verdict("attention", "targets_file is refused, the old list stays in use")
    if pool["error"]:
        yield Verdict("attention", "the zone cannot be read or written, and stays as it is")
    elif read_at is None:
        yield Verdict("attention", "starting, the zone was not read yet")
    elif not any(record_set["published"] for record_set in pool["record_sets"]):
        yield Verdict("trouble", "NOTHING IS PUBLISHED")
    elif pool["warming_up"]:
        yield Verdict("attention", "warming up, nothing is withdrawn yet")
    elif now is not None and now - read_at > 2 * pool["timing"]["interval"] + LATE:
        yield Verdict("attention", f"the zone was last read {span(now - read_at)} ago")
    if quorum.get("unsettled") == "unread":
        yield Verdict("attention", "the votes of the observers cannot be read")
    if references and all(reference["health"] == "down" for reference in references):
        yield Verdict("attention", "no reference answers, we may be the ones cut off")


def _of_targets(targets: Sequence[Document], now: float | None) -> Iterator[Verdict]:
    """What is not well, the worst first, each kind in one fact."""
    kinds: dict[tuple[str, str, str], list[Document]] = {kind: [] for kind in KINDS.values()}
    for target in targets:
        kind = KINDS.get(state_of(target))
        if kind:
            kinds[kind].append(target)
    for (level, one, many), found in kinds.items():
        if len(found) == 1:
            age = _age(found[0], now)
            yield Verdict(level, f"{found[0]['name']} {one.format(age=age)}")
        elif found:
            yield Verdict(level, f"{names([t['name'] for t in found])} {many}")


def _age(target: Document, now: float | None) -> str:
    if now is None or target["since"] is None:
        return ""
    return f" for {span(now - target['since'])}"


KINDS = {
    "down_published": (
        "trouble",
        "has been down{age} and is still published",
        "are down and still published",
    ),
    "down_out": (
        "attention",
        "has been down{age} and is out of the zone",
        "are down and out of the zone",
    ),
    "outvoted": (
        "attention",
        "is down from here, and up for most observers",
        "are down from here, and up for most observers",
    ),
    "unpublished": ("attention", "is up and not published", "are up and not published"),
    "unprobed": ("attention", "cannot be probed from here", "cannot be probed from here"),
    "unknown": ("attention", "is not known yet", "are not known yet"),
    "failing": ("attention", "begins to fail", "begin to fail"),
    "meant": ("good", "is not published, as was asked for", "are not published, as was asked for"),
}
"""States that are worth a word, the worst first: level, what is said of one, and of several."""


def state_of(target: Document) -> str:
    """Which of KINDS a target of the status document is, or `well`."""
    published, health = target["published"], target["health"]
    if not published and target["not_published"] and MEANT.issuperset(target["not_published"]):
        return "meant"
    if health == "down":
        outvoted = (target["votes"] or {}).get("verdict") == "up"
        kinds = ("down_out", "outvoted" if outvoted else "down_published")
        return kinds[published]
    if target["consecutive_errors"]:
        return "unprobed"
    if health == "unknown":
        return "unknown"
    if not published:
        return "unpublished"
    return "failing" if target["consecutive_failures"] else "well"


def why(target: Document) -> list[tuple[str, str]]:
    """Why it is published or not as it should be: sentences, each with its closed word or ``""``.

    Nothing for a target that is up and published.
    """
    reasons = [(NOT_WITHDRAWN[r], r) for r in target["not_withdrawn"]]
    reasons += [(NOT_PUBLISHED[r], r) for r in target["not_published"]]
    if target["planned"]:
        reasons.append((PLANNED[target["planned"]], ""))
    if reasons:
        return reasons
    text = OTHERWISE.get((target["health"], target["published"]))
    return [(text, "")] if text else []


def names(all_of_them: Sequence[str]) -> str:
    """Up to four names, or three and how many more."""
    shown = list(all_of_them)
    if len(shown) > 4:
        shown[3:] = [f"{len(shown) - 3} more"]
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def span(seconds: float) -> str:
    """How long it is, in the unit in which it is read best: `40 s`, `12 min`, `3 h`, `2 d`."""
    whole = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def latency(seconds: float) -> str:
    """A latency in milliseconds, with the digits that can be read at a glance."""
    milliseconds = seconds * 1000
    digits = 0 if milliseconds >= 100 else 1 if milliseconds >= 1 else 2
    return f"{milliseconds:.{digits}f} ms"


def of_probe(target: Document) -> str:
    """What the last probe found, in a word: the latency, or why it did not succeed."""
    last = target["last_probe"]
    if not last:
        return "-"
    return last["reason"] or latency(last["seconds"])


def of_certificate(target: Document, now: float) -> str:
    """For how long the certificate that it shows is good; nothing if it showed none."""
    expires = target["certificate_expires_at"]
    if expires is None:
        return ""
    left = expires - now
    return f"expires in {span(left)}" if left > 0 else f"expired {span(-left)} ago"


def of_recent(target: Document) -> str:
    """The remembered probes in one line: how many, how fast, what failed."""
    recent, reasons = target["recent"], target["recent_reasons"]
    if not recent:
        return "not probed yet"
    good = [seconds for seconds in recent if seconds is not None]
    text = f"{len(good)} of the last {len(recent)} probes succeeded"
    if good:
        low, high = latency(min(good)), latency(max(good))
        text += f", in {low}" if low == high else f", in {low} to {high}"
    counts = {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
    return "; ".join([text, *(f"{reason} {count}" for reason, count in counts.items())])
