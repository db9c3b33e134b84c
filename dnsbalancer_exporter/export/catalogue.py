"""The catalogue: every metric of the daemon, one row each.

REPORT_ROWS are drawn from the Report at each scrape: TARGET_ROWS, whose series are many, as text
(target_text.py), POOL_ROWS by prometheus-client (metrics.py). PROCESS_ROWS are counted as things
happen (instruments.py). docs/metrics.md is made from all.

Rules: base units, 1 is good, `_total` for counters only, labels from closed sets or from the
configuration, addresses only on `_info`. `probe` is the protocol, `target` the name of a target
(its address, if it has no name); `dns_zone`, `record` and `record_type` name a record set.
"""

from __future__ import annotations

from dnsbalancer_exporter.export.row import Row
from dnsbalancer_exporter.export.vote_samples import VOTE_ROWS

TARGET = ("pool", "target")
PROBE = ("pool", "target", "probe")
RECORD_SET = ("pool", "dns_zone", "record", "record_type")


TARGET_ROWS = (
    Row("target_info", "gauge", (*PROBE, "address", "port"), "1; what is probed for a target."),
    Row("probes", "counter", PROBE, "Finished probes, whatever came of them."),
    Row("probe_failures", "counter", (*PROBE, "reason"), "Probes that did not succeed, by reason."),
    Row("probe_success", "gauge", PROBE, "1 if the last probe succeeded: the raw result."),
    Row("probe_duration_seconds", "histogram", PROBE, "How long successful probes took."),
    Row("probe_last_duration_seconds", "gauge", PROBE, "The last success; absent after a failure."),
    Row("probe_last_run_timestamp_seconds", "gauge", PROBE, "When the last probe was started."),
    Row("probe_interval_seconds", "gauge", PROBE, "Configured seconds between settled probes."),
    Row("probe_timeout_seconds", "gauge", PROBE, "Configured deadline of one probe."),
    Row(
        "probe_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        PROBE,
        "When the certificate that https was last shown expires, trusted or not; else absent.",
    ),
    Row("target_up", "gauge", TARGET, "1 if the target is held UP: what the zone is written by."),
    Row("target_state", "gauge", (*TARGET, "state"), "1 for the state that the target is in."),
    Row("target_transitions", "counter", (*TARGET, "to"), "Changes of mind, by the new state."),
    Row(
        "target_last_transition_timestamp_seconds",
        "gauge",
        TARGET,
        "When the state last changed; 0 before the first change.",
    ),
    Row("target_consecutive_failures", "gauge", TARGET, "Failures in a row up to now."),
    Row("target_consecutive_successes", "gauge", TARGET, "Successes in a row up to now."),
    Row(
        "target_published",
        "gauge",
        TARGET,
        "1 if a name of the pool had the address when last read.",
    ),
    Row("target_drained", "gauge", TARGET, "1 while an operator has drained the target."),
    Row(
        "target_votes_down",
        "gauge",
        TARGET,
        "Observers counted that hold the target DOWN; only with `quorum`.",
    ),
    Row(
        "target_contested",
        "gauge",
        TARGET,
        "1 while the target is not withdrawn since somebody keeps putting it back.",
    ),
)

