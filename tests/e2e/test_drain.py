"""An operator takes an address out for maintenance, and it stays out: real daemons, real verbs."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon
from tests.e2e.stage import LOCK, Stage, kinds_of, until, verb
from tests.e2e.test_reload import reload
from tests.needed import unavailable

Done = subprocess.CompletedProcess[str]


def ask(daemon: Daemon, name: str, *arguments: str) -> Done:
    """Run a verb against a daemon."""
    return verb(name, "--config", str(daemon.config), *arguments)


def drain(daemon: Daemon, *arguments: str) -> str:
    """Drain, and wait until it is out; what was printed."""
    done = ask(daemon, "drain", *arguments, "--wait", "25s")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("it is out of the zone; resolvers may have it for one more TTL\n")
    return done.stdout


def kill(daemon: Daemon) -> None:
    """SIGKILL, as a failing machine does it."""
    daemon.may_end_with = {-9}
    daemon.kill()


def restarted(stage: Stage, daemon: Daemon) -> Daemon:
    """The same daemon again, after its end."""
    daemon.wait()
    return stage.run(daemon.config)


def state_file(daemon: Daemon) -> Path:
    return Path(str(daemon.keys()["state_dir"])) / "state.json"


def deletes(stage: Stage) -> int:
    """How often an address was taken out."""
    return stage.asked("delete_record", "a")


# --- the main job -------------------------------------------------------------------------


def test_a_member_drains_itself_under_the_lock_and_everything_shows_it(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    printed = drain(daemon)
    assert f"{one} in pool example.com: drained until 20" in printed
    assert "this member alone publishes it" in printed
    stage.until_published(two)
    writes = [(e.operation, *kinds_of(e)) for e in stage.emulator.journal.entries()]
    writes = [w for w in writes if w[0] in {"create_record", "delete_record"}]
    assert writes == [
        ("create_record", "txt"),
        ("delete_record", "a"),
        ("delete_record", "txt"),
    ]
    seen = daemon.until_value(1, "cycle_unpublished", reason="drained")
    assert seen.value("target_drained", target=one) == 1
    assert seen.value("target_drained", target=two) == 0
    assert seen.value("target_up", target=one) == 1
    lines = ask(daemon, "status").stdout.splitlines()
    (row,) = [line for line in lines if line.split()[:1] == [one]]
    assert "drained" in row
    explained = " ".join(ask(daemon, "explain", one).stdout.split())
    for text in (" health: up", " published: no", " not published: drained: ", " drained: until "):
        assert text in explained
    assert "event=drain " in daemon.log


def test_it_stays_out_until_it_is_undrained(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    drain(daemon)
    daemon.until_cycles(4)
    assert stage.moves()[2:] == [f"-{one}"]
    done = ask(daemon, "undrain")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{one} in pool example.com: no longer drained" in done.stdout
    stage.until_published(one, two)
    daemon.until_value(0, "target_drained", target=one)
    assert ask(daemon, "undrain").returncode == 1


def test_it_ends_by_itself(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    drain(daemon, "--for", "6s")
    stage.until_published(one, two)
    daemon.until_value(0, "target_drained", target=one)
    assert stage.moves()[2:] == [f"-{one}", f"+{one}"]


def test_a_witness_drains_a_learned_target_and_puts_it_back(stage: Stage) -> None:
    """Nobody else would: there is no daemon on that machine."""
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    witness = stage.witness()
    witness.until_healthy(2)
    assert "another witness" in drain(witness, two)
    seen = witness.until_cycles(2)
    assert seen.value("target_drained", target=two) == 1
    kill(witness)
    witness = restarted(stage, witness)
    witness.until_healthy(2)
    assert stage.values() == [one]
    assert ask(witness, "undrain", two).returncode == 0
    stage.until_published(one, two)


# --- it outlives the process ----------------------------------------------------------------


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_it_survives_a_restart(stage: Stage, end: str) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    drain(daemon)
    if end == "SIGTERM":
        daemon.terminate()
    else:
        kill(daemon)
    daemon = restarted(stage, daemon)
    seen = daemon.until_healthy(2)
    assert seen.value("target_drained", target=one) == 1
    assert stage.moves()[2:] == [f"-{one}"]
    assert ask(daemon, "undrain").returncode == 0
    stage.until_published(one, two)


def test_what_was_answered_for_is_done_even_if_the_daemon_dies_at_once(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    for _ in range(4):
        done = ask(daemon, "drain")
        kill(daemon)
        assert done.returncode == 0, done.stderr
        daemon = restarted(stage, daemon)
        stage.until_published(two)
        daemon.until_healthy(2)
        assert ask(daemon, "undrain").returncode == 0
        stage.until_published(one, two)
    assert "state_unusable" not in daemon.log


def test_it_survives_a_reload_that_adds_a_name(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.publish(two, name="app")
    stage.managed.add(("app.example.com", "a"))
    daemon = stage.steady(one, two)
    drain(daemon)
    reload(daemon, record=["@", "app"])
    daemon.until_logged("event=reload ")
    seen = daemon.until_healthy(2)
    assert seen.value("target_drained", target=one) == 1
    assert stage.moves()[2:] == [f"-{one}"]
    assert one not in stage.values(name="app.example.com")


def test_two_daemons_on_one_state_dir_do_not_undo_each_others_drains(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    first = stage.steady(one, two)
    second = stage.member(two, state_dir=first.keys()["state_dir"])
    second.until_logged("event=state_failed")
    assert "another daemon keeps its state there" in second.log
    assert "event=control_failed" in second.log
    second.until_value(0, "state_last_save_successful")
    drain(first)
    second.until_cycles(3)
    assert json.loads(state_file(first).read_text())["pools"]["example.com"]["drains"].keys() == {
        one
    }
    kill(first)
    first = restarted(stage, first)
    assert first.until_healthy(2).value("target_drained", target=one) == 1
    assert one not in stage.values()


def test_plan_knows_what_is_drained_and_leaves_its_file_alone(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    drain(daemon)
    done = verb("plan", str(daemon.config))
    assert f"  = do not publish example.com {one}: drained: " in done.stdout
    assert "+ create" not in done.stdout
    assert ask(daemon, "undrain").returncode == 0
    daemon.terminate()
    daemon.wait()
    state_file(daemon).write_text("{")
    assert verb("plan", str(daemon.config)).returncode == 0
    assert state_file(daemon).read_text() == "{"


# --- refused --------------------------------------------------------------------------------


def test_the_last_one_is_refused_and_with_force_waits_for_another(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.publish(two)
    daemon = stage.steady(one)
    daemon.until_down(two)
    refused = ask(daemon, "drain")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"without {one} too little would be left" in refused.stderr
    assert "--force" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    daemon.until_cycles(2)
    assert one in stage.values()
    forced = ask(daemon, "drain", "--force", "--wait", "1s")
    assert forced.returncode == 1
    assert f"{one} is still in the zone: min_records" in forced.stdout
    daemon.until_cycles(2)
    assert one in stage.values()
    stage.up(two)
    stage.publish(*(() if two in stage.values() else (two,)))
    stage.until_published(two)


def test_below_min_records_it_is_refused_and_with_force_done(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two, min_records=2)
    assert "at least 2 (min_records)" in ask(daemon, "drain").stderr
    drain(daemon, "--force")
    stage.until_published(two)


def test_while_the_peer_is_down_it_is_refused_and_a_drained_one_comes_back(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, targets=[one, two, three])
    drain(daemon)
    stage.down(two, three)
    stage.until_published(one)  # drained, but nobody else is up
    stage.up(two, three)
    stage.until_published(two, three)
    stage.down(two)
    daemon.until_down(two)
    stage.until_published(three)
    stage.down(three)
    daemon.until_down(three)
    assert ask(daemon, "undrain").returncode == 0
    assert ask(daemon, "drain").returncode == 1


@pytest.mark.parametrize("given", ["192.0.2.1", "vm-1", "nonsense; drop"])
def test_an_address_that_is_no_target_is_refused(stage: Stage, given: str) -> None:
    daemon = stage.steady(*stage.hosts[:2])
    for name in ("drain", "undrain"):
        done = ask(daemon, name, given)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"dnsbalancer: {given} is no target of this daemon")
        assert len(done.stderr.splitlines()) == 1


def test_a_witness_must_be_told_which(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    witness = stage.witness()
    witness.until_healthy(2)
    done = ask(witness, "drain")
    assert done.returncode == 1
    assert "this daemon is a witness: say which address" in done.stderr


@pytest.mark.parametrize("name", ["drain", "undrain"])
def test_a_daemon_that_does_not_run_cannot_be_asked(stage: Stage, name: str) -> None:
    config = stage.config(stage.hosts[0])
    done = verb(name, "--config", str(config))
    assert done.returncode == 1
    assert done.stderr.startswith("dnsbalancer: no daemon answers at ")
    assert "is it running" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("time", ["0", "-1", "31d", "soon", "1e9"])
def test_a_time_that_is_none_ends_with_2(stage: Stage, time: str) -> None:
    done = verb("drain", "--for", time, "--state-dir", str(stage.folder))
    assert done.returncode == 2
    assert "--for" in done.stderr


# --- several instances ------------------------------------------------------------------------


def test_with_targets_it_must_be_run_everywhere_and_till_then_nobody_fights(stage: Stage) -> None:
    one, two, three = hosts = stage.hosts[:3]
    stage.up(*hosts)
    stage.publish(*hosts)
    first, second = (stage.member(host, targets=list(hosts)) for host in (one, two))
    for daemon in (first, second):
        daemon.until_healthy(3)
    done = ask(first, "drain")
    assert "run this on each of them" in done.stdout
    first.until_value(1, "target_contested", target=one)
    stage.until_published(one, two, three)
    before = deletes(stage)
    for daemon in (first, second):
        daemon.until_cycles(6)
    assert (deletes(stage), before) == (1, 1)
    assert "contested" in ask(first, "explain", one).stdout
    drain(second, one)
    stage.until_published(two, three)
    before = stage.writes()
    for daemon in (first, second):
        daemon.until_cycles(4)
    assert stage.writes() == before
    for daemon in (first, second):
        assert ask(daemon, "undrain", one).returncode == 0
    stage.until_published(one, two, three)


def test_members_that_drain_themselves_at_the_same_time_leave_one(stage: Stage) -> None:
    """Each of them sees the others up and is admitted; the lock puts them in a row."""
    hosts = stage.hosts[:3]
    stage.up(*hosts)
    stage.publish(*hosts)
    daemons = [stage.member(host) for host in hosts]
    for daemon in daemons:
        daemon.until_healthy(3)
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda daemon: ask(daemon, "drain"), daemons))
    assert 2 <= sum(d.returncode == 0 for d in done) <= 3
    until(lambda: len(stage.values()) == 1, "two of three are out")
    for daemon in daemons:
        daemon.until_cycles(3)
    assert len(stage.values()) == 1


# --- the disk ---------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"{", b'{"version": 99}', bytes(9999)], ids=len)
def test_a_file_that_cannot_be_used_is_set_aside_and_the_daemon_starts(
    stage: Stage, data: bytes
) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    config = stage.config(one)
    folder = config.parent / "state"
    folder.mkdir()
    (folder / "state.json").write_bytes(data)
    daemon = stage.run(config)
    daemon.until_healthy(2)
    assert "event=state_unusable" in daemon.log
    (aside,) = folder.glob("state.json.unusable-*")
    assert aside.read_bytes() == data
    drain(daemon)
    kill(daemon)
    daemon = restarted(stage, daemon)
    assert daemon.until_healthy(2).value("target_drained", target=one) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A file system of a few pages; unmounted after the test."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, check=False).returncode == 0
    if not mounted:
        unavailable("needs root and mount: a small disk to fill")
    return folder


def test_a_full_disk_is_said_survived_and_over_when_there_is_room(
    stage: Stage, small_disk: Path, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: subprocess.run(["umount", "-l", str(small_disk)], check=True))
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, state_dir=str(small_disk))
    daemon.until_value(1, "state_last_save_successful")
    before = state_file(daemon).read_bytes()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(2**20))
    done = ask(daemon, "drain")
    assert done.returncode == 0
    assert "! not saved, so a restart forgets it:" in done.stdout
    assert "No space left" in done.stdout
    stage.until_published(two, three)
    daemon.until_value(0, "state_last_save_successful")
    assert daemon.log.count("event=state_failed") == 1
    assert state_file(daemon).read_bytes() == before
    stage.down(two)
    stage.until_published(three)
    (small_disk / "filler").unlink()
    daemon.until_value(1, "state_last_save_successful")
    assert "event=state_saved" in daemon.log
    assert daemon.log.count("event=state_failed") == 1
    assert sorted(p.name for p in small_disk.iterdir()) == ["control.sock", "state.json"]
    kill(daemon)
    daemon = restarted(stage, daemon)
    assert daemon.until_healthy(2).value("target_drained", target=one) == 1


def test_a_state_dir_that_cannot_be_made_ends_nothing(stage: Stage) -> None:
    """And what is kept is saved as soon as it can be."""
    one, two = stage.hosts[:2]
    blocker = stage.folder / "file"
    blocker.touch()
    daemon = stage.steady(one, two, state_dir=str(blocker / "state"))
    daemon.until_value(0, "state_last_save_successful")
    assert daemon.log.count("event=state_failed") == 1
    stage.down(two)
    stage.until_published(one)
    blocker.unlink()
    daemon.until_value(1, "state_last_save_successful")
    assert state_file(daemon).exists()


# --- observed ---------------------------------------------------------------------------------


def test_who_comes_to_be_observed_writes_nothing_not_even_its_left_over_lock(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("delete_record:status:code=500:type=TXT")
    stage.down(three)
    stage.until_published(one, two)
    daemon.until_logged("event=lock_left")
    stage.emulator.faults.clear()
    stage.emulator.faults.add("delete_record:status:code=500:type=TXT")
    reload(daemon, mode="observe")
    daemon.until_logged("event=reload ")
    stage.emulator.faults.clear()
    before = stage.asked("create_record") + stage.asked("delete_record")
    stage.down(two)
    done = ask(daemon, "drain", "--force")
    assert "this daemon only observes" in done.stdout
    daemon.until_down(two)
    daemon.until_cycles(4)
    assert stage.asked("create_record") + stage.asked("delete_record") == before
    assert stage.values("TXT", LOCK[0])
    assert stage.values() == sorted((one, two))
