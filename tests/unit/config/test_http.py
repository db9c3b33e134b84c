"""Probes by http and https, as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnsbalancer_exporter.config.http_keys import HTTP_KEYS, Http, merged
from dnsbalancer_exporter.config.sections import Key, Ledger, Place, Section
from dnsbalancer_exporter.model import HttpTerms, ProbeSpec, Protocol
from tests.unit.config.samples import changed, load, problems

A, B = "213.213.213.213", "213.213.213.214"


def probe(*lines: str) -> ProbeSpec:
    """The probe of the pool's own address, by https unless the lines say otherwise."""
    return load(changed("protocol: https", "port", *lines)).pools[0].own[0].probe


def test_https_needs_no_more_than_its_name() -> None:
    expected = ProbeSpec(Protocol.HTTPS, A, 443, 2.0, HttpTerms(host="example.com"))
    assert probe() == expected
    assert expected.request == "GET https://example.com/"


@pytest.mark.parametrize(
    ("lines", "request_"),
    [
        (["protocol: http"], "GET http://example.com/"),
        (["protocol: http", "port: 443"], "GET http://example.com:443/"),
        (["port: 443"], "GET https://example.com/"),
        (["record: [www, api]"], "GET https://www.example.com/"),
        (["http: {host: 2001:db8::1}"], "GET https://[2001:db8::1]/"),
        (["http: {host: '[2001:db8::1]'}", "port: 8443"], "GET https://[2001:db8::1]:8443/"),
        (["http: {method: head, path: '/a?b=c'}"], "HEAD https://example.com/a?b=c"),
        (['record: "*.app"', "http: {host: a.app.example.com}"], "GET https://a.app.example.com/"),
    ],
)
def test_what_is_asked_for(lines: list[str], request_: str) -> None:
    assert probe(*lines).request == request_


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("200", ((200, 200),)),
        ("200-299", ((200, 299),)),
        ("[200, 301 - 308]", ((200, 200), (301, 308))),
        ("599", ((599, 599),)),
    ],
)
def test_the_good_statuses(written: str, meant: tuple[tuple[int, int], ...]) -> None:
    terms = probe(f"http: {{status: {written}}}").http
    assert terms is not None
    assert terms.statuses == meant


def test_the_inner_http_wins_key_by_key() -> None:
    text = changed(
        "protocol: https",
        "port",
        "own_ip",
        "is_self_maintenance: false",
        "http: {path: /top, body: fine, verify: false}",
        f"pools:\n  - record: a\n    http: {{path: /pool, host: h.example.com}}\n    targets:\n"
        f"      - address: {A}\n        probe: {{http: {{path: /target, verify: true}}}}\n"
        f"      - {B}\n  - record: b\n    targets: [{B}]",
    )
    first, second = load(text).pools
    terms = HttpTerms(path="/pool", host="h.example.com", body="fine", verify=False)
    assert [t.probe.http for t in first.listed] == [
        HttpTerms(path="/target", host="h.example.com", body="fine"),
        terms,
    ]
    assert first.probe.http == terms
    inherited = HttpTerms(path="/top", host="b.example.com", body="fine", verify=False)
    assert second.listed[0].probe.http == inherited


@pytest.mark.parametrize(
    ("pool", "own", "expected"),
    [
        ("tcp, 8080", "{protocol: http}", ("http", 80)),
        ("tcp, 8080", "{protocol: https, port: 8443}", ("https", 8443)),
        ("http, 8080", "{protocol: https}", ("https", 443)),
        ("http, 8080", "{http: {path: /x}}", ("http", 8080)),
        ("http, 8080", "{protocol: tcp}", ("tcp", 8080)),
        ("http, 8080", "{protocol: icmp}", ("icmp", 0)),
        ("icmp, 80", "{protocol: http}", ("http", 80)),
    ],
)
def test_a_port_is_inherited_within_a_protocol(
    pool: str, own: str, expected: tuple[str, int]
) -> None:
    by, port = pool.split(", ")
    lines = [f"protocol: {by}", f"port: {port}", f"own_ip: {{address: {A}, probe: {own}}}"]
    spec = load(changed(*lines)).pools[0].own[0].probe
    assert (spec.protocol.value, spec.port) == expected
    assert (spec.http is not None) == spec.protocol.value.startswith("http")


def test_http_that_nobody_uses_is_noted_where_it_stands() -> None:
    assert load(changed("http: {path: /}")).notes == (
        "line 14: config.http: is ignored: nothing here is probed by `http` or `https`",
    )
    used = changed("http: {path: /}", f"targets: [{{address: {B}, probe: {{protocol: http}}}}]")
    assert load(used).notes == ()


def test_a_reference_that_is_asked_for_our_own_site_is_noted() -> None:
    text = changed("protocol: https", "port", "reference: [8.8.8.8]")
    (note,) = load(text).notes
    assert "give it a probe of its own, such as `probe: {protocol: icmp}`" in note
    own = "reference: [{address: 8.8.8.8, probe: {protocol: icmp}}]"
    assert load(changed("protocol: https", "port", own)).notes == ()


def test_authorities_are_looked_into(tmp_path: Path) -> None:
    text = changed("protocol: https", "port", "http: {ca_file: /ca.pem}")
    assert problems(text, read=lambda _: b"nothing") == [
        "line 13: config.http.ca_file: holds no certificate: it must be a PEM file"
    ]
    good = load(text, read=lambda _: b"-----BEGIN CERTIFICATE-----").pools[0].probe.http
    assert good is not None
    assert good.ca_file == "/ca.pem"


def test_the_defaults_of_the_reference_are_those_that_are_used() -> None:
    place = Place("", Ledger())

    def initial(key: Key[object]) -> object:
        return key.initial()

    given = {key.name: initial(key) for key in HTTP_KEYS if key.default}
    assert merged(Http(given, Section(place, 0, {}, {}))) == HttpTerms()
