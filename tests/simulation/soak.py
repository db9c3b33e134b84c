"""Play worlds for as long as told: `SOAK=30m make soak`. Prints the seed of whatever it finds.

Seeds begin where chance says (or at `SEED`), so that each soak sees worlds that none has seen.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from dnsbalancer_exporter.config.values import duration
from tests.simulation.majority import told as with_votes
from tests.simulation.world import told

BATCH = 50
KINDS = {0: " (outside the assumptions)", 1: " (with votes)", 6: " (with votes)"}
"""What is special about a seed, by its last digit."""


def batch(first: int) -> list[str]:
    """What was broken in the worlds of a batch; every tenth one is outside the assumptions, every
    fifth one has votes.
    """
    return [
        story + KINDS.get(seed % 10, "")
        for seed in range(first, first + BATCH)
        if (story := with_votes(seed) if seed % 5 == 1 else told(seed, strict=seed % 10 != 0))
    ]


def main() -> int:
    seconds = duration(1, 7 * 86400)(os.environ.get("SOAK", "10m"))
    first = int(os.environ.get("SEED", secrets.randbelow(10**9)))
    workers = os.cpu_count() or 1
    end, played, found = time.monotonic() + seconds, 0, 0
    print(f"soaking for {seconds:.0f} s from SEED={first} in {workers} processes", flush=True)
    with ProcessPoolExecutor(workers) as pool:
        while time.monotonic() < end:
            starts = [first + played + BATCH * i for i in range(2 * workers)]
            for stories in pool.map(batch, starts):
                for story in stories:
                    print(story, flush=True)
                found += len(stories)
            played += BATCH * len(starts)
    print(f"{played} worlds, {found} with a broken law; the last seed was {first + played - 1}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
