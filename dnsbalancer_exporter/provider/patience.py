"""When a read is repeated: how often, after how long, and when it is given up."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

from dnsbalancer_exporter.errors import ApiReason, ProviderError

_TRANSIENT = frozenset(
    (ApiReason.TIMEOUT, ApiReason.CONNECTION, ApiReason.SERVER_ERROR, ApiReason.RATE_LIMITED)
)
_SPARE = 0.05
"""Seconds: with less than this left another attempt has no chance."""


class _Patience:
    """The rules of one read; it counts its unreadable answers."""

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self._deadline = deadline
        self._clock = clock
        self._backoff = wait_exponential(multiplier=0.25, max=8.0) + wait_random(0.0, 0.25)
        self._unreadable = 0

    def again(self, state: RetryCallState) -> bool:
        error = _error(state)
        if error is None:
            return False
        if error.reason is ApiReason.INVALID_RESPONSE:
            self._unreadable += 1  # a proxy's page, once; or another API, always
            return self._unreadable == 1
        return error.reason in _TRANSIENT

    def stop(self, state: RetryCallState) -> bool:
        error = _error(state)
        asked = (error and error.retry_after) or 0.0
        return self._clock() + asked + _SPARE >= self._deadline

    def wait(self, state: RetryCallState) -> float:
        error = _error(state)
        wanted = max((error and error.retry_after) or 0.0, self._backoff(state))
        return max(0.0, min(wanted, self._deadline - self._clock() - _SPARE))


def _error(state: RetryCallState) -> ProviderError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, ProviderError) else None


def patient(
    deadline: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Retrying:
    """Repeats what fails for a passing reason, until ``deadline`` on ``clock``; for reads only.

    Time-outs, broken connections, 5xx and 429 are repeated after an exponential, jittered pause,
    or after the Retry-After; an unreadable answer once; a refusal never. A Retry-After that
    reaches beyond the deadline ends it at once. The last error is raised as it is.
    """
    rules = _Patience(deadline, clock)
    return Retrying(retry=rules.again, stop=rules.stop, wait=rules.wait, sleep=sleep, reraise=True)
