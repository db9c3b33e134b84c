"""Targets, own addresses, timing and several pools, as they come out in the model."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.model import (
    LockTerms,
    Mode,
    NameServer,
    ProbeSpec,
    Protocol,
    QuorumTerms,
    Target,
    Timing,
)
from tests.unit.config.samples import CONTRACT, changed, load, problems

TARGETS = """targets:
  - 213.213.213.213
  - {address: 213.213.213.214, name: east, probe: 10.0.0.2}
  - address: "2001:DB8:0::1"
    probe: {protocol: tcp, port: 8443}
  - address: 213.213.213.215
    probe: {protocol: icmp}"""


def test_targets_are_probed_as_the_pool_says_where_they_are_silent() -> None:
    assert load(changed(TARGETS)).pools[0].listed == (
        Target(
            "213.213.213.213",
            "213.213.213.213",
            ProbeSpec(Protocol.TCP, "213.213.213.213", 80, 2.0),
        ),
        Target("213.213.213.214", "east", ProbeSpec(Protocol.TCP, "10.0.0.2", 80, 2.0)),
        Target("2001:db8::1", "2001:db8::1", ProbeSpec(Protocol.TCP, "2001:db8::1", 8443, 2.0)),
        Target(
            "213.213.213.215",
            "213.213.213.215",
            ProbeSpec(Protocol.ICMP, "213.213.213.215", 0, 2.0),
        ),
    )


def test_own_address_takes_name_and_probe_from_targets() -> None:
    pool = load(changed(TARGETS, "own_ip: 213.213.213.214")).pools[0]
    assert pool.own == (pool.listed[1],)


def test_own_address_keeps_its_probe_if_targets_has_none() -> None:
    pool = load(changed(TARGETS, "own_ip: {address: 213.213.213.213, probe: 10.0.0.1}")).pools[0]
    assert pool.own[0].probe == ProbeSpec(Protocol.TCP, "10.0.0.1", 80, 2.0)


def test_own_addresses_of_both_families() -> None:
    text = changed('own_ip:\n  - 213.213.213.213\n  - {address: "2001:db8::0:1", probe: "::1"}')
    pool = load(text).pools[0]
    assert [(own.address, own.probe.address) for own in pool.own] == [
        ("213.213.213.213", "213.213.213.213"),
        ("2001:db8::1", "::1"),
    ]
    assert [kind.value for kind in pool.types] == ["A", "AAAA"]


def test_a_tcp_target_of_an_icmp_pool_may_use_the_pools_port() -> None:
    probe = "targets:\n  - {address: 213.213.213.214, probe: {protocol: tcp}}"
    pool = load(changed("protocol: icmp", probe)).pools[0]
    assert pool.listed[0].probe == ProbeSpec(Protocol.TCP, "213.213.213.214", 80, 2.0)
    assert pool.probe.port == 0


def test_everything_that_a_pool_may_set() -> None:
    text = changed(
        'record: [www, "@"]',
        "timeout",
        "interval: 1m",
        "probe_timeout: 500ms",
        "fast_interval: 2",
        "fall: 5",
        "rise: 4",
        'retired: [213.213.213.216, "2001:DB8::2"]',
        "ttl: 5m",
        "min_records: 2",
        "max_withdrawals: 3",
        "remember: 0",
        "reference: [8.8.8.8, {address: 1.1.1.1, name: one, probe: {port: 53}}]",
        "mode: observe",
    )
    pool = load(text).pools[0]
    assert pool.name == "www.example.com"
    assert pool.records == ("www.example.com", "example.com")
    assert pool.timing == Timing(60.0, 2.0, 0.5, fall=5, rise=4)
    assert pool.retired == ("213.213.213.216", "2001:db8::2")
    assert (pool.ttl, pool.min_records, pool.max_withdrawals, pool.remember) == (300, 2, 3, 0.0)
    assert pool.mode is Mode.OBSERVE
    assert pool.reference == (
        Target("8.8.8.8", "8.8.8.8", ProbeSpec(Protocol.TCP, "8.8.8.8", 80, 0.5)),
        Target("1.1.1.1", "one", ProbeSpec(Protocol.TCP, "1.1.1.1", 53, 0.5)),
    )


def test_everything_that_the_process_may_set() -> None:
    def read(path: str) -> bytes:
        assert path == "/etc/ca.pem"
        return b"-----BEGIN CERTIFICATE-----\n"

    text = changed(
        "lock: {lease: 2m, margin: 30}",
        "state_dir: /srv/state",
        "log_level: DEBUG",
        "log_format: json",
        "user_domain: Default",
        "ca_file: /etc/ca.pem",
    )
    config = load(text, {"STATE_DIRECTORY": "/ignored"}, read)
    assert config.lock == LockTerms(enabled=True, lease=120.0, margin=30.0)
    assert config.state_dir == "/srv/state"
    assert (config.log_level, config.log_format) == ("debug", "json")
    assert (config.api.user_domain, config.api.ca_file) == ("Default", "/etc/ca.pem")


def test_a_ca_file_without_certificate_is_refused() -> None:
    found = problems(changed("ca_file: /etc/ca.pem"), read=lambda _path: b"hello")
    assert found == ["line 14: config.ca_file: holds no certificate: it must be a PEM file"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "/var/lib/dnsbalancer"),
        ({"STATE_DIRECTORY": ""}, "/var/lib/dnsbalancer"),
        ({"STATE_DIRECTORY": "/run/a"}, "/run/a"),
        ({"STATE_DIRECTORY": "/run/a:/run/b"}, "/run/a"),
    ],
)
def test_the_state_folder_by_default(environ: dict[str, str], expected: str) -> None:
    assert load(CONTRACT, environ).state_dir == expected


def test_a_default_fast_interval_is_capped_to_the_interval() -> None:
    assert load(changed("timeout: 0.5")).pools[0].timing.fast_interval == 0.5


def test_empty_lists_of_retired_and_reference_are_none() -> None:
    pool = load(changed("retired: []", "reference: []")).pools[0]
    assert (pool.retired, pool.reference) == ((), ())


# --- several pools ------------------------------------------------------------------------

POOLS = """pools:
  - record: www
  - name: mail
    zone: example.org
    own_ip: 213.213.213.214
    is_self_maintenance: false
    protocol: icmp
    timeout: 30
    mode: observe"""


def test_pools_inherit_what_they_do_not_set() -> None:
    www, mail = load(changed("interval: 180", "fall: 7", POOLS)).pools
    assert (www.name, www.zone, www.member, www.mode) == (
        "www.example.com",
        "example.com",
        True,
        Mode.ENFORCE,
    )
    assert www.timing == Timing(180.0, 1.0, 2.0, fall=7, rise=2)
    assert www.own[0].address == "213.213.213.213"
    assert (mail.name, mail.records, mail.member, mail.mode) == (
        "mail",
        ("example.org",),
        False,
        Mode.OBSERVE,
    )
    assert mail.timing == Timing(30.0, 1.0, 2.0, fall=7, rise=2)
    assert mail.own[0].probe == ProbeSpec(Protocol.ICMP, "213.213.213.214", 0, 2.0)


def test_an_inherited_bad_port_is_said_once_and_where_it_stands() -> None:
    text = changed("port: any", "pools:\n  - {record: a, port: 80}\n  - {record: b}")
    assert problems(text) == [
        "line 12: config.port: must be a whole number from 1 to 65535",
    ]


def test_two_pools_may_share_a_name_in_two_zones() -> None:
    text = changed("record: www", "pools:\n  - {zone: a.example}\n  - {zone: b.example}")
    assert [pool.name for pool in load(text).pools] == ["www.a.example", "www.b.example"]


# --- notes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "where", "what"),
    [
        (
            ("lock: off",),
            "line 14: config.lock",
            "is off: two writers may withdraw at once and leave the name empty",
        ),
        (
            ("timeout: 1",),
            "line 1: config.probe_timeout",
            "is longer than the interval of 1 s: probes may overlap",
        ),
        (
            ("own_ip: 127.0.0.11",),
            "line 8: config.own_ip",
            "127.0.0.11 is not a public address: clients outside cannot reach it",
        ),
        (
            ("url: http://dns.example/",),
            "line 2: config.url",
            "is plain http: the login travels in the clear; use https",
        ),
        (
            ("min_records: 2\ntargets: [213.213.213.214]",),
            "line 14: config.min_records",
            "nothing is ever withdrawn from its A records: the floor is 2, targets are 2",
        ),
    ],
)
def test_notes(lines: tuple[str, ...], where: str, what: str) -> None:
    assert load(changed(*lines)).notes == (f"{where}: {what}",)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:5000"])
def test_a_rehearsal_on_loopback_is_no_news(host: str) -> None:
    assert load(changed(f'url: "http://{host}/"', f'auth_url: "http://{host}/"')).notes == ()


def test_without_resolvers_the_zones_own_name_servers_are_asked() -> None:
    pools = "pools:\n  - {record: a}\n  - {record: b, resolvers: off}"
    assert [pool.resolvers for pool in load(changed(pools)).pools] == [None, ()]
    inherited = load(changed("resolvers: [192.0.2.1]", pools)).pools
    assert [pool.resolvers for pool in inherited] == [(NameServer("192.0.2.1"),), ()]


def test_quorum_is_off_unless_it_is_asked_for() -> None:
    assert load(CONTRACT).pools[0].quorum is None
    assert load(changed("quorum: off")).pools[0].quorum is None


def test_a_member_votes_by_its_address_and_ipv4_comes_first() -> None:
    written = changed('own_ip: ["2001:db8::1", 213.213.213.213]', "quorum: {lease: 2m}")
    assert load(written).pools[0].quorum == QuorumTerms("213.213.213.213", 120.0)


def test_a_witness_may_have_a_name_in_its_votes() -> None:
    written = changed("is_self_maintenance: false", "quorum: {observer: office}")
    assert load(written).pools[0].quorum == QuorumTerms("office", 60.0)


def test_a_pool_may_stay_out_of_the_quorum_of_the_others() -> None:
    pools = """pools:
  - record: a
  - record: b
    quorum: off"""
    found = load(changed("quorum: {lease: 30}", pools)).pools
    assert [pool.quorum and pool.quorum.lease for pool in found] == [30.0, None]


def test_a_lease_that_is_short_beside_the_probes_is_noted() -> None:
    notes = load(changed("quorum: {lease: 10}", "probe_timeout: 3")).notes
    (note,) = [note for note in notes if "config.quorum.lease" in note]
    assert note.startswith("line 14: config.quorum.lease: is short: 3 failed probes may take 12 s")


def test_votes_that_would_find_no_place_are_noted() -> None:
    pools = "\n".join(["pools:", *(f"  - record: r{n}" for n in range(40))])
    notes = load(changed("quorum: {lease: 60}", pools)).notes
    assert [note for note in notes if "config.api_rate: is low" in note and "4 writes" in note]
    assert not [n for n in load(changed("quorum: {lease: 60}")).notes if "api_rate" in n]
