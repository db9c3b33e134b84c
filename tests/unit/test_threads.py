"""What blocks, beside the loop: who stops waiting hears no more of it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest

from dnsbalancer_exporter.threads import aside


def test_an_error_that_comes_after_a_stop_is_told_to_nobody() -> None:
    told: list[dict[str, Any]] = []
    over = threading.Event()

    def fail() -> None:
        over.wait(20.0)
        raise OSError("refused")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        waiting = asyncio.ensure_future(aside(fail, 20.0))
        await asyncio.sleep(0.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        over.set()
        for thread in [thread for thread in threading.enumerate() if thread.name == "aside"]:
            await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.01)
        gc.collect()

    asyncio.run(story())
    assert told == []


def test_an_error_in_time_is_raised() -> None:
    def fail() -> None:
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        asyncio.run(aside(fail, 20.0))


def test_what_failed_does_not_keep_what_it_had_read() -> None:
    class Body:
        """A megabyte, say."""

    bodies: list[weakref.ref[Body]] = []

    def fail() -> None:
        body = Body()
        bodies.append(weakref.ref(body))
        raise OSError("refused")

    gc.disable()  # errors are found late: they refer to what refers to them
    try:
        with pytest.raises(OSError, match="refused") as caught:
            asyncio.run(aside(fail, 20.0))
        assert [body() for body in bodies] == [None]
        assert [entry.name for entry in caught.traceback][-1] == "fail"
    finally:
        gc.enable()
