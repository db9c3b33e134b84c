"""Cases of alerts/rules/alive.py."""

from __future__ import annotations

from alerts.cases.shape import FOR_LONG, PROBE, Case, Series, s, up

ALIVE = (
    Case(
        "Unreachable",
        "fires when nobody answers and nothing is discovered any more",
        (up("1x10 0x100"), up("1x10 _x100", "b")),
        "20m",
        ("Unreachable", "Unreachable instance=a"),
        ("Unreachable",),
        not_yet="12m",
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
        not_yet="10m30s",
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
