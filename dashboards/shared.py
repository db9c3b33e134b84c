"""What the three dashboards have in common: variables, marks on the time axis, words."""

from __future__ import annotations

from dashboards.shape import BLUE, GREEN, GREY, ORANGE, RED, Annotation, Text, Variable

VARIABLES = (
    Variable("job", "Job", "label_values(dnsbalancer_build_info, job)"),
    Variable("instance", "Instance", 'label_values(dnsbalancer_build_info{job=~"$job"}, instance)'),
)
POOL = Variable("pool", "Pool", 'label_values(dnsbalancer_pool_targets{job=~"$job"}, pool)')
TARGET = Variable(
    "target", "Target", 'label_values(dnsbalancer_target_up{job=~"$job",pool=~"$pool"}, target)'
)

HEALTH = (
    Text(0, "NOT UP", RED),
    Text(1, "UP", GREEN),
    Text(0.0001, "DISPUTED", ORANGE, to=0.9999),
)
"""The share of daemons that hold a target UP."""

VOTES = (
    Text(0, "NOBODY", GREEN),
    Text(0.0001, "A MINORITY", ORANGE, to=0.4999),
    Text(0.5, "TIED", ORANGE),
    Text(0.5001, "VOTED DOWN", RED, to=0.9999),
    Text(1, "VOTED DOWN", RED),
)
"""The share of observers that hold a target DOWN."""

STATE = (Text(0, "UP", GREEN), Text(1, "UNKNOWN", GREY), Text(2, "DOWN", RED))
PUBLISHED = (Text(0, "NOT IN THE ZONE", ORANGE), Text(1, "IN THE ZONE", BLUE))
WORKS = (Text(0, "FAILING", RED), Text(1, "OK", GREEN))

RESTARTS = Annotation(
    "Restarts",
    "process_start_time_seconds{@job} * 1000 and on (job, instance) dnsbalancer_build_info{@job}",
    BLUE,
    "Start",
    "{{instance}} was started",
)
RELOADS = Annotation(
    "Reloads",
    "dnsbalancer_config_last_reload_success_timestamp_seconds{@job} * 1000",
    GREY,
    "Configuration",
    "{{instance}} took a configuration into use",
)


def transitions(where: str) -> tuple[Annotation, Annotation]:
    """The failovers and returns of the targets that ``where`` selects, at their exact times.

    The time of the last change is also that of a return; so each is taken while it is in force.
    """
    at = f"dnsbalancer_target_last_transition_timestamp_seconds{{{where}}} * 1000"
    same = "and on (job, instance, pool, target)"
    down, up = (f'dnsbalancer_target_state{{{where},state="{s}"}} == 1' for s in ("down", "up"))
    return (
        Annotation(
            "Failovers",
            f"{at} {same} {down}",
            RED,
            "{{target}} is down",
            "{{pool}}, as {{instance}} sees it",
        ),
        Annotation(
            "Returns",
            f"{at} {same} {up}",
            GREEN,
            "{{target}} is up",
            "{{pool}}, as {{instance}} sees it",
        ),
    )
