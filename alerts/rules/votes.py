"""Whether the observers of a pool with `quorum` can agree. Without it there are no such series."""

from __future__ import annotations

from alerts.rules.shape import Alert, Group

VOTES = Group(
    "dnsbalancer.votes",
    (
        Alert(
            name="QuorumLost",
            severity="warning",
            wait="10m",
            why="Longer than the lease for which a daemon watches after its start, and than a "
            "machine that died needs to be silent.",
            summary="The observers of a DNS name have no majority.",
            description="In pool {{ $labels.pool }} votes withdraw nobody, says "
            "{{ $labels.instance }}: they cannot be read, or the observers are exactly divided.",
            expr="""\
last_over_time(dnsbalancer_quorum_settled[3m]) == 0
or
sum without (verdict) (last_over_time(dnsbalancer_quorum_targets{verdict="tied"}[3m])) > 0
""",
            fleet_description="In pool {{ $labels.pool }} votes withdraw nobody, say {{ $value }} "
            "daemons: they cannot be read, or the observers are exactly divided.",
        ),
        Alert(
            name="ObserverDisagrees",
            severity="warning",
            wait="15m",
            why="An observer that is cut off for a moment is no news. What the majority says is "
            "done; this one cannot see what the others see, or they cannot.",
            summary="An observer has been in the minority for a quarter of an hour.",
            description="{{ $labels.observer }} sees {{ $value }} targets of pool "
            "{{ $labels.pool }} otherwise than most observers, as {{ $labels.instance }} counts.",
            expr="""\
last_over_time(dnsbalancer_quorum_observer_disagreements[3m]) > 0
""",
            fleet_description="{{ $labels.observer }} sees {{ $value }} targets of pool "
            "{{ $labels.pool }} otherwise than most observers.",
            fleet="""\
max without (instance) (last_over_time(dnsbalancer_quorum_observer_disagreements[3m])) > 0
""",
        ),
    ),
)
