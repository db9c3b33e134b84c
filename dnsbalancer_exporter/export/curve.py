"""The latency curve of one target: the last probe results as a small inline SVG, newest at right.

A success is a point of the line, which begins at 0; a failure is a bar of full height, an error of
ours a bar of half the height: they differ in shape, not in colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from dnsbalancer_exporter.model import ProbeReason
from dnsbalancer_exporter.recent import KEPT

STEP, HEIGHT, PAD = 2, 24, 2
WIDTH = STEP * KEPT


def curve(recent: Sequence[float | None], reasons: Sequence[str], text: str) -> str:
    """Draw seconds (None: no success, the reason is the next of ``reasons``); ``text`` says it."""
    line: list[str] = []
    bars: dict[str, list[str]] = {"failed": [], "ours": []}
    top = max((seconds for seconds in recent if seconds is not None), default=0.0) or 1.0
    causes, pen = iter(reasons), "M"
    for x, seconds in enumerate(recent, KEPT - len(recent)):
        if seconds is None:
            ours = ProbeReason(next(causes)).ours
            bars["ours" if ours else "failed"].append(
                f"M{STEP * x + 1} {HEIGHT}V{12 if ours else 2}"
            )
            pen = "M"
        else:
            y = HEIGHT - PAD - (HEIGHT - 2 * PAD) * seconds / top
            line.append(f"{pen}{STEP * x + 1} {y:.1f}{'h0' if pen == 'M' else ''}")
            pen = "L"
    paths = {"line": line, **bars}
    drawn = "".join(f'<path class="{name}" d="{"".join(d)}"/>' for name, d in paths.items() if d)
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(text)}">'
        f"<title>{escape(text)}</title>"
        f'<path class="ground" d="M0 {HEIGHT - 0.5}H{WIDTH}"/>{drawn}</svg>'
    )
