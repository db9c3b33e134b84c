"""The reference of the configuration: whole in both languages, and its examples are good."""

from __future__ import annotations

import re

import pytest

from dnsbalancer_exporter.config import parse
from dnsbalancer_exporter.model import Protocol
from tests.repo.generated import ROOT, RUSSIAN, labelled

TABLE = "tests/repo/russian.yaml"


def test_every_key_has_its_russian_and_no_russian_is_left_over() -> None:
    rows = labelled()
    assert list(RUSSIAN.keys) == list(rows), f"give the key its row in {TABLE}, in this order"


def test_every_default_in_words_has_its_russian_and_no_russian_is_left_over() -> None:
    in_words = {row.key.name for row in labelled().values() if row.key.otherwise}
    assert set(RUSSIAN.otherwise) == in_words, f"the rows `otherwise` of {TABLE}"


def test_every_kind_has_its_russian_and_no_russian_is_left_over() -> None:
    kinds = {row.kind for row in labelled().values()}
    assert set(RUSSIAN.kinds) == kinds, f"the rows `kinds` of {TABLE}"


def examples(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", ["docs/configuration.md", "docs/ru/configuration.md"])
def test_the_examples_are_good_without_a_note_and_what_the_page_says_they_are(page: str) -> None:
    configs = [parse(text.encode(), page, {}, lambda _: b"") for text in examples(page)]
    assert [config.notes for config in configs] == [()] * 4
    (member,), (witness,), (ping,), pools = (config.pools for config in configs)
    assert member.member
    assert len(member.listed) == 3
    assert not witness.member
    assert witness.records == ("example.com", "www.example.com")
    assert not witness.listed
    assert [type_.value for type_ in ping.types] == ["A", "AAAA"]
    assert [own.probe.protocol for own in ping.own] == [Protocol.ICMP] * 2
    assert [own.probe.address for own in ping.own] == ["127.0.0.1", "::1"]
    assert len(ping.reference) == 2
    assert [(pool.name, len(pool.listed)) for pool in pools] == [("web", 2), ("mail", 3)]
    assert {pool.timing.interval for pool in pools} == {10.0}
    assert not any(pool.member for pool in pools)
