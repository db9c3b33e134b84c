"""The status page: what an operator wants to see at three in the morning, on a phone.

Drawn on the server from the status document; a few lines of script fetch it again every two seconds
and put the new body in place. No external asset, no build step, light and dark.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from dnsbalancer_exporter.export.journal import Event

STYLE = """
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#cf222e;--odd:#9a6700}
@media(prefers-color-scheme:dark){:root{--good:#3fb950;--bad:#ff7b72;--odd:#d29922}}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem}
h1{font-size:1.25rem;margin:.2rem 0}h2{font-size:1.05rem;margin:1.4rem 0 .3rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem .3rem 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;font-size:.85rem}
.up{color:var(--good)}.down{color:var(--bad)}.unknown,.note{color:var(--odd)}
.up,.down,.unknown{font-weight:700}small,.dim{opacity:.75}
.scroll{overflow-x:auto}nav a{margin-right:1rem}
"""

SCRIPT = """
setInterval(async()=>{try{const r=await fetch(location.href,{cache:'no-store'});
const d=new DOMParser().parseFromString(await r.text(),'text/html');
document.querySelector('main').replaceWith(d.querySelector('main'));
document.title=d.title;document.querySelector('#lost').textContent=''}
catch(e){document.querySelector('#lost').textContent='The daemon does not answer.'}},2000)
"""

MARKS = {"up": "● UP", "down": "▼ DOWN", "unknown": "? UNKNOWN"}


def page(status: Mapping[str, Any], events: Iterable[Event]) -> bytes:
    """Return the page, as UTF-8."""
    pools = "".join(_pool(pool, status["at"]) for pool in status["pools"])
    history = "".join(_event(event, status["at"]) for event in events)
    healths = [t["health"] for pool in status["pools"] for t in pool["targets"]]
    title = f"{healths.count('up')} of {len(healths)} up"
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title} - dnsbalancer</title>
<noscript><meta http-equiv="refresh" content="5"></noscript><style>{STYLE}</style></head>
<body><h1>dnsbalancer <small>{escape(status["version"])}</small></h1>
<nav><a href="metrics">metrics</a><a href="api/v1/status">status as JSON</a></nav>
<p id="lost" class="down"></p><main><p>{title}</p>{pools}
<h2>What happened</h2><div class="scroll"><table>{history}</table></div></main>
<script>{SCRIPT}</script></body></html>
""".encode()


def _pool(pool: Mapping[str, Any], now: float) -> str:
    notes = [f"{pool['role']} in zone {pool['zone']}, {pool['mode']} mode"]
    if pool["warming_up"]:
        notes.append("warming up: nothing is withdrawn before every target is known")
    if pool["fail_open"]:
        notes.append("FAIL OPEN: nothing is up, so what is published stays")
    if pool["error"]:
        notes.append(f"the zone stays as it is: {pool['error']}")
    notes += [f"next: {change}" for change in pool["planned"]]
    targets = "".join(_target(target, now) for target in pool["targets"])
    references = "".join(_target(target, now) for target in pool["references"])
    sets = "".join(_record_set(record_set) for record_set in pool["record_sets"])
    return (
        f"<h2>{escape(pool['name'])}</h2>"
        + "".join(
            f"<p class='{'note' if i else 'dim'}'>{escape(n)}</p>" for i, n in enumerate(notes)
        )
        + "<div class='scroll'><table><tr><th>target<th>health<th>since<th>latency"
        + f"<th>published<th>why not otherwise</tr>{targets}</table></div>"
        + (
            f"<div class='scroll'><table><tr><th>reference</tr>{references}</table></div>"
            if references
            else ""
        )
        + "<div class='scroll'><table><tr><th>record set<th>published<th>in sync</tr>"
        + f"{sets}</table></div>"
    )


def _target(target: Mapping[str, Any], now: float) -> str:
    last = target["last_probe"]
    latency = "-"
    if last:
        good = last["outcome"] == "success"
        latency = f"{last['seconds'] * 1000:.1f} ms" if good else last["reason"]
    why = target["not_withdrawn"] + target["not_published"]
    name = escape(target["name"])
    if target["name"] != target["address"]:
        name += f"<br><small>{escape(target['address'])}</small>"
    return (
        f"<tr><td>{name}{' <small>(own)</small>' if target['own'] else ''}"
        f"<td class='{target['health']}'>{MARKS[target['health']]}<td>{_ago(target['since'], now)}"
        f"<td>{escape(latency)}<td>{'yes' if target['published'] else 'no'}"
        f"<td>{escape(', '.join(why))}</tr>"
    )


def _record_set(record_set: Mapping[str, Any]) -> str:
    values = ", ".join(record_set["published"]) or "nothing"
    foreign = f" ({record_set['foreign']} not ours)" if record_set["foreign"] else ""
    name = f"{record_set['name']} {record_set['type']}"
    sync = "yes" if record_set["in_sync"] else "no"
    return f"<tr><td>{escape(name)}<td>{escape(values + foreign)}<td>{sync}</tr>"


def _event(event: Event, now: float) -> str:
    colour = "down" if event.level >= logging.WARNING else ""
    return (
        f"<tr><td class='dim'>{_ago(event.at, now)}<td class='{colour}'>{escape(event.name)}"
        f"<td>{escape(event.text)}</tr>"
    )


def _ago(at: float | None, now: float) -> str:
    if at is None:
        return "-"
    seconds = max(0, int(now - at))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
