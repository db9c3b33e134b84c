"""The table of keys is the reference: complete, with defaults that are values."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.config import (
    KEYS,
    Row,
    http_keys,
    pool_keys,
    quorum_keys,
    reference,
    reference_within,
    targets,
    top_keys,
)
from dnsbalancer_exporter.config.sections import Key, Ledger, Level, Place
from dnsbalancer_exporter.config.yaml_text import Text
from tests.unit.config.samples import CONTRACT, changed, load, problems


def test_every_key_of_the_published_file_is_there() -> None:
    published = {line.split(":")[0].strip() for line in CONTRACT.splitlines()[1:]}
    assert published <= {key.name for key in KEYS}
    assert len({key.name for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_a_row_is_one_sentence_and_says_what_stands_in(key: Key[object]) -> None:
    assert key.doc.endswith(".")
    assert "|" not in key.doc + key.default + key.otherwise
    assert not (key.default and (key.otherwise or key.required))


@pytest.mark.parametrize("key", [key for key in KEYS if key.default], ids=lambda key: key.name)
def test_a_written_default_means_the_same_as_none(key: Key[object]) -> None:
    bare = changed("timeout")
    written = load(changed(f'{key.name}: "{key.default}"', text=bare))
    assert written.pools == load(bare).pools
    assert (written.lock, written.listen) == (load(bare).lock, load(bare).listen)
    assert written.api == load(bare).api


@pytest.mark.parametrize("key", [key for key in KEYS if key.required], ids=lambda key: key.name)
def test_a_required_key_is_missed(key: Key[object]) -> None:
    assert any(f"config.{key.name}: is missing" in text for text in problems(changed(key.name)))


@pytest.mark.parametrize(
    "key", [key for key in KEYS if key.level is Level.TOP], ids=lambda key: key.name
)
def test_a_key_of_the_top_level_is_refused_in_a_pool(key: Key[object]) -> None:
    found = problems(changed(f"pools:\n  - {key.name}: x"))
    where = f"line 15: config.pools[0].{key.name}"
    what = "belongs to the top level, it is the same for all pools: move it there"
    assert found == [f"{where}: {what}"]


def test_the_reference_has_a_row_per_key_of_every_table() -> None:
    assert [row.key for row in reference()] == list(KEYS)
    within = {id(row.key) for row in reference_within()}
    written = {
        id(value)
        for module in (pool_keys, top_keys, targets, http_keys, quorum_keys)
        for value in vars(module).values()
        if isinstance(value, Key)
    }
    assert written == {id(key) for key in KEYS} | within


def test_a_row_tells_its_bounds_and_choices_as_a_file_has_them() -> None:
    rows = {row.key.name: row for row in reference()}
    told = {name: (row.kind, row.least, row.most) for name, row in rows.items()}
    assert told["interval"] == ("duration", "100ms", "1d")
    assert told["fall"] == ("whole number", "1", "100")
    assert rows["mode"].words == ("enforce", "observe")
    assert told["ca_file"] == ("absolute path", "", "")


BOUNDED = [row for row in reference() if row.most]


@pytest.mark.parametrize("row", BOUNDED, ids=lambda row: row.key.name)
def test_the_bounds_that_are_told_are_taken(row: Row) -> None:
    for text in (row.least, row.most):
        ledger = Ledger()
        assert row.key.read(Text(1, text), Place("", ledger)) is not None
        assert ledger.problems == set()


def test_the_bounds_of_the_port_are_taken_and_no_more() -> None:
    assert problems(changed("port: 0")) != []
    assert problems(changed("port: 65536")) != []
    assert [load(changed(f"port: {port}")).pools[0].probe.port for port in (1, 65535)] == [1, 65535]
