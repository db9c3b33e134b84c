"""Cases of alerts/rules/targets.py."""

from __future__ import annotations

from alerts.cases.shape import FOR_LONG, PROBE, TARGET, Case, down, s

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
        "fires when only the daemon that withdrew it remembers it",
        (
            down("0x10 1x200"),
            down("0x10 stale", instance="b"),
            down("0x10 stale", instance="c"),
        ),
        "9m",
        ("TargetDown instance=a pool=web target=t1",),
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
        "is silent when it is up again, not known yet, or drained",
        (
            down(f"1x{FOR_LONG}", "t3"),
            s("target_drained", 1, target="t3"),
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
        not_yet="8m",
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
        not_yet="7m",
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
