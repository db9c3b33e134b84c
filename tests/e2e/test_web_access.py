"""The port with TLS and users: who gets in, what he must bring, and files that change under it."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from pathlib import Path

import bcrypt
import pytest
import yaml

from tests.certificates import Authority
from tests.e2e.daemon import Daemon
from tests.e2e.stage import Stage, free_port, until, verb, write
from tests.needed import program

PASSWORD = "p4ss-of-prometheus"
USER = f"prometheus:{PASSWORD}"
TLS: dict[str, object] = {"cert_file": "tls.crt", "key_file": "tls.key"}


class Port:
    """What stands beside a daemon's configuration: `web.yml`, certificates, their authority."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.authority = Authority()
        self.folder = stage.folder / "web"
        self.folder.mkdir()
        self.file, self.cert, self.key = map(
            self.folder.joinpath, ("web.yml", "tls.crt", "tls.key")
        )
        self.issue()

    def issue(self) -> None:
        self.authority.issue(self.cert, self.key, *self.stage.hosts, "localhost", "127.0.0.1")

    def write(self, *, tls: bool = True, users: bool = True, **more: object) -> Path:
        """Write web.yml; ``more`` are further keys of `tls_server_config`."""
        keys: dict[str, object] = {"tls_server_config": {**TLS, **more}} if tls else {}
        if users:
            hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
            keys["basic_auth_users"] = {"prometheus": hashed}
        self.file.write_text(yaml.safe_dump(keys))
        return self.file

    def daemon(self, **keys: object) -> Daemon:
        """A member that sees all of its pool, asked as it has to be."""
        one, two = self.stage.hosts[:2]
        self.stage.up(one, two)
        self.stage.publish(one, two)
        daemon = self.stage.member(one, web_config_file=str(self.file), **keys)
        written = yaml.safe_load(self.file.read_text())
        daemon.tls = self.authority.client() if "tls_server_config" in written else None
        daemon.user = USER if "basic_auth_users" in written else ""
        daemon.until_healthy(2)
        return daemon


@pytest.fixture
def port(stage: Stage) -> Port:
    return Port(stage)


def rejected(daemon: Daemon, reason: str) -> float:
    return daemon.metrics().value("web_connections_rejected_total", reason=reason) or 0.0


# --- users --------------------------------------------------------------------------------


def test_nothing_but_a_word_of_health_is_told_without_a_password(port: Port) -> None:
    port.write(tls=False)
    daemon = port.daemon()
    secrets = (port.stage.hosts[0], "dnsbalancer_", "example.com", "target")
    for user in ("", "prometheus:wrong", "nobody:x", f"nobody:{PASSWORD}", "prometheus:"):
        daemon.user = user
        for path in ("/", "/metrics", "/api/v1/status", "/-/reload", "/config", "/nothing", "//"):
            for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT"):
                told = daemon.get(path, method)
                assert told.status == 401, (user, method, path)
                assert told.headers["www-authenticate"].startswith("Basic realm=")
                assert not [s for s in secrets if s in told.text]
        for word in ("healthy", "ready"):
            told = daemon.get(f"/-/{word}")
            assert (told.status, told.text) == (200, f"{word}\n")
        assert daemon.get("/-/ready/../../metrics").status == 401
    daemon.user = USER
    assert rejected(daemon, "auth") == 5 * (7 * 5 + 1)
    assert PASSWORD not in daemon.log
    assert "web_error" not in daemon.log


def test_a_user_that_is_added_is_let_in_and_one_that_is_removed_is_not(port: Port) -> None:
    port.write(tls=False)
    daemon = port.daemon()
    hashed = bcrypt.hashpw(b"new", bcrypt.gensalt(4)).decode()
    port.file.write_text(yaml.safe_dump({"basic_auth_users": {"other": hashed}}))
    assert daemon.get("/metrics").status == 401
    daemon.user = "other:new"
    assert daemon.get("/metrics").status == 200


def test_users_without_bcrypt_are_refused_at_the_start(port: Port) -> None:
    port.write(tls=False)
    without = port.folder / "without"
    without.mkdir()
    (without / "bcrypt.py").write_text("raise ImportError('no bcrypt here')\n")
    config = port.stage.config(port.stage.hosts[0], web_config_file=str(port.file))
    for name in ("run", "check"):
        ended = verb(name, "--config", str(config), environ={"PYTHONPATH": str(without)})
        assert ended.returncode == 2
        assert f"{port.file}: line 1: basic_auth_users: needs bcrypt" in ended.stderr
        assert "pip install 'dnsbalancer-exporter[auth]'" in ended.stderr
        assert ended.stderr.count("\n") == 1


# --- TLS ----------------------------------------------------------------------------------


