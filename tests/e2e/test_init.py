"""`init`: from the first question to a daemon that fails over, and every way to stop before."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

import pytest
import yaml

from tests.e2e.stage import LOGIN, PASSWORD, PROJECT, ZONE, Stage, verb
from tests.e2e.typist import CTRL_C, CTRL_D, Typist, typing
from tests.repo.generated import ROOT

TEMPLATE = (ROOT / "packaging/config.yaml").read_text()


class Setting:
    """A stage with two machines up and published, and what `init` is given for it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.one, self.two = stage.hosts[:2]
        stage.up(self.one, self.two)
        stage.publish(self.one, self.two)
        self.folder = folder / "etc"
        self.file = self.folder / "config.yaml"
        resolver = "{}:{}".format(*stage.emulator.dns_address)
        self.state = {"STATE_DIRECTORY": str(folder / "state")}
        self.flags = ["init", str(self.file), "--url", stage.emulator.url]
        self.flags += ["--auth-url", stage.emulator.auth_url, "--resolver", resolver]
        self.flags += ["--listen", f"{self.one}:{stage.web_port(self.one)}"]
        self.all_flags = [*self.flags, "--login", LOGIN, "--project-id", PROJECT]
        self.all_flags += ["--zone", ZONE, "--own-ip", self.one, "--port", str(stage.port)]
        self.all_flags += ["--interval", "500ms"]
        self.environ = {**self.state, "DNSBALANCER_PASSWORD": PASSWORD}

    def begin(self, *more: str) -> contextlib.AbstractContextManager[Typist]:
        return typing(self.folder.parent, *self.flags, *more, environ=self.state)

    def keys(self) -> dict[str, object]:
        """What was written."""
        keys: dict[str, object] = yaml.safe_load(self.file.read_text())["config"]
        return keys

    def logins(self) -> int:
        return self.stage.asked("auth_token")

    def nothing_is_written(self) -> bool:
        return not self.folder.exists() and self.stage.writes() == 0


@pytest.fixture
def setting(stage: Stage, tmp_path: Path) -> Setting:
    return Setting(stage, tmp_path)


def to_the_zone(person: Typist, password: str = PASSWORD) -> None:
    person.answers(Login=LOGIN, Project_id=PROJECT, Password=password)


def to_the_end(person: Typist, setting: Setting) -> None:
    """From the zone on; what is proposed is taken where it is right."""
    person.answers(Zone="", Name_in_the_zone="")
    person.sees(f"{ZONE} holds {setting.one} (60 s), {setting.two} (60 s)")
    person.answers(Is_this_machine="")
    person.sees(f"{setting.one} is in the zone, and is an address of this machine")
    person.answers(Public_address="", Addresses_of_all="", Probe_them="")
    person.answers(Port=str(setting.stage.port), Time_between="500ms", Keep_the_password="")


# --- at a terminal ------------------------------------------------------------------------


def test_a_dialogue_leads_to_a_daemon_that_fails_over(setting: Setting) -> None:
    with setting.begin() as person:
        to_the_zone(person)
        person.sees(f"zones of the project: {ZONE}\n")
        to_the_end(person, setting)
        person.sees(f"wrote {setting.file} (mode 0600)")
        assert person.ends() == 0
    assert "problem " not in person.printed
    assert f"ok       login: {setting.stage.emulator.auth_url}" in person.printed
    assert PASSWORD not in person.screen + person.printed
    assert stat.S_IMODE(setting.file.stat().st_mode) == 0o600
    assert [path.name for path in setting.folder.iterdir()] == ["config.yaml"]
    daemon = setting.stage.run(setting.file, setting.state)
    daemon.until_healthy(2)
    setting.stage.down(setting.two)
    setting.stage.until_published(setting.one)


