"""The line of text that carries a vote."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsbalancer_exporter import vote
from dnsbalancer_exporter.model import Pool, ProbeSpec, Protocol
from dnsbalancer_exporter.vote import LONGEST, Vote, Words, ballot_name

A, B, C = (f"203.0.113.{n}" for n in range(1, 4))
LINE = f"v=1 observer={A} seq=17 down={B},{C} drained={A}"
POOL = Pool("p", "example.com", ("www.example.com", "a.example.com"), True, (), ProbeSpec(
    Protocol.TCP, "", 80, 1.0
))  # fmt: skip


def test_a_vote_is_one_line() -> None:
    cast = Vote(A, 17, Words((B, C), (A,)))
    assert vote.text(cast) == LINE
    assert vote.parsed(LINE) == cast


def test_a_vote_that_names_nobody_is_there_to_be_counted() -> None:
    assert vote.text(Vote(A, 1)) == f"v=1 observer={A} seq=1"
    assert not Vote(A, 1).names


@pytest.mark.parametrize(
    "line",
    [
        "",
        "dnsbalancer",
        "v=spf1 -all",
        LINE.replace("v=1", "v=2"),
        LINE + " ",
        LINE.upper(),
        f'"{LINE}"',
        LINE.replace("seq=17", "seq=0"),
        LINE.replace("seq=17", "seq=017"),
        LINE.replace("seq=17", "seq=-1"),
        LINE.replace("seq=17", "seq=9999999999999999"),
        LINE.replace(f"observer={A}", "observer="),
        LINE.replace(f"observer={A}", "observer=a b"),
        LINE.replace(B, "203.0.113.256"),
        LINE.replace(B, "203.0.113.02"),
        LINE.replace(B, "2001:db8:0::1"),
        LINE.replace(f"{B},", f"{B},,"),
        LINE.replace(f"down={B},{C}", "down="),
        LINE + " cut=0",
        LINE + " more=1",
        f"v=1 observer={A} seq=17 drained={A} down={B}",
    ],
)
def test_what_is_written_otherwise_is_no_vote(line: str) -> None:
    assert vote.parsed(line) is None


def test_a_vote_that_has_to_be_cut_says_so_and_keeps_drains_and_who_comes_first() -> None:
    many = tuple(f"2001:db8::{n:x}" for n in range(1, 60))
    line = vote.text(Vote(A, 123456, Words(many, (B,))))
    assert len(line) <= LONGEST
    found = vote.parsed(line)
    assert found
    assert found.words.drained == (B,)
    assert found.words.down == many[: len(found.words.down)]
    assert len(found.words.down) + found.cut == len(many)
    assert found.cut > 0
    assert found.names


@given(
    st.from_regex(vote.OBSERVER, fullmatch=True),
    st.integers(1, 10**15 - 1),
    st.lists(st.ip_addresses().map(str), unique=True, max_size=40),
    st.lists(st.ip_addresses(v=4).map(str), unique=True, max_size=3),
)
def test_whatever_is_said_fits_and_is_read_as_it_was_written(
    observer: str, seq: int, down: list[str], drained: list[str]
) -> None:
    line = vote.text(Vote(observer, seq, Words(tuple(down), tuple(drained))))
    found = vote.parsed(line)
    assert len(line.encode()) <= LONGEST
    assert found
    assert (found.observer, found.seq) == (observer, seq)
    assert set(found.words.down) <= set(down)
    assert len(found.words.down) + len(found.words.drained) + found.cut == len(down + drained)


def test_votes_are_at_the_first_name() -> None:
    assert ballot_name(POOL) == "_dnsbalancer.www.example.com"
    assert ballot_name(replace(POOL, records=("example.com",))) == "_dnsbalancer.example.com"
    wild = replace(POOL, records=("*.app.example.com",))
    assert ballot_name(wild) == "_dnsbalancer._wildcard.app.example.com"
