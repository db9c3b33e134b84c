"""When each alert fires and when it is silent: promtool's tests of both files are made of this.

A case is a few series, a sample every 30 seconds, and all that fires at a moment. Series are those
of instance `a` of job `dnsbalancer` and of pool `web`, where nothing else is said; every instance
is scraped well, unless the case has `up`.
"""

from __future__ import annotations

from typing import NamedTuple

FOR_LONG = 400
"""More samples than any case looks at."""


class Series(NamedTuple):
    """A series by its name without the prefix, its values in promtool's notation, and labels."""

    name: str
    values: str
    labels: dict[str, str]


class Case(NamedTuple):
    """What fires ``at`` a moment; each entry is an alert and its labels, as `Name label=value`.

    ``fires`` is about single daemons, ``fleet`` about the fleet.
    """

    alert: str
    says: str
    series: tuple[Series, ...]
    at: str
    fires: tuple[str, ...] = ()
    fleet: tuple[str, ...] = ()


def s(name: str, values: str | int, *, pool: str = "web", **labels: str) -> Series:
    """A series of pool ``pool``; a number stays what it is."""
    text = f"{values}x{FOR_LONG}" if isinstance(values, int) else values
    named = {"pool": pool} if pool else {}
    return Series(name, text, {**named, **labels})


def down(values: str, target: str = "t1", **labels: str) -> Series:
    """Whether a target is held DOWN."""
    return s("target_state", values, target=target, state="down", **labels)


def up(values: str, instance: str = "a") -> Series:
    """Whether an instance is scraped."""
    return Series("up", values, {"instance": instance})


def errors(name: str, values: str | int, **labels: str) -> Series:
    """A counter of the process."""
    return s(name, values, pool="", **labels)


TARGET = {"target": "t1"}
SET = {"dns_zone": "example.com", "record": "example.com", "record_type": "A"}
PROBE = {**TARGET, "probe": "tcp"}
INFO = {**PROBE, "address": "192.0.2.1"}

ALIVE = (
    Case(
        "Unreachable",
        "fires when nobody answers and nothing is discovered any more",
        (up("1x10 0x100"), up("1x10 _x100", "b")),
        "20m",
        ("Unreachable", "Unreachable instance=a"),
        ("Unreachable",),
    ),
    Case(
        "Unreachable",
        "fires for a daemon that answers now and then",
        (up(f"1x{FOR_LONG}"), up("0 0 1 " * 20, "b")),
        "15m",
        ("Unreachable instance=b",),
        ("Unreachable",),
    ),
    Case("Unreachable", "is silent when single scrapes fail", (up("1 1 1 0 1 1 0 0 " * 8),), "20m"),
    Case(
        "Stalled",
        "fires when cycles end no more",
        (
            s("cycle_last_success_timestamp_seconds", "0+30x10 300x200"),
            s("cycle_interval_seconds", 15),
        ),
        "12m",
        ("Stalled instance=a pool=web",),
        ("Stalled pool=web",),
    ),
    Case(
        "Stalled",
        "fires when a target is probed no more",
        (
            s("probe_last_run_timestamp_seconds", "0+30x10 300x200", **PROBE),
            s("probe_interval_seconds", 15, **PROBE),
        ),
        "9m",
        ("Stalled instance=a pool=web",),
        ("Stalled pool=web",),
    ),
    Case(
        "Stalled",
        "is silent when the interval is long, and when one cycle failed",
        (
            s("cycle_last_success_timestamp_seconds", "0x12 360+30x200"),
            s("cycle_interval_seconds", 180),
            s("probe_last_run_timestamp_seconds", "0x5 180x5 360+30x200", **PROBE),
            s("probe_interval_seconds", 180, **PROBE),
        ),
        "8m",
    ),
    Case(
        "Restarting",
        "fires for a loop",
        (Series("process_start_time_seconds", "0+60x60", {"instance": "a"}),),
        "20m",
        ("Restarting instance=a",),
        ("Restarting",),
    ),
    Case(
        "Restarting",
        "is silent after an upgrade",
        (Series("process_start_time_seconds", "1x10 2x5 3x5 4x100", {"instance": "a"}),),
        "20m",
    ),
)

