"""What the status page and its memory of probes cost: time per probe, bytes per target, rendering.

Nothing here fails on a slow machine; the numbers are for whoever changes the page.
"""

from __future__ import annotations

import gzip
import sys
import timeit
from collections.abc import Callable

from dnsbalancer_exporter.export.page import page
from dnsbalancer_exporter.json_text import json_pieces
from dnsbalancer_exporter.recent import KEPT
from tests.unit.pages import SUCCESS, document_of, down, pool_of, up


def _milliseconds(act: Callable[[], object], times: int = 5) -> float:
    return min(timeit.repeat(act, number=1, repeat=times)) * 1000


def main() -> None:
    """Print it."""
    recent = up(0).recent
    each = min(timeit.repeat(lambda: recent.plus(SUCCESS), number=10000, repeat=5)) / 10000
    size = sys.getsizeof(recent) + sys.getsizeof(recent.packed)
    print(f"remembering a probe: {each * 1e6:.2f} us; {KEPT} of them: {size} bytes a target")
    print("targets  down   document      page      JSON   page size  (gzip)   JSON size")
    for count, dead in ((3, 1), (300, 5), (1000, 10), (1000, 1000), (10000, 100)):
        states = [up(n) for n in range(count - dead)]
        states += [down(n) for n in range(count - dead, count)]
        report = pool_of(*states, published=tuple(states[: count - dead]))
        status = document_of(*states, report=report)
        times = (
            _milliseconds(lambda s=states, r=report: document_of(*s, report=r)),  # type: ignore[misc]
            _milliseconds(lambda d=status: page(d)),  # type: ignore[misc]
            _milliseconds(lambda d=status: "".join(json_pieces(d))),  # type: ignore[misc]
        )
        drawn, text = page(status), "".join(json_pieces(status))
        print(
            f"{count:7} {dead:5}"
            + "".join(f"{t:7.1f} ms" for t in times)
            + f"{len(drawn) / 1024:8.0f} kB"
            + f"{len(gzip.compress(drawn, 6)) / 1024:6.0f} kB"
            + f"{len(text) / 1024:9.0f} kB"
        )


if __name__ == "__main__":
    main()
