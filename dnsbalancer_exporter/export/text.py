"""What the verbs print: the status, an explanation, a plan, as plain text for a terminal.

Marks are ASCII: a console at three in the morning may have no other letters.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from dnsbalancer_exporter.export import sentences, vote_words
from dnsbalancer_exporter.export.sentences import NOT_PUBLISHED, NOT_WITHDRAWN, span
from dnsbalancer_exporter.model import Plan, Pool, ProbeReason
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.report import TargetState

Document = Mapping[str, Any]

MARKS = {"good": "OK", "attention": "LOOK", "trouble": "TROUBLE"}


ALSO = {
    "nobody": "this member alone publishes it; if a witness watches the name, run this there, too",
    "voters": "the vote tells the others; where there is no `quorum`, run this there, too",
    "everybody": "`targets` lets every instance publish it: run this on each of them, its own too",
    "its_own": "the daemon on that machine, or another witness, puts it back: run this there",
    "observed": "this daemon only observes: nothing is written",
}
"""Who else would put a drained address back, as advice to who drains it."""


def of_drains(entries: Iterable[Mapping[str, Any]]) -> str:
    """What has become of the drains that were asked for."""
    return "\n".join(line for entry in entries for line in _drain_lines(entry))


def _drain_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    where = f"{entry['address']} in pool {entry['pool']}"
    if entry["until"] is None:
        yield f"{where}: no longer drained; it is published again as soon as it is up"
    else:
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(entry["until"]))
        yield f"{where}: drained until {until}; {ALSO[entry['also']]}"
    if entry["unsaved"]:
        yield f"  ! not saved, so a restart forgets it: {entry['unsaved']}"


def targets(
    status: Mapping[str, Any], wanted: Container[tuple[str, str]]
) -> list[Mapping[str, Any]]:
    """The targets of a status document whose pool and address are ``wanted``."""
    every = ((pool["name"], target) for pool in status["pools"] for target in pool["targets"])
    return [target for pool, target in every if (pool, target["address"]) in wanted]


def why_published(target: Mapping[str, Any]) -> str:
    """Why a target that has a ground to go is still there."""
    reasons = target["not_withdrawn"]
    return "; ".join(f"{r}: {NOT_WITHDRAWN[r]}" for r in reasons) or "the next cycle is on its way"


def of_status(status: Document) -> str:
    """The status document: a verdict, the facts and a table for each pool."""
    lines = [line for pool in status["pools"] for line in _pool_lines(pool, status["at"])]
    return "\n".join([*_refused(status["config_problems"]), *lines])


def _refused(problems: Sequence[str]) -> Iterator[str]:
    if problems:
        yield f"{MARKS['attention']}  {sentences.REFUSED}"
        yield from (f"  ! {problem}" for problem in problems)
        yield ""


def _pool_lines(pool: Document, now: float) -> Iterator[str]:
    verdict = pool["verdict"]
    yield f"{MARKS[verdict['level']]}  {pool['name']}: {verdict['text']}"
    read = (
        f"zone read {span(now - pool['read_at'])} ago" if pool["read_at"] else "zone not read yet"
    )
    at = pool["next_cycle_at"] or now
    cycle = f"next cycle in {span(at - now)}" if at > now else "next cycle now"
    role = f"{pool['role']} in zone {pool['zone']}, {pool['mode']} mode"
    yield f"  {role}; {read}; {cycle}"
    if pool["error"]:
        yield f"  ! the zone stays as it is: {pool['error']}"
    yield ""
    heads = ("TARGET", "HEALTH", "SINCE", "PROBE", "PUBLISHED", "WHY")
    yield from _table([heads, *(_row(target, now) for target in pool["targets"])])
    for reference in pool["references"]:
        name, health = reference["name"], reference["health"]
        yield f"  reference {name}: {health}, {sentences.of_probe(reference)}"
    if pool["quorum"]:
        yield f"  votes: {vote_words.of_quorum(pool['quorum'])}"
        yield from (f"  votes: {_voter(voter, now)}" for voter in pool["quorum"]["observers"])
    yield ""
    yield from (f"  next: {change}" for change in pool["planned"])


def _voter(voter: Document, now: float) -> str:
    age = [f"renewed {span(now - voter['moved_at'])} ago"] if voter["moved_at"] else []
    said = [vote_words.STANDINGS[voter["standing"]], *vote_words.of_voter(voter), *age]
    return f"{voter['observer']}: {'; '.join(said)}"


def _row(target: Document, now: float) -> tuple[str, ...]:
    whys = (f"{text} ({word})" if word else text for text, word in sentences.why(target))
    return (
        target["name"] + (" (own)" if target["own"] else ""),
        target["health"],
        span(now - target["since"]) if target["since"] else "-",
        sentences.of_probe(target),
        "yes" if target["published"] else "no",
        "; ".join(whys),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()


def of_explanation(found: Iterable[Document]) -> str:
    """Why a target is where it is: health, what it rests on, published or not, and the reason."""
    return "\n".join(line for target in found for line in _explanation(target))


def _explanation(target: Document) -> Iterator[str]:
    name = target["name"]
    if name != target["address"]:
        name += f" ({target['address']})"
    yield f"{name} in pool {target['pool']}"
    for label, text in _facts(target):
        yield f"  {label + ':' if label else '':<15}{text}"


def _facts(target: Document) -> Iterator[tuple[str, str]]:
    now, since = target["at"], target["since"]
    age = f" for {span(now - since)}, since {_iso(since)}" if since else ""
    yield "health", f"{target['health']}{age}"
    yield "rests on", _grounds(target)
    if target["recent"]:
        yield "recent", f"{_marks(target)} (newest last; x failed, ? could not probe)"
        yield "", sentences.of_recent(target)
    yield from _probing(target)
    if target["votes"]:
        nobody = f"none of {target['votes']['electorate']} observers holds it down"
        yield "votes", vote_words.of_votes(target) or nobody
    yield "published", "yes" if target["published"] else "no"
    yield from _reasons(target)
    if target["warming_up"]:
        yield "warming up", "nothing is withdrawn before every target of the pool is known"
    if target["zone_error"]:
        yield "zone error", f"the zone stays as it is: {target['zone_error']}"


def _reasons(target: Document) -> Iterator[tuple[str, str]]:
    reasons = {"not withdrawn": target["not_withdrawn"], "not published": target["not_published"]}
    for label, words in reasons.items():
        for word in words:
            sentence = (NOT_WITHDRAWN if label == "not withdrawn" else NOT_PUBLISHED)[word]
            yield label, f"{word}: {sentence}"
            if word in sentences.ADVICE:
                yield "what to do", sentences.ADVICE[word]
    for field, label in sentences.UNTIL.items():
        if target[field]:
            yield label, f"until {_iso(target[field])}"
    if target["contested_until"]:
        yield "", f"put back {target['returns']} times while we would have it gone"
    for text, word in sentences.why(target):
        if not word:
            yield "why" if target["published"] else "not published", text


def _grounds(target: Document) -> str:
    """The run of results that the health rests on, and what would change it."""
    timing, health = target["timing"], target["health"]
    failures, successes = target["consecutive_failures"], target["consecutive_successes"]
    run = f"{failures} failures" if failures else f"{successes} successes"
    down = f"{timing['fall']} failures in a row make it down"
    up = f"{timing['rise']} successes in a row make it up"
    turns = {"up": down, "down": up}.get(health, f"{up}, {down}")
    return f"{run} in a row of {target['probes']} probes; {turns}"


def _probing(target: Document) -> Iterator[tuple[str, str]]:
    probe, last, timing, now = (target[k] for k in ("probe", "last_probe", "timing", "at"))
    port = f" port {probe['port']}" if probe["port"] else ""
    every = f"every {timing['interval']:g} s, in doubt every {timing['fast_interval']:g} s"
    yield "probed", f"{probe['protocol']} {probe['address']}{port}, {every}"
    if probe["request"]:
        yield "asked for", probe["request"]
    if certificate := sentences.of_certificate(target, now):
        yield "certificate", f"{certificate}, {_iso(target['certificate_expires_at'])}"
    if last:
        why = f" ({last['reason']}: {last['detail'] or 'no detail'})" if last["reason"] else ""
        took = f"{sentences.latency(last['seconds'])}, {span(now - last['at'])} ago"
        yield "last probe", f"{last['outcome']}{why}, {took}"
    if target["next_probe_at"] > now:
        yield "next probe", f"in {span(target['next_probe_at'] - now)}"


def _marks(target: Document) -> str:
    reasons = iter(target["recent_reasons"])
    return "".join(
        "." if seconds is not None else "?" if ProbeReason(next(reasons)).ours else "x"
        for seconds in target["recent"]
    )


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def of_plan(
    pool: Pool, plan: Plan, states: Iterable[TargetState], published: frozenset[str]
) -> str:
    """What would be done for one pool, and why not more."""
    role = "member" if pool.member else "witness"
    lines = [f"{pool.name}: {role} in zone {pool.zone}"]
    for state in sorted(states, key=lambda s: address_order(s.target.address)):
        where = "published" if state.target.address in published else "not published"
        why = f", {state.last.reason.value}" if state.last and state.last.reason else ""
        health = state.health.health.value
        lines.append(f"  {state.target.name}: {health}{why}; {where}")
    lines += [f"  + create {c.name} {c.type.value} {c.value} {c.ttl}" for c in plan.creates]
    for delete in plan.deletes:
        record = delete.record
        ground = delete.ground.value
        lines.append(f"  - delete {record.name} {record.type.value} {record.value} ({ground})")
    for withheld in plan.withheld:
        text = f"{withheld.record.name} {withheld.record.value} ({withheld.ground.value})"
        hold = withheld.hold.value
        lines.append(f"  = keep {text}: {hold}: {NOT_WITHDRAWN[hold]}")
    for omitted in plan.omitted:
        reason = omitted.reason.value
        text = f"{omitted.name} {omitted.address}"
        lines.append(f"  = do not publish {text}: {reason}: {NOT_PUBLISHED[reason]}")
    if not (plan.creates or plan.deletes or plan.withheld or plan.omitted):
        lines.append("  nothing to do")
    return "\n".join(lines)
