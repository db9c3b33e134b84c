"""The documents that are made from the code: `make docs` writes them, a test compares them."""

from __future__ import annotations

from pathlib import Path

from dnsbalancer_exporter.config import http_table, reference_table
from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.export.catalogue import PROCESS_ROWS, REPORT_ROWS, WEB_REJECTIONS, Row
from dnsbalancer_exporter.export.failover import STEPS
from dnsbalancer_exporter.model import Health, Hold, ProbeReason, Unpublished
from dnsbalancer_exporter.report import API_OPERATIONS, LOCK_EVENTS, PROBE_BUCKETS, DnsReason

ROOT = Path(__file__).parents[2]

CONFIGURATION = """\
# Configuration

One YAML file with the single key `config`. Every value may be written as text. Durations are
seconds, or text like `500ms`, `2m`, `1h`. A wrong file is refused with every problem in it, each
with line, key and what would be right (`dnsbalancer check FILE`, status 2); at a reload (SIGHUP)
the old configuration then stays in use. *Where* is `top` for keys beside each other in `config`,
`pool` for keys of an entry of `pools`, `both` for keys that an entry may set and else takes from
the top.

The password is taken from `password`, else from `password_file`, else from
`$DNSBALANCER_PASSWORD`, else from the systemd credential `password`
(`LoadCredential=password:/etc/dnsbalancer/password`).

{table}
## `http`

Stands at the top, in a pool, or in the `probe` of a target; key by key, the inner one wins. The
address that is asked is always the target's own. There are no keys for users or tokens: the path
is shown in the log, on the page and in the status, so put nothing secret into it.

{http}
"""

METRICS = """\
# Metrics

All names begin with `dnsbalancer_`; counters end in `_total`. `probe` is the protocol, `target` the
name of a target (its address, if it has none), `resolver` the address and port of a name server
that is asked (the `dns_*` metrics need the extra `dns`). Every series that is known in advance is
there at 0 from the first scrape; a target that is gone is gone from the next one. The standard
`process_*` metrics are exported as well.

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
        "`reason` of `web_connections_rejected_total`": list(WEB_REJECTIONS),
    }
    return "\n".join(
        f"* {name}: {', '.join(f'`{v}`' for v in values)}" for name, values in sets.items()
    )


def documents() -> dict[Path, str]:
    """Every generated document, by its path."""
    return {
        ROOT / "docs/configuration.md": CONFIGURATION.format(
            table=reference_table(), http=http_table().strip()
        ),
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
