"""The text form of faults: what it says, and how a mistake in it is told."""

from __future__ import annotations

import re

import pytest

from dnsbalancer_exporter.emulator import Emulator, parse_fault

TEXTS = [
    "create_record:lost",
    "create_record:lost:times=2",
    "*:slow:seconds=1.5",
    "writes:delayed:seconds=5:answer=no",
    "list_records:short_list:type=AAAA:skip=1:times=3:probability=0.25:seed=9:fraction=0.5",
    "reads:garbage:shape=null",
    "auth_token:status:code=429:retry_after=7",
    'list_zones:status:code=200:body=[{"a": 1}, {"b": "c:d"}]',
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_fault_says_itself(text: str) -> None:
    assert str(parse_fault(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is none of"),
        ("create", "'create' is none of"),
        ("create_record", "'' is none of status,"),
        ("create_record:loose", "'loose' is none of status,"),
        ("create_record:lost:often", "unknown option 'often'"),
        ("create_record:lost:count=1", "unknown option 'count=1'"),
        ("create_record:lost:times=0", "'0' is not a whole number from 1"),
        ("create_record:lost:times=2:times=3", "times is given twice"),
        ("create_record:lost:probability=2", "'2' is not a number from 0 to 1"),
        ("create_record:lost:type=a", "'a' is none of A, AAAA"),
        ("create_record:lost:seconds=2", "lost has no seconds"),
        ("create_record:slow:seconds=soon", "'soon' is not a number of seconds"),
        ("create_record:slow:seconds=-1", "'-1' is not a number of seconds"),
        ("create_record:status:code=42", "'42' is not a whole number from 200 to 599"),
        ("create_record:garbage:shape=round", "'round' is none of html"),
        ("create_record:short_list", "short_list is for list_records, list_zones"),
        ("list_records:delayed", "delayed is for create_record"),
        ("create_record:delayed:answer=maybe", "'maybe' is none of yes, no"),
    ],
)
def test_texts_that_are_no_faults(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_fault(text)
    with pytest.raises(ValueError, match=r"^fault "):
        Emulator(faults=[text])
