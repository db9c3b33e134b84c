"""Small pieces of HTML: moments, and sentences of our own."""

from __future__ import annotations

import re
import time
from html import escape

from dnsbalancer_exporter.export.sentences import span


def iso(at: float) -> str:
    """A Unix time as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def moment(at: float, text: str) -> str:
    """A moment: ``text`` (or else its time of day) to be read, the absolute time on demand."""
    shown = text or iso(at)[11:19] + " UTC"
    return f'<time datetime="{iso(at)}" title="{iso(at)}">{shown}</time>'


def ago(at: float, now: float) -> str:
    """How long ago a moment is."""
    return moment(at, f"{span(now - at)} ago")


def prose(text: str) -> str:
    """A sentence of ours, in which `backticks` mean code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))
