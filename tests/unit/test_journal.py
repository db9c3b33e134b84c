from __future__ import annotations

import itertools
import logging

from dnsbalancer_exporter.export.journal import KEPT, Journal
from dnsbalancer_exporter.model import Ground, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import Change
from tests.unit.pools import pool


def journal() -> Journal:
    ticks = itertools.count(1000)
    return Journal(lambda: float(next(ticks)))


def say(kept: Journal, level: int, first: int, count: int) -> None:
    for number in range(first, first + count):
        kept.say(level, "event", str(number))


def texts(kept: Journal) -> list[int]:
    return [int(event.text) for event in kept.events()]


def test_the_last_events_are_kept_newest_first_and_none_is_left_out() -> None:
    kept = journal()
    say(kept, logging.INFO, 0, 10)
    say(kept, logging.WARNING, 10, KEPT)
    assert texts(kept) == list(range(KEPT + 9, 9, -1))
    assert [e.at for e in kept.events()] == sorted((e.at for e in kept.events()), reverse=True)


def test_a_failure_outlives_any_number_of_successes() -> None:
    kept = journal()
    say(kept, logging.ERROR, 0, 2)
    say(kept, logging.INFO, 2, 5 * KEPT)
    assert texts(kept)[KEPT:] == [1, 0]
    assert len(kept.events()) == KEPT + 2


def test_of_older_failures_only_the_last_are_kept() -> None:
    kept = journal()
    say(kept, logging.WARNING, 0, 4 * KEPT)
    assert texts(kept) == list(range(4 * KEPT - 1, 2 * KEPT - 1, -1))


def test_what_was_given_to_others_does_not_change() -> None:
    kept = journal()
    say(kept, logging.INFO, 0, 1)
    before = kept.events()
    say(kept, logging.INFO, 1, 1)
    assert [event.text for event in before] == ["0"]


def test_the_last_news_of_a_lock_are_kept_by_zone() -> None:
    kept = journal()
    assert kept.lock("a.example") is None
    kept.locked("a.example", "taken", "")
    kept.locked("a.example", "failed", "no permission")
    kept.locked("b.example", "released", "")
    news = kept.lock("a.example")
    assert news is not None
    assert (news.event, news.detail) == ("failed", "no permission")


def test_a_write_is_told_with_what_became_of_it() -> None:
    kept = journal()
    record = Record("1", "www.example.com.", RecordType.A, "192.0.2.1", 60)
    for change in (
        Change("create", record, at=1.0),
        Change("delete", record, Ground.DOWN, at=2.0),
        Change("delete", record, Ground.DOWN, error="no answer"),
    ):
        kept.wrote(pool(), change)
    what = "www.example.com. A 192.0.2.1"
    told = [(event.level, event.name, event.text) for event in reversed(kept.events())]
    assert told == [
        (logging.INFO, "record_create", f"created {what}"),
        (logging.INFO, "record_delete", f"deleted {what} (down)"),
        (logging.WARNING, "record_delete_failed", f"could not delete {what}: no answer"),
    ]
