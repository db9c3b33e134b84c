"""Cases of alerts/rules/zone.py."""

from __future__ import annotations

from alerts.cases.shape import SET, TARGET, Case, down, errors, s

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
        "fires for one that was empty between two scrapes",
        (
            s("record_addresses_published", 2, **SET),
            s("record_gaps_total", "0x20 1x200", **SET),
            s("zone_read_timestamp_seconds", 1),
        ),
        "20m",
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
        "is silent within a hold-down, in observe mode, and when it is drained",
        (
            s("target_published", 0, target="t3"),
            s("target_up", 1, target="t3"),
            s("target_drained", 1, target="t3"),
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
        (s("target_contested", "0x10 1x200", **TARGET),),
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
            s("target_contested", "0x10 1x4 0x200", **TARGET),
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