ZONE = (
    Case(
        "RecordSetEmpty",
        "fires for a set that was filled",
        (
            s("record_addresses_published", "2x20 0x200", **SET),
            s("record_addresses_desired", "2x20 0x200", **SET),
            s("zone_read_timestamp_seconds", 1),
        ),
        "12m",
        ("RecordSetEmpty instance=a pool=web",),
        ("RecordSetEmpty pool=web",),
    ),
    Case(
        "RecordSetEmpty",
        "is silent before the first read, and for a set that nobody fills",
        (
            s("record_addresses_published", 0, **SET),
            s("record_addresses_desired", 1, **SET),
            s("zone_read_timestamp_seconds", 0),
            s("record_addresses_published", 0, instance="b", **SET),
            s("record_addresses_desired", 0, instance="b", **SET),
            s("zone_read_timestamp_seconds", 1, instance="b"),
        ),
        "12m",
    ),
    Case(
        "FailOpen",
        "fires when nothing is up",
        (s("pool_fail_open", "0x20 1x200"), s("observe_mode", 0)),
        "12m",
        ("FailOpen instance=a pool=web",),
        ("FailOpen pool=web",),
    ),
    Case(
        "FailOpen",
        "is silent when another daemon sees a target up",
        (s("pool_fail_open", 1), s("pool_fail_open", 0, instance="b")),
        "12m",
    ),
    Case(
        "FailOpen",
        "fires whatever a daemon says that only watches",
        (
            s("pool_fail_open", 1),
            s("pool_fail_open", 0, instance="b"),
            s("observe_mode", 1, instance="b"),
        ),
        "12m",
        ("FailOpen instance=a pool=web",),
        ("FailOpen pool=web",),
    ),
    Case(
        "DeadTargetPublished",
        "fires when the address of a dead target stays",
        (s("target_published", 1, **TARGET), down("0x10 1x200")),
        "12m",
        (
            "DeadTargetPublished instance=a pool=web target=t1",
            "TargetDown instance=a pool=web target=t1",
        ),
        ("DeadTargetPublished pool=web target=t1", "TargetDown pool=web target=t1"),
    ),
    Case(
        "DeadTargetPublished",
        "is silent while a withdrawal is on its way, and when all is held open",
        (
            s("target_published", "1x15 0x200", **TARGET),
            down("0x10 1x200"),
            s("target_published", 1, target="t2", instance="b"),
            down("0x10 1x200", "t2", instance="b"),
            s("pool_fail_open", "0x10 1x200", instance="b"),
        ),
        "10m",
        (
            "TargetDown instance=a pool=web target=t1",
            "TargetDown instance=b pool=web target=t2",
            "FailOpen instance=b pool=web",
        ),
        ("TargetDown pool=web target=t1", "TargetDown pool=web target=t2", "FailOpen pool=web"),
    ),
    Case(
        "HealthyTargetMissing",
        "fires when an address does not come back",
        (s("target_published", 0, **TARGET), s("target_up", "0x10 1x200", **TARGET)),
        "25m",
        ("HealthyTargetMissing instance=a pool=web target=t1",),
        ("HealthyTargetMissing pool=web target=t1",),
    ),
    Case(
        "HealthyTargetMissing",
        "is silent within a hold-down, and in observe mode",
        (
            s("target_published", "0x30 1x200", **TARGET),
            s("target_up", "0x10 1x200", **TARGET),
            s("target_published", 0, target="t2", pool="shop"),
            s("target_up", 1, target="t2", pool="shop"),
            s("observe_mode", 1, pool="shop"),
        ),
        "25m",
    ),
    Case(
        "Contested",
        "fires when a withdrawn address keeps coming back",
        (s("cycle_held", "0x10 1x200", reason="contested"),),
        "12m",
        ("Contested instance=a pool=web",),
        ("Contested pool=web",),
    ),
    Case(
        "Contested",
        "fires when what we publish is deleted again and again",
        (
            s("record_changes_total", "0x10 1+0.2x200", dns_zone="z", action="create"),
            s("record_in_sync", 1, **SET),
            s("target_transitions_total", 1, to="up", **TARGET),
        ),
        "40m",
        ("Contested instance=a pool=web",),
        ("Contested pool=web",),
    ),
    Case(
        "Contested",
        "is silent when targets return as often as they are published",
        (
            s("cycle_held", "0x10 1x4 0x200", reason="contested"),
            s("record_changes_total", "0x10 1+0.1x50 6x200", dns_zone="z", action="create"),
            s("record_in_sync", 1, **SET),
            s("target_transitions_total", "0x10 1+0.1x50 6x200", to="up", target="t1"),
        ),
        "30m",
    ),
    Case(
        "LockTrouble",
        "fires when a withdrawal waits for long",
        (s("cycle_held", "0x10 1x200", reason="no_lock"),),
        "12m",
        ("LockTrouble instance=a pool=web",),
        ("LockTrouble pool=web",),
    ),
    Case(
        "LockTrouble",
        "fires when the lock cannot be written",
        (errors("lock_events_total", "0x10 1+1x200", event="failed"),),
        "15m",
        ("LockTrouble instance=a",),
        ("LockTrouble",),
    ),
    Case(
        "LockTrouble",
        "is silent when others have it for a while, and it is left over for a lease",
        (
            s("cycle_held", "0x10 1x4 0x200", reason="no_lock"),
            errors("lock_events_total", "0x10 1+1x200", event="refused"),
        ),
        "15m",
    ),
)

