"""Files that must be refused, with exactly the sentences that their first lines expect."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnsbalancer_exporter.config import problem_of_oserror
from dnsbalancer_exporter.config.yaml_text import MAX_BYTES, MAX_NODES
from tests.unit.config.samples import CONTRACT, changed, problems

BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
EXPECT = "# expect: "


def test_there_are_bad_files() -> None:
    assert len(BAD) >= 100


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_file(path: Path) -> None:
    lines = path.read_text().splitlines()
    expected = [line.removeprefix(EXPECT) for line in lines if line.startswith(EXPECT)]
    assert expected
    assert problems(path.read_bytes()) == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_never_show_the_password(path: Path) -> None:
    shown = "\n".join(problems(path.read_bytes()))
    assert "123456example" not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty: it must hold the key `config`"),
        (b"\n\n", "is empty: it must hold the key `config`"),
        (b"\xef\xbb\xbf", "is empty: it must hold the key `config`"),
        (b"---\n...\n", "line 2: is empty: it must hold the key `config`"),
        (b"\x7fELF\x00\x01", "is not a text file: it must be YAML in UTF-8"),
        (CONTRACT.encode("utf-16"), "is not a text file: it must be YAML in UTF-8"),
        (b"config:\n  login: \xff\xfe\n", "line 2: is not UTF-8: save the file in that encoding"),
        (b"config:\n  login: \x1b[0m\n", "line 2: holds a control character: remove it"),
        (
            b'config:\n  login: "\\U99999999"\n',
            "line 2: column 13: not valid YAML",
        ),
        (b"%YAML " + b"9" * 5000 + b".1\n---\na: b\n", "line 1: column 7: not valid YAML"),
        (b" " * (MAX_BYTES + 1), "is larger than 4 MiB: not a configuration"),
        (
            b"[" + b"a," * MAX_NODES + b"a]",
            "line 1: column 200000: holds more than 100000 values: not a configuration",
        ),
        (
            b"[" * MAX_BYTES,
            "line 1: column 18: is nested more than 16 deep: no setting needs that",
        ),
    ],
)
def test_what_is_no_configuration_at_all(data: bytes, expected: str) -> None:
    assert problems(data) == [expected]


def test_a_yaml_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    found = problems("\n".join(lines))
    assert len(found) == 1
    assert found[0].startswith("line 2: column 10: aliases are not allowed")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (IsADirectoryError(21, "Is a directory"), "is a folder: give the path of a file"),
        (FileNotFoundError(2, "x"), "does not exist: create it, or correct the path"),
        (NotADirectoryError(20, "x"), "does not exist: a part of the path is no folder"),
        (PermissionError(13, "x"), "must not be read by this user: change its owner or mode"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (OSError(), "cannot be read: OSError"),
    ],
)
def test_a_file_that_cannot_be_read(error: OSError, expected: str) -> None:
    assert str(problem_of_oserror(error)) == expected


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        tmp_path.read_bytes()
    assert str(problem_of_oserror(caught.value)) == "is a folder: give the path of a file"


def test_bad_keys_of_an_inherited_section_are_said_once() -> None:
    text = changed("fall: 0", "pools:\n  - record: a\n  - record: b")
    assert problems(text) == ["line 14: config.fall: must be a whole number from 1 to 100"]
