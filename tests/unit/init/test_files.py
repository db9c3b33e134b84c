"""Writing: all or nothing, whole or not, and never over what is there without leave."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from dnsbalancer_exporter.init.files import Document, why_not, write


@pytest.fixture
def two(tmp_path: Path) -> tuple[Document, Document]:
    folder = tmp_path / "new/folder"
    return Document(folder / "a", "A\n", 0o640), Document(folder / "b", "B\n", 0o600)


def names(document: Document) -> list[str]:
    folder = document.path.parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_both_are_written_with_their_modes(two: tuple[Document, Document]) -> None:
    before = os.umask(0o077)
    try:
        assert write(two) == []
    finally:
        os.umask(before)
    for document in two:
        assert document.path.read_text() == document.text
        assert stat.S_IMODE(document.path.stat().st_mode) == document.mode
    assert names(two[0]) == ["a", "b"]


def test_one_that_is_there_stops_both(two: tuple[Document, Document]) -> None:
    one, other = two
    other.path.parent.mkdir(parents=True)
    other.path.write_text("precious")
    with pytest.raises(FileExistsError):
        write(two)
    assert names(one) == ["b"]
    assert other.path.read_text() == "precious"


def test_with_leave_it_is_replaced_and_kept(two: tuple[Document, Document]) -> None:
    one = replace(two[0], over=True, keep=True)
    one.path.parent.mkdir(parents=True)
    one.path.write_text("old")
    (kept,) = write([one])
    assert (kept.read_text(), one.path.read_text()) == ("old", "A\n")
    assert names(one) == ["a", kept.name]


def test_what_fails_half_way_leaves_nothing(two: tuple[Document, Document], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bad = Document(tmp_path / "file/c", "C\n", 0o600)
    with pytest.raises(OSError, match="file"):
        write([*two, bad])
    assert names(two[0]) == []


def test_a_bad_place_is_known_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert why_not(tmp_path / "not/there/yet") == ""
    assert "is a folder" in why_not(tmp_path)
    assert "is no folder" in why_not(tmp_path / "file/config.yaml")


def test_a_folder_of_somebody_else_is_known_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert "run this as root" in why_not(tmp_path / "config.yaml")