def test_the_file_is_the_packages_with_the_answers_in_it(setting: Setting) -> None:
    done = verb(*setting.all_flags, "--target", setting.two, environ=setting.environ)
    assert done.returncode == 0, done.stderr + done.stdout
    written = setting.file.read_text()
    changed = set(written.splitlines()) - set(TEMPLATE.splitlines())
    assert {line.split(":")[0].strip() for line in changed} == {
        *("url", "auth_url", "login", "project_id", "password", "zone", "own_ip", "targets"),
        *("port", "interval", "listen", "resolvers"),
    }
    assert len(written.splitlines()) == len(TEMPLATE.splitlines())
    assert verb("check", str(setting.file)).returncode == 0
    assert setting.keys()["targets"] == [setting.two]


def test_a_wrong_answer_is_told_why_and_asked_again(setting: Setting) -> None:
    with setting.begin() as person:
        person.answers(Login="")
        person.sees("login is needed")
        person.answers(Login=LOGIN, Project_id="not an id")
        person.sees("project_id must be the project's id")
        person.answers(Project_id=PROJECT, Password="")
        person.sees("password is missing")
        person.answers(Password=PASSWORD, Zone="other.example")
        person.sees(f"the project has no zone other.example; it has {ZONE}")
        person.answers(Zone="no zone")
        person.sees("zone must be a domain name")
        person.answers(Zone=ZONE, Name_in_the_zone="www.example.net.")
        person.sees(f"record must be a name in the zone {ZONE}")
        person.answers(Name_in_the_zone="new")
        person.sees(f"new.{ZONE} holds no address")
        person.answers(Is_this_machine="perhaps")
        person.sees("answer y or n")
        person.answers(Is_this_machine="y")
        person.sees("this machine goes out with 127.0.0.1, which is not public")
        person.answers(Public_address="")
        person.sees("own_ip is needed")
        person.answers(Public_address="0.0.0.0")
        person.sees("own_ip must be the address of one machine")
        person.answers(Public_address=setting.one)
        person.sees(f"note: {setting.one} is not a public address")
        person.answers(Addresses_of_all="", Probe_them="pigeon")
        person.sees("protocol must be `tcp`, `icmp`, `http` or `https`")
        person.sees("Probe them")  # it can be interrupted for sure where it waits
        person.types(CTRL_C)
        assert person.ends() == 130
    assert setting.nothing_is_written()


def test_a_wrong_flag_is_asked_about_at_its_turn(setting: Setting) -> None:
    with setting.begin("--port", "0", "--zone", "no zone") as person:
        person.sees("--zone must be a domain name")
        person.sees("--port must be a whole number")
        to_the_zone(person)
        to_the_end(person, setting)
        assert person.ends() == 0


def test_a_full_name_is_judged_by_the_zone_that_is_told_later(setting: Setting) -> None:
    with setting.begin("--record", f"www.{ZONE}.", "--protocol", "ICMP") as person:
        to_the_zone(person)
        person.answers(Zone="")
        person.sees(f"www.{ZONE} holds 192.0.2.80 (300 s)")
        person.answers(Is_this_machine="", Public_address=setting.one, Addresses_of_all="")
        person.sees("Time between")
        person.types(CTRL_C)
        assert person.ends() == 130
    assert "Port" not in person.screen


def test_a_wrong_flag_that_has_no_question_ends_it(setting: Setting) -> None:
    with setting.begin("--mode", "dream") as person:
        person.sees("dnsbalancer init: --mode: must be `enforce` or `observe`")
        assert person.ends() == 2
    assert setting.nothing_is_written()


def test_a_witness_names_the_machines_and_has_no_address_of_its_own(setting: Setting) -> None:
    with setting.begin("--zone", ZONE, "--port", str(setting.stage.port)) as person:
        to_the_zone(person)
        person.answers(Name_in_the_zone="", Is_this_machine="n")
        person.answers(Addresses_of_all=f"{setting.one}, {setting.two}")
        person.answers(Probe_them="", Time_between="1", Keep_the_password="y")
        assert person.ends() == 0, person.screen + person.printed
    keys = setting.keys()
    assert keys["is_self_maintenance"] is False
    assert keys["targets"] == [setting.one, setting.two]
    assert "own_ip" not in keys
    secret = setting.folder / "password"
    assert keys["password_file"] == str(secret)
    assert (secret.read_text(), stat.S_IMODE(secret.stat().st_mode)) == (f"{PASSWORD}\n", 0o600)
    assert PASSWORD not in setting.file.read_text()


