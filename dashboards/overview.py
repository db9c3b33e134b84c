"""Overview: is it alive, what does it believe, what did it do."""

from __future__ import annotations

from dashboards import shared
from dashboards.shape import (
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

LATENCY = (
    "histogram_quantile(0.95, sum by (le, pool, target) "
    "(rate(dnsbalancer_probe_duration_seconds_bucket{@pool}[$__rate_interval])))"
)

ALIVE = Section(
    "Is it alive?",
    (
        stat(
            "Daemons that answer",
            "How many daemons Prometheus could scrape last.",
            "sum(up{@job})",
            steps=((RED, None), (GREEN, 1)),
        ),
        stat(
            "Pools available",
            "Whether every pool has a target that is up and in the zone, by the best view.",
            "min(max by (pool) (dnsbalancer_pool_available{@pool}))",
            texts=(Text(0, "NOT ALL", RED), Text(1, "ALL", GREEN)),
            unit="none",
        ),
        stat(
            "Targets held down",
            "Targets that at least one daemon holds DOWN.",
            'sum(max by (pool, target) (dnsbalancer_target_state{@pool,state="down"}))',
            steps=((GREEN, None), (RED, 1)),
        ),
        stat(
            "Withdrawals withheld",
            "Dead addresses that stay in the zone for a reason; which, is told below.",
            "sum(max by (pool, reason) (dnsbalancer_cycle_held{@pool}))",
            steps=((GREEN, None), (ORANGE, 1)),
        ),
        stat(
            "Since the last good cycle",
            "How long ago the zone was last read without error, by the daemon that is furthest "
            "behind.",
            "time() - min(dnsbalancer_cycle_last_success_timestamp_seconds{@pool})",
            unit="s",
            decimals=0,
            steps=((GREEN, None), (ORANGE, 300), (RED, 600)),
        ),
        stat(
            "Provider's API",
            "Whether the last request of every daemon to the provider's API succeeded.",
            "min(dnsbalancer_api_up{@job})",
            texts=shared.WORKS,
            unit="none",
        ),
        stat(
            "Configuration",
            "Whether every daemon runs on the configuration that was last read.",
            "min(dnsbalancer_config_last_reload_successful{@job})",
            texts=(Text(0, "REFUSED", RED), Text(1, "IN USE", GREEN)),
            unit="none",
        ),
        stat(
            "Mode",
            "Whether there is a pool that is only watched and never written.",
            "max(dnsbalancer_observe_mode{@pool})",
            texts=(Text(0, "WRITES", GREEN), Text(1, "ONLY WATCHES", ORANGE)),
            unit="none",
        ),
    ),
)

BELIEVES = Section(
    "What does it believe?",
    (
        timeline(
            "Health of the targets",
            "UP: every daemon holds the target UP. DISPUTED: some do, some do not. "
            "NOT UP: none does.",
            Query("avg by (pool, target) (dnsbalancer_target_up{@pool})", "{{pool}} {{target}}"),
            texts=shared.HEALTH,
        ),
        timeline(
            "Addresses in the zone",
            "Whether the zone had the address of a target when it was last read.",
            Query(
                "max by (pool, target) (dnsbalancer_target_published{@pool})", "{{pool}} {{target}}"
            ),
            texts=shared.PUBLISHED,
        ),
        table(
            "Targets",
            "What is probed, and the share of daemons that hold it UP. A target leads to its own "
            "dashboard.",
            "max by (pool, target, address, probe, port) (dnsbalancer_target_info{@pool}) "
            "* on (pool, target) group_left () "
            "avg by (pool, target) (dnsbalancer_target_up{@pool})",
            width=24,
            height=7,
            columns=(
                ("target", "Target"),
                ("Value", "Health"),
                ("pool", "Pool"),
                ("address", "Address"),
                ("probe", "Probe"),
                ("port", "Port"),
            ),
            texts=shared.HEALTH,
            link="/d/dnsbalancer-target?${__url_time_range}&${datasource:queryparam}"
            "&${job:queryparam}&var-pool=${__data.fields.Pool}&var-target=${__data.fields.Target}",
        ),
        graph(
            "Targets that are up",
            "Targets that are UP by the best view, all targets, and how many a withdrawal leaves.",
            Query("max by (pool) (dnsbalancer_pool_targets_healthy{@pool})", "{{pool}} up"),
            Query("max by (pool) (dnsbalancer_pool_targets{@pool})", "{{pool}} all"),
            Query("max by (pool) (dnsbalancer_pool_min_records{@pool})", "{{pool}} floor"),
            style="step",
            decimals=0,
        ),
        graph(
            "Probe latency, 95th percentile",
            "95 of 100 successful probes were quicker than this.",
            Query(LATENCY, "{{pool}} {{target}}"),
            unit="s",
        ),
    ),
)

DID = Section(
    "What did it do?",
    (
        graph(
            "Addresses in the zone, and wanted",
            "Distinct addresses of each record set when it was last read, and after the plan.",
            Query(
                "max by (record, record_type) (dnsbalancer_record_addresses_published{@pool})",
                "{{record}} {{record_type}} in the zone",
            ),
            Query(
                "max by (record, record_type) (dnsbalancer_record_addresses_desired{@pool})",
                "{{record}} {{record_type}} wanted",
            ),
            style="step",
            decimals=0,
        ),
        graph(
            "Records created and deleted",
            "Writes that happened, by all daemons.",
            Query(
                "sum by (pool, action) "
                "(increase(dnsbalancer_record_changes_total{@pool}[$__rate_interval]))",
                "{{pool}} {{action}}",
            ),
            Query(
                "sum by (pool, action) "
                "(increase(dnsbalancer_record_change_failures_total{@pool}[$__rate_interval]))",
                "{{pool}} {{action}} failed",
            ),
            style="bars",
        ),
        graph(
            "Record sets found empty",
            "Reads that found a set empty that had not been, and addresses that were put into it.",
            Query(
                "sum by (record, record_type) "
                "(increase(dnsbalancer_record_gaps_total{@pool}[$__rate_interval]))",
                "{{record}} {{record_type}} empty",
            ),
            Query(
                "sum by (record, record_type) "
                "(increase(dnsbalancer_record_gap_refills_total{@pool}[$__rate_interval]))",
                "{{record}} {{record_type}} refilled",
            ),
            style="bars",
        ),
        graph(
            "TTL of the records, and a failover at worst",
            "How long resolvers keep an answer: the lowest TTL of each record set. And the time "
            "from a death until the last of them forgets it, without the API's own.",
            Query(
                "min by (record, record_type) (dnsbalancer_record_ttl_seconds{@pool})",
                "{{record}} {{record_type}} TTL",
            ),
            Query(
                "max by (pool) (dnsbalancer_failover_worst_case_seconds{@pool})",
                "{{pool}} failover at worst",
            ),
            unit="s",
            style="step",
        ),
        graph(
            "Why dead addresses stay",
            "Withdrawals that have a ground and are withheld, by reason; docs/runbook.md explains "
            "each reason.",
            Query("max by (pool, reason) (dnsbalancer_cycle_held{@pool})", "{{pool}} {{reason}}"),
            style="bars",
            decimals=0,
        ),
        graph(
            "Why live addresses are missing",
            "Addresses that might be published and are not, by reason; docs/runbook.md explains "
            "each reason.",
            Query(
                "max by (pool, reason) (dnsbalancer_cycle_unpublished{@pool})",
                "{{pool}} {{reason}}",
            ),
            style="bars",
            decimals=0,
        ),
    ),
)

AGREE = Section(
    "Do the observers agree? (with quorum)",
    (
        timeline(
            "What the votes say of each target",
            "The share of the observers that hold the target DOWN: more than half of them decide.",
            Query(
                "max by (pool, target) (dnsbalancer_target_votes_down{@pool} "
                "/ on (job, instance, pool) group_left () dnsbalancer_quorum_electorate{@pool})",
                "{{pool}} {{target}}",
            ),
            texts=shared.VOTES,
        ),
        timeline(
            "Votes are counted",
            "Whether votes can withdraw anybody: not for a lease after a start, and not while a "
            "daemon cannot read them.",
            Query("min by (pool) (dnsbalancer_quorum_settled{@pool})", "{{pool}}"),
            texts=(Text(0, "WITHDRAW NOBODY", ORANGE), Text(1, "COUNT", GREEN)),
        ),
        graph(
            "Observers, and how many decide",
            "How many are counted, and how many of them make a target DOWN, by the daemon that "
            "counts the fewest.",
            Query("min by (pool) (dnsbalancer_quorum_electorate{@pool})", "{{pool}} counted"),
            Query("min by (pool) (dnsbalancer_quorum_majority{@pool})", "{{pool}} decide"),
            style="step",
            decimals=0,
        ),
        graph(
            "Age of the votes",
            "How long ago each vote was last seen to be renewed; there are none while all is well. "
            "One that is older than the lease counts no more.",
            Query(
                "time() - max by (pool, observer) "
                "(dnsbalancer_quorum_vote_moved_timestamp_seconds{@pool})",
                "{{pool}} {{observer}}",
            ),
            unit="s",
        ),
        graph(
            "Observers in the minority",
            "On how many targets an observer sees otherwise than most do.",
            Query(
                "max by (pool, observer) (dnsbalancer_quorum_observer_disagreements{@pool})",
                "{{pool}} {{observer}}",
            ),
            style="bars",
            decimals=0,
        ),
        graph(
            "Votes written",
            "What became of the votes of all daemons: none is written while all is well.",
            Query(
                "sum by (pool, event) "
                "(increase(dnsbalancer_quorum_vote_events_total{@pool}[$__rate_interval]))",
                "{{pool}} {{event}}",
            ),
            style="bars",
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="dnsbalancer-overview",
    title="DNS balancer / Overview",
    description="Is it alive, what does it believe, what did it do.",
    variables=(*shared.VARIABLES, shared.POOL),
    annotations=(*shared.transitions("@pool"), shared.RELOADS, shared.RESTARTS),
    sections=(ALIVE, BELIEVES, DID, AGREE),
)
