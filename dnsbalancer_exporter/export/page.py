"""The status page: what an operator wants to see at three in the morning, on a phone.

Drawn on the server from the status document, so it works without script; with it, the page fetches
itself every two seconds and changes only what has changed. What is not well comes first when a pool
is large, and the rest is folded, so that a page of thousands stays one glance long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from dnsbalancer_exporter.export import sentences, skin
from dnsbalancer_exporter.export.journal import KEPT
from dnsbalancer_exporter.export.markup import ago, iso, moment, prose
from dnsbalancer_exporter.export.rows import (
    FOLDED,
    REFERENCE,
    SHOWN,
    SMALL,
    observers,
    row,
    table,
    targets,
)
from dnsbalancer_exporter.export.sentences import LEVELS, span

Document = Mapping[str, Any]

POLICY = skin.POLICY

MARKS = {"good": "✓ OK", "attention": "! LOOK", "trouble": "✗ TROUBLE"}
EVENT_MARKS = {
    "target_up": ("good", "●"),
    "target_down": ("trouble", "▼"),
    "reference_up": ("good", "●"),
    "reference_down": ("trouble", "▼"),
    "record_create": ("good", "+"),
    "record_delete": ("good", "−"),  # noqa: RUF001 - a minus
    "warning": ("attention", "!"),
    "error": ("trouble", "✗"),
}
"""By name, else by level."""


def page(status: Document) -> bytes:
    """Return the page, as UTF-8."""
    now, pools, problems = status["at"], status["pools"], status["config_problems"]
    refused = [sentences.REFUSED] if problems else []
    levels = [p["verdict"]["level"] for p in pools] + ["attention"] * len(refused)
    level = max(levels, key=LEVELS.index, default="good")
    line = "; ".join([*refused, _headline(pools)])
    facts = (f"{p['name']}: {sentences.verdict(p, None).text}" for p in pools[:SMALL])
    said = "; ".join([*refused, *facts])
    overview = "".join(_in_overview(pool) for pool in _worst_first(pools))
    body = "".join(_pool(pool, now) for pool in pools)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{MARKS[level][0]} {escape(line)} - dnsbalancer</title>
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>{skin.STYLE}</style></head>
<body><header><h1>dnsbalancer</h1><span>{escape(status["version"])}</span>
<nav aria-label="More"><a href="metrics">metrics</a><a href="api/v1/status">status as JSON</a></nav>
</header><p id="lost" role="alert"></p><p id="say" role="status"></p>
<main data-at="{now}" data-say="{escape(said)}">
{_refused(problems)}{f'<ul class="overview">{overview}</ul>' if len(pools) > 1 else ""}{body}
<section id="events" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
{_events(status["events"], now, of_pools=len(pools) > 1)}</section>{_process(status)}</main>
<script>{skin.SCRIPT}</script></body></html>
""".encode()


def _refused(problems: Sequence[str]) -> str:
    """What is wrong with a configuration that was read again, and not taken."""
    if not problems:
        return ""
    text = f"<b>{MARKS['attention']}</b><span>{sentences.REFUSED}</span>"
    lines = "".join(f'<p class="error">{escape(problem)}</p>' for problem in problems)
    return f'<div id="refused"><p class="verdict attention">{text}</p>{lines}</div>'


def _headline(pools: Sequence[Document]) -> str:
    if len(pools) == 1:
        return str(pools[0]["verdict"]["text"])
    good = sum(pool["verdict"]["level"] == "good" for pool in pools)
    return f"{good} of {len(pools)} pools are well"


def _worst_first(pools: Sequence[Document]) -> list[Document]:
    return sorted(pools, key=lambda pool: -LEVELS.index(pool["verdict"]["level"]))


def _in_overview(pool: Document) -> str:
    level, text = pool["verdict"]["level"], pool["verdict"]["text"]
    name = escape(pool["name"])
    return (
        f'<li id="overview:{name}"><b class="{level}">{MARKS[level]}</b>'
        f' <a href="#pool:{name}">{name}</a> {escape(text)}</li>'
    )


# --- a pool -------------------------------------------------------------------------------


def _pool(pool: Document, now: float) -> str:
    name, level = escape(pool["name"]), pool["verdict"]["level"]
    error = f'<p class="error"><b>API:</b> {escape(pool["error"])}</p>' if pool["error"] else ""
    file = pool.get("targets_file") or {}
    if file.get("problem"):
        text = f"{file['path']}: {file['problem']}"
        error += f'<p class="error"><b>targets_file:</b> {escape(text)}</p>'
    references = ""
    if pool["references"]:
        rows = "".join(row(t, pool, now, REFERENCE) for t in pool["references"][:SHOWN])
        references = f"<h3>References outside the pool</h3>{table(rows, REFERENCE)}"
    sets = "".join(_record_set(record_set) for record_set in pool["record_sets"])
    votes = f"<h3>Votes</h3>{observers(pool['quorum'], now)}" if pool["quorum"] else ""
    return f"""<section id="pool:{name}" aria-labelledby="h:{name}"><h2 id="h:{name}">{name}</h2>
<p class="verdict {level}"><b>{MARKS[level]}</b><span>{escape(pool["verdict"]["text"])}</span></p>
{error}{_advice(pool)}<p class="dim">{", ".join(_facts(pool, now))}</p>
{targets(pool, now)}{references}{votes}
<h3>Record sets</h3><dl>{sets}</dl>
<h3>Next cycle</h3>{_next(pool, now)}</section>
"""


