"""What the status page wears: one block of style, one of script, and the policy that allows them.

The policy names both by their hashes: nothing else is run or applied, whatever an API's error text
or a target's name may say. So there are no `style` attributes and no event handlers in the page.
"""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2328;--dim:#59636e;--line:#d1d9e0;
--link:#0550ae;
--good:#116329;--good-bg:#e6f6ea;--attention:#7d4e00;--attention-bg:#fff6d6;--trouble:#a40e26;
--trouble-bg:#ffebe9;--curve:#0969da}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--dim:#9aa4ae;--line:#30363d;
--link:#79b8ff;--good:#7ee787;--good-bg:#10261a;--attention:#e3b341;--attention-bg:#29210f;
--trouble:#ffa198;--trouble-bg:#33141a;--curve:#58a6ff}}
*{box-sizing:border-box}
html{background:var(--paper);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:66rem;padding:.75rem 1rem 2rem;overflow-wrap:anywhere}
header,footer{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline;color:var(--dim)}
footer{border-top:1px solid var(--line);margin-top:2rem;padding-top:.6rem;font-size:.87rem}
h1{color:var(--ink);font-size:1.05rem;margin:0}
h2{font-size:1.2rem;line-height:1.3;margin:1.6rem 0 .5rem}
h3{font-size:.95rem;margin:1.1rem 0 .25rem}
p,ul,dl,dd{margin:.25rem 0}ul{padding-left:1.2rem}
a{color:var(--link)}
a:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
code{font:.87em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
small,.dim{color:var(--dim);font-size:.87rem}
nav{display:flex;gap:1rem;margin-left:auto}
.good{color:var(--good)}.attention{color:var(--attention)}.trouble{color:var(--trouble)}
.verdict{border-left:.35rem solid;border-radius:.25rem;font-size:1.05rem;font-weight:600;
margin:.4rem 0;padding:.55rem .75rem;display:flex;gap:.6rem}
.verdict b{white-space:nowrap}
.verdict.good{background:var(--good-bg)}.verdict.attention{background:var(--attention-bg)}
.verdict.trouble{background:var(--trouble-bg)}
.overview{list-style:none;margin:.6rem 0;padding:0}
.error{border-left:.35rem solid var(--attention);padding-left:.75rem}
#lost{background:var(--trouble-bg);border-radius:.25rem;color:var(--trouble);font-weight:600;
margin:.5rem 0;padding:.55rem .75rem;position:sticky;top:0}
#lost:empty{display:none}
#lost:not(:empty)~main{filter:grayscale(1)}
#say{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table{border-collapse:collapse;margin:.6rem 0;width:100%}
th,td{border-bottom:1px solid var(--line);padding:.45rem .9rem .45rem 0;text-align:left;
vertical-align:top}
th:first-child{padding-left:.6rem}
thead th{color:var(--dim);font-size:.82rem;font-weight:500;padding-bottom:.2rem;padding-top:0}
tbody th{font-weight:600}
tbody th small{display:block;font-weight:400}
tr.good,tr.attention,tr.trouble{color:inherit}
tr.attention th:first-child{box-shadow:inset .25rem 0 var(--attention)}
tr.trouble th:first-child{box-shadow:inset .25rem 0 var(--trouble)}
tr.trouble{background:var(--trouble-bg)}
.targets{table-layout:fixed}
.targets th:nth-child(1){width:30%}.targets th:nth-child(2){width:8.5rem}
.targets th:nth-child(3){width:14.5rem}
.health b,.health time{display:block;white-space:nowrap}
.probes{white-space:nowrap}
.probes .curve{display:inline-block;margin-right:.6rem;vertical-align:bottom}
.why{color:var(--dim);display:block;font-size:.87rem}
.own{border:1px solid var(--line);border-radius:.6rem;font-size:.78rem;font-weight:400;
padding:0 .45rem;white-space:nowrap}
.curve{height:24px;width:120px}
.curve path{fill:none}
.ground{stroke:var(--line)}
.line{stroke:var(--curve);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.failed{stroke:var(--trouble);stroke-width:1.2}
.ours{stroke:var(--attention);stroke-width:1.2;stroke-dasharray:2 1.5}
details{margin:.4rem 0}summary{cursor:pointer;padding:.25rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem}dd{margin:0}
.events td{padding-bottom:.25rem;padding-top:.25rem}
.events time{color:var(--dim);white-space:nowrap}
.events td:first-child{padding-left:.6rem;width:6.5rem}
.events .mark{padding-right:.4rem;text-align:center;width:1.4rem}
@media(max-width:44rem){
body{padding:.5rem .75rem 1.5rem}
nav{margin-left:0}
.targets,.targets tbody{display:block}
.targets thead,.events thead{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.targets tr{border-bottom:1px solid var(--line);display:grid;gap:.2rem .75rem;
grid-template-columns:1fr max-content;padding:.5rem 0 .5rem .7rem}
.targets th,.targets td{border:0;padding:0}
.targets tbody th:first-child{box-shadow:none;padding:0}
.targets .health{padding-right:.6rem;text-align:right}
.verdict{display:block}.verdict b{display:block}
.targets th:nth-child(n){width:auto}
.targets .zone{padding-right:.6rem;text-align:right}
.targets .zone.said{grid-column:1/-1;text-align:left}
.targets tr.attention{box-shadow:inset .25rem 0 var(--attention)}
.targets tr.trouble{box-shadow:inset .25rem 0 var(--trouble)}
dl{grid-template-columns:1fr}dt{font-weight:600}
.events tr{display:block;padding:.3rem 0;border-bottom:1px solid var(--line)}
.events td{border:0;display:inline;padding:0 .4rem 0 0}
.events td:first-child{padding-left:0}
}
"""

SCRIPT = """
(() => {
'use strict';
const every = 2000, patience = 8000;
const lost = document.getElementById('lost'), say = document.getElementById('say');
let busy = false, timer = 0;
const held = node => {
  const chosen = getSelection();
  return chosen && !chosen.isCollapsed &&
    (chosen.anchorNode === node || chosen.focusNode === node);
};
const alike = (old, now) => old && old.nodeName === now.nodeName && old.id === now.id;
// Make old like now, keeping its nodes: so selection, focus, scroll and open folds stay.
const morph = (old, now) => {
  if (old.nodeType !== 1) {
    if (old.data !== now.data && !held(old)) old.data = now.data;
    return;
  }
  for (const {name, value} of now.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const {name} of [...old.attributes])
    if (name !== 'open' && !now.hasAttribute(name)) old.removeAttribute(name);
  const named = new Map([...old.children].filter(e => e.id).map(e => [e.id, e]));
  const wanted = new Set([...now.children].map(e => e.id));
  for (const [id, e] of named) if (!wanted.has(id)) e.remove();
  let spot = old.firstChild;
  for (const next of [...now.childNodes]) {
    const match = next.id ? named.get(next.id) : spot;
    if (!alike(match, next)) old.insertBefore(document.importNode(next, true), spot);
    else {
      if (match === spot) spot = spot.nextSibling; else old.insertBefore(match, spot);
      morph(match, next);
    }
  }
  while (spot) { const after = spot.nextSibling; spot.remove(); spot = after; }
};
const show = page => {
  const old = document.querySelector('main'), now = page.querySelector('main');
  if (!now) throw new Error('no status page');
  if (now.dataset.at === old.dataset.at) throw new Error('old');
  const focus = document.activeElement;
  morph(old, now);
  if (focus !== document.activeElement && focus.isConnected) focus.focus({preventScroll: true});
  document.title = page.title;
  if (say.textContent !== now.dataset.say) say.textContent = now.dataset.say;
};
const look = async () => {
  if (busy || document.hidden) return;
  busy = true;
  clearTimeout(timer);
  const began = performance.now();
  try {
    const answer = await fetch(location.pathname,
      {cache: 'no-store', signal: AbortSignal.timeout(patience)});
    if (!answer.ok) throw new Error(answer.status);
    show(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    if (lost.textContent) lost.textContent = '';
  } catch (error) {
    const at = new Date(1000 * document.querySelector('main').dataset.at);
    const what = error.message === 'old' ? 'The answers are old.' : 'The daemon does not answer.';
    const text = what + ' What you see is from ' + at.toISOString().slice(11, 19) + ' UTC.';
    if (lost.textContent !== text) lost.textContent = text;
  }
  busy = false;
  timer = setTimeout(look, Math.max(every, 10 * (performance.now() - began)));
};
document.addEventListener('visibilitychange', look);
timer = setTimeout(look, every);
})();
"""


def _hash(block: str) -> str:
    digest = hashlib.sha256(block.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The value of Content-Security-Policy that the page needs, and nothing more."""
