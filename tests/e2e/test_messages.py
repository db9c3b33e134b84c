"""docs/troubleshooting.md, produced: what the page quotes is printed when that goes wrong.

`tests/repo/test_troubleshooting.py` finds every quotation in the source; here the commonest are
made to happen. In a quotation `…` stands for whatever differs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.stage import PASSWORD, PROJECT, Stage, verb
from tests.repo.test_troubleshooting import PAGES, quoted
from tests.unit.config.samples import changed

GOOD = changed("timeout")

FILES = {
    "is missing: …": GOOD.replace("    port: 80\n", ""),
    "is missing: give `password`, `password_file`, `$DNSBALANCER_PASSWORD` or the systemd "
    "credential `password`": GOOD.replace('    password: "123456example"\n', ""),
    "unknown key; …": GOOD + "    intervall: 5\n",
    "the key `config` is missing: put it first and indent all settings below it": "port: 80\n",
    "a tab cannot stand here: indent with spaces": GOOD + "\tinterval: 5\n",
    "a value that begins with `@`, `%` or a backtick must be in quotes": GOOD + "    record: @\n",
    "must be a duration: seconds, or a number with `ms`, `s`, `m`, `h` or `d`": GOOD
    + "    interval: soon\n",
    "is plain http: the login travels in the clear; use https": GOOD.replace(
        "https://mcs", "http://mcs"
    ),
    "… is not a public address: clients outside cannot reach it": GOOD.replace(
        "213.213.213.213", "10.0.0.1"
    ),
    "nothing is ever withdrawn from its … records: the floor is …, targets are …": GOOD
    + "    targets: [213.213.213.213, 213.213.213.214]\n    min_records: 2\n",
}
"""A file for each message."""


def says(quotation: str, text: str) -> bool:
    """Whether a text has what is quoted."""
    assert all(quotation in quoted(page) for page in PAGES), "the page does not quote this"
    pattern = ".*?".join(re.escape(part) for part in quotation.split("…"))
    return re.search(pattern, text) is not None


@pytest.mark.parametrize("quotation", FILES)
def test_check_says_it_of_a_file(quotation: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(FILES[quotation])
    file.chmod(0o600)
    done = verb("check", str(file), environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    said = done.stderr + done.stdout
    assert says(quotation, said), said


WORLDS: dict[str, tuple[str, dict[str, object]]] = {
    "keystone: cannot log in as '…': HTTP 401 …": ("", {"password": "another"}),
    "; the next login is tried in … s": ("", {"password": "another"}),
    "check that the account has a role in the project `project_id`": (
        "auth_token:status:code=403",
        {},
    ),
    "check `auth_url` and `project_id`": ("auth_token:status:code=404", {}),
    "cannot connect to …": ("", {"auth_url": "http://127.0.0.1:1/v3/"}),
    "the project … has … zones and this is none of them; check `zone` and `project_id`": (
        "",
        {"zone": "example.org"},
    ),
    "the token is new, so check that the account may use DNS in the project `project_id`": (
        "reads:status:code=401",
        {},
    ),
    "check the account's role in the project: network administrator, project administrator and "
    "owner may write, a viewer may not": ("list_records:status:code=403", {}),
    "HTTP … with an answer that is not the documented one: …": ("list_records:garbage", {}),
    "has a TTL of … s: for so long clients keep an address that is gone": ("", {}),
    "is the application up? Some clouds do not route a machine to its own public address: …": (
        "",
        {},
    ),
}
"""A fault of the provider and keys of the configuration for each message."""


@pytest.mark.parametrize("quotation", WORLDS)
def test_the_audit_says_it_of_the_world(quotation: str, stage: Stage) -> None:
    fault, keys = WORLDS[quotation]
    stage.publish(*stage.hosts[:2], ttl=900)
    if fault:
        stage.emulator.faults.add(fault)
    done = verb("check", "--online", str(stage.config(stage.hosts[0], **keys)))
    assert says(quotation, done.stdout), done.stdout
    assert PASSWORD not in done.stdout


def test_a_viewer_is_told_what_it_lacks(stage: Stage) -> None:
    stage.emulator.switches.set(role="viewer")
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(two)
    daemon = stage.member(one)
    daemon.until(lambda m: m.value("record_change_failures_total"), "a refused create")
    assert says("could not create …", daemon.log)
    assert PROJECT not in daemon.get("/metrics").text


def test_verbs_without_a_daemon_and_drains_that_are_refused(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    state = str(stage.folder / "nobody")
    said = verb("status", "--state-dir", state).stderr
    assert says("no daemon answers at …", said), said
    daemon = stage.steady(one, two)
    stage.down(two)
    daemon.until_down(two)
    folder = str(daemon.folder / "state")
    said = verb("drain", "--state-dir", folder, "192.0.2.77").stderr
    assert says("… is no target of this daemon: `dnsbalancer status` shows them", said), said
    said = verb("drain", "--state-dir", folder, one).stderr
    assert says("without … too little would be left of pool …", said), said
    assert says("target … is down: refused", daemon.log)