def _facts(pool: Document, now: float) -> Iterator[str]:
    own = f" for {', '.join(pool['own'])}" if pool["own"] else ""
    yield escape(f"{pool['role']}{own} in zone {pool['zone']}")
    yield escape(f"{pool['mode']} mode")
    yield f"zone read {ago(pool['read_at'], now)}" if pool["read_at"] else "zone not read yet"
    lock = pool.get("lock")
    if lock:
        detail = f" ({lock['detail']})" if lock["detail"] else ""
        yield f"lock {escape(lock['event'] + detail)} {ago(lock['at'], now)}"


def _advice(pool: Document) -> str:
    """What to do about the reasons in force, each once however many targets it holds."""
    words = [w for t in pool["targets"] for w in (*t["not_withdrawn"], *t["not_published"])]
    lines = (
        f"<p><code>{word}</code> → {prose(sentences.ADVICE[word])}</p>"
        for word in dict.fromkeys(words)
        if word in sentences.ADVICE
    )
    return "".join(lines)


def _record_set(record_set: Document) -> str:
    values = record_set["published"]
    text = escape(", ".join(values[:SMALL]) or "nothing")
    if len(values) > SMALL:
        rest = escape(", ".join(values[SMALL : SMALL + FOLDED]))
        text += f"<details><summary>and {len(values) - SMALL} more</summary>{rest}</details>"
    notes = [f"TTL {record_set['ttl']} s"] if record_set["ttl"] is not None else []
    if record_set["foreign"]:
        notes.append(f"{record_set['foreign']} not ours, left alone")
    sync = "in sync" if record_set["in_sync"] else '<b class="attention">not in sync</b>'
    name = escape(f"{record_set['name']} {record_set['type']}")
    return f"<dt>{name}</dt><dd>{text} <small>{', '.join([*notes, sync])}</small></dd>"


def _next(pool: Document, now: float) -> str:
    """When it is, what it is to do by the last look, and what the last one did."""
    at = pool["next_cycle_at"]
    when = "Now."
    if at and at > now + 1:
        when = f"{moment(at, f'In {span(at - now)}')}, or at once when a target's health changes."
    lines = [escape(change) for change in pool["planned"][:SHOWN]]
    for hold in pool["holds"]:
        held = [t["name"] for t in pool["targets"] if hold in t["not_withdrawn"]]
        whom = escape(sentences.names(held) if held else "a record")
        text = prose(sentences.NOT_WITHDRAWN[hold])
        lines.append(f"not withdraw {whom}: {text} <code>{hold}</code>")
    will = f"it is to<ul>{_items(lines)}</ul>" if lines else "there is nothing to change."
    did = [_changed(change) for change in pool["last_changes"][:SHOWN]]
    done = f"<p>The last cycle</p><ul>{_items(did)}</ul>" if did else ""
    return f"<div>{when} By the last look {will}</div>{done}"


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{line}</li>" for line in lines)


def _changed(change: Document) -> str:
    if change["error"]:
        text = f"could not {change['action']} {change['record']}: {change['error']}"
        return f'<b class="trouble">{escape(text)}</b>'
    ground = f" ({change['ground']})" if change["ground"] else ""
    return escape(f"{change['action']}d {change['record']}{ground}")


# --- the process --------------------------------------------------------------------------


def _events(events: Sequence[Document], now: float, *, of_pools: bool) -> str:
    rows: list[str] = []
    at_once: dict[float, int] = {}
    for event in reversed(events):
        number = at_once[event["at"]] = at_once.get(event["at"], 0) + 1
        kind = event["name"] if event["name"] in EVENT_MARKS else event["level"]
        level, mark = EVENT_MARKS.get(kind, ("", ""))
        pool = f"{event['fields'].get('pool', '')} " if of_pools else ""
        rows.append(
            f'<tr id="event:{event["at"]}:{number}"><td>{ago(event["at"], now)}</td>'
            f'<td class="mark"><b class="{level}">{mark}</b></td>'
            f"<td><small>{escape(pool)}</small>{escape(event['text'])}"
            f" <small><code>{escape(event['name'])}</code></small></td></tr>"
        )
    heads = '<thead><tr><th scope="col">When</th><td></td><th scope="col">What</th></tr></thead>'
    rows.reverse()
    table = '<table class="events">{}<tbody>{}</tbody></table>'
    text = table.format(heads, "".join(rows[:KEPT]))
    if len(rows) > KEPT:
        older = table.format(heads, "".join(rows[KEPT:]))
        text += f"<details><summary>{len(rows) - KEPT} older failures</summary>{older}</details>"
    return text


def _process(status: Document) -> str:
    now, began, api = status["at"], status["started_at"], status["api"]
    reasons = ", ".join(f"{reason} {n}" for reason, n in api["failures_by_reason"].items())
    failures = f"{api['failures']} failed" + (f" ({reasons})" if reasons else "")
    last = f", last success {ago(api['last_success_at'], now)}" if api["last_success_at"] else ""
    return (
        f"<footer><span>running for {moment(began, span(now - began))}</span>"
        f"<span>API: {api['requests']} requests, {escape(failures)}{last}</span>"
        f"<span>drawn at {iso(now)[11:19]} UTC, again every two seconds</span>"
        "<span>more: <code>dnsbalancer explain ADDRESS</code>, docs/runbook.md</span></footer>"
    )
