"""Cases of alerts/rules/upkeep.py."""

from __future__ import annotations

from alerts.cases.shape import INFO, PROBE, TARGET, Case, errors, s

TARGET_EXPIRY = "probe_tls_certificate_expiry_timestamp_seconds"

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
        not_yet="3m",
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
        not_yet="4m",
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
        "ReloadFailed",
        "fires when a list of targets stays spoilt",
        (errors("targets_file_last_load_successful", "1x10 0x200", file="/t.json"),),
        "12m",
        ("ReloadFailed instance=a",),
        ("ReloadFailed",),
    ),
    Case(
        "ReloadFailed",
        "is silent when the next list was good",
        (errors("targets_file_last_load_successful", "1x10 0x6 1x200", file="/t.json"),),
        "12m",
    ),
    Case(
        "ConfigDiffers",
        "fires when floors differ",
        (s("pool_min_records", 1), s("pool_min_records", 2, instance="b")),
        "18m",
        ("ConfigDiffers pool=web",),
        ("ConfigDiffers pool=web",),
        not_yet="10m",
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
        not_yet="30m",
    ),
    Case("ObserveMode", "is silent during a trial", (s("observe_mode", "1x100 0x200"),), "70m"),
    Case(
        "StateNotSaved",
        "fires when the disk is full",
        (errors("state_last_save_successful", "1x10 0x200"),),
        "18m",
        ("StateNotSaved instance=a",),
        ("StateNotSaved",),
    ),
    Case(
        "StateNotSaved",
        "is silent after one bad attempt",
        (errors("state_last_save_successful", "1x10 0x2 1x200"),),
        "18m",
    ),
    Case(
        "ReloadFailed",
        "fires when the certificate and its key do not fit",
        (
            errors("config_last_reload_successful", 1),
            errors("web_config_last_reload_successful", "1x10 0x200"),
        ),
        "12m",
        ("ReloadFailed instance=a",),
        ("ReloadFailed",),
    ),
    Case(
        "CertificateExpiring",
        "fires two weeks before",
        (errors("web_tls_certificate_expiry_timestamp_seconds", 1200000),),
        "70m",
        ("CertificateExpiring instance=a",),
        ("CertificateExpiring",),
        not_yet="30m",
    ),
    Case(
        "CertificateExpiring",
        "is silent before that, and without TLS",
        (
            errors("web_tls_certificate_expiry_timestamp_seconds", 1300000),
            errors("web_listening", 1, instance="b"),
        ),
        "70m",
    ),
    Case(
        "CertificateExpiring",
        "fires for a target, if only one daemon is shown it",
        (
            s(TARGET_EXPIRY, 1200000, target="t1", probe="https"),
            s(TARGET_EXPIRY, 9000000, target="t1", probe="https", instance="b"),
            errors("web_tls_certificate_expiry_timestamp_seconds", 9000000),
        ),
        "70m",
        ("CertificateExpiring instance=a pool=web target=t1",),
        ("CertificateExpiring pool=web target=t1",),
        not_yet="30m",
    ),
    Case(
        "CertificateExpiring",
        "is silent for a target before that, and without https",
        (s(TARGET_EXPIRY, 1300000, target="t1", probe="https"), s("probe_success", 1, **PROBE)),
        "70m",
    ),
)
