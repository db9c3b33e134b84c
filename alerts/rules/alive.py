"""Is anybody there: what tells that the daemon has stopped quietly."""

from __future__ import annotations

from alerts.rules.shape import Alert, Group

ALIVE = Group(
    "dnsbalancer.alive",
    (
        Alert(
            name="Unreachable",
            severity="critical",
            wait="3m",
            why="Nothing is discovered, or nobody answers: nothing watches, and nobody would tell.",
            summary="No DNS failover daemon can be scraped.",
            description="No daemon of job {{ $labels.job }} has answered Prometheus for 3 minutes.",
            expr="""\
absent(up{job="dnsbalancer"})
or
max by (job) (up{job="dnsbalancer"}) == 0
""",
            fleet_description="No daemon of job {{ $labels.job }} has answered Prometheus for "
            "3 minutes.",
            fleet="same",
        ),
        Alert(
            name="Unreachable",
            severity="warning",
            wait="2m",
            why="An average, so that one that answers now and then is noticed, too.",
            summary="A DNS failover daemon cannot be scraped.",
            description="{{ $labels.instance }} failed more than half of its scrapes in 10 "
            "minutes ({{ $value | humanizePercentage }} went well).",
            expr="""\
avg_over_time(up{job="dnsbalancer"}[10m]) < 0.5
""",
            fleet_description="{{ $value }} daemons of job {{ $labels.job }} failed more than "
            "half of their scrapes in 10 minutes.",
        ),
        Alert(
            name="Stalled",
            severity="critical",
            wait="1m",
            why="A timestamp of 0 means never, and is old as it should be. At least 5 and 2 "
            "minutes, whatever the interval is: shorter ones are an outage of the API, not ours.",
            summary="A DNS failover daemon has stopped probing or reading its zone.",
            description="Pool {{ $labels.pool }} on {{ $labels.instance }}: the last good cycle, or"
            " the last probe of a target, was "
            "{{ if gt $value 1e9 }}never{{ else }}{{ $value | humanizeDuration }} ago{{ end }}.",
            expr="""\
time() - last_over_time(dnsbalancer_cycle_last_success_timestamp_seconds[3m])
  > clamp_min(3 * last_over_time(dnsbalancer_cycle_interval_seconds[3m]), 300)
or
max without (target, probe) (
  time() - last_over_time(dnsbalancer_probe_last_run_timestamp_seconds[3m])
    > clamp_min(3 * last_over_time(dnsbalancer_probe_interval_seconds[3m]), 120)
)
""",
            fleet_description="{{ $value }} daemons have stopped probing or reading the zone of "
            "pool {{ $labels.pool }}.",
        ),
        Alert(
            name="Restarting",
            severity="warning",
            wait="",
            why="Three restarts are an upgrade that went badly, four are a loop.",
            summary="A DNS failover daemon restarts again and again.",
            description="{{ $labels.instance }} has started {{ $value }} times in 30 minutes.",
            expr="""\
changes(process_start_time_seconds{job="dnsbalancer"}[30m]) > 3
""",
            fleet_description="{{ $value }} daemons have started more than 3 times in 30 minutes.",
        ),
    ),
)
