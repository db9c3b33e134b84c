"""What the packages hold, and the files that they are made of."""

from __future__ import annotations

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.config import parse
from dnsbalancer_exporter.config.schema import TOP
from dnsbalancer_exporter.errors import ConfigError
from tests.needed import program
from tests.packaging.conftest import PACKAGE, make
from tests.packaging.rehearsal import fill_in
from tests.repo.generated import ROOT

TEMPLATE = (ROOT / "packaging/config.yaml").read_text()
LOGIN = {"login": "example@test", "project_id": "777e19938fe947666d5d3be5c00053d7"}
BOTH = {
    "/usr/bin/dnsbalancer",
    "/usr/lib/systemd/system/dnsbalancer.service",
    "/usr/lib/sysusers.d/dnsbalancer.conf",
    "/usr/lib/sysctl.d/50-dnsbalancer.conf",
    "/usr/share/dnsbalancer/config.yaml",
    "/usr/share/man/man1/dnsbalancer.1.gz",
    "/usr/share/bash-completion/completions/dnsbalancer",
    "/usr/share/fish/vendor_completions.d/dnsbalancer.fish",
}
DEB = BOTH | {
    "/usr/share/zsh/vendor-completions/_dnsbalancer",
    "/usr/share/doc/dnsbalancer/copyright",
    "/usr/share/doc/dnsbalancer/changelog.gz",
}
RPM = BOTH | {
    "/usr/share/zsh/site-functions/_dnsbalancer",
    "/usr/share/licenses/dnsbalancer/LICENSE",
}


def tool(*command: str | Path) -> str:
    """Run a tool of the distribution that must succeed; what it prints."""
    words = [program(str(command[0])), *(str(word) for word in command[1:])]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpacked(packages: Path, folder: Path) -> Path:
    tool("dpkg-deb", "-x", packages / f"dnsbalancer_{__version__}_all.deb", folder)
    return folder


def test_the_deb_holds_what_it_should_owned_by_root(packages: Path) -> None:
    listed = tool("dpkg-deb", "-c", packages / f"dnsbalancer_{__version__}_all.deb").splitlines()
    files = {line.split()[5][1:]: line.split()[0] for line in listed if line[0] == "-"}
    shared = {name for name in files if re.match(r"/usr/share/dnsbalancer/(alerts|dash)", name)}
    assert set(files) - shared == DEB
    for source in (*ROOT.glob("alerts/*.alerts.yml"), *ROOT.glob("dashboards/*.json")):
        assert f"/usr/share/dnsbalancer/{source.relative_to(ROOT)}" in shared
    assert {line.split()[1] for line in listed} == {"root/root"}
    assert {name for name, mode in files.items() if mode == "-rwxr-xr-x"} == {
        "/usr/bin/dnsbalancer"
    }
    assert set(files.values()) == {"-rwxr-xr-x", "-rw-r--r--"}


def test_the_rpm_holds_the_same(packages: Path) -> None:
    listed = tool("rpm", "-qp", "--qf", "[%{FILENAMES} %{FILEMODES:perms}\n]", *rpms(packages))
    files = {line.split()[0] for line in listed.splitlines() if line.split()[1][0] == "-"}
    shared = {name for name in files if re.match(r"/usr/share/dnsbalancer/(alerts|dash)", name)}
    assert files - shared == RPM


def rpms(packages: Path) -> list[Path]:
    return [packages / f"dnsbalancer-{__version__}-1.noarch.rpm"]


def test_the_packages_are_the_same_bits_each_time(
    file: Path, packages: Path, tmp_path: Path
) -> None:
    make(PACKAGE, file, tmp_path, TZ="Asia/Kamchatka")
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (packages / path.name).read_bytes(), path.name


def test_debian_finds_no_fault_with_it(packages: Path) -> None:
    # as root, lintian prints a warning about that
    deb = packages / f"dnsbalancer_{__version__}_all.deb"
    assert tool("lintian", "--fail-on", "error,warning", "--allow-root", deb) == ""