TARGETS = (
    Case(
        "TargetDown",
        "fires for every target that most hold down",
        (
            down("0x10 1x200"),
            down("0x10 1x200", instance="b"),
            down(f"0x{FOR_LONG}", instance="c"),
            down("0x10 1x200", "t2"),
            down(f"0x{FOR_LONG}", "t2", instance="b"),
            down(f"0x{FOR_LONG}", "t2", instance="c"),
        ),
        "6m",
        (
            "TargetDown instance=a pool=web target=t1",
            "TargetDown instance=b pool=web target=t1",
            "TargetDown instance=a pool=web target=t2",
        ),
        ("TargetDown pool=web target=t1",),
    ),
    Case(
        "TargetDown",
        "goes on when scrapes fail",
        (down("0x10 1x5 _x4 1"),),
        "9m",
        ("TargetDown instance=a pool=web target=t1",),
        ("TargetDown pool=web target=t1",),
    ),
    Case(
        "TargetDown",
        "is silent when it is up again, or not known yet",
        (
            down("1x10 0x100"),
            s("target_up", 0, target="t2"),
            down(f"0x{FOR_LONG}", "t2"),
            s("target_state", 1, target="t2", state="unknown"),
        ),
        "9m",
    ),
    Case(
        "NoRedundancy",
        "fires when one of several is left",
        (s("pool_targets", 3), s("pool_targets_healthy", "3x10 1x200")),
        "12m",
        ("NoRedundancy instance=a pool=web",),
        ("NoRedundancy pool=web",),
    ),
    Case(
        "NoRedundancy",
        "is silent for a pool of one, and while two are left",
        (
            s("pool_targets", 3),
            s("pool_targets_healthy", "3x10 2x200"),
            s("pool_targets", 1, pool="single"),
            s("pool_targets_healthy", 1, pool="single"),
        ),
        "12m",
    ),
    Case(
        "TargetFlapping",
        "fires after the fourth outage within half an hour",
        (
            s("target_transitions_total", "0x10 0+0.1x40 4x200", to="down", **TARGET),
            s("target_transitions_total", "1x10 1+0.1x40 5x200", to="up", **TARGET),
        ),
        "30m",
        ("TargetFlapping instance=a pool=web target=t1",),
        ("TargetFlapping pool=web target=t1",),
    ),
    Case(
        "TargetFlapping",
        "is silent after two outages",
        (
            s("target_transitions_total", "0x10 1x10 2x200", to="down", **TARGET),
            s("target_transitions_total", "1x15 2x10 3x200", to="up", **TARGET),
        ),
        "30m",
    ),
    Case(
        "ObserverBlind",
        "fires when probes fail here and not there",
        (
            s("probes_total", "0+1x200", **PROBE),
            s("probe_failures_total", "0x4 0+1x200", reason="permission", **PROBE),
        ),
        "20m",
        ("ObserverBlind instance=a pool=web",),
        ("ObserverBlind pool=web",),
    ),
    Case(
        "ObserverBlind",
        "fires when all references are down",
        (
            s("reference_up", "1x10 0x200", target="r1"),
            s("reference_up", "1x10 0x200", target="r2"),
        ),
        "12m",
        ("ObserverBlind instance=a pool=web",),
        ("ObserverBlind pool=web",),
    ),
    Case(
        "ObserverBlind",
        "fires for the daemon that alone sees nobody",
        (
            s("pool_targets_healthy", "3x10 0x200"),
            s("pool_targets_healthy", 3, instance="b"),
        ),
        "12m",
        ("ObserverBlind instance=a pool=web",),
        ("ObserverBlind pool=web",),
    ),
    Case(
        "ObserverBlind",
        "fires while withdrawals are held as we may be isolated",
        (s("cycle_held", "0x10 1x200", reason="isolated"),),
        "12m",
        ("ObserverBlind instance=a pool=web",),
        ("ObserverBlind pool=web",),
    ),
    Case(
        "ObserverBlind",
        "is silent when targets fail, one reference is down, and all see the same",
        (
            s("probes_total", "0+1x200", **PROBE),
            s("probe_failures_total", "0+1x200", reason="timeout", **PROBE),
            s("probe_failures_total", "0x40 1x200", reason="no_route", **PROBE),
            s("reference_up", 0, target="r1"),
            s("reference_up", 1, target="r2"),
            s("pool_targets_healthy", 0),
            s("pool_targets_healthy", 0, instance="b"),
        ),
        "20m",
    ),
)

