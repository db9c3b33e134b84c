"""Daemon and API: the process, its cycles, the provider."""

from __future__ import annotations

from dashboards import shared
from dashboards.shape import (
    GREEN,
    ORANGE,
    Dashboard,
    Query,
    Section,
    Text,
    graph,
    stat,
    table,
    timeline,
)

EACH = "{{instance}}"

PROCESS = Section(
    "Daemons",
    (
        timeline(
            "Answers Prometheus",
            "Whether the last scrape went well.",
            Query("min by (instance) (up{@job})", EACH),
            texts=shared.WORKS,
            height=6,
        ),
        table(
            "Builds",
            "What runs where.",
            "max by (instance, version, python_version) (dnsbalancer_build_info{@job})",
            columns=(
                ("instance", "Daemon"),
                ("version", "Version"),
                ("python_version", "Python"),
                ("Value", "Runs"),
            ),
            texts=(Text(1, "YES", GREEN),),
            height=6,
        ),
        stat(
            "Running for",
            "Since each daemon was started.",
            "time() - max by (instance) (process_start_time_seconds{@job})",
            EACH,
            unit="s",
            width=12,
        ),
        stat(
            "Starts in the time that is shown",
            "Restarts of each daemon.",
            "max by (instance) (changes(process_start_time_seconds{@job}[$__range]))",
            EACH,
            steps=((GREEN, None), (ORANGE, 1)),
            width=12,
        ),
        graph(
            "Memory",
            "Resident memory.",
            Query("max by (instance) (process_resident_memory_bytes{@job})", EACH),
            unit="bytes",
            width=6,
        ),
        graph(
            "Processor",
            "Share of one core.",
            Query(
                "sum by (instance) (rate(process_cpu_seconds_total{@job}[$__rate_interval]))", EACH
            ),
            unit="percentunit",
            width=6,
        ),
        graph(
            "Open files",
            "File descriptors; the limit is usually 1024.",
            Query("max by (instance) (process_open_fds{@job})", EACH),
            decimals=0,
            width=6,
        ),
        graph(
            "Connections turned away",
            "At the metrics port: too many, too slow, no TLS, or no password.",
            Query(
                "sum by (reason) "
                "(increase(dnsbalancer_web_connections_rejected_total{@job}[$__rate_interval]))",
                "{{reason}}",
            ),
            style="bars",
            width=6,
        ),
    ),
)

CYCLES = Section(
    "Cycles",
    (
        graph(
            "Failovers, step by step",
            "Mean time from the first failed probe until the target was held down, the lock was "
            "held, the API had acknowledged, and every name server served it. Only while there are "
            "failovers.",
            Query(
                "sum by (pool, step) (increase(dnsbalancer_failover_duration_seconds_sum{@job}"
                "[$__range])) / (sum by (pool, step) (increase("
                "dnsbalancer_failover_duration_seconds_count{@job}[$__range])) > 0)",
                "{{pool}} {{step}}",
            ),
            unit="s",
        ),
        graph(
            "Delay of the event loop",
            "How late its heartbeat comes. Above a second probes are late, and late ones are "
            "discarded.",
            Query("max by (instance) (dnsbalancer_loop_lag_seconds{@job})", EACH),
            unit="s",
        ),
        graph(
            "Age of the last good cycle",
            "Seconds since the zone was read without error, and the configured interval.",
            Query(
                "time() - max by (instance, pool) "
                "(dnsbalancer_cycle_last_success_timestamp_seconds{@job})",
                "{{pool}} {{instance}}",
            ),
            Query("max by (pool) (dnsbalancer_cycle_interval_seconds{@job})", "{{pool}} interval"),
            unit="s",
        ),
        graph(
            "Cycles by outcome",
            "Per second: all, those that an error ended, and those that found nothing to change.",
            Query("sum(rate(dnsbalancer_cycles_total{@job}[$__rate_interval]))", "all"),
            Query("sum(rate(dnsbalancer_cycle_failures_total{@job}[$__rate_interval]))", "failed"),
            Query(
                "sum(rate(dnsbalancer_cycle_noops_total{@job}[$__rate_interval]))",
                "nothing to change",
            ),
            unit="ops",
        ),
        graph(
            "Duration of a cycle",
            "Half, and 95 of 100 cycles were quicker than this.",
            *(
                Query(
                    f"histogram_quantile({share}, sum by (le, instance) "
                    "(rate(dnsbalancer_cycle_duration_seconds_bucket{@job}[$__rate_interval])))",
                    f"{EACH} {word}",
                )
                for share, word in ((0.5, "median"), (0.95, "95th percentile"))
            ),
            unit="s",
        ),
        graph(
            "The lock of withdrawals",
            "What became of it. failed and not_unique are trouble; refused is another daemon that "
            "has it.",
            Query(
                "sum by (event) (increase(dnsbalancer_lock_events_total{@job}[$__rate_interval]))",
                "{{event}}",
            ),
            style="bars",
        ),
    ),
)