POOL_ROWS = (
    Row("reference_up", "gauge", TARGET, "1 if a reference outside the pool is held UP."),
    Row("pool_targets", "gauge", ("pool",), "Targets of the pool."),
    Row("pool_targets_healthy", "gauge", ("pool",), "Targets of the pool that are UP."),
    Row("pool_min_records", "gauge", ("pool",), "Values that a withdrawal must leave."),
    Row("pool_fail_open", "gauge", ("pool",), "1 while dead records stay as nothing is UP."),
    Row(
        "pool_available",
        "gauge",
        ("pool",),
        "1 if a target is both UP and published, under each of the pool's names.",
    ),
    Row("pool_warming_up", "gauge", ("pool",), "1 until every target is known after a start."),
    Row("observe_mode", "gauge", ("pool",), "1 if this pool is never written."),
    Row(
        "record_addresses_published",
        "gauge",
        RECORD_SET,
        "Distinct addresses in the record set when last read.",
    ),
    Row(
        "record_addresses_desired",
        "gauge",
        RECORD_SET,
        "Distinct addresses that the record set is to have after the current plan.",
    ),
    Row("record_foreign", "gauge", RECORD_SET, "Records in the set that are not ours: left alone."),
    Row("record_in_sync", "gauge", RECORD_SET, "1 if the set is as the last plan wants it."),
    Row("record_ttl_seconds", "gauge", RECORD_SET, "Lowest TTL in the set; absent if it is empty."),
    Row(
        "cycle_held",
        "gauge",
        ("pool", "reason"),
        "Withdrawals that have a ground and are withheld, by reason.",
    ),
    Row(
        "cycle_unpublished",
        "gauge",
        ("pool", "reason"),
        "Addresses that might be published and are not, by reason.",
    ),
    Row(
        "failover_worst_case_seconds",
        "gauge",
        ("pool",),
        "From a death to the last cache that forgets the record, by `interval`, `fall` and TTL; "
        "the API's own time, and with `quorum` the agreement, come on top.",
    ),
    Row(
        "dns_in_sync",
        "gauge",
        (*RECORD_SET, "resolver"),
        "1 if this name server's last answer is what the API said last; absent without an answer.",
    ),
    Row("dns_ttl_seconds", "gauge", RECORD_SET, "Highest TTL that is served; absent if none is."),
    Row(
        "dns_last_check_timestamp_seconds",
        "gauge",
        RECORD_SET,
        "When a name server was last asked for the set, answered or not.",
    ),
    Row(
        "dns_soa_minimum_seconds",
        "gauge",
        ("dns_zone",),
        "For how long `no such record` is cached: the smaller of the SOA's minimum and TTL.",
    ),
    Row("zone_read_timestamp_seconds", "gauge", ("pool",), "When the zone was last read; or 0."),
    Row("cycle_interval_seconds", "gauge", ("pool",), "Configured seconds between quiet cycles."),
    Row(
        "targets_file_last_load_successful",
        "gauge",
        ("file",),
        "0 if what the file has by now was refused: the old list stays in use.",
    ),
    Row(
        "targets_file_last_load_success_timestamp_seconds",
        "gauge",
        ("file",),
        "When the list in use was read from the file.",
    ),
    Row("targets_file_targets", "gauge", ("file",), "Targets of the list in use."),
    Row(
        "api_writes_waiting",
        "gauge",
        (),
        "Writes that the last plans want and that found no place: `api_rate` paces them.",
    ),
    Row(
        "auth_token_expiry_timestamp_seconds",
        "gauge",
        (),
        "When the login at the provider expires, by its own word; 0 while there is none.",
    ),
    Row(
        "loop_lag_seconds",
        "gauge",
        (),
        "How late the event loop's heartbeat is, or was the last time; it beats once a second.",
    ),
    Row(
        "loop_stood_still",
        "counter",
        (),
        "Times that the process stood still for seconds and doubted all that it knew.",
    ),
    Row(
        "probe_lag_seconds",
        "histogram",
        (),
        "How much later than due probes began. Above a second it withholds withdrawals; it never "
        "makes a target fail.",
    ),
)

REPORT_ROWS = (*TARGET_ROWS, *POOL_ROWS, *VOTE_ROWS)

OPERATION = ("operation",)
POOL = ("pool",)
CHANGE = ("pool", "dns_zone", "action")
RESOLVER = ("resolver",)
RESOLVER_REASON = ("resolver", "reason")
STEP = ("pool", "step")
ZONE = ("dns_zone",)
VOTE_EVENT = ("pool", "event")