def test_the_manual_tells_every_verb_and_is_well_formed(packages: Path, tmp_path: Path) -> None:
    packed = unpacked(packages, tmp_path) / "usr/share/man/man1/dnsbalancer.1.gz"
    page = tmp_path / "dnsbalancer.1"
    page.write_bytes(gzip.decompress(packed.read_bytes()))
    text = tool("mandoc", "-T", "utf8", "-W", "error", page)
    text = re.sub(r".\x08", "", text)
    for verb in ("run", "init", "check", "plan", "status", "explain", "emulate", "demo"):
        assert f"dnsbalancer {verb}" in text
    for section in ("FILES", "SIGNALS", "ENVIRONMENT", "EXIT STATUS"):
        assert f"\n{section}\n" in text


def test_bash_completes_verbs_and_options(packages: Path, tmp_path: Path) -> None:
    script = unpacked(packages, tmp_path) / "usr/share/bash-completion/completions/dnsbalancer"
    asked = (
        f"source {script}; f=$(complete -p dnsbalancer | grep -o '_shtab[a-z_]*')\n"
        "COMP_WORDS=(dnsbalancer che); COMP_CWORD=1; $f; echo ${COMPREPLY[@]}\n"
        "COMP_WORDS=(dnsbalancer explain --j); COMP_CWORD=2; $f; echo ${COMPREPLY[@]}\n"
    )
    assert tool("bash", "-c", asked).split() == ["check", "--json"]


@pytest.mark.parametrize(
    ("shell", "path"),
    [
        ("zsh", "usr/share/zsh/vendor-completions/_dnsbalancer"),
        ("fish", "usr/share/fish/vendor_completions.d/dnsbalancer.fish"),
    ],
)
def test_the_other_shells_understand_theirs(
    packages: Path, tmp_path: Path, shell: str, path: str
) -> None:
    script = unpacked(packages, tmp_path) / path
    tool(shell, "-n", script)
    assert "explain" in script.read_text()


# --- the configuration --------------------------------------------------------------------


def test_the_configuration_says_what_is_to_be_filled_in() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(TEMPLATE.encode(), "config.yaml", {}, lambda _: b"")
    keys = {problem.key for problem in refused.value.problems}
    wanted = ("login", "password", "project_id", "zone", "own_ip")
    assert keys == {f"config.{key}" for key in wanted}


def test_filled_in_it_is_good_and_has_no_surprises() -> None:
    text = fill_in(TEMPLATE, LOGIN, password="p4ss", own_ip="8.8.8.8")
    config = parse(text.encode(), "config.yaml", {}, lambda _: b"")
    assert config.notes == ()


def test_it_shows_every_key_and_what_is_commented_out_is_the_default() -> None:
    shown = re.findall(r"(?m)^ +(#?)([a-z_]+): (.*)$", TEMPLATE)
    names = {name for _, name, _ in shown}
    apart = {"timeout", "password_file", "pools"}  # a synonym; another way; another form
    assert names == {key.name for key in TOP} - apart
    defaults = {key.name: key.default for key in TOP}
    for commented, name, value in shown:
        if commented and defaults[name]:
            assert value.strip('"') == defaults[name], name


# --- the scripts --------------------------------------------------------------------------


def test_the_scripts_are_plain_sh() -> None:
    scripts = sorted((ROOT / "packaging/scripts").iterdir())
    assert len(scripts) == 6
    tool("shellcheck", "-s", "sh", *scripts)


def test_the_freebsd_script_is_plain_sh_and_known_to_rc() -> None:
    script = ROOT / "packaging/freebsd/dnsbalancer"
    # rc.subr is not here to be read, and reads the variables
    tool("shellcheck", "-s", "sh", "-e", "SC1091,SC2034", script)
    text = script.read_text()
    for line in ("# PROVIDE: dnsbalancer", ". /etc/rc.subr", 'run_rc_command "$1"'):
        assert line in text
