"""What the port tells of an error: all but the values that are hidden."""

from __future__ import annotations

from dnsbalancer_exporter.export.discreet import Discreet
from dnsbalancer_exporter.export.status import Document


def told(error: str, *private: dict[str, str]) -> str:
    document: Document = {"pools": [{"error": error, "targets": [{"name": "bob"}]}]}
    discreet = Discreet(lambda: document)
    for some in private:
        discreet.hide(some)
    pool = discreet()["pools"][0]
    assert pool["targets"] == [{"name": "bob"}]
    assert document["pools"][0]["error"] == error, "the machine's own document is left alone"
    return str(pool["error"])


def test_a_hidden_value_is_named_by_its_key() -> None:
    said = "cannot log in as 'bob@test': no bob@test."
    assert told(said, {"login": "bob@test"}) == "cannot log in as '(login)': no (login)."


def test_a_part_of_a_word_stays() -> None:
    assert told("bobbin: no bob", {"login": "bob"}) == "bobbin: no (login)"


def test_a_value_with_signs_is_hidden_as_python_writes_it_too() -> None:
    login = "a\\b'c"
    assert told(f"as {login!r}, as {login}", {"login": login}) == 'as "(login)", as (login)'


def test_what_was_hidden_stays_so_after_a_reload() -> None:
    assert told("bob, eve", {"login": "bob"}, {"login": "eve"}) == "(login), (login)"


def test_what_a_driver_does_not_need_hides_nothing() -> None:
    assert told("as it is", {"login": "", "project_id": ""}) == "as it is"