PROCESS_ROWS = (
    Row("build_info", "gauge", ("version", "python_version"), "1; which build this is."),
    Row("config_last_reload_successful", "gauge", (), "1 if the configuration was last read well."),
    Row(
        "config_last_reload_success_timestamp_seconds",
        "gauge",
        (),
        "When the configuration in use was read.",
    ),
    Row("config_reloads", "counter", (), "Times that the configuration was read again."),
    Row("config_reload_failures", "counter", (), "Of these, how many were refused."),
    Row("config_hash", "gauge", (), "A hash of what the configuration says, less the password."),
    Row("web_listening", "gauge", (), "1 if the metrics port could be opened."),
    Row(
        "web_config_last_reload_successful",
        "gauge",
        (),
        "1 if web_config_file and what it names were last read well, or there is none.",
    ),
    Row(
        "web_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        (),
        "When the port's certificate expires; absent without TLS.",
    ),
    Row("web_connections_rejected", "counter", ("reason",), "Connections that were turned away."),
    Row("api_requests", "counter", OPERATION, "HTTP attempts at the provider, retries included."),
    Row("api_request_failures", "counter", (*OPERATION, "reason"), "Of these, what failed."),
    Row("api_responses", "counter", (*OPERATION, "code"), "HTTP answers, by status code."),
    Row(
        "api_request_duration_seconds",
        "histogram",
        OPERATION,
        "How long attempts that succeeded took.",
    ),
    Row("api_up", "gauge", (), "1 if the last attempt at the provider succeeded."),
    Row("api_last_success_timestamp_seconds", "gauge", (), "When an attempt last succeeded; or 0."),
    Row("cycles", "counter", POOL, "Finished cycles."),
    Row("cycle_failures", "counter", POOL, "Cycles that an error ended."),
    Row("cycle_noops", "counter", POOL, "Cycles that found nothing to change."),
    Row("cycle_duration_seconds", "histogram", POOL, "How long cycles took."),
    Row("cycle_last_run_timestamp_seconds", "gauge", POOL, "When a cycle last ended."),
    Row("cycle_last_success_timestamp_seconds", "gauge", POOL, "When one last ended well; or 0."),
    Row("record_changes", "counter", CHANGE, "Writes that happened; action is create or delete."),
    Row("record_change_failures", "counter", CHANGE, "Writes that failed, or are not settled."),
    Row("record_gaps", "counter", RECORD_SET, "Reads that found the set empty; it was not before."),
    Row("record_gap_refills", "counter", RECORD_SET, "Addresses that were put into such a set."),
    Row("state_last_save_successful", "gauge", (), "1 if drains and memory could last be saved."),
    Row("lock_events", "counter", ("event",), "What became of the lock of withdrawals."),
    Row("quorum_vote_events", "counter", VOTE_EVENT, "What became of votes that we wrote."),
    Row("lock_held", "gauge", ZONE, "1 while this instance holds the zone's lock of withdrawals."),
    Row(
        "failover_duration_seconds",
        "histogram",
        STEP,
        "From the first probe of the failures that led to a withdrawal of ours until each step of "
        "it: holds included, once per record set.",
    ),
    Row(
        "recovery_duration_seconds",
        "histogram",
        STEP,
        "From the first probe of the successes that led to a publication of ours after a failure "
        "until each step of it: hold-down included, drains not.",
    ),
    Row("dns_queries", "counter", RESOLVER, "Questions to name servers, repetitions included."),
    Row("dns_query_failures", "counter", RESOLVER_REASON, "Of these, what failed."),
    Row(
        "dns_visible_seconds",
        "histogram",
        POOL,
        "From the API's acknowledgement of our write until every name server that answers has it.",
    ),
)

LONG = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)

WEB_REJECTIONS = ("limit", "timeout", "tls", "auth")
"""Why a connection was turned away: its place was needed, it was too slow, no TLS, no password."""

BUCKETS = {
    "api_request_duration_seconds": (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "cycle_duration_seconds": (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    "dns_visible_seconds": (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0),
    "failover_duration_seconds": LONG,
    "recovery_duration_seconds": LONG,
}
"""Upper bounds in seconds of the histograms in PROCESS_ROWS."""
