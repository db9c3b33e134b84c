"""An API that is away, wrong, slow or confused: the zone stays as it was and the daemon lives."""

from __future__ import annotations

import pytest

from tests.e2e.stage import PASSWORD, Stage, until, write

NONSENSE = {
    "html instead of a list": ("list_records:garbage:shape=html", "invalid_response"),
    "an envelope around the list": ("list_records:garbage:shape=object", "invalid_response"),
    "null instead of a list": ("list_records:garbage:shape=null", "invalid_response"),
    "plain text": ("list_records:garbage:shape=text", "invalid_response"),
    "half a body": ("list_records:cut", "connection"),
    "500": ("reads:status:code=500", "server_error"),
    "503 with html": ("reads:status:code=503:body=<html>busy</html>", "server_error"),
    "resets": ("*:reset", "connection"),
    "404": ("list_records:status:code=404", "not_found"),
    "403": ("list_records:status:code=403", "client_error"),
    "401 for a new token": ("list_records:status:code=401", "auth"),
    "429 without a time": ("list_records:status:code=429", "rate_limited"),
    "a redirect": ("list_records:status:code=302", "invalid_response"),
}


@pytest.mark.parametrize(("fault", "reason"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_leaves_the_zone_as_it_was_until_it_ends(
    stage: Stage, fault: str, reason: str
) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add(fault)
    stage.down(two)
    daemon.until_down(two)
    daemon.until(
        lambda m: m.value("api_request_failures_total", operation="list_records", reason=reason),
        f"a failure by {reason}",
    )
    daemon.until_more("probes_total", 3, target=three)
    assert stage.values() == sorted((one, two, three))
    assert stage.writes() == 0
    stage.emulator.faults.clear()
    stage.until_published(one, three)


@pytest.mark.parametrize("fraction", ["1", "0.6"])
def test_a_list_that_lost_most_of_itself_changes_nothing(stage: Stage, fraction: str) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add(f"list_records:short_list:fraction={fraction}")
    daemon.until_cycles(3)
    stage.down(two)
    daemon.until_cycles(3)
    assert stage.values() == sorted((one, two, three))
    stage.emulator.faults.clear()
    stage.until_published(one, three)


def test_an_empty_list_once_withholds_the_withdrawal_only_until_the_next(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.steady(one, two, three)
    stage.emulator.faults.add("list_records:short_list:times=1")
    stage.down(two)
    stage.until_published(one, three)
    assert stage.moves()[3:] == [f"-{two}"]


def test_a_wrong_password_is_tried_once_and_mended_by_a_reload(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    daemon = stage.member(one, password="not-the-password")
    daemon.until_value(1, "target_up", target=one)
    seen = daemon.until_cycles(3)
    labels = {"operation": "auth_token", "reason": "auth"}
    assert seen.value("api_request_failures_total", **labels) == 1
    assert seen.value("cycle_failures_total") == seen.value("cycles_total")
    assert stage.operations() == ["auth_token"]
    assert "not-the-password" not in daemon.log
    assert "login" in daemon.status()["pools"][0]["error"]
    write(daemon.config, {**daemon.keys(), "password": PASSWORD})
    daemon.reload()
    stage.until_published(one)


def test_401_everywhere_is_one_login_and_no_more(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    before = stage.asked("auth_token")
    stage.emulator.faults.add("*:status:code=401")
    stage.down(two)
    daemon.until_down(two)
    daemon.until_cycles(3)
    assert stage.asked("auth_token") == before + 1
    assert stage.values() == sorted((one, two))
    assert stage.writes() == 0


def test_an_api_that_is_away_at_the_start_is_waited_for(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    stage.emulator.stop()
    daemon = stage.member(one)
    daemon.until_value(1, "target_up", target=one)
    daemon.until(
        lambda m: m.value("api_request_failures_total", reason="connection"), "a failed request"
    )
    assert daemon.metrics().value("api_up") == 0
    stage.emulator.start()
    stage.until_published(one)
    daemon.until_value(1, "api_up")


def test_an_api_that_goes_away_and_comes_back_is_used_again(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.stop()
    stage.down(two)
    daemon.until_down(two)
    daemon.until_value(0, "api_up")
    assert stage.values() == sorted((one, two, three))
    stage.emulator.start()
    stage.until_published(one, three)


def test_probes_and_scrapes_go_on_while_the_api_is_slow(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    stage.emulator.faults.add("list_records:slow:seconds=5")

    def pending() -> bool:
        return stage.emulator.journal.entries("list_records")[-1].fate == "pending"

    until(pending, "a list that is not answered")
    number = stage.emulator.journal.entries()[-1].n
    daemon.until_more("probes_total", 2, target=one)
    stage.down(two)
    daemon.until_down(two)
    assert pending()
    assert stage.emulator.journal.entries()[-1].n == number
    assert stage.values() == sorted((one, two))
    stage.emulator.faults.clear()
    stage.until_published(one)


def test_a_zone_that_is_not_there_is_said_and_looked_for_again(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    stage.managed.add(("example.org", "a"))
    daemon = stage.member(one, zone="example.org")
    daemon.until_value(1, "target_up", target=one)
    daemon.until_logged("event=zone_error")
    zone = stage.emulator.zones.create_zone({"zone": "example.org"})
    stage.managed.add((zone.name, "ns"))
    stage.until_published(one, name="example.org")
