"""The page as text; how it looks and behaves is for tests/e2e/test_page.py."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest

from dnsbalancer_exporter.export.curve import curve
from dnsbalancer_exporter.export.journal import KEPT, Journal
from dnsbalancer_exporter.export.page import POLICY, page
from dnsbalancer_exporter.export.status import Document
from dnsbalancer_exporter.export.text import of_status
from dnsbalancer_exporter.model import Drain, Omitted, Plan, Unpublished
from tests.unit.pages import NOW, ZONE, document_of, down, pool_of, up

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script></style></title>`<b>`\x00\u202e"


class Shape(HTMLParser):
    """What elements and attributes a page has, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.attributes: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag, tuple(name for name, _ in attrs)] += 1
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def example(text: str = "fine") -> Document:
    """A document in which every text that comes from elsewhere is ``text``."""
    one, two = up(0, "app-a"), down(1, "app-b")
    report = pool_of(one, two, published=(one, two), error="503")
    journal = Journal(lambda: NOW - 60)
    journal.say(logging.WARNING, "event", "what happened")
    journal.locked("example.com", "failed", "detail")
    status = document_of(one, two, report=report, journal=journal)
    pool = status["pools"][0]
    pool["error"] = status["events"][0]["text"] = pool["lock"]["detail"] = text
    for key in ("zone", "planned"):
        pool[key] = [text] if isinstance(pool[key], list) else text
    for target in pool["targets"]:
        target["name"] = target["last_probe"]["detail"] = text
        target["last_probe"]["reason"] = text
    voter = {"observer": text, "standing": "votes", "moved_at": NOW - 3, "cut": 2}
    voter |= {"down": [text], "drained": [text], "disagrees": [text]}
    counted = {"electorate": 3, "majority": 2, "unsettled": None}
    pool["quorum"] = {**counted, "observers": [voter, {**voter, "disagrees": []}]}
    said = {"down": 1, "electorate": 3, "verdict": "up", "observers": [text]}
    pool["targets"][1]["votes"] = {**said, "drained_by": [text]}
    pool["last_changes"] = [{"action": "delete", "record": text, "ground": text, "error": text}]
    pool["record_sets"][0].update(name=text, published=[text])
    pool["references"] = [dict(pool["targets"][1], address="192.0.2.7")]
    status["api"].update(failures=1, failures_by_reason={text: 1})
    return status


def test_what_comes_from_elsewhere_is_text_and_nothing_else() -> None:
    plain, hostile = Shape(page(example()).decode()), Shape(page(example(HOSTILE)).decode())
    assert hostile.tags == plain.tags
    assert hostile.text.count("<img src=x onerror=alert(1)>") == plain.text.count("fine")
    assert plain.text.count("fine") > 12


