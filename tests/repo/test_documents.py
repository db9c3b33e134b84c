"""The documents say what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dnsbalancer_exporter.audit import CHECKS
from dnsbalancer_exporter.cli import main
from dnsbalancer_exporter.config import parse
from dnsbalancer_exporter.export import sentences
from dnsbalancer_exporter.model import Hold, Unpublished
from tests.repo.generated import ROOT, documents

RUNBOOK = (ROOT / "docs/runbook.md").read_text()
VERBS = ("run", "init", "check", "plan", "status", "explain", "drain", "undrain", "emulate", "demo")


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_generated_documents_are_up_to_date(path: Path) -> None:
    assert path.read_text() == documents()[path], "run `make docs`"


@pytest.mark.parametrize("readme", ["README.md", "README.ru.md"])
def test_every_verb_of_the_readme_exists_and_every_verb_is_in_it(readme: str) -> None:
    named = set(re.findall(r"`dnsbalancer ([a-z]+)", (ROOT / readme).read_text()))
    assert named == set(VERBS) - {"run"}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert verb in said
    assert "exit status: 0 " in said


def test_the_configuration_of_the_readme_is_good() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    config = parse(block.encode(), "README.md", {}, lambda _: b"")
    assert [pool.member for pool in config.pools] == [True]


def test_the_readmes_commands_are_targets_of_make() -> None:
    commands = re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands == ["demo", "test", "dist"]
    for command in commands:
        subprocess.run(["make", "-n", command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_ci_calls_the_readmes_test_command_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    called = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert called == ["exec make test"]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [(Hold, sentences.NOT_WITHDRAWN), (Unpublished, sentences.NOT_PUBLISHED)],
    ids=["not withdrawn", "not published"],
)
def test_every_reason_has_a_sentence_and_a_place_in_the_runbook(
    reasons: type[Hold] | type[Unpublished], said: dict[str, str]
) -> None:
    values = [reason.value for reason in reasons]
    assert sorted(said) == sorted(values)
    assert [v for v in values if f"`{v}`" not in RUNBOOK] == []


def test_the_advice_is_that_of_the_runbook() -> None:
    assert set(sentences.ADVICE) <= {r.value for r in (*Hold, *Unpublished)}
    assert [word for word, advice in sentences.ADVICE.items() if advice not in RUNBOOK] == []


def test_every_event_of_the_log_is_in_the_runbook() -> None:
    package = ROOT / "dnsbalancer_exporter"
    sources = [package / name for name in ("daemon.py", "doors.py", "desk.py")]
    sources += [*(package / "export").glob("*.py"), *(package / "propagation").glob("*.py")]
    source = "\n".join(path.read_text() for path in sources)
    said = re.findall(r'(?:logging\.[A-Z]+|level), "([a-z_]+)"|_once\("([a-z_]+)"', source)
    events = {event for pair in said for event in pair if event}
    events |= set(re.findall(r'"((?:[a-z]+_)+(?:begin|end|failed|works|error|note))"', source))
    assert {"drain", "state_unusable", "record_gap", "listen_failed", "hold_begin"} <= events
    assert len(events) > 15
    assert sorted(e for e in events if f"`{e}`" not in RUNBOOK) == []


def test_every_check_of_the_audit_is_in_the_runbook() -> None:
    assert [name for name, _ in CHECKS if f"| `{name}` |" not in RUNBOOK] == []


def test_links_between_documents_lead_somewhere() -> None:
    links = [
        (document.parent, link)
        for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text())
        if not link.startswith("http")
    ]
    assert [link for folder, link in links if not (folder / link).exists()] == []


def test_the_module_is_the_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dnsbalancer_exporter", "--version"], capture_output=True, check=True
    )
    assert ran.stdout.startswith(b"dnsbalancer ")