def test_a_refused_login_is_asked_for_again_and_after_three_it_ends(setting: Setting) -> None:
    with setting.begin() as person:
        to_the_zone(person, "wrong-1")
        for count in (1, 2):
            person.sees("check `login`, `password`, `user_domain` and `project_id`")
            person.sees(f"refused {count} of 3 times; after too many, providers lock an account")
            person.answers(Login="", Project_id="", Password=f"wrong-{count + 1}")
        person.sees("the login was refused 3 times")
        assert person.ends() == 1
    assert setting.logins() == 3
    assert setting.nothing_is_written()
    assert "wrong-" not in person.screen


def test_the_right_password_goes_on_from_there(setting: Setting) -> None:
    with setting.begin() as person:
        to_the_zone(person, "wrong")
        person.answers(Login="", Project_id="", Password=PASSWORD)
        person.sees("the login works")
        to_the_end(person, setting)
        assert person.ends() == 0


@pytest.mark.parametrize(("flag", "question"), [("--auth-url", "URL_of_K"), ("--url", "URL_of_t")])
def test_a_service_out_of_reach_has_its_url_asked_for_again(
    setting: Setting, flag: str, question: str
) -> None:
    right = setting.flags[setting.flags.index(flag) + 1]
    with setting.begin(flag, "http://127.0.0.1:9/") as person:
        to_the_zone(person)
        person.answers(**{question: right})
        to_the_end(person, setting)
        assert person.ends() == 0


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [(CTRL_C, 130, "nothing was written"), (CTRL_D, 1, "no more answers: nothing was written")],
    ids=["Ctrl-C", "Ctrl-D"],
)
@pytest.mark.parametrize("question", ["Login", "Password", "Zone", "Keep the password"])
def test_whoever_stops_half_way_leaves_nothing_behind(
    setting: Setting, key: str, status: int, said: str, question: str
) -> None:
    port = str(setting.stage.port)
    more = ["--record", "@", "--own-ip", setting.one, "--protocol", "tcp", "--port", port]
    answers = {
        "Login": LOGIN,
        "Project id": PROJECT,
        "Password": PASSWORD,
        "Zone": "",
        "Addresses": "",
        "Time": "",
        "Keep the password": "",
    }
    with setting.begin(*more) as person:
        for asked, answer in answers.items():
            person.sees(asked)
            person.sees(": ")
            if asked == question:
                break
            person.types(answer)
        person.types(key)
        person.sees(said)
        assert person.ends() == status
    assert setting.nothing_is_written()
    assert "Traceback" not in person.screen


# --- without one --------------------------------------------------------------------------


def test_without_a_terminal_all_that_is_missing_is_told_at_once(setting: Setting) -> None:
    done = verb(*setting.flags, "--port", "0")
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    flags = ("--login", "--own-ip", "--password-file", "--port", "--project-id", "--zone")
    assert [line.split()[2] for line in lines] == list(flags)
    assert "$DNSBALANCER_PASSWORD" in done.stderr
    assert setting.logins() == 0
    assert setting.nothing_is_written()


def test_with_all_flags_nobody_is_asked(setting: Setting) -> None:
    secret = setting.folder.parent / "secret"
    secret.write_text(PASSWORD)
    done = verb(*setting.all_flags, "--password-file", str(secret), environ=setting.state)
    assert done.returncode == 0, done.stderr + done.stdout
    assert f"{ZONE} holds {setting.one}" in done.stderr
    assert setting.keys()["password_file"] == str(secret)
    assert setting.stage.writes() == 0


def test_a_wrong_password_is_tried_once(setting: Setting) -> None:
    done = verb(*setting.all_flags, environ={"DNSBALANCER_PASSWORD": "wrong"})
    assert (done.returncode, setting.logins()) == (1, 1)
    assert "check `login`, `password`" in done.stderr
    assert setting.nothing_is_written()


