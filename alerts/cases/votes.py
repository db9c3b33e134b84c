"""Cases of alerts/rules/votes.py."""

from __future__ import annotations

from alerts.cases.shape import Case, s

OBSERVER = {"observer": "192.0.2.1"}

VOTES = (
    Case(
        "QuorumLost",
        "fires when the votes cannot be read",
        (s("quorum_settled", "1x10 0x200"),),
        "20m",
        ("QuorumLost instance=a pool=web",),
        ("QuorumLost pool=web",),
        not_yet="12m",
    ),
    Case(
        "QuorumLost",
        "fires when the observers are exactly divided",
        (
            s("quorum_settled", 1),
            s("quorum_targets", "0x10 2x200", verdict="tied"),
            s("quorum_targets", "2x10 0x200", verdict="up"),
        ),
        "20m",
        ("QuorumLost instance=a pool=web",),
        ("QuorumLost pool=web",),
        not_yet="12m",
    ),
    Case(
        "QuorumLost",
        "is silent after a start, while a dead machine still counts, and when it is voted down",
        (
            s("quorum_settled", "0x8 1x200"),
            s("quorum_targets", "0x20 1x8 0x200", verdict="tied"),
            s("quorum_targets", "0x28 1x200", verdict="down"),
        ),
        "25m",
    ),
    Case(
        "ObserverDisagrees",
        "fires when one sees it otherwise for long",
        (
            s("quorum_observer_disagreements", "0x10 2x200", **OBSERVER),
            s("quorum_observer_disagreements", 0, observer="192.0.2.2"),
        ),
        "30m",
        ("ObserverDisagrees instance=a pool=web",),
        ("ObserverDisagrees pool=web",),
        not_yet="15m",
    ),
    Case(
        "ObserverDisagrees",
        "is silent about an observer that is cut off for ten minutes",
        (s("quorum_observer_disagreements", "0x10 1x20 0x200", **OBSERVER),),
        "20m",
    ),
)
