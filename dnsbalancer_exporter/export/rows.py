"""Targets as rows of the status page: health, curve, published or not and why, as cards on a phone.

A small pool is shown in order of address, so that nothing jumps. In a larger one what is not well
comes first and the rest is folded, so that a page of thousands stays one glance long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dnsbalancer_exporter.export import sentences, vote_words
from dnsbalancer_exporter.export.curve import curve
from dnsbalancer_exporter.export.markup import ago, moment, prose
from dnsbalancer_exporter.export.sentences import span
from dnsbalancer_exporter.export.vote_words import of_voter

Document = Mapping[str, Any]

SMALL = 24
"""Up to so many targets are shown in order of address, all with a curve, none folded."""

SHOWN, FOLDED = 100, 1000
"""In a larger pool: how many that are not well are shown, and how many rows are folded."""

HEALTH_MARKS = {
    "up": ("good", "● UP"),
    "down": ("trouble", "▼ DOWN"),
    "unknown": ("attention", "? UNKNOWN"),
}
TARGET, REFERENCE = "target", "reference"
HEADS = {
    TARGET: ("Target", "Health", "Last probes", "Zone"),
    REFERENCE: ("Reference", "Health", "Last probes"),
}


def targets(pool: Document, now: float) -> str:
    """The targets of a pool: a table, and folds if there are many."""
    every = pool["targets"]
    if len(every) <= SMALL:
        return table("".join(row(t, pool, now) for t in every))
    order = list(sentences.KINDS)
    states = {id(t): sentences.state_of(t) for t in every}
    unwell = [t for t in every if states[id(t)] != "well"]
    unwell.sort(key=lambda t: order.index(states[id(t)]))
    well = [t for t in every if states[id(t)] == "well"]
    shown = "".join(row(t, pool, now) for t in unwell[:SHOWN])
    text = table(shown) if shown else ""
    if len(unwell) > SHOWN:
        text += _fold(unwell[SHOWN:], pool, now, f"{len(unwell) - SHOWN} more are not well")
    return text + _fold(well, pool, now, f"{len(well)} are up and published")


def _fold(folded: Sequence[Document], pool: Document, now: float, text: str) -> str:
    if not folded:
        return ""
    rows = "".join(row(t, pool, now, curved=False) for t in folded[:FOLDED])
    more = len(folded) - FOLDED
    rest = f'<p class="dim">{more} more are in the JSON.</p>' if more > 0 else ""
    return f"<details><summary>{text}</summary>{table(rows)}{rest}</details>"


def table(rows: str, kind: str = TARGET) -> str:
    """A table of targets; the roles are for phones, where rows are laid out as cards."""
    cells = "".join(f'<th role="columnheader" scope="col">{head}</th>' for head in HEADS[kind])
    return (
        f'<table class="targets" role="table"><thead role="rowgroup"><tr role="row">{cells}</tr>'
        f'</thead><tbody role="rowgroup">{rows}</tbody></table>'
    )


def row(
    target: Document, pool: Document, now: float, kind: str = TARGET, *, curved: bool = True
) -> str:
    """One target; a reference has no zone. Only what is seen at once has a curve."""
    state = sentences.state_of(target)
    level = sentences.KINDS[state][0] if kind == TARGET and state in sentences.KINDS else ""
    health, mark = HEALTH_MARKS[target["health"]]
    since = moment(target["since"], f"for {span(now - target['since'])}") if target["since"] else ""
    drawn = ""
    if curved:
        text = sentences.of_recent(target)
        drawn = curve(target["recent"], target["recent_reasons"], text)
    last = escape(sentences.of_probe(target))
    zone = _zone(target, pool) if kind == TARGET else ""
    return (
        f'<tr role="row" class="{level}" id="{kind}:{escape(pool["name"])}:{target["address"]}">'
        f'<th role="rowheader" scope="row">{_name(target, now)}</th>'
        f'<td role="cell" class="health"><b class="{health}">{mark}</b><small>{since}</small></td>'
        f'<td role="cell" class="probes">{drawn}<small>{last}</small></td>'
        f"{zone}</tr>"
    )


def _name(target: Document, now: float) -> str:
    probe = target["probe"]
    how = probe["request"] or probe["protocol"] + (
        f" port {probe['port']}" if probe["port"] else ""
    )
    address = target["address"]
    where = [address] if target["name"] != address else []
    where.append(f"{how} at {probe['address']}" if probe["address"] != address else how)
    certificate = sentences.of_certificate(target, now)
    where += [f"certificate {certificate}"] if certificate else []
    own = ' <span class="own">own</span>' if target["own"] else ""
    return f"{escape(target['name'])}{own}<small>{escape(', '.join(where))}</small>"


def _zone(target: Document, pool: Document) -> str:
    said = []
    failures, timing = target["consecutive_failures"], pool["timing"]
    if target["health"] != "down" and failures:
        said.append(f"{failures} failed in a row, {timing['fall']} make it down")
    for text, word in sentences.why(target):
        said.append(prose(text) + (f" <code>{escape(word)}</code>" if word else ""))
    said += [escape(votes)] if (votes := vote_words.of_votes(target)) else []
    for field, label in sentences.UNTIL.items():
        if target[field]:
            said.append(f"{label} until {moment(target[field], '')}")
    published = "published" if target["published"] else "<b>not published</b>"
    if sentences.state_of(target) == "down_published":
        published = '<b class="trouble">still published</b>'
    lines = "".join(f'<span class="why">{line}</span>' for line in said)
    return f'<td role="cell" class="zone{" said" if said else ""}">{published}{lines}</td>'


def observers(quorum: Document, now: float) -> str:
    """The observers of a pool: as what each is counted, what it says, how old its vote is."""
    lines = []
    for voter in quorum["observers"][:SHOWN]:
        text = escape("; ".join([vote_words.STANDINGS[voter["standing"]], *of_voter(voter)]))
        text = f'<b class="attention">{text}</b>' if voter["disagrees"] else text
        age = f" <small>renewed {ago(voter['moved_at'], now)}</small>" if voter["moved_at"] else ""
        lines.append(f"<dt>{escape(voter['observer'])}</dt><dd>{text}{age}</dd>")
    return f"<p>{escape(vote_words.of_quorum(quorum))}</p><dl>{''.join(lines)}</dl>"
