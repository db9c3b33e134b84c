"""What DNS says, and who writes it."""

from __future__ import annotations

from alerts.rules.shape import Alert, Group

ZONE = Group(
    "dnsbalancer.zone",
    (
        Alert(
            name="RecordSetEmpty",
            severity="critical",
            wait="",
            why="Resolvers may keep the empty answer for as long as the zone's SOA says, so that "
            "one that is filled again is told for 15 minutes. A set that was never filled and is "
            "not to be filled is no fault.",
            summary="A DNS name has no address.",
            description="{{ $labels.record }} {{ $labels.record_type }} in zone "
            "{{ $labels.dns_zone }} was found empty by {{ $labels.instance }}.",
            expr="""\
last_over_time(dnsbalancer_record_addresses_published[3m]) == 0
and
(
  max_over_time(dnsbalancer_record_addresses_published[1d]) > 0
  or
  last_over_time(dnsbalancer_record_addresses_desired[3m]) > 0
)
and on (job, instance, pool)
last_over_time(dnsbalancer_zone_read_timestamp_seconds[3m]) > 0
or
increase(dnsbalancer_record_gaps_total[15m]) > 0
""",
            fleet_description="{{ $labels.record }} {{ $labels.record_type }} in zone "
            "{{ $labels.dns_zone }} was found empty by {{ $value }} daemons.",
        ),
        Alert(
            name="FailOpen",
            severity="critical",
            wait="1m",
            why="Only if no daemon that may write sees it otherwise: one that alone sees nobody is "
            "ObserverBlind.",
            summary="No target of a DNS name is up; dead addresses stay published.",
            description="Nothing in pool {{ $labels.pool }} answers {{ $labels.instance }}, nor "
            "any other daemon. DNS cannot help: the last addresses stay.",
            expr="""\
last_over_time(dnsbalancer_pool_fail_open[3m]) == 1
unless on (job, pool)
min by (job, pool) (
  last_over_time(dnsbalancer_pool_fail_open[3m])
  unless on (job, instance, pool)
  last_over_time(dnsbalancer_observe_mode[3m]) == 1
) == 0
""",
            fleet_description="Nothing in pool {{ $labels.pool }} answers any daemon. DNS cannot "
            "help: the last addresses stay.",
            fleet="""\
min without (instance) (
  last_over_time(dnsbalancer_pool_fail_open[3m])
  unless on (job, instance, pool)
  last_over_time(dnsbalancer_observe_mode[3m]) == 1
) == 1
""",
        ),
        Alert(
            name="DeadTargetPublished",
            severity="critical",
            wait="5m",
            why="Longer than an orderly withdrawal and a left-over lock take together. FailOpen "
            "and ObserveMode say the same of a whole pool. Whom the other observers outvote is "
            "ObserverDisagrees.",
            summary="DNS sends users to a target that is down.",
            description="{{ $labels.target }} of pool {{ $labels.pool }} is down for "
            "{{ $labels.instance }} and its address is still in the zone.",
            expr="""\
(
  last_over_time(dnsbalancer_target_published[3m]) == 1
  and on (job, instance, pool, target)
  last_over_time(dnsbalancer_target_state{state="down"}[3m]) == 1
)
unless on (job, instance, pool)
(
  last_over_time(dnsbalancer_pool_fail_open[3m]) == 1
  or
  last_over_time(dnsbalancer_observe_mode[3m]) == 1
)
unless on (job, instance, pool, target)
(
  2 * last_over_time(dnsbalancer_target_votes_down[3m])
    < on (job, instance, pool) group_left ()
  last_over_time(dnsbalancer_quorum_electorate[3m])
  and on (job, instance, pool)
  last_over_time(dnsbalancer_quorum_settled[3m]) == 1
)
""",
            fleet_description="{{ $labels.target }} of pool {{ $labels.pool }} is down for at "
            "least half of the daemons and its address is still in the zone.",
            fleet="""\
(
  max without (instance) (last_over_time(dnsbalancer_target_published[3m])) == 1
  and
  avg without (instance, state) (last_over_time(dnsbalancer_target_state{state="down"}[3m])) >= 0.5
)
unless on (job, pool)
(
  min without (instance) (last_over_time(dnsbalancer_pool_fail_open[3m])) == 1
  or
  min without (instance) (last_over_time(dnsbalancer_observe_mode[3m])) == 1
)
""",
        ),
        Alert(
            name="HealthyTargetMissing",
            severity="warning",
            wait="15m",
            why="Longer than a hold-down, which delays a return by 5 minutes at most.",
            summary="A target is up and DNS does not know it.",
            description="{{ $labels.target }} of pool {{ $labels.pool }} is up for "
            "{{ $labels.instance }} and its address has not been in the zone for 15 minutes.",
            expr="""\
(
  last_over_time(dnsbalancer_target_published[3m]) == 0
  and
  last_over_time(dnsbalancer_target_up[3m]) == 1
)
unless on (job, instance, pool)
last_over_time(dnsbalancer_observe_mode[3m]) == 1
unless
last_over_time(dnsbalancer_target_drained[3m]) == 1
""",
            fleet_description="{{ $labels.target }} of pool {{ $labels.pool }} is up for most "
            "daemons and its address has not been in the zone for 15 minutes.",
            fleet="""\
(
  max without (instance) (last_over_time(dnsbalancer_target_published[3m])) == 0
  and
  avg without (instance) (last_over_time(dnsbalancer_target_up[3m])) > 0.5
)
unless on (job, pool)
min without (instance) (last_over_time(dnsbalancer_observe_mode[3m])) == 1
unless
max without (instance) (last_over_time(dnsbalancer_target_drained[3m])) == 1
""",
        ),
        Alert(
            name="Contested",
            severity="warning",
            wait="5m",
            why="Either a withdrawal waits because the address keeps coming back, or we create "
            "more than targets return: then somebody else deletes.",
            summary="Two writers disagree about a DNS name.",
            description="Somebody writes against {{ $labels.instance }} in pool "
            "{{ $labels.pool }}: records come back that it withdraws, or go that it publishes.",
            expr="""\
max without (target) (last_over_time(dnsbalancer_target_contested[3m])) == 1
or
sum without (dns_zone, action) (
  increase(dnsbalancer_record_changes_total{action="create"}[30m])
)
  > 3
    + count without (dns_zone, record, record_type) (last_over_time(dnsbalancer_record_in_sync[3m]))
    * sum without (target, to) (increase(dnsbalancer_target_transitions_total{to="up"}[30m]))
""",
            fleet_description="Somebody writes against {{ $value }} daemons in pool "
            "{{ $labels.pool }}: records come back that are withdrawn, or go that are published.",
        ),
        Alert(
            name="LockTrouble",
            severity="warning",
            wait="5m",
            why="A left-over lock is broken after its lease, a minute; longer is no accident.",
            summary="Withdrawals wait for a lock that cannot be had.",
            description="Dead addresses of pool {{ $labels.pool }} stay in the zone as "
            "{{ $labels.instance }} cannot get the lock of withdrawals.",
            expr="""\
sum without (reason) (last_over_time(dnsbalancer_cycle_held{reason="no_lock"}[3m])) > 0
or
sum without (event) (
  increase(dnsbalancer_lock_events_total{event=~"failed|not_unique"}[15m])
) > 0
""",
            fleet_description="{{ $value }} daemons cannot get the lock of withdrawals "
            "{{ if $labels.pool }}for pool {{ $labels.pool }}{{ end }}.",
        ),
    ),
)
