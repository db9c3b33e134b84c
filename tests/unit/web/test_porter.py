"""Files that change under a running port: what is good is taken, what is broken changes nothing."""

from __future__ import annotations

import os
import ssl
import time
from datetime import datetime, timezone
from pathlib import Path

import prometheus_client as client
import pytest

from dnsbalancer_exporter.certificate import not_after
from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.export.access import Access, read_access
from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.export.porter import AGAIN_SECONDS, Porter
from tests.certificates import Authority

EXPIRY = "dnsbalancer_web_tls_certificate_expiry_timestamp_seconds"
WELL = "dnsbalancer_web_config_last_reload_successful"
TLS = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}\n"


class House:
    """A porter with a clock that is set by hand, and the files that it reads."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.authority = Authority()
        self.file, self.cert, self.key = (folder / n for n in ("web.yml", "tls.crt", "tls.key"))
        self._registry = client.CollectorRegistry()
        self.journal = Journal(time.time)
        self.porter = Porter(self.journal, Instruments(self._registry), lambda: self.now)

    def write(self, text: str = TLS, year: int = 2040) -> None:
        """A good pair, and a file that names it."""
        self.issue(year)
        self.file.write_text(text)

    def issue(self, year: int) -> None:
        until = datetime(year, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        self.authority.issue(self.cert, self.key, "127.0.0.1", not_after=until)

    def access(self) -> Access:
        access = self.porter.access()
        assert access
        return access

    def metric(self, name: str) -> float | None:
        return self._registry.get_sample_value(name)

    def failures(self) -> list[str]:
        return [e.text for e in self.journal.events() if e.name == "web_config_failed"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_without_a_file_the_port_is_plain_and_open(house: House) -> None:
    house.porter.use(None)
    assert house.access() == Access()
    assert house.metric(WELL) == 1
    assert house.metric(EXPIRY) is None


def test_the_end_of_the_certificate_is_told(house: House) -> None:
    house.write(year=2040)
    house.porter.use(str(house.file))
    wanted = datetime(2040, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()
    assert house.metric(EXPIRY) == wanted
    house.porter.use(None)
    assert house.metric(EXPIRY) is None


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2090])  # UTCTime ends in 2049
def test_the_end_is_read_in_both_of_its_spellings(house: House, year: int) -> None:
    house.issue(year)
    wanted = datetime(year, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()
    assert not_after(house.cert.read_bytes()) == wanted


def test_a_new_pair_is_noticed_and_the_old_context_is_left_alone(house: House) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    assert house.access() is before
    house.issue(2041)
    after = house.access()
    assert isinstance(after.context, ssl.SSLContext)
    assert after.context is not before.context
    assert after.expiry != before.expiry
    assert [e.name for e in house.journal.events()] == ["web_config"]


def test_a_pair_that_does_not_match_changes_nothing_until_it_does(house: House) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    old_key = house.key.read_bytes()
    house.issue(2041)
    new_key = house.key.read_bytes()
    house.key.write_bytes(old_key)  # the certificate is there, its key is on its way
    for _ in range(3):
        assert house.access() is before
        house.now += AGAIN_SECONDS
    (text,) = house.failures()
    assert "line 1: tls_server_config.key_file" in text
    assert "is not the key of the certificate" in text
    assert house.metric(WELL) == 0
    assert house.metric(EXPIRY) == before.expiry
    house.key.write_bytes(new_key)
    house.now += AGAIN_SECONDS
    assert house.access().expiry != before.expiry
    assert house.metric(WELL) == 1


def test_a_broken_file_is_not_read_more_often_than_once_a_second(house: House) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    house.file.write_text("")
    assert house.access() is before
    house.file.write_text(TLS)
    assert house.access() is before
    house.now += AGAIN_SECONDS
    assert house.access() is not before


BROKEN = {
    "empty": "",
    "unknown key": TLS + "basic_auth: {}\n",
    "no yaml": "tls_server_config: {",
    "missing file": TLS.replace("tls.crt", "no.crt"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_changes_nothing(house: House, text: str) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    house.file.write_text(text)
    assert house.access() is before
    assert len(house.failures()) == 1
    assert house.metric(WELL) == 0


def test_files_that_are_gone_change_nothing(house: House) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    house.file.unlink()
    assert house.access() is before
    assert "does not exist" in house.failures()[0]


def test_before_the_first_good_file_nobody_is_let_in(house: House) -> None:
    house.file.write_text("")
    house.porter.use(str(house.file))
    assert house.porter.access() is None
    assert "nobody is let in" in house.failures()[0]
    house.write()
    house.now += AGAIN_SECONDS
    assert house.access().context


def test_a_secret_mounted_as_a_link_that_is_turned_is_noticed(house: House, tmp_path: Path) -> None:
    house.write()
    house.porter.use(str(house.file))
    before = house.access()
    new = House(tmp_path / "new")
    (tmp_path / "new").mkdir()
    new.issue(2041)
    for name in ("tls.crt", "tls.key"):
        link = tmp_path / f"{name}.new"
        link.symlink_to(tmp_path / "new" / name)
        os.replace(link, tmp_path / name)  # noqa: PTH105
    assert house.access().expiry != before.expiry


GARBAGE = b"-----BEGIN %s-----\nbm90aGluZw==\n-----END %s-----\n"


@pytest.mark.parametrize("pem", [b"", GARBAGE.replace(b"%s", b"CERTIFICATE")])
def test_what_is_no_certificate_has_no_end(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"certificate|kind"):
        not_after(pem)


def test_pem_that_holds_nothing_is_told_with_its_key(house: House) -> None:
    house.write()
    house.cert.write_bytes(GARBAGE % (b"CERTIFICATE", b"CERTIFICATE"))
    with pytest.raises(ConfigError, match=r"line 1: tls_server_config.cert_file: .*OpenSSL"):
        read_access(str(house.file))
    house.write(
        TLS.replace("}", ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert}")
    )
    house.file.with_name("ca.pem").write_bytes(GARBAGE % (b"CERTIFICATE", b"CERTIFICATE"))
    with pytest.raises(ConfigError, match=r"client_ca_file: .*cannot be read"):
        read_access(str(house.file))


def test_a_key_that_everybody_can_read_is_noted(house: House) -> None:
    house.write()
    house.key.chmod(0o640)
    assert read_access(str(house.file)).notes == ()
    house.key.chmod(0o644)
    (note,) = read_access(str(house.file)).notes
    assert str(house.key) in note


def test_the_terms_are_the_contexts(house: House) -> None:
    more = ", min_version: TLS12, max_version: TLS12, prefer_server_cipher_suites: false"
    suite = ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]}"
    house.write(TLS.replace("}", more + suite))
    context = read_access(str(house.file)).context
    assert context
    assert context.maximum_version is ssl.TLSVersion.TLSv1_2
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    spoken = {c["name"] for c in context.get_ciphers() if c["protocol"] == "TLSv1.2"}
    assert spoken == {"ECDHE-ECDSA-AES256-GCM-SHA384"}
