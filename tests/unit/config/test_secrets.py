"""Where the password comes from, and that it is never shown."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter.config.yaml_text import read_yaml
from dnsbalancer_exporter.errors import ConfigError
from tests.unit.config.samples import CONTRACT, changed, load, no_file, problems

SECRET = "s3cr&t!Pass-word"
FILE = "/etc/dnsbalancer/password"
CREDENTIALS = {"CREDENTIALS_DIRECTORY": "/run/credentials/dnsbalancer"}


def holding(data: bytes, path: str = FILE) -> Callable[[str], bytes]:
    def read(asked: str) -> bytes:
        return data if asked == path else no_file(asked)

    return read


def failing(error: OSError) -> Callable[[str], bytes]:
    def read(_asked: str) -> bytes:
        raise error

    return read


IN_FILE = changed("password", f"password_file: {FILE}")
NOWHERE = changed("password")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_password_file_may_end_its_line(end: str) -> None:
    config = load(IN_FILE, read=holding((SECRET + end).encode()))
    assert config.api.password.reveal() == SECRET


def test_blanks_around_a_password_are_part_of_it() -> None:
    assert load(IN_FILE, read=holding(b" a b \n")).api.password.reveal() == " a b "


def test_a_block_in_the_file_ends_its_line_too() -> None:
    assert load(changed("password: |\n  abc")).api.password.reveal() == "abc"


def test_the_environment_then_the_credential() -> None:
    read = holding(b"credential\n", "/run/credentials/dnsbalancer/password")
    environ = {"DNSBALANCER_PASSWORD": "environment", **CREDENTIALS}
    assert load(NOWHERE, environ, read).api.password.reveal() == "environment"
    assert load(NOWHERE, CREDENTIALS, read).api.password.reveal() == "credential"


def test_the_file_goes_before_the_environment() -> None:
    environ = {"DNSBALANCER_PASSWORD": "environment", **CREDENTIALS}
    assert load(CONTRACT, environ).api.password.reveal() == "123456example"
    assert load(IN_FILE, environ, holding(b"file")).api.password.reveal() == "file"


MISSING = (
    "line 1: config.password: is missing: give `password`, `password_file`, "
    "`$DNSBALANCER_PASSWORD` or the systemd credential `password`"
)
AT_FILE = "line 13: config.password_file: "
AT_CREDENTIAL = "line 1: config.password: the systemd credential `password` "


@pytest.mark.parametrize(
    ("text", "environ", "read", "expected"),
    [
        (NOWHERE, {}, no_file, MISSING),
        (NOWHERE, CREDENTIALS, no_file, MISSING),
        (
            NOWHERE,
            {"DNSBALANCER_PASSWORD": ""},
            no_file,
            "line 1: config.password: `$DNSBALANCER_PASSWORD` is empty: give the password",
        ),
        (
            NOWHERE,
            {"DNSBALANCER_PASSWORD": "\udcff"},
            no_file,
            "line 1: config.password: `$DNSBALANCER_PASSWORD` must be one line of UTF-8 text",
        ),
        (
            NOWHERE,
            CREDENTIALS,
            failing(PermissionError(13, SECRET)),
            AT_CREDENTIAL + "must not be read by this user: change its owner or mode",
        ),
        (
            NOWHERE,
            CREDENTIALS,
            lambda _path: b"\n",
            AT_CREDENTIAL + "is empty: give the password",
        ),
        (IN_FILE, {}, no_file, AT_FILE + "does not exist: create it, or correct the path"),
        (
            IN_FILE,
            {},
            failing(IsADirectoryError(21, "")),
            AT_FILE + "is a folder: give the path of a file",
        ),
        (IN_FILE, {}, holding(b"\r\n"), AT_FILE + "is empty: give the password"),
        (IN_FILE, {}, holding(b"a\nb\n"), AT_FILE + "must be one line of UTF-8 text"),
        (IN_FILE, {}, holding(b"\xff"), AT_FILE + "must be one line of UTF-8 text"),
    ],
)
def test_no_password(
    text: str, environ: dict[str, str], read: Callable[[str], bytes], expected: str
) -> None:
    assert problems(text, environ, read) == [expected]


def test_nothing_shows_the_password() -> None:
    text = changed(f"password: '{SECRET}'", "own_ip: 127.0.0.1", "lock: off")
    config = load(text)
    assert config.api.password.reveal() == SECRET
    for shown in (repr(config), str(config), repr(config.api), f"{config.notes}"):
        assert SECRET not in shown
    assert SECRET not in repr(read_yaml(text.encode()))
    with pytest.raises(TypeError):
        pickle.dumps(config)


def test_an_error_and_what_it_came_from_do_not_show_the_password() -> None:
    for key in ("port", "timeout", "own_ip", "zone", "url", "listen", "lock", "ttl", "targets"):
        with pytest.raises(ConfigError) as caught:
            load(changed(f"{key}: '{SECRET}'"))
        error: BaseException | None = caught.value
        while error is not None:
            assert SECRET not in f"{error!s} {error!r}"
            error = error.__cause__ or error.__context__


# --- whatever the file holds --------------------------------------------------------------

TEXT = changed(f'password: "{SECRET}"', "targets:\n  - {address: 213.213.213.214, name: east}")
PIECES = st.sampled_from([
    "\n", "\t", " ", "  ", ":", ": ", "- ", "{", "}", "[", "]", ",", "'", '"', "#", "&a ", "*a",
    "!x ", "|", ">", "? ", "%", "@", "~", "\\", "---\n", "...\n", "<<: ", "\x00", "0", "pools:",
])  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The file with pieces cut out of it and put into it."""
    text = TEXT
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(PIECES) + text[at + draw(st.integers(0, 4)) :]
    return text


def never_leaks(data: bytes) -> None:
    try:
        config = load(data)
    except ConfigError as error:
        shown = f"{error} {error!r} {error.problems}"
    else:
        shown = f"{config!r} {config.notes}"
    assert shown
    assert SECRET not in shown


@settings(max_examples=400, deadline=None)
@given(mutations())
def test_a_damaged_file_is_refused_or_loaded_and_never_shows_the_password(text: str) -> None:
    never_leaks(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
@example(b"config: {? [a] : b}")
@example(b"%TAG ! tag:x,2000:\n---\n!a b")
@example(b'"\\ud800": b')
def test_any_bytes_are_refused(data: bytes) -> None:
    never_leaks(data)
    never_leaks(b"config:\n  password: " + data)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.sampled_from(sorted(CONTRACT.split()[1::2])))
def test_any_text_as_any_value(value: str, key: str) -> None:
    quoted = value.replace("'", "''")
    never_leaks(
        changed(f"{key.rstrip(':')}: '{quoted}'", text=TEXT).encode("utf-8", "surrogatepass")
    )
