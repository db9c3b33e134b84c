"""What the daemon believes of its targets, and whether it can know."""

from __future__ import annotations

from alerts.rules.shape import Alert, Group

TARGETS = Group(
    "dnsbalancer.targets",
    (
        Alert(
            name="TargetDown",
            severity="warning",
            wait="",
            why="The failover alert. The daemon has confirmed it `fall` times already. Who is "
            "drained may be down.",
            summary="A target is down; its address leaves DNS.",
            description="{{ $labels.target }} of pool {{ $labels.pool }} is down for "
            "{{ $labels.instance }}.",
            expr="""\
max without (state) (last_over_time(dnsbalancer_target_state{state="down"}[3m])) == 1
unless
last_over_time(dnsbalancer_target_drained[3m]) == 1
""",
            fleet_description="{{ $labels.target }} of pool {{ $labels.pool }} is down for "
            "{{ $value | humanizePercentage }} of the daemons.",
            fleet="""\
avg without (instance, state) (last_over_time(dnsbalancer_target_state{state="down"}[3m])) >= 0.5
unless
max without (instance) (last_over_time(dnsbalancer_target_drained[3m])) == 1
""",
        ),
        Alert(
            name="NoRedundancy",
            severity="warning",
            wait="5m",
            why="The next failure takes the name down. The best view counts in a fleet.",
            summary="Only one target of a DNS name is up.",
            description="{{ $labels.instance }} sees one target of pool {{ $labels.pool }} up.",
            expr="""\
last_over_time(dnsbalancer_pool_targets_healthy[3m]) == 1
and
last_over_time(dnsbalancer_pool_targets[3m]) > 1
""",
            fleet_description="No daemon sees more than one target of pool {{ $labels.pool }} up.",
            fleet="""\
max without (instance) (last_over_time(dnsbalancer_pool_targets_healthy[3m])) == 1
and
max without (instance) (last_over_time(dnsbalancer_pool_targets[3m])) > 1
""",
        ),
        Alert(
            name="TargetFlapping",
            severity="warning",
            wait="",
            why="Three outages in half an hour. One change more is the first one after a start.",
            summary="A target goes down and comes back again and again.",
            description="{{ $labels.target }} of pool {{ $labels.pool }} changed its state "
            '{{ printf "%.0f" $value }} times in 30 minutes for {{ $labels.instance }}.',
            expr="""\
sum without (to) (increase(dnsbalancer_target_transitions_total[30m])) > 6
""",
            fleet_description="{{ $labels.target }} of pool {{ $labels.pool }} changed its state "
            '{{ printf "%.0f" $value }} times in 30 minutes.',
            fleet="""\
max without (instance) (
  sum without (to) (increase(dnsbalancer_target_transitions_total[30m]))
) > 6
""",
        ),
        Alert(
            name="ObserverBlind",
            severity="critical",
            fleet_severity="warning",
            wait="3m",
            why="Its verdicts are worth nothing: most probes fail here and not at the target, all "
            "references are down, it is held to be isolated, or it sees nobody and others do.",
            summary="A DNS failover daemon cannot see its targets.",
            description="{{ $labels.instance }} cannot judge pool {{ $labels.pool }}: the fault "
            "is on its own machine or network.",
            expr="""\
sum without (target, probe, reason) (
  increase(
    dnsbalancer_probe_failures_total{reason=~"no_route|permission|resources|late|internal"}[15m]
  )
)
  > 0.5 * sum without (target, probe) (increase(dnsbalancer_probes_total[15m]))
or
sum without (reason) (last_over_time(dnsbalancer_cycle_held{reason="isolated"}[3m])) > 0
or
max without (target) (last_over_time(dnsbalancer_reference_up[3m])) == 0
or
(
  last_over_time(dnsbalancer_pool_targets_healthy[3m]) == 0
  and on (job, pool)
  max by (job, pool) (last_over_time(dnsbalancer_pool_targets_healthy[3m])) > 0
)
""",
            fleet_description="{{ $value }} daemons cannot judge pool {{ $labels.pool }}: the "
            "fault is on their own machines or network.",
        ),
    ),
)
