"""The documents that are made from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from dnsbalancer_exporter.config import Row as ConfigRow
from dnsbalancer_exporter.config import reference, reference_within
from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.export.catalogue import PROCESS_ROWS, REPORT_ROWS, WEB_REJECTIONS
from dnsbalancer_exporter.export.failover import STEPS
from dnsbalancer_exporter.export.row import Row
from dnsbalancer_exporter.export.vote_samples import VERDICTS
from dnsbalancer_exporter.model import Health, Hold, ProbeReason, Unpublished
from dnsbalancer_exporter.report import API_OPERATIONS, LOCK_EVENTS, PROBE_BUCKETS, DnsReason
from dnsbalancer_exporter.vote import VOTE_EVENTS, Standing

ROOT = Path(__file__).parents[2]

CONFIGURATION = (ROOT / "tests/repo/configuration.md").read_text()
CONFIGURATION_RU = (ROOT / "tests/repo/configuration.ru.md").read_text()
"""What is written by hand around the tables of the reference, `{{table}}` and `{{within}}`."""

METRICS = """\
# Metrics

All names begin with `dnsbalancer_`; counters end in `_total`. `probe` is the protocol, `target` the
name of a target (its address, if it has none), `resolver` the address and port of a name server
that is asked (the `dns_*` metrics need the extra `dns`), `observer` what an instance is called in
its votes (`quorum_*` and `target_votes_down` are there for pools with `quorum`). Every series that
is known in advance is there at 0 from the first scrape; a target that is gone is gone from the next
one. The standard `process_*` metrics are exported as well.

## What is seen: drawn from one picture at each scrape

{report}

## What the process did

{process}

## Closed sets

{sets}

Latency buckets, in seconds, successes only: {buckets}.
"""


def _rows(rows: tuple[Row, ...]) -> str:
    lines = ["| name | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for row in rows:
        name = row.name + ("_total" if row.kind == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in row.labels) or "-"
        lines.append(f"| `{name}` | {row.kind} | {labels} | {row.help} |")
    return "\n".join(lines)


def _sets() -> str:
    sets = {
        "`state` of `target_state`": [h.value for h in Health],
        "`reason` of `probe_failures_total`": [r.value for r in ProbeReason],
        "`reason` of `cycle_held` (not withdrawn)": [h.value for h in Hold],
        "`reason` of `cycle_unpublished` (not published)": [u.value for u in Unpublished],
        "`operation`": list(API_OPERATIONS),
        "`reason` of `api_request_failures_total`": [r.value for r in ApiReason],
        "`reason` of `dns_query_failures_total`": [r.value for r in DnsReason],
        **{f"`step` of `{name}`": list(steps) for name, steps in STEPS.items()},
        "`event` of `lock_events_total`": list(LOCK_EVENTS),
        "`event` of `quorum_vote_events_total`": list(VOTE_EVENTS),
        "`standing` of `quorum_observers`": [standing.value for standing in Standing],
        "`verdict` of `quorum_targets`": list(VERDICTS),
        "`reason` of `web_connections_rejected_total`": list(WEB_REJECTIONS),
    }
    return "\n".join(
        f"* {name}: {', '.join(f'`{v}`' for v in values)}" for name, values in sets.items()
    )


class Language(NamedTuple):
    """How the reference of the configuration is told. ``keys``, ``otherwise`` and ``kinds`` are its
    texts where they are not the code's; test_reference.py says when one is missing.
    """

    head: str
    required: str
    none: str
    seconds: str
    to: str
    keys: Mapping[str, str]
    otherwise: Mapping[str, str]
    kinds: Mapping[str, str]


ENGLISH = Language(
    "| key | where | default | value | meaning |", "required", "none", "s", "to", {}, {}, {}
)
RUSSIAN = Language(
    "| ключ | где | по умолчанию | значение | смысл |",
    *("обязателен", "нет", "с", "до"),  # noqa: RUF001
    **yaml.safe_load((ROOT / "tests/repo/russian.yaml").read_text()),
)


def labelled() -> dict[str, ConfigRow]:
    """Every row of the reference by the key of its Russian: `name`, or `within/name`."""
    within = {f"{row.where}/{row.key.name}": row for row in reference_within()}
    return {**{row.key.name: row for row in reference()}, **within}


def _configuration(language: Language, rows: dict[str, ConfigRow]) -> str:
    lines = [language.head, "| --- | --- | --- | --- | --- |"]
    for label, row in rows.items():
        key = row.key
        unit = f" {language.seconds}" if row.kind == "duration" and key.default.isdigit() else ""
        in_words = key.otherwise and language.otherwise.get(key.name, key.otherwise)
        default = f"`{key.default}`{unit}" if key.default else in_words
        default = default or (language.required if key.required else language.none)
        kind = language.kinds.get(row.kind, row.kind)
        value = ", ".join(f"`{word}`" for word in row.words) or kind
        if row.most:
            value += f", `{row.least}` {language.to} `{row.most}`"
        meaning = language.keys.get(label, key.doc)
        lines.append(f"| `{key.name}` | {row.where} | {default} | {value} | {meaning} |")
    return "\n".join(lines)


def _reference(template: str, language: Language) -> str:
    rows = labelled()
    own = {label: row for label, row in rows.items() if "/" not in label}
    within = {label: row for label, row in rows.items() if "/" in label}
    filled = template.replace("{{table}}", _configuration(language, own))
    return filled.replace("{{within}}", _configuration(language, within))


def documents() -> dict[Path, str]:
    """Every generated document, by its path."""
    return {
        ROOT / "docs/configuration.md": _reference(CONFIGURATION, ENGLISH),
        ROOT / "docs/ru/configuration.md": _reference(CONFIGURATION_RU, RUSSIAN),
        ROOT / "docs/metrics.md": METRICS.format(
            report=_rows(REPORT_ROWS),
            process=_rows(PROCESS_ROWS),
            sets=_sets(),
            buckets=", ".join(str(bound) for bound in PROBE_BUCKETS),
        ),
    }


if __name__ == "__main__":
    for path, text in documents().items():
        path.write_text(text)