SERVED = Section(
    "Name servers (with the extra dns)",
    (
        timeline(
            "Name servers agree with the API",
            "Whether the last answer of each name server is what the API said last.",
            Query(
                "min by (resolver, record, record_type) (dnsbalancer_dns_in_sync{@job})",
                "{{resolver}} {{record}} {{record_type}}",
            ),
            texts=(Text(0, "DIFFERS", ORANGE), Text(1, "AGREES", GREEN)),
        ),
        graph(
            "From our write to every name server, 95th percentile",
            "95 of 100 writes were served by every name server sooner than this. Only while there "
            "are writes.",
            Query(
                "histogram_quantile(0.95, sum by (le, pool) "
                "(rate(dnsbalancer_dns_visible_seconds_bucket{@job}[$__rate_interval])))",
                "{{pool}}",
            ),
            unit="s",
        ),
        graph(
            "How long an answer is kept",
            "The highest TTL that is served, and for how long `no such record` is cached.",
            Query(
                "max by (record, record_type) (dnsbalancer_dns_ttl_seconds{@job})",
                "{{record}} {{record_type}} TTL",
            ),
            Query(
                "max by (dns_zone) (dnsbalancer_dns_soa_minimum_seconds{@job})",
                "{{dns_zone}} no such record",
            ),
            unit="s",
            style="step",
        ),
        graph(
            "Questions to name servers",
            "Per second, and those that failed.",
            Query(
                "sum by (resolver) (rate(dnsbalancer_dns_queries_total{@job}[$__rate_interval]))",
                "{{resolver}}",
            ),
            Query(
                "sum by (resolver, reason) "
                "(rate(dnsbalancer_dns_query_failures_total{@job}[$__rate_interval]))",
                "{{resolver}} {{reason}}",
            ),
            unit="reqps",
        ),
    ),
)

API = Section(
    "The provider's API",
    (
        timeline(
            "API",
            "Whether the last request succeeded.",
            Query("min by (instance) (dnsbalancer_api_up{@job})", EACH),
            texts=shared.WORKS,
        ),
        graph(
            "Share of requests that fail",
            "Of all HTTP attempts, retries included. Conflicts are part of taking the lock.",
            Query(
                "sum by (instance) "
                "(rate(dnsbalancer_api_request_failures_total{@job}[$__rate_interval])) / "
                "(sum by (instance) "
                "(rate(dnsbalancer_api_requests_total{@job}[$__rate_interval])) > 0)",
                EACH,
            ),
            unit="percentunit",
            soft_max=0.1,
        ),
        graph(
            "Requests",
            "HTTP attempts per second, by operation.",
            Query(
                "sum by (operation) (rate(dnsbalancer_api_requests_total{@job}[$__rate_interval]))",
                "{{operation}}",
            ),
            unit="reqps",
        ),
        graph(
            "Failures by reason",
            "Per second. auth: the login. rate_limited: too many requests. timeout, connection, "
            "server_error: theirs.",
            Query(
                "sum by (operation, reason) "
                "(rate(dnsbalancer_api_request_failures_total{@job}[$__rate_interval]))",
                "{{operation}} {{reason}}",
            ),
            unit="reqps",
            style="bars",
        ),
        graph(
            "Duration of a request, 95th percentile",
            "95 of 100 attempts were quicker than this.",
            Query(
                "histogram_quantile(0.95, sum by (le, operation) "
                "(rate(dnsbalancer_api_request_duration_seconds_bucket{@job}[$__rate_interval])))",
                "{{operation}}",
            ),
            unit="s",
        ),
        graph(
            "Answers by status",
            "HTTP answers per second, by status code.",
            Query(
                "sum by (code) (rate(dnsbalancer_api_responses_total{@job}[$__rate_interval]))",
                "{{code}}",
            ),
            unit="reqps",
            style="bars",
        ),
    ),
)

UPKEEP = Section(
    "Configuration and state",
    (
        timeline(
            "Configuration in use",
            "Whether the configuration that was last read is in use.",
            Query("min by (instance) (dnsbalancer_config_last_reload_successful{@job})", EACH),
            texts=shared.WORKS,
            width=8,
        ),
        timeline(
            "State saved",
            "Whether drains and memory could last be saved.",
            Query("min by (instance) (dnsbalancer_state_last_save_successful{@job})", EACH),
            texts=shared.WORKS,
            width=8,
        ),
        graph(
            "Reloads",
            "Times that the configuration was read again, and refused.",
            Query(
                "sum by (instance) "
                "(increase(dnsbalancer_config_reloads_total{@job}[$__rate_interval]))",
                f"{EACH} read",
            ),
            Query(
                "sum by (instance) "
                "(increase(dnsbalancer_config_reload_failures_total{@job}[$__rate_interval]))",
                f"{EACH} refused",
            ),
            style="bars",
            width=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="dnsbalancer-daemon",
    title="DNS balancer / Daemon and API",
    description="The process, its cycles, the provider.",
    variables=shared.VARIABLES,
    annotations=(*shared.transitions("@job"), shared.RELOADS, shared.RESTARTS),
    sections=(PROCESS, CYCLES, API, SERVED, UPKEEP),
)
