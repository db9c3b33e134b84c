"""Who votes what, as metrics, the status document, the page, the verbs and the log show it."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace

import pytest

from dnsbalancer_exporter.export import text, vote_samples, votes
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.export.page import page
from dnsbalancer_exporter.export.status import Document, explain
from dnsbalancer_exporter.model import QuorumTerms
from dnsbalancer_exporter.report import PoolReport
from dnsbalancer_exporter.vote import Count, Standing, Unsettled, Verdict, Vote, Voter, Words
from tests.unit.pages import NOW, document_of, down, pool_of, up

ONE, TWO, THREE = (state.target.address for state in (up(0), up(1), up(2)))
NAMES = {ONE: "app-a", TWO: "app-b", THREE: "app-c"}


def voter(
    observer: str, *held_down: str, standing: Standing = Standing.VOTES, cut: int = 0
) -> Voter:
    return Voter(observer, standing, Vote(observer, 7, Words(held_down), cut), NOW - 3)


OWN = Voter(ONE, Standing.OWN)
OUTVOTED = Count(
    (OWN, voter(THREE, TWO), voter("w", TWO)),
    of=3,
    verdicts={TWO: Verdict(2, 3)},
    settled_at=NOW - 60,
    read_at=NOW - 1,
)
"""Two of three hold the second target down; we do not."""
ALONE = Count(
    (OWN, voter(THREE), Voter(TWO, Standing.PRESUMED)), of=3, verdicts={TWO: Verdict(1, 3)}
)
"""We hold the second target down, and nobody else."""


def report_of(count: Count | None) -> PoolReport:
    found = pool_of(up(0), down(1), up(2), published=(up(0), down(1), up(2)), votes=count)
    return replace(found, pool=replace(found.pool, quorum=QuorumTerms(ONE)))


def drawn(count: Count | None) -> dict[tuple[str, ...], float]:
    pool = report_of(count).pool.name
    samples = vote_samples.samples(report_of(count), NAMES, 1000.0)
    found = [((name, *labels), value) for name, labels, value in samples]
    assert Counter(key for key, _ in found).most_common(1)[0][1] == 1, "no series twice"
    return {tuple(part for part in key if part != pool): value for key, value in found}


def shown(count: Count | None) -> Document:
    return document_of(up(0, "app-a"), down(1, "app-b"), up(2, "app-c"), report=report_of(count))


# --- who is in the minority ---------------------------------------------------------------


def test_who_sees_it_otherwise_than_the_majority_disagrees() -> None:
    assert [votes.disagreements(OUTVOTED, each) for each in OUTVOTED.voters] == [[TWO], [], []]
    assert [votes.disagreements(ALONE, each) for each in ALONE.voters] == [[TWO], [], []]


def test_in_a_tie_nobody_disagrees() -> None:
    tied = Count((OWN, voter(THREE)), of=2, verdicts={TWO: Verdict(1, 2)})
    assert [votes.disagreements(tied, each) for each in tied.voters] == [[], []]


@pytest.mark.parametrize(
    "silent",
    [
        Voter("x", Standing.PRESUMED),
        voter("x", standing=Standing.STALE),
        voter("x", THREE, standing=Standing.PRESUMED),
        voter("x", cut=1),
    ],
    ids=["no vote", "a vote that is old", "an old vote of who answers", "a vote without room"],
)
def test_who_has_not_said_so_does_not_disagree(silent: Voter) -> None:
    count = replace(OUTVOTED, voters=(*OUTVOTED.voters, silent))
    assert votes.disagreements(count, silent) == []


def test_our_own_say_is_what_the_count_has_of_it() -> None:
    """Our vote in the zone may be older than our view, and other than what is counted."""
    for own in (Voter(ONE, Standing.OWN), voter(ONE, THREE, standing=Standing.OWN)):
        count = replace(ALONE, voters=(own, *ALONE.voters[1:]))
        assert votes.against(count, own) == (TWO,)
        assert votes.holding_down(count, TWO) == [ONE]
    assert votes.holding_down(OUTVOTED, TWO) == [THREE, "w"]


# --- metrics ------------------------------------------------------------------------------


def test_metrics_say_who_votes_what() -> None:
    found = drawn(OUTVOTED)
    assert (found["quorum_electorate",], found["quorum_majority",]) == (3, 2)
    assert found["quorum_settled",] == 1
    assert [found["quorum_observers", s.value] for s in Standing] == [1, 2, 0, 0]
    assert [found["quorum_targets", v] for v in vote_samples.VERDICTS] == [2, 0, 1]
    said = {key[1:] for key in found if key[0] == "quorum_vote_down"}
    assert said == {(THREE, "app-b"), ("w", "app-b")}
    assert found["quorum_vote_moved_timestamp_seconds", "w"] == NOW - 3 + 1000.0
    assert found["quorum_observer_disagreements", ONE] == 1


@pytest.mark.parametrize(("of", "wanted"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_majority_is_more_than_half(of: int, wanted: int) -> None:
    assert Count((), of=of).majority == wanted


def test_who_is_gone_has_no_series_and_who_is_old_says_nothing() -> None:
    old = replace(OUTVOTED, voters=(OWN, voter(THREE, TWO, standing=Standing.STALE)))
    found = drawn(old)
    assert not any("w" in key for key in found)
    assert {key[0] for key in found if THREE in key} == {
        "quorum_vote_cut_addresses",
        "quorum_vote_moved_timestamp_seconds",
    }


def test_an_address_that_is_no_target_has_no_series() -> None:
    found = drawn(replace(OUTVOTED, voters=(OWN, voter("w", TWO, "192.0.2.99"))))
    assert {key[2] for key in found if key[:2] == ("quorum_vote_down", "w")} == {"app-b"}


def test_before_the_first_read_nothing_is_settled_and_without_quorum_there_is_nothing() -> None:
    assert drawn(None)["quorum_settled",] == 0
    report = replace(report_of(OUTVOTED), pool=replace(report_of(None).pool, quorum=None))
    assert list(vote_samples.samples(report, NAMES, 0.0)) == []


# --- for people ---------------------------------------------------------------------------


def test_the_page_has_the_observers_and_what_each_says() -> None:
    html = page(shown(OUTVOTED)).decode()
    assert "3 observers are counted, 2 of them decide" in html
    assert f"2 of 3 observers hold it down: {THREE} and w" in html
    assert f"<dt>w</dt><dd>votes; down: {TWO} <small>renewed" in html
    assert f'<b class="attention">this daemon; in the minority on {TWO}</b>' in html
    assert "Votes</h3>" not in page(shown_without()).decode()


def shown_without() -> Document:
    states = up(0), down(1)
    return document_of(*states, report=pool_of(*states, published=states))


def test_the_verbs_name_the_votes() -> None:
    status = shown(OUTVOTED)
    lines = text.of_status(status)
    assert "votes: 3 observers are counted, 2 of them decide" in lines
    assert f"votes: w: votes; down: {TWO}; renewed 3 s ago" in lines
    explained = text.of_explanation(explain(status, TWO))
    assert f"votes:         2 of 3 observers hold it down: {THREE} and w\n" in explained
    explained = text.of_explanation(explain(status, THREE))
    assert "votes:         none of 3 observers holds it down\n" in explained
    assert "votes:" not in text.of_explanation(explain(shown_without(), TWO))


def test_a_drain_by_another_is_told_with_its_name() -> None:
    count = replace(OUTVOTED, verdicts={}, drained={THREE: ("w",)})
    explained = text.of_explanation(explain(shown(count), THREE))
    assert "votes:         drained by w\n" in explained


@pytest.mark.parametrize(
    ("count", "level", "said"),
    [
        (ALONE, "attention", "app-b is down from here, and up for most observers"),
        (OUTVOTED, "trouble", "app-b has been down for 40 s and is still published"),
        (
            replace(ALONE, unsettled=Unsettled.UNREAD),
            "trouble",
            "the votes of the observers cannot",
        ),
        (replace(ALONE, unsettled=Unsettled.WATCHING), "trouble", "and is still published"),
        (None, "trouble", "and is still published"),
    ],
    ids=["outvoted", "voted down", "unread", "watching", "before the first read"],
)
def test_the_verdict_counts_the_votes(count: Count | None, level: str, said: str) -> None:
    found = shown(count)["pools"][0]["verdict"]
    assert found["level"] == level
    assert said in found["text"]


# --- the log ------------------------------------------------------------------------------


def told(*counts: Count | None) -> list[tuple[str, str]]:
    """The events of these counts, one after the other."""
    journal = Journal(lambda: NOW)
    for before, after in zip((None, *counts), counts, strict=False):
        journal.cycled(report_of(before) if before else None, report_of(after))
    return [(event.name, event.text) for event in reversed(journal.events())]


def test_what_changes_is_told_once() -> None:
    lines = told(OUTVOTED, OUTVOTED, replace(OUTVOTED, read_at=NOW))
    assert lines == [
        ("vote", f"{THREE} holds {TWO} down"),
        ("vote", f"w holds {TWO} down"),
        ("voted_down", f"2 of 3 observers hold {TWO} down"),
    ]


def test_a_verdict_is_told_in_each_of_its_turns() -> None:
    tied = Count((OWN, voter(THREE)), of=2, verdicts={TWO: Verdict(1, 2)})
    agreed = Count((OWN, voter(THREE, TWO)), of=2, verdicts={TWO: Verdict(2, 2)})
    events = [name for name, _ in told(Count((OWN,)), tied, agreed, tied, Count((OWN,), of=2))]
    assert [e for e in events if e != "vote"] == [
        "votes_tied",
        "voted_down",
        "votes_tied",
        "voted_up",
    ]


def test_a_vote_that_grows_old_is_told_once_and_unsettled_votes_are_told_with_their_end() -> None:
    stale = replace(OUTVOTED, voters=(OWN, voter("w", TWO, standing=Standing.STALE)))
    unread = replace(stale, unsettled=Unsettled.UNREAD)
    lines = told(OUTVOTED, stale, stale, unread, unread, stale)
    assert [name for name, _ in lines[3:]] == ["vote_stale", "votes_unsettled", "votes_settled"]


def test_only_trouble_with_our_own_vote_is_told_and_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    journal = Journal(lambda: NOW)
    with caplog.at_level(logging.DEBUG, "dnsbalancer"):
        for event in ("cast", "failed", "failed", "cast", "taken_back", "failed", "cut", "tidied"):
            journal.voted("p", event, "what happened")
    names = [event.name for event in reversed(journal.events())]
    assert names == ["vote_failed", "vote_failed", "vote_cut", "vote_tidied"]
    assert len(caplog.records) == 8, "the others are for who debugs"
