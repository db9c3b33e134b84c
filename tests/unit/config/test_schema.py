"""The table of keys is the reference: complete, with defaults that are values."""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.config import KEYS, reference_table
from dnsbalancer_exporter.config.sections import Key, Level
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


def test_the_reference_has_a_row_per_key() -> None:
    lines = reference_table().splitlines()
    assert len(lines) == len(KEYS) + 2
    assert "| `ttl` | top, pool | `60` | " in reference_table()
    assert "| `zone` | top, pool | required | " in reference_table()
    assert "| `retired` | top, pool | none | " in reference_table()
