"""What the daemon needs: the provider's API, and a configuration that is as it was meant."""

from __future__ import annotations

from alerts.rules.shape import Alert, Group

API = Group(
    "dnsbalancer.api",
    (
        Alert(
            name="LoginRefused",
            severity="critical",
            wait="1m",
            why="Refused logins are tried again after 1 to 15 minutes, so the window is longer; "
            "an expired token is renewed at once, and the API is up then.",
            summary="The DNS provider refuses the login.",
            description="{{ $labels.instance }} may not use the provider's API. The zone stays as "
            "it is: no failover is possible.",
            expr="""\
sum without (operation, reason) (
  increase(dnsbalancer_api_request_failures_total{reason="auth"}[20m])
) > 0
and
last_over_time(dnsbalancer_api_up[3m]) == 0
""",
            fleet_description="{{ $value }} daemons may not use the provider's API: no failover "
            "is possible from there.",
        ),
        Alert(
            name="ApiFailing",
            severity="warning",
            wait="5m",
            why="Conflicts are how the lock and creates find out; auth has an alert of its own. "
            "15 minutes are five requests at the default interval.",
            summary="Many requests to the DNS provider fail.",
            description="{{ $value | humanizePercentage }} of the API requests of "
            "{{ $labels.instance }} failed in 15 minutes.",
            expr="""\
sum without (operation, reason) (
  increase(dnsbalancer_api_request_failures_total{reason!~"auth|conflict"}[15m])
)
/
(sum without (operation) (increase(dnsbalancer_api_requests_total[15m])) > 0)
  > 0.25
""",
            fleet_description="More than a quarter of the API requests of {{ $value }} daemons "
            "failed in 15 minutes.",
        ),
    ),
)

UPKEEP = Group(
    "dnsbalancer.upkeep",
    (
        Alert(
            name="ReloadFailed",
            severity="warning",
            wait="",
            why="Its own file, web_config_file, or a targets_file. The maximum, so that a missed "
            "scrape, or a certificate that comes before its key, is no news.",
            summary="A configuration was refused; the old one stays in use.",
            description="{{ $labels.instance }} runs on a configuration that is not the one on "
            "its disk{{ with $labels.file }}: {{ . }} is refused{{ end }}.",
            expr="""\
max_over_time(dnsbalancer_config_last_reload_successful[5m]) == 0
or
max_over_time(dnsbalancer_web_config_last_reload_successful[5m]) == 0
or
max_over_time(dnsbalancer_targets_file_last_load_successful[5m]) == 0
""",
            fleet_description="{{ $value }} daemons run on a configuration that is not the one on "
            "their disk.",
        ),
        Alert(
            name="ConfigDiffers",
            severity="warning",
            wait="15m",
            why="Files differ by `own_ip`, so hashes do not tell. What must be equal is compared: "
            "the floor, the mode, the interval, and what is probed for a target.",
            summary="The daemons of a fleet are configured differently.",
            description="The daemons that manage pool {{ $labels.pool }} do not agree on "
            "min_records, mode, interval, or on how a target is probed.",
            expr="""\
max without (instance) (last_over_time(dnsbalancer_pool_min_records[3m]))
  > min without (instance) (last_over_time(dnsbalancer_pool_min_records[3m]))
or
max without (instance) (last_over_time(dnsbalancer_observe_mode[3m]))
  > min without (instance) (last_over_time(dnsbalancer_observe_mode[3m]))
or
max without (instance) (last_over_time(dnsbalancer_cycle_interval_seconds[3m]))
  > min without (instance) (last_over_time(dnsbalancer_cycle_interval_seconds[3m]))
or
count by (job, pool) (
  count by (job, pool, target, probe, address, port) (last_over_time(dnsbalancer_target_info[3m]))
)
  > count by (job, pool) (count by (job, pool, target) (last_over_time(dnsbalancer_target_up[3m])))
""",
            fleet_description="The daemons that manage pool {{ $labels.pool }} do not agree on "
            "min_records, mode, interval, or on how a target is probed.",
            fleet="same",
        ),
        Alert(
            name="ObserveMode",
            severity="info",
            wait="1h",
            why="Good for a trial, and forgotten afterwards.",
            summary="A DNS failover daemon only watches.",
            description="{{ $labels.instance }} never writes the zone of pool {{ $labels.pool }}.",
            expr="""\
last_over_time(dnsbalancer_observe_mode[3m]) == 1
""",
            fleet_description="{{ $value }} daemons never write the zone of pool "
            "{{ $labels.pool }}.",
        ),
        Alert(
            name="StateNotSaved",
            severity="warning",
            wait="",
            why="Until the next restart nothing is lost. The maximum, so that one bad attempt is "
            "no news.",
            summary="A DNS failover daemon cannot save its drains and its memory.",
            description="{{ $labels.instance }} cannot write its state_dir: a restart would "
            "forget drains and withdrawn targets.",
            expr="""\
max_over_time(dnsbalancer_state_last_save_successful[10m]) == 0
""",
            fleet_description="{{ $value }} daemons cannot write their state_dir: a restart would "
            "forget drains and withdrawn targets.",
        ),
        Alert(
            name="CertificateExpiring",
            severity="warning",
            wait="1h",
            why="Two weeks: who renews by hand has time, what renews by itself has failed by then. "
            "Of the metrics port, and of each target that is probed by https.",
            summary="A certificate expires soon.",
            description="The certificate of {{ if $labels.target }}{{ $labels.target }} of pool "
            "{{ $labels.pool }}, by {{ end }}{{ $labels.instance }}{{ if $labels.target }},{{ end }} "
            "{{ if lt $value 0.0 }}has expired{{ else }}expires in "
            "{{ $value | humanizeDuration }}{{ end }}.",
            expr="""\
last_over_time(dnsbalancer_web_tls_certificate_expiry_timestamp_seconds[3m]) - time()
  < 14 * 86400
or
last_over_time(dnsbalancer_probe_tls_certificate_expiry_timestamp_seconds[3m]) - time()
  < 14 * 86400
""",
            fleet_description="{{ if $labels.target }}The certificate of {{ $labels.target }} of "
            "pool {{ $labels.pool }} expires within two weeks, or has expired, for {{ $value }} "
            "daemons{{ else }}The certificates of {{ $value }} daemons expire within two weeks, or "
            "have expired{{ end }}.",
        ),
    ),
)