def test_a_new_pair_is_shown_to_the_next_client_without_a_reload(port: Port) -> None:
    port.write(users=False)
    daemon = port.daemon()
    before = daemon.metrics().value("web_tls_certificate_expiry_timestamp_seconds")
    assert before
    old = daemon.tls
    port.authority = Authority()
    port.issue()
    with pytest.raises(ssl.SSLCertVerificationError):
        daemon.get("/metrics")
    daemon.tls = port.authority.client()
    assert daemon.get("/metrics").status == 200
    assert old is not daemon.tls
    assert "event=web_config " in daemon.log
    until(lambda: rejected(daemon, "tls") == 1, "the client that did not trust us is counted")


def test_a_key_that_does_not_match_changes_nothing_and_is_said_once(port: Port) -> None:
    port.write()
    daemon = port.daemon()
    old_key = port.key.read_bytes()
    port.authority = Authority()
    port.issue()
    port.key.write_bytes(old_key)
    for _ in range(5):
        seen = daemon.metrics()  # with the trust in the old authority
        assert seen.value("web_config_last_reload_successful") == 0
    lines = [line for line in daemon.log.splitlines() if "event=web_config_failed" in line]
    assert len(lines) == 1
    assert "tls_server_config.key_file" in lines[0]
    assert "is not the key of the certificate" in lines[0]
    port.issue()
    daemon.tls = port.authority.client()
    daemon.until_value(1, "web_config_last_reload_successful")


def test_a_broken_file_changes_nothing_and_opens_nothing(port: Port) -> None:
    good = port.write().read_text()
    daemon = port.daemon()
    for broken in ("", "{}", good.replace("basic_auth_users", "basic_auth_user"), "{"):
        port.file.write_text(broken)
        daemon.until_value(0, "web_config_last_reload_successful")
        assert verb("status", "--config", str(daemon.config)).returncode == 0  # it needs no port
        daemon.user = ""
        assert daemon.get("/metrics").status == 401
        daemon.user = USER
        port.file.write_text(good)
        daemon.until_value(1, "web_config_last_reload_successful")


def test_a_client_without_a_certificate_is_not_let_in_where_one_is_needed(port: Port) -> None:
    port.authority.write(port.folder / "ca.pem")
    port.write(users=False, client_auth_type="RequireAndVerifyClientCert", client_ca_file="ca.pem")
    one = port.stage.hosts[0]
    daemon = port.stage.member(one, web_config_file=str(port.file))
    daemon.tls = port.authority.client("prometheus.example.com")
    daemon.until_cycles(1)
    good = daemon.tls
    stranger = Authority()
    for client in (port.authority.client(), stranger.client("prometheus.example.com")):
        client.load_verify_locations(port.folder / "ca.pem")
        daemon.tls = client
        for path in ("/metrics", "/-/healthy"):
            with pytest.raises(OSError):  # noqa: PT011 - by the moment it is one or another
                daemon.get(path)
    daemon.tls = good
    assert daemon.get("/metrics").status == 200
    until(lambda: rejected(daemon, "tls") == 4, "each is counted")


def test_plain_http_at_a_port_that_speaks_tls_is_told_so(port: Port) -> None:
    port.write(users=False)
    daemon = port.daemon()
    trusting, daemon.tls = daemon.tls, None
    told = daemon.get("/metrics")
    assert (told.status, told.text) == (400, "This port speaks TLS: https://\n")
    daemon.tls = trusting
    assert rejected(daemon, "tls") == 1


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"], ids=["idle", "half a hello"])
def test_two_hundred_that_never_finish_their_handshake_do_not_stop_a_scrape(
    port: Port, said: bytes
) -> None:
    port.write()
    daemon = port.daemon()
    clients = [socket.create_connection(daemon.listen, 5) for _ in range(200)]
    try:
        for client in clients:
            client.sendall(said)
        seen = daemon.metrics()
        assert not seen.value("web_connections_rejected_total", reason="timeout"), "too slow"
        assert seen.value("web_connections_rejected_total", reason="limit") == 0
    finally:
        for client in clients:
            client.close()


# --- the start, and SIGHUP ------------------------------------------------------------------


def test_a_wrong_file_ends_the_start_with_every_problem(port: Port) -> None:
    port.file.write_text(
        "tls_server_config:\n  cert_file: no.crt\nbasic_auth_users:\n  a: hunter2\n"
    )
    config = port.stage.config(port.stage.hosts[0], web_config_file=str(port.file))
    for name in ("run", "check"):
        ended = verb(name, "--config", str(config))
        assert ended.returncode == 2
        assert [line.split(": ")[:3] for line in ended.stderr.splitlines()] == [
            [str(port.file), "line 2", "tls_server_config.cert_file"],
            [str(port.file), "line 2", "tls_server_config.key_file"],
            [str(port.file), "line 4", "basic_auth_users[0]"],
        ]
        assert "hunter2" not in ended.stderr


