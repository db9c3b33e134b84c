"""Names and addresses have one spelling."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.names import (
    RecordType,
    address_order,
    address_type,
    canonical_address,
    fqdn,
    relative,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"),
        ("::", "::"),
    ],
)
def test_an_address_has_one_spelling(text: str, canonical: str) -> None:
    assert canonical_address(text) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "www.example.com",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "192.0.2.1 ",
        "fe80::1%eth0",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        canonical_address(text)


def test_the_family_decides_the_record_type() -> None:
    assert address_type("192.0.2.1") is RecordType.A
    assert address_type("2001:db8::1") is RecordType.AAAA


def test_addresses_are_ordered_by_family_and_number_not_by_text() -> None:
    ordered = ["9.0.0.1", "192.0.2.2", "192.0.2.10", "::1", "2001:db8::9", "2001:db8::10"]
    assert sorted(sorted(ordered), key=address_order) == ordered


@pytest.mark.parametrize(
    ("name", "expected", "short"),
    [
        ("@", "example.com", "@"),
        ("", "example.com", "@"),
        (".", "example.com", "@"),
        ("example.com", "example.com", "@"),
        ("Example.COM.", "example.com", "@"),
        ("www", "www.example.com", "www"),
        ("WWW.", "www.example.com", "www"),
        ("www.example.com.", "www.example.com", "www"),
        ("a.b", "a.b.example.com", "a.b"),
        ("notexample.com", "notexample.com.example.com", "notexample.com"),
        ("*", "*.example.com", "*"),
    ],
)
def test_a_name_has_one_absolute_and_one_relative_spelling(
    name: str, expected: str, short: str
) -> None:
    assert fqdn(name, "Example.com.") == expected
    assert fqdn(expected, "example.com") == expected
    assert relative(name, "Example.com.") == short
    assert fqdn(short, "example.com") == expected
