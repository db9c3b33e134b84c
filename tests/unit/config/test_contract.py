"""The published file loads unchanged, and what it leaves out has its default."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.config import Api
from dnsbalancer_exporter.model import (
    LockTerms,
    Mode,
    Pool,
    ProbeSpec,
    Protocol,
    Secret,
    Target,
    Timing,
)
from tests.unit.config.samples import CONTRACT, PASSWORD, changed, load

OWN = Target(
    "213.213.213.213", "213.213.213.213", ProbeSpec(Protocol.TCP, "213.213.213.213", 80, 2.0)
)


def test_the_published_file_is_a_member() -> None:
    config = load(CONTRACT)
    assert config.api == Api(
        driver="vkcloudns",
        url="https://mcs.mail.ru/public-dns/v2/dns/",
        auth_url="https://infra.mail.ru:3535/v3/",
        login="example@test",
        password=Secret(PASSWORD),
        project_id="777e19938fe947666d5d3be5c00053d7",
        user_domain="users",
        ca_file=None,
        tsig_algorithm="hmac-sha256",
    )
    assert config.pools == (
        Pool(
            name="example.com",
            zone="example.com",
            records=("example.com",),
            member=True,
            own=(OWN,),
            probe=ProbeSpec(Protocol.TCP, "", 80, 2.0),
            timing=Timing(180.0, 1.0, 2.0, fall=3, rise=2),
            listed=(),
            retired=(),
            reference=(),
            ttl=60,
            min_records=1,
            max_withdrawals=None,
            remember=86400.0,
            mode=Mode.ENFORCE,
        ),
    )


def test_what_the_process_does_by_default() -> None:
    config = load(CONTRACT)
    assert config.lock == LockTerms(enabled=True, lease=60.0, margin=20.0)
    assert config.listen == ("0.0.0.0", 9853)
    assert config.web_config_file is None
    assert (config.log_level, config.log_format) == ("info", "logfmt")
    assert config.state_dir == "/var/lib/dnsbalancer"
    assert config.notes == ()


@pytest.mark.parametrize(
    "same",
    [
        changed('password: "7"'),
        changed("password: '12345 6example'"),
        CONTRACT + "# the old one was 123456example\n",
    ],
)
def test_the_fingerprint_says_nothing_of_the_password(same: str) -> None:
    assert same != CONTRACT
    assert load(same).fingerprint == load(CONTRACT).fingerprint


@pytest.mark.parametrize("other", ["port: 81", "login: other@test", "fall: 5", "zone: example.org"])
def test_the_fingerprint_tells_whatever_else_differs(other: str) -> None:
    assert load(changed(other)).fingerprint != load(CONTRACT).fingerprint


def test_the_published_file_as_a_witness() -> None:
    config = load(changed("is_self_maintenance: false"))
    assert not config.pools[0].member
    assert config.pools[0].own == (OWN,)


def test_a_witness_may_have_targets_only() -> None:
    config = load(changed("is_self_maintenance: false", "own_ip", 'targets: ["2001:db8::1"]'))
    assert config.pools[0].own == ()
    assert [kind.value for kind in config.pools[0].types] == ["AAAA"]


@pytest.mark.parametrize("driver", ["vkcloudns", "vkclouddns", "vkcloudriver", "vkcloud"])
def test_the_printed_names_of_the_driver_are_one(driver: str) -> None:
    assert load(changed(f"driver: {driver}")).api.driver == "vkcloudns"


@pytest.mark.parametrize("lines", [("timeout",), ("timeout", "interval: 3m"), ("interval: 180.0",)])
def test_timeout_is_interval_and_neither_is_required(lines: tuple[str, ...]) -> None:
    assert load(changed(*lines)).pools[0].timing.interval == 180.0


def test_every_scalar_is_text_first() -> None:
    config = load(
        changed('port: "080"', "password: 0123456", 'is_self_maintenance: "Yes"', "login: 12e3")
    )
    assert config.pools[0].probe.port == 80
    assert config.pools[0].member
    assert config.api.password.reveal() == "0123456"
    assert config.api.login == "12e3"


@pytest.mark.parametrize("port", ["port: any", "port:", "port: [80]", "port"])
def test_icmp_ignores_the_port(port: str) -> None:
    pool = load(changed("protocol: icmp", port)).pools[0]
    assert pool.probe == ProbeSpec(Protocol.ICMP, "", 0, 2.0)
    assert pool.own[0].probe == ProbeSpec(Protocol.ICMP, "213.213.213.213", 0, 2.0)


def test_a_byte_order_mark_and_windows_line_ends_are_tolerated() -> None:
    data = b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode()
    assert load(data).pools == load(CONTRACT).pools


@pytest.mark.parametrize("word", ["true", "TRUE", "yes", "on", "'True'"])
def test_true(word: str) -> None:
    assert load(changed(f"is_self_maintenance: {word}")).pools[0].member


@pytest.mark.parametrize("word", ["false", "False", "no", "OFF"])
def test_false(word: str) -> None:
    assert not load(changed(f"is_self_maintenance: {word}")).pools[0].member
