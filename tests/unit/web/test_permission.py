"""Who may make the daemon act: by loopback and neither through a proxy nor from a page."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.export.permission import why_not

HOST = {"host": "127.0.0.1:9853"}


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("127.0.0.1", "127.0.0.1:9853"),
        ("127.3.2.1", "localhost:9853"),
        ("::1", "[::1]:9853"),
        ("::ffff:127.0.0.1", "LOCALHOST"),
        ("127.0.0.1", "[::ffff:127.0.0.1]:9853"),
    ],
)
def test_whoever_is_here_may(peer: str, host: str) -> None:
    assert why_not({"host": host}, peer, secure=False, known=False) == ""


def test_a_client_without_a_host_header_is_no_browser() -> None:
    assert why_not({}, "127.0.0.1", secure=False, known=False) == ""


@pytest.mark.parametrize("peer", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "x"])
def test_nobody_else_may_unless_he_gave_a_password(peer: str) -> None:
    assert "loopback" in why_not(HOST, peer, secure=False, known=False)
    assert why_not(HOST, peer, secure=False, known=True) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "192.0.2.1"},
        {"forwarded": "for=192.0.2.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "192.0.2.1"},
    ],
)
def test_what_came_through_a_proxy_is_not_from_here(headers: dict[str, str]) -> None:
    assert "proxy" in why_not(HOST | headers, "127.0.0.1", secure=False, known=False)
    assert why_not(HOST | headers, "127.0.0.1", secure=False, known=True) == ""


@pytest.mark.parametrize("host", ["evil.example:9853", "192.0.2.1", "[2001:db8::1]:9853", "x[::1]"])
def test_a_foreign_name_for_loopback_is_a_trick(host: str) -> None:
    assert why_not({"host": host}, "127.0.0.1", secure=False, known=False) != ""


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:9853"},  # of another scheme
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_may_not_even_with_a_password(
    headers: dict[str, str], known: bool
) -> None:
    refusal = why_not(HOST | headers, "127.0.0.1", secure=False, known=known)
    assert "another site" in refusal


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_page_of_ours_may(site: str) -> None:
    headers = {**HOST, "origin": "https://127.0.0.1:9853", "sec-fetch-site": site}
    assert why_not(headers, "127.0.0.1", secure=True, known=False) == ""