def test_a_zone_that_is_not_there_is_told_with_those_that_are(setting: Setting) -> None:
    done = verb(*setting.all_flags, "--zone", "other.example", environ=setting.environ)
    assert done.returncode == 1
    assert f"--zone: the project has no zone other.example; it has {ZONE}" in done.stderr
    assert setting.nothing_is_written()


def test_what_the_audit_finds_is_the_exit_status(setting: Setting) -> None:
    setting.stage.down(setting.one)
    done = verb(*setting.all_flags, environ=setting.environ)
    assert done.returncode == 1
    assert f"problem  targets: {setting.one}: own address" in done.stdout
    assert setting.file.exists()


def test_a_dry_run_prints_the_file_without_the_password_and_writes_nothing(
    setting: Setting,
) -> None:
    done = verb(*setting.all_flags, "--dry-run", environ=setting.environ)
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout)["config"]["password"] == "***"
    assert yaml.safe_load(done.stdout)["config"]["zone"] == ZONE
    assert PASSWORD not in done.stdout + done.stderr
    assert setting.nothing_is_written()


# --- the place ----------------------------------------------------------------------------


def test_a_file_that_is_there_stays_unless_it_is_forced(setting: Setting) -> None:
    setting.folder.mkdir()
    setting.file.write_text("precious")
    done = verb(*setting.all_flags, environ=setting.environ)
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert setting.logins() == 0
    assert setting.file.read_text() == "precious"
    done = verb(*setting.all_flags, "--force", environ=setting.environ)
    assert done.returncode == 0, done.stderr
    assert setting.keys()["zone"] == ZONE
    (old,) = set(setting.folder.iterdir()) - {setting.file}
    assert old.read_text() == "precious"
    assert f"kept {old}" in done.stderr


def test_a_password_that_is_there_stays_as_well(setting: Setting) -> None:
    setting.folder.mkdir()
    (setting.folder / "password").write_text("precious")
    done = verb(*setting.all_flags, "--password-apart", environ=setting.environ)
    assert done.returncode == 1
    assert "password is there: --force" in done.stderr
    assert setting.logins() == 0
    assert [path.name for path in setting.folder.iterdir()] == ["password"]
    assert (setting.folder / "password").read_text() == "precious"


def test_what_the_package_installed_is_nobodys_and_is_filled_in(setting: Setting) -> None:
    setting.folder.mkdir()
    setting.file.write_text(TEMPLATE)
    done = verb(*setting.all_flags, environ=setting.environ)
    assert done.returncode == 0, done.stderr
    assert setting.keys()["zone"] == ZONE
    assert list(setting.folder.iterdir()) == [setting.file]


@pytest.mark.parametrize(
    ("place", "said"),
    [("/sys/kernel/dnsbalancer/config.yaml", "/sys/kernel"), ("/etc", "/etc is a folder")],
)
def test_a_place_that_cannot_be_written_is_told(setting: Setting, place: str, said: str) -> None:
    flags = [place if flag == str(setting.file) else flag for flag in setting.all_flags]
    done = verb(*flags, environ=setting.environ)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


# --- secrets ------------------------------------------------------------------------------

TROUBLES = {
    "the API repeats what it was told": f"list_zones:status:code=400:body={PASSWORD}",
    "logins are refused, with the password": f"auth_token:status:code=401:body={PASSWORD}",
    "answers are cut": "*:cut",
}


@pytest.mark.parametrize("fault", TROUBLES.values(), ids=TROUBLES)
def test_the_password_shows_nowhere(setting: Setting, fault: str) -> None:
    setting.stage.emulator.faults.add(fault)
    done = verb(*setting.all_flags, environ=setting.environ)
    assert done.returncode == 1
    assert PASSWORD not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert setting.nothing_is_written()


def test_a_password_is_never_an_argument() -> None:
    done = verb("init", "--help")
    assert "--password-file" in done.stdout
    assert "--password " not in done.stdout