def test_the_policy_allows_the_blocks_of_the_page_and_nothing_else() -> None:
    text = page(example()).decode()
    for tag in ("style", "script"):
        (block,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in POLICY
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    shape = Shape(text)
    assert not [name for name in shape.attributes if name == "style" or name.startswith("on")]
    assert not {tag for tag, _ in shape.tags} & {"link", "img", "iframe", "object", "base"}


def test_no_id_is_there_twice() -> None:
    ids = re.findall(r' id="([^"]*)"', page(example()).decode())
    assert len(ids) > 8
    assert len(ids) == len(set(ids))


def rows(text: str) -> int:
    return text.count('<tr role="row" class=')


def test_a_small_pool_is_shown_in_order_of_address() -> None:
    states = [down(1, "app-b"), up(0, "app-a"), down(2, "app-c")]
    text = page(document_of(*states, report=pool_of(*states, published=()))).decode()
    names = re.findall(r'scope="row">(app-.)', text)
    assert names == ["app-a", "app-b", "app-c"]
    assert "<details>" not in text


@pytest.mark.parametrize(("count", "dead", "shown", "folded"), [
    (300, 3, 3, 297), (3000, 0, 0, 1000), (3000, 3000, 100, 1000),
])  # fmt: skip
def test_of_a_large_pool_what_is_not_well_is_shown_and_the_rest_is_folded(
    count: int, dead: int, shown: int, folded: int
) -> None:
    states = [up(n) for n in range(count - dead)] + [down(count - dead + n) for n in range(dead)]
    report = pool_of(*states, published=tuple(states[: count - dead]))
    text = page(document_of(*states, report=report)).decode()
    open_, _, hidden = text.partition("<details>")
    assert (rows(open_), rows(hidden.partition("Record sets")[0])) == (shown, folded)
    assert text.count('class="curve"') == shown


def test_older_failures_are_folded() -> None:
    journal = Journal(lambda: NOW - 60)
    for number in range(KEPT + 3):
        journal.say(logging.WARNING, "event", f"event-{number}")
    one = up(0)
    status = document_of(one, report=pool_of(one, published=(one,)), journal=journal)
    shown, _, folded = page(status).decode().partition("<summary>3 older failures</summary>")
    assert shown.count(">event-") == KEPT
    assert re.findall(r">(event-\d+)", folded) == ["event-2", "event-1", "event-0"]


def test_many_pools_have_an_overview_with_the_worst_first() -> None:
    one, two = up(0), down(1)
    status = document_of(one, report=pool_of(one, published=(one,)))
    bad: dict[str, Any] = document_of(two, report=pool_of(two, published=(two,)))["pools"][0]
    status["pools"].append({**bad, "name": "other.example"})
    fields = {"pool": "other.example"}
    status["events"] = [{"at": NOW, "level": "info", "name": "e", "text": "fell", "fields": fields}]
    text = page(status).decode()
    assert "1 of 2 pools are well" in text
    assert text.index('href="#pool:other.example"') < text.index('href="#pool:example.com"')
    assert "<small>other.example </small>fell" in text


def test_a_refused_configuration_is_said_first_and_in_the_title() -> None:
    one = up(0)
    problems = ("line 3: config.fall: must be a whole number", "<b>line 4</b>")
    status = document_of(one, report=pool_of(one, published=(one,)), refused=problems)
    drawn, printed = page(status).decode(), of_status(status)
    assert "<title>! the configuration is refused, the old one stays in use; 1 of 1 up" in drawn
    assert drawn.index('id="refused"') < drawn.index('id="pool:example.com"')
    assert "line 3: config.fall: must be" in drawn
    assert "&lt;b&gt;line 4" in drawn
    assert printed.startswith(
        "LOOK  the configuration is refused, the old one stays in use\n  ! line 3: config.fall:"
    )
    well = document_of(one, report=pool_of(one, published=(one,)))
    assert "refused" not in page(well).decode() + of_status(well)


def test_the_curve_marks_what_failed_by_shape() -> None:
    drawn = curve([0.001, None, None, 0.002], ["refused", "permission"], "four")
    paths = dict(re.findall(r'<path class="(\w+)" d="([^"]*)"', drawn))
    assert paths["failed"] == "M115 24V2"
    assert paths["ours"] == "M117 24V12"
    assert paths["line"] == "M113 12.0h0M119 2.0h0"


def test_a_curve_of_nothing_is_empty_and_of_zeros_is_flat() -> None:
    assert '"line"' not in curve([], [], "none")
    assert 'd="M117 22.0h0L119 22.0"' in curve([0.0, 0.0], [], "two")


def test_a_target_that_begins_to_fail_says_how_far_it_is() -> None:
    one = up(0)
    one = one._replace(health=one.health._replace(failures=2, successes=0))
    text = page(document_of(one, report=pool_of(one, published=(one,)))).decode()
    assert "2 failed in a row, 3 make it down" in text


def test_a_drain_says_until_when() -> None:
    one, two = up(0), up(1)
    drains = {two.target.address: Drain(NOW - 60, NOW + 3600)}
    plan = Plan(omitted=(Omitted(ZONE, two.target.address, Unpublished.DRAINED),))
    report = pool_of(one, two, published=(one,), drains=drains, plan=plan)
    text = page(document_of(one, two, report=report)).decode()
    assert "an operator has drained it <code>drained</code>" in text
    assert 'drained until <time datetime="1970-01-01T02:23:20Z"' in text