def test_a_reload_turns_tls_on_and_off_without_closing_the_port(port: Port) -> None:
    port.write(users=False)
    one, two = port.stage.hosts[:2]
    daemon = port.stage.steady(one, two)
    keys = daemon.keys()
    write(daemon.config, {**keys, "web_config_file": str(port.file)})
    daemon.reload()
    daemon.until_logged("event=reload ")
    daemon.tls = port.authority.client()
    assert daemon.metrics().value("web_tls_certificate_expiry_timestamp_seconds")
    write(daemon.config, keys)
    daemon.reload()
    until(lambda: daemon.log.count("event=reload ") == 2, "the second reload")
    daemon.tls = None
    assert daemon.metrics().value("web_tls_certificate_expiry_timestamp_seconds") is None
    assert daemon.log.count("event=listen ") == 1


# --- POST /-/reload -------------------------------------------------------------------------


def reload(daemon: Daemon, **keys: object) -> tuple[int, str]:
    write(daemon.config, {**daemon.keys(), **keys})
    told = daemon.get("/-/reload", "POST")
    return told.status, told.text


def test_a_reload_from_loopback_says_whether_the_configuration_is_good(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, targets=[one, two])
    status, text = reload(daemon, targets=[one, two, three], fall="never", rise=0)
    assert status == 500
    wrong = [line.rpartition(": config.")[2] for line in text.splitlines()[1:]]
    assert [line.partition(":")[0] for line in wrong] == ["fall", "rise"]
    assert daemon.metrics().value("config_reload_failures_total") == 1
    stage.up(three)
    assert reload(daemon, targets=[one, two, three], fall=3, rise=2)[0] == 200
    for length in ("99999999999999999999", "-1", "five"):  # nobody waits for such a body
        assert daemon.get("/-/reload", "POST", Content_Length=length).status == 200
    stage.until_published(one, two, three)


def test_a_reload_tells_the_problems_of_the_ports_own_file_too(port: Port) -> None:
    port.write()
    daemon = port.daemon()
    port.file.write_text("rate_limit: {}\n")
    status, text = reload(daemon)
    assert status == 500
    assert f"{port.file}: line 1: rate_limit" in text


def test_a_reload_is_refused_to_strangers_and_to_pages(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    for headers in (
        {"Origin": "http://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"X_Forwarded_For": "192.0.2.1"},
        {"Host": "evil.example:9853"},
    ):
        told = daemon.get("/-/reload", "POST", **headers)
        assert told.status == 403, headers
    wrong = daemon.get("/-/reload")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    seen = daemon.metrics()
    assert seen.value("config_reloads_total") == 0
    assert seen.value("web_connections_rejected_total", reason="auth") == 4


def test_with_users_a_reload_needs_a_password_from_loopback_too(port: Port) -> None:
    port.write()
    daemon = port.daemon()
    assert reload(daemon)[0] == 200
    daemon.user = ""
    assert reload(daemon)[0] == 401
    daemon.user = USER
    assert daemon.get("/-/reload", "POST", Origin="https://evil.example").status == 403
    assert daemon.metrics().value("config_reloads_total") == 1


# --- the tools ------------------------------------------------------------------------------


def test_promtool_and_we_accept_the_documents_example(port: Port) -> None:
    document = Path(__file__).parents[2] / "docs/web.md"
    (example,) = re.findall(r"```yaml\n(tls_server_config.*?)```", document.read_text(), re.DOTALL)
    port.file.write_text(example)
    port.authority.write(port.folder / "ca.pem")
    command = [program("promtool"), "check", "web-config", str(port.file)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    config = port.stage.config(port.stage.hosts[0], web_config_file=str(port.file))
    ended = verb("check", "--config", str(config))
    assert ended.returncode == 0, ended.stderr


@pytest.mark.real
def test_prometheus_scrapes_it_through_tls_with_its_password(port: Port) -> None:
    prometheus, promtool = program("prometheus"), program("promtool")
    port.write()
    daemon = port.daemon()
    port.authority.write(port.folder / "ca.pem")
    host, number = daemon.listen
    scrape = {
        "job_name": "dnsbalancer",
        "scheme": "https",
        "tls_config": {"ca_file": str(port.folder / "ca.pem")},
        "basic_auth": {"username": "prometheus", "password": PASSWORD},
        "static_configs": [{"targets": [f"{host}:{number}"]}],
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
    }
    config = port.folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    listen = f"127.0.0.1:{free_port('127.0.0.1')}"
    with (port.folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [
                prometheus,
                f"--config.file={config}",
                f"--web.listen-address={listen}",
                f"--storage.tsdb.path={port.folder / 'tsdb'}",
            ],
            stdout=log,
            stderr=log,
        )

    def asked(query: str) -> str:
        command = [promtool, "query", "instant", f"http://{listen}", query]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    try:
        until(lambda: 'job="dnsbalancer"} => 1 @' in asked("up"), "a scrape that went well")
        assert "=> 2 @" in asked("dnsbalancer_pool_targets_healthy")
        assert "=> 14 @" in asked("count(dnsbalancer_probe_duration_seconds_bucket) / 2")
    finally:
        server.terminate()
        server.wait(30)
