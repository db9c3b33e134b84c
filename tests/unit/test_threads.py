"""What blocks, beside the loop: who stops waiting hears no more of it."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from dnsbalancer_exporter.threads import Late, aside


@pytest.mark.parametrize("late", [True, False], ids=["it is late", "a stop"])
def test_an_error_that_nobody_waits_for_is_told_to_nobody(late: bool) -> None:
    told: list[dict[str, Any]] = []
    over = threading.Event()

    def fail() -> None:
        over.wait(20.0)
        raise OSError("refused")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        waiting = asyncio.ensure_future(aside(fail, 0.01 if late else 20.0))
        await asyncio.sleep(0.0)
        if not late:
            waiting.cancel()
        with pytest.raises(Late if late else asyncio.CancelledError):
            await waiting
        over.set()
        while any(thread.name == "aside" for thread in threading.enumerate()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        gc.collect()

    asyncio.run(story())
    assert told == []


def test_an_error_in_time_is_raised() -> None:
    def fail() -> None:
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        asyncio.run(aside(fail, 20.0))
