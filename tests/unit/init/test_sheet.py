"""The sheet: what is typed is what the file says, and the schema alone judges it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter.config.values import Wrong, secret
from dnsbalancer_exporter.init.questions import QUESTIONS, Question
from dnsbalancer_exporter.init.sheet import CREDENTIAL, STAND_INS, Sheet, embedded, preset
from tests.repo.generated import ROOT

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def sheet(password: str | None = "p4ss", **answers: str) -> Sheet:
    return Sheet("config.yaml", {**STAND_INS, **answers}, password)


def is_good(password: str) -> bool:
    try:
        return secret(password) == password and bool(password.strip())
    except Wrong:
        return False


@settings(deadline=None)
@given(TEXT.filter(is_good))
@example('"; rm -rf')
@example("\x85\u2028\x7f")
@example(" '#: {}\\ ")
@example("null")
@example("\U0001f600")
def test_a_password_is_read_as_it_was_typed(password: str) -> None:
    for place in ("", CREDENTIAL, "/etc/elsewhere/password"):
        told = sheet(password)
        told.password_file = place
        assert told.config().api.password.reveal() == password


@settings(deadline=None)
@given(TEXT)
def test_no_answer_becomes_anything_but_a_value(text: str) -> None:
    told = sheet(login=text)
    faults = told.faults("login")
    assert bool(faults) == (not text.isprintable() or not text.strip())
    if not faults:
        assert told.config().api.login == text


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_every_question_has_its_line_in_the_file(question: Question) -> None:
    preset(question.key)
    told = sheet(**{question.key: "\x00"})
    assert told.faults(question.key), "the schema refuses it, so it was asked about this key"


def test_without_answers_it_is_the_packages_file() -> None:
    assert Sheet("f").text() == embedded("config.yaml")
    assert embedded("config.yaml") == (ROOT / "packaging/config.yaml").read_text()


def test_a_key_without_a_line_is_a_bug() -> None:
    with pytest.raises(KeyError, match="nonsense"):
        sheet(nonsense="x").text()


def test_an_answer_is_judged_alone() -> None:
    told = Sheet("f", {"zone": "no zone", "port": "x"})
    assert told.faults("zone") == ("must be a domain name, such as `example.com`",)
    assert told.faults("login") == ()


def test_what_is_shown_has_stars_for_the_password() -> None:
    told = sheet("sesame")
    assert "sesame" in told.text()
    assert told.shown() == told.text().replace("sesame", "***")
    assert "sesame" not in repr(told)


def test_the_default_stays_a_comment() -> None:
    assert '    #record: "@"\n' in sheet(record="@").text()
    assert '\n    record: "www"\n' in sheet(record="www").text()


def test_the_password_of_the_unit_needs_no_key() -> None:
    told = sheet()
    told.password_file = CREDENTIAL
    assert not re.search(r"(?m)^ +password", told.text())
