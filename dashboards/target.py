"""Target: what probes found, what was made of it, and what the zone says."""

from __future__ import annotations

from dashboards import shared
from dashboards.shape import (
    BLUE,
    GREEN,
    ORANGE,
    RED,
    Dashboard,
    Query,
    Section,
    Text,
    graph,
    stat,
    table,
    timeline,
)

NAME = "{{pool}} {{target}}"
PROBED = (Text(0, "FAILED", RED), Text(1, "ANSWERED", GREEN))
STATE = (
    'max by (instance, pool, target) (dnsbalancer_target_state{@target,state="unknown"}) '
    '+ 2 * max by (instance, pool, target) (dnsbalancer_target_state{@target,state="down"})'
)


def _quantile(share: float) -> str:
    return (
        f"histogram_quantile({share}, sum by (le, pool, target) "
        "(rate(dnsbalancer_probe_duration_seconds_bucket{@target}[$__rate_interval])))"
    )


NOW = Section(
    "Now",
    (
        stat(
            "Health",
            "UP: every daemon holds it UP. DISPUTED: some do, some do not.",
            "avg by (pool, target) (dnsbalancer_target_up{@target})",
            NAME,
            texts=shared.HEALTH,
            unit="none",
            width=8,
        ),
        stat(
            "In the zone",
            "Whether the zone had its address when it was last read.",
            "max by (pool, target) (dnsbalancer_target_published{@target})",
            NAME,
            texts=shared.PUBLISHED,
            unit="none",
            width=8,
        ),
        stat(
            "Failures in a row",
            "Probes that failed one after another up to now, by the daemon with most.",
            "max by (pool, target) (dnsbalancer_target_consecutive_failures{@target})",
            NAME,
            steps=((GREEN, None), (ORANGE, 1)),
            width=8,
        ),
        stat(
            "Last change",
            "When a daemon last changed its mind about it.",
            "max by (pool, target) "
            "(dnsbalancer_target_last_transition_timestamp_seconds{@target} > 0) * 1000",
            NAME,
            unit="dateTimeFromNow",
            width=8,
        ),
        stat(
            "Last answer took",
            "The last successful probe, by the slowest daemon; nothing while it does not answer.",
            "max by (pool, target) (dnsbalancer_probe_last_duration_seconds{@target})",
            NAME,
            unit="s",
            width=8,
        ),
        stat(
            "Failed probes",
            "Their share in the time that is shown.",
            "sum by (pool, target) "
            "(increase(dnsbalancer_probe_failures_total{@target}[$__range])) / "
            "sum by (pool, target) (increase(dnsbalancer_probes_total{@target}[$__range]))",
            NAME,
            unit="percentunit",
            decimals=1,
            steps=((GREEN, None), (ORANGE, 0.01), (RED, 0.1)),
            width=8,
        ),
    ),
)

JUDGED = Section(
    "What probes found, and what was made of it",
    (
        timeline(
            "Last probe",
            "What the last probe found, before anything is confirmed.",
            Query(
                "min by (instance, pool, target) (dnsbalancer_probe_success{@target})",
                "{{target}} from {{instance}}",
            ),
            texts=PROBED,
        ),
        timeline(
            "What each daemon believes",
            "The state after `fall` failures or `rise` successes in a row.",
            Query(STATE, "{{target}} for {{instance}}"),
            texts=shared.STATE,
        ),
        timeline(
            "In the zone, as each daemon read it",
            "Whether the zone had the address.",
            Query(
                "max by (instance, pool, target) (dnsbalancer_target_published{@target})",
                "{{target}} for {{instance}}",
            ),
            texts=shared.PUBLISHED,
        ),
        timeline(
            "Drained, or contested",
            "Whether an operator has drained it, and whether it stays as somebody keeps putting it "
            "back.",
            Query(
                "max by (pool, target) (dnsbalancer_target_drained{@target}) "
                "+ 2 * max by (pool, target) (dnsbalancer_target_contested{@target})",
                "{{target}}",
            ),
            texts=(
                Text(0, "NEITHER", GREEN),
                Text(1, "DRAINED", BLUE),
                Text(2, "CONTESTED", ORANGE),
                Text(3, "DRAINED AND CONTESTED", ORANGE),
            ),
        ),
        graph(
            "Failures and successes in a row",
            "The run of equal results up to now; `fall` and `rise` of them change a mind.",
            Query(
                "max by (pool, target) (dnsbalancer_target_consecutive_failures{@target})",
                "{{target}} failures",
            ),
            Query(
                "max by (pool, target) (clamp_max("
                "dnsbalancer_target_consecutive_successes{@target}, 20))",
                "{{target}} successes, at most 20",
            ),
            style="step",
            decimals=0,
        ),
        graph(
            "Changes of mind",
            "Transitions, by all daemons.",
            Query(
                "sum by (target, to) "
                "(increase(dnsbalancer_target_transitions_total{@target}[$__rate_interval]))",
                "{{target}} to {{to}}",
            ),
            style="bars",
        ),
        graph(
            "Age of the last probe",
            "By the daemon that is furthest behind, and the interval of a settled target.",
            Query(
                "time() - min by (pool, target) "
                "(dnsbalancer_probe_last_run_timestamp_seconds{@target})",
                "{{target}} age",
            ),
            Query(
                "max by (pool, target) (dnsbalancer_probe_interval_seconds{@target})",
                "{{target}} interval",
            ),
            unit="s",
        ),
        graph(
            "Probes",
            "Finished probes per second, by all daemons.",
            Query(
                "sum by (pool, target) (rate(dnsbalancer_probes_total{@target}[$__rate_interval]))",
                "{{target}}",
            ),
            unit="ops",
        ),
    ),
)

PROBES = Section(
    "Probes",
    (
        graph(
            "Latency of successful probes",
            "Half, 95 and 99 of 100 were quicker than this.",
            Query(_quantile(0.5), "{{target}} median"),
            Query(_quantile(0.95), "{{target}} 95th percentile"),
            Query(_quantile(0.99), "{{target}} 99th percentile"),
            unit="s",
        ),
        graph(
            "Failures by reason",
            "Probes per second that did not succeed. no_route, permission, resources, late and "
            "internal are the observer's fault and count for nothing.",
            Query(
                "sum by (target, reason) "
                "(rate(dnsbalancer_probe_failures_total{@target}[$__rate_interval]))",
                "{{target}} {{reason}}",
            ),
            unit="ops",
            style="bars",
        ),
        table(
            "How it is probed",
            "Address, protocol and port, and the deadline of a probe in seconds.",
            "max by (instance, pool, target, address, probe, port) "
            "(dnsbalancer_target_info{@target}) "
            "* on (instance, pool, target) group_left () "
            "max by (instance, pool, target) (dnsbalancer_probe_timeout_seconds{@target})",
            columns=(
                ("target", "Target"),
                ("Value", "Deadline"),
                ("instance", "Daemon"),
                ("pool", "Pool"),
                ("address", "Address"),
                ("probe", "Probe"),
                ("port", "Port"),
            ),
            unit="s",
            width=24,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="dnsbalancer-target",
    title="DNS balancer / Target",
    description="What probes found, what was made of it, and what the zone says.",
    variables=(*shared.VARIABLES, shared.POOL, shared.TARGET),
    annotations=(*shared.transitions("@target"), shared.RELOADS, shared.RESTARTS),
    sections=(NOW, JUDGED, PROBES),
)
