"""The operator's verbs beside `run`: check, plan, status, explain, --version."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.e2e.stage import PASSWORD, Stage, verb, write

READS = {"auth_token", "list_zones", "list_records"}


def test_version_is_printed() -> None:
    done = verb("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("dnsbalancer ")


def test_check_says_that_a_file_is_good_and_asks_nobody(stage: Stage) -> None:
    config = stage.config(stage.hosts[0])
    for arguments in (("check", str(config)), ("check", "--config", str(config))):
        done = verb(*arguments)
        assert done.returncode == 0
        assert done.stderr == ""
        assert f"{config}: good" in done.stdout
        assert "member of example.com in zone example.com" in done.stdout
    assert stage.operations() == []


def test_check_prints_every_problem_with_its_line_and_ends_with_2(stage: Stage) -> None:
    config = stage.config(stage.hosts[0], port="eighty", own_ip="1.2.3", intervall=3, zone=None)
    done = verb("check", str(config))
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    for key in ("port", "own_ip", "intervall", "zone"):
        assert [line for line in lines if f"config.{key}" in line and ": line " in line], key
    assert all(line.startswith(f"{config}: line ") for line in lines)
    assert any("intervall" in line and "`interval`" in line for line in lines)


def test_a_bomb_is_one_message_and_2(stage: Stage) -> None:
    config = stage.folder / "config.yaml"
    levels = (f"{b}: &{b} [{','.join(['*' + a] * 9)}]" for a, b in itertools.pairwise("abcdefghi"))
    config.write_text("\n".join(("a: &a [x,x,x,x,x,x,x,x,x]", *levels)))
    done = verb("check", str(config))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{config}: ")


def test_plan_prints_what_it_would_do_and_changes_nothing(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.up(one, two)
    stage.publish(two, three)
    done = verb("plan", str(stage.config(one)))
    assert done.returncode == 0, done.stderr
    assert f"  + create example.com A {one} 60" in done.stdout.splitlines()
    assert f"  - delete example.com A {three} (down)" in done.stdout.splitlines()
    assert f"  {three}: down, refused; published" in done.stdout.splitlines()
    assert f"  {two}: up; published" in done.stdout.splitlines()
    assert set(stage.operations()) == READS
    assert stage.values() == sorted((two, three))


def test_plan_says_why_not_more(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.publish(one, two)
    done = verb("plan", str(stage.config(one)))
    assert done.returncode == 0, done.stderr
    for host in (one, two):
        assert f"  = keep example.com {host} (down): fail_open: " in done.stdout
    assert set(stage.operations()) == READS


def test_plan_says_when_there_is_nothing_to_do(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    done = verb("plan", str(stage.config(one)))
    assert done.returncode == 0, done.stderr
    assert "  nothing to do" in done.stdout.splitlines()


def test_plan_for_a_pool_that_is_only_observed_says_what_would_be_done(stage: Stage) -> None:
    one = stage.hosts[0]
    stage.up(one)
    done = verb("plan", str(stage.config(one, mode="observe")))
    assert f"  + create example.com A {one} 60" in done.stdout.splitlines()
    assert set(stage.operations()) == READS


def test_plan_without_an_api_says_so_and_ends_with_1(stage: Stage) -> None:
    config = stage.config(stage.hosts[0], password="not-the-password")
    done = verb("plan", str(config))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "not-the-password" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_status_shows_what_the_daemon_sees(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    done = verb("status", "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first == "OK  example.com: 3 of 3 up, zone in sync"
    assert second.startswith("  member in zone example.com, enforce mode; zone read ")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if "127." in line}
    assert set(rows) == {one, two, three}
    assert all("up" in row and "yes" in row for row in rows.values())
    assert "(own)" in rows[one]


def test_status_says_first_what_is_wrong_and_why(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    targets = [one, {"address": two, "name": "app-b"}]
    daemon = stage.steady(one, two, min_records=2, targets=targets)
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="min_records")
    done = verb("status", "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("TROUBLE  example.com: app-b has been down for ")
    assert lines[0].endswith(" and is still published; 1 of 2 up")
    head = next(line for line in lines if line.startswith("  TARGET"))
    row = next(line for line in lines if line.startswith("  app-b"))
    cells = {name: row[head.index(name) :].split()[0] for name in head.split()}
    assert cells.pop("SINCE").isdigit()
    assert cells == {
        "TARGET": "app-b",
        "HEALTH": "down",
        "PROBE": "refused",
        "PUBLISHED": "yes",
        "WHY": "too",
    }
    assert row.endswith("(min_records)")
    assert done.stdout.isascii()


def test_status_as_json_is_the_document_of_the_web_port(stage: Stage) -> None:
    daemon = stage.steady(*stage.hosts[:2])
    state = str(daemon.folder / "state")
    done = verb("status", "--json", "--state-dir", state)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document.keys() == daemon.status().keys()
    assert document["pools"][0].keys() == daemon.status()["pools"][0].keys()
    assert PASSWORD not in done.stdout


def test_explain_says_why_a_target_is_where_it_is(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two, min_records=2)
    stage.down(two)
    daemon.until_value(1, "cycle_held", reason="min_records")
    done = verb("explain", two, "--config", str(daemon.config))
    assert done.returncode == 0, done.stderr
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for text in (
        f"{two} in pool example.com",
        "health: down for ",
        "rests on: ",
        "recent: .",
        f"probed: tcp {two} port {stage.port}, every 0.5 s, in doubt every 0.1 s",
        "last probe: failure (refused: Connection refused), ",
        "published: yes",
        "not withdrawn: min_records: ",
    ):
        assert [line for line in said if line.startswith(text)], text
    (ground,) = [line for line in said if line.startswith("rests on: ")]
    assert ground.endswith("probes; 2 successes in a row make it up")
    (recent,) = [line for line in said if line.startswith("recent: ")]
    assert "xxx (newest last" in recent


def test_explain_says_why_one_that_is_down_is_not_there(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    stage.down(two)
    stage.until_published(one)
    daemon.until_cycles(2)
    done = verb("explain", two, "--config", str(daemon.config))
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "published: no" in said
    assert "not published: it is down" in said


def test_explain_finds_a_target_by_its_name(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    targets = [{"address": one, "name": "vm-1"}, {"address": two, "name": "vm-2"}]
    daemon = stage.steady(one, two, targets=targets)
    assert daemon.metrics().labels("target_up", "target") == {"vm-1", "vm-2"}
    done = verb("explain", "vm-2", "--json", "--config", str(daemon.config))
    assert [found["address"] for found in json.loads(done.stdout)] == [two]


def test_explain_knows_whom_it_does_not_know(stage: Stage) -> None:
    daemon = stage.steady(stage.hosts[0])
    done = verb("explain", "192.0.2.1", "--config", str(daemon.config))
    assert done.returncode == 1
    assert "192.0.2.1" in done.stderr


@pytest.mark.parametrize("arguments", [("status",), ("explain", "127.0.0.1")])
def test_a_daemon_that_does_not_run_cannot_be_asked(
    stage: Stage, arguments: tuple[str, ...]
) -> None:
    config = stage.config(stage.hosts[0])
    done = verb(*arguments, "--config", str(config))
    assert done.returncode == 1
    assert done.stderr.startswith("dnsbalancer: no daemon answers at ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("wrong", ["  intervall: 3\n", "}"])
def test_a_daemon_whose_configuration_is_refused_can_be_asked(stage: Stage, wrong: str) -> None:
    """It runs on with the old one; where it is, the file still says, or its environment."""
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    state = str(daemon.folder / "state")
    with daemon.config.open("a") as file:
        file.write(wrong)
    for arguments in (("status",), ("explain", two), ("drain", two), ("undrain", two)):
        done = verb(*arguments, "--config", str(daemon.config), environ={"STATE_DIRECTORY": state})
        assert done.returncode == 0, done.stderr
        assert two in done.stdout
        assert f"{daemon.config} is refused: the daemon runs with the old one" in done.stderr


def test_where_no_daemon_answers_a_refused_configuration_is_what_is_told(stage: Stage) -> None:
    config = stage.config(stage.hosts[0])
    with config.open("a") as file:
        file.write("  intervall: 3\n")
    done = verb("status", "--config", str(config))
    assert done.returncode == 2
    assert "intervall" in done.stderr


def test_words_that_are_no_verb_end_with_2() -> None:
    done = verb("frobnicate")
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_the_environment_names_the_file_for_every_verb(stage: Stage) -> None:
    config = stage.config(stage.hosts[0])
    environ = {"DNSBALANCER_CONFIG": str(config)}
    assert verb("check", environ=environ).returncode == 0
    other = write(stage.folder / "other.yaml", {"url": "x"})
    done = verb("check", str(other), environ=environ)
    assert done.returncode == 2
    assert str(other) in done.stderr