API = (
    Case(
        "LoginRefused",
        "fires when the password is wrong",
        (
            errors(
                "api_request_failures_total", "1x4 2x8 3x100", operation="auth_token", reason="auth"
            ),
            errors("api_up", 0),
        ),
        "8m",
        ("LoginRefused instance=a",),
        ("LoginRefused",),
    ),
    Case(
        "LoginRefused",
        "is silent when a token has expired and was renewed",
        (
            errors(
                "api_request_failures_total", "0x10 1x200", operation="list_records", reason="auth"
            ),
            errors("api_up", 1),
        ),
        "8m",
    ),
    Case(
        "ApiFailing",
        "fires when the provider limits us",
        (
            errors("api_requests_total", "0+2x200", operation="list_records"),
            errors(
                "api_request_failures_total",
                "0+1x200",
                operation="list_records",
                reason="rate_limited",
            ),
        ),
        "20m",
        ("ApiFailing instance=a",),
        ("ApiFailing",),
    ),
    Case(
        "ApiFailing",
        "is silent about conflicts, and about single failures",
        (
            errors("api_requests_total", "0+2x200", operation="create_record"),
            errors(
                "api_request_failures_total",
                "0+2x200",
                operation="create_record",
                reason="conflict",
            ),
            errors(
                "api_request_failures_total",
                "0x20 1x200",
                operation="create_record",
                reason="timeout",
            ),
        ),
        "20m",
    ),
)

UPKEEP = (
    Case(
        "ReloadFailed",
        "fires when the file is refused",
        (errors("config_last_reload_successful", "1x10 0x200"),),
        "12m",
        ("ReloadFailed instance=a",),
        ("ReloadFailed",),
    ),
    Case(
        "ReloadFailed",
        "is silent when the next reload was good",
        (errors("config_last_reload_successful", "1x10 0x6 1x200"),),
        "12m",
    ),
    Case(
        "ConfigDiffers",
        "fires when floors differ",
        (s("pool_min_records", 1), s("pool_min_records", 2, instance="b")),
        "18m",
        ("ConfigDiffers pool=web",),
        ("ConfigDiffers pool=web",),
    ),
    Case(
        "ConfigDiffers",
        "fires when a target is probed on another port",
        (
            s("target_info", 1, port="80", **INFO),
            s("target_info", 1, port="443", instance="b", **INFO),
            s("target_up", 1, **TARGET),
            s("target_up", 1, instance="b", **TARGET),
        ),
        "18m",
        ("ConfigDiffers pool=web",),
        ("ConfigDiffers pool=web",),
    ),
    Case(
        "ConfigDiffers",
        "is silent during an orderly change, and between pools",
        (
            s("pool_min_records", "1x10 2x200"),
            s("pool_min_records", "1x14 2x200", instance="b"),
            s("pool_min_records", 3, pool="shop"),
            s("target_info", 1, port="80", **INFO),
            s("target_info", 1, port="80", instance="b", **INFO),
            s("target_up", 1, **TARGET),
            s("target_up", 1, instance="b", **TARGET),
        ),
        "25m",
    ),
    Case(
        "ObserveMode",
        "fires when it is left on",
        (s("observe_mode", 1),),
        "70m",
        ("ObserveMode instance=a pool=web",),
        ("ObserveMode pool=web",),
    ),
    Case("ObserveMode", "is silent during a trial", (s("observe_mode", "1x100 0x200"),), "70m"),
)

CASES = (*ALIVE, *ZONE, *TARGETS, *API, *UPKEEP)
