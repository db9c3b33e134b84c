"""What is new is told in fragments, and what a release demands is what they make."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from tests.repo.generated import ROOT

FRAGMENTS = sorted(path for path in (ROOT / "changelog.d").iterdir() if path.name != "template.md")
FILES = (".gitignore", "CHANGELOG.md", "pyproject.toml", "dnsbalancer_exporter/__init__.py")
FOLDERS = ("changelog.d", "packaging")


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=x", "-c", "user.email=x@x", "-c", "commit.gpgsign=false")
    done = run(folder, "git", *who, *words)
    assert done.returncode == 0, done.stderr


def towncrier(folder: Path, *words: str) -> str:
    done = run(folder, sys.executable, "-m", "towncrier", "build", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def release(folder: Path) -> str:
    """What speaks against a release."""
    done = run(folder, sys.executable, "packaging/release.py", "dist", "--ready")
    assert bool(done.returncode) == bool(done.stderr), done
    return done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of its own with one commit of what a release begins with."""
    folder = tmp_path / "copy"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name)
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "-q")
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all")
    return folder


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_plain_and_its_name_says_what_it_is(path: Path) -> None:
    assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|removed)\.md", path.name)
    text = path.read_text()
    assert text.endswith("\n")
    assert len(text) > 20
    # a bullet comes from the template; a heading would end the section
    assert not re.search(r"(?m)^(#|\s*[*-] |$)", text.removesuffix("\n"))


def test_the_version_is_in_one_place() -> None:
    patterns = ("*.toml", "*.md", "packaging/*", "*/**/*.md", "*/**/*.py", "*/**/*.json")
    places = {
        str(path.relative_to(ROOT))
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file() and f'"{__version__}"' in path.read_text()
    }
    assert {place for place in places if not place.startswith(".")} == {
        "dnsbalancer_exporter/__init__.py"
    }


def test_a_release_is_a_commit_whose_news_are_told_under_its_version(copy: Path) -> None:
    (copy / "changelog.d/a-thing.fixed.md").write_text("What was wrong is\nright now.\n")
    said = release(copy)
    assert "not committed" in said
    assert f"no section `## {__version__}`" in said
    assert "a-thing.fixed.md" in said
    git(copy, "add", "--all")
    towncrier(copy, "--yes")
    git(copy, "commit", "-qam", "release")
    assert release(copy) == ""


def test_a_later_section_stands_above_and_nothing_else_changes(copy: Path) -> None:
    fragment = copy / "changelog.d/a-thing.fixed.md"
    fragment.write_text("What was wrong is\nright now.\n")
    git(copy, "add", "--all")
    towncrier(copy, "--yes", "--date", "2030-01-31")
    first = (copy / "CHANGELOG.md").read_text()
    assert "\n### Fixed\n\n* What was wrong is\n  right now.\n" in first
    assert (ROOT / "CHANGELOG.md").read_text().strip() in first
    assert [path.name for path in (copy / "changelog.d").iterdir()] == ["template.md"]
    fragment.write_text("Right now.\n")
    git(copy, "add", "--all")
    towncrier(copy, "--yes", "--version", "99.0.0", "--date", "2030-02-28")
    new = "## 99.0.0 (2030-02-28)\n\n### Fixed\n\n* Right now.\n\n"
    assert (copy / "CHANGELOG.md").read_text() == first.replace("## ", f"{new}## ", 1)


@pytest.mark.parametrize("name", ["thing.md", "thing.feature.md", "A Thing.added.md"])
def test_a_fragment_of_another_name_is_refused(copy: Path, name: str) -> None:
    (copy / "changelog.d" / name).write_text("What was wrong is right now.\n")
    done = run(copy, sys.executable, "-m", "towncrier", "build", "--draft")
    assert done.returncode != 0
