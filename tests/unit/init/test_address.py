"""The own address: what this machine can know of it, and where that comes from."""

from __future__ import annotations

import socket

import pytest

from dnsbalancer_exporter.init import address
from dnsbalancer_exporter.init.address import is_local, own_address

API = "http://127.0.0.1:9/"


def test_a_published_address_of_this_machine_is_ours() -> None:
    hint = own_address(["192.0.2.1", "127.0.0.1"], API)
    assert hint.proposal == "127.0.0.1"
    assert "an address of this machine" in hint.why


def test_an_address_that_clients_cannot_reach_is_told_and_not_proposed() -> None:
    hint = own_address(["192.0.2.1"], API)
    assert hint.proposal == ""
    assert "goes out with 127.0.0.1, which is not public" in hint.why


def test_a_public_one_is_proposed_with_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_way_out", lambda _: "8.8.8.8")
    hint = own_address([], API)
    assert (hint.proposal, hint.why[-1]) == ("8.8.8.8", "?")


@pytest.mark.parametrize("url", ["http://no-such-host.invalid/", "nonsense", "http://a..b/"])
def test_without_a_way_nothing_is_proposed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    hint = own_address([], url)
    assert hint.proposal == ""
    assert hint.why


def test_is_local() -> None:
    assert is_local("127.0.0.1")
    assert not is_local("192.0.2.1")
    assert not is_local("2001:db8::1")
