"""The check of commands finds ours wherever they stand, and sees a wrong one."""

from __future__ import annotations

import pytest

from tests.documents.commands import known, ours


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dnsbalancer check && systemctl start x", [["check"]]),
        ("# dnsbalancer rescue\nsudo /usr/bin/dnsbalancer status | grep x", [["status"]]),
        ("until dnsbalancer status --json >out 2>&1; do sleep 1; done", [["status", "--json"]]),
        ("ssh host '\n set -e\n dnsbalancer drain \\\n  --for 2h\n'", [["drain", "--for", "2h"]]),
        ("grep dnsbalancer log", []),
    ],
)
def test_calls_are_found(text: str, found: list[list[str]]) -> None:
    assert list(ours(text)) == found


@pytest.mark.parametrize("text", ["dnsbalancer drain --fro 2h", "dnsbalancer rescue"])
def test_a_wrong_one_is_not_known(text: str) -> None:
    ((*arguments,),) = ours(text)
    assert not known(arguments)
