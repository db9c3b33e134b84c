"""One HTTP attempt at a provider, and the verdict on it.

An attempt has a deadline, a bounded body and its own connection: a connection that the server has
let go of in the meantime would leave a write in doubt, and a session that is shared between threads
needs locks. Redirects are not followed, because a token must not travel.

For a write the verdict says whether it may have been executed. It was not if the request was never
sent or was answered with 4xx; everything else that is not an understood success is AnswerLost.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider.complaint import complaint
from dnsbalancer_exporter.provider.verdict import chain, verdict, why
from dnsbalancer_exporter.report import ApiCall

Meter = Callable[[ApiCall], None]
T = TypeVar("T")

MAX_BODY = 16 * 2**20
"""Bytes: the longest documented list, 750 records, is below 200 kB."""

GRACE = 0.5
"""Seconds beyond an attempt's deadline in which its own verdict is still waited for."""

MAX_RETRY_AFTER = 3600.0
"""Seconds: a Retry-After beyond it is read as this."""


class Service(NamedTuple):
    """Who is spoken to: the prefix of error texts, and what to do about a status."""

    name: str
    hints: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``subject`` completes "cannot ..."; ``operation`` is one of API_OPERATIONS.

    ``secrets`` are blotted out of the server's texts; ``token``, if any, is one of them.
    """

    service: Service
    operation: str
    subject: str
    method: str
    url: str
    success: frozenset[int]
    write: bool = False
    token: Secret | None = None
    login_header: str = "X-Auth-Token"
    body: Mapping[str, object] | None = field(default=None, repr=False)
    secrets: tuple[Secret, ...] = ()

    def error(
        self, reason: ApiReason, text: str, *, lost: bool = False, retry_after: float | None = None
    ) -> ProviderError:
        """The error that says what happened; ``lost``: the request may have been executed."""
        message = f"{self.service.name}: cannot {self.subject}: {text}"
        if lost and self.write:
            message += "; it may have taken effect, the next read of the zone will tell"
            return AnswerLost(reason, message, retry_after)
        return ProviderError(reason, message, retry_after)


class Answer(NamedTuple):
    """What came back: the status, the headers (case does not count) and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Makes attempts. ``connect`` and ``read`` are one attempt's deadlines in seconds.

    ``clock`` is monotonic, in seconds; ``verify`` is the path of a CA bundle; ``meter`` is told of
    every attempt, and an exception from it is dropped.
    """

    def __init__(
        self,
        *,
        meter: Meter,
        clock: Callable[[], float],
        verify: str,
        connect: float = 3.05,
        read: float = 10.0,
    ) -> None:
        self.clock = clock
        self._meter = meter
        self._verify = verify
        self._connect = connect
        self._read = read

    def exchange(self, call: Call, understand: Callable[[Answer], T], deadline: float) -> T:
        """Send ``call`` before ``deadline`` and give what ``understand`` makes of the answer.

        ``understand`` raises ValueError for an answer that is not the documented one. Raises
        ProviderError, and AnswerLost for a write that may have been executed.
        """
        started = self.clock()
        if started >= deadline:
            raise call.error(ApiReason.TIMEOUT, "no time was left to send the request; not sent")
        answer = self._bounded(call, started, deadline)
        result = answer if isinstance(answer, ProviderError) else _judge(call, answer, understand)
        status = answer.status if isinstance(answer, Answer) else 0
        reason = result.reason if isinstance(result, ProviderError) else None
        with contextlib.suppress(Exception):
            self._meter(ApiCall(call.operation, self.clock() - started, status, reason))
        if isinstance(result, ProviderError):
            # Errors are raised here only, outside of every except block: the exceptions of requests
            # carry the request, with the token or the password, and would be this one's context.
            raise result
        return result

    def _bounded(self, call: Call, now: float, deadline: float) -> Answer | ProviderError:
        """Fetch in a thread that is not waited for beyond the deadline.

        A time-out of a socket bounds each read of it, not their sum: a peer that drips its answer
        would hold the caller, and the login that others wait for, as long as it likes.
        """
        until = min(deadline, now + self._connect + self._read)
        box: queue.SimpleQueue[Answer | ProviderError | BaseException] = queue.SimpleQueue()

        def fetch() -> None:
            try:
                box.put(self._fetch(call, now, until))
            except BaseException as error:  # noqa: BLE001 - it is raised again by who waits
                box.put(error)

        try:
            threading.Thread(target=fetch, name="wire", daemon=True).start()
        except RuntimeError as error:
            return call.error(ApiReason.CONNECTION, f"no thread to be had ({error}); not sent")
        try:
            answer = box.get(timeout=until - now + GRACE)
        except queue.Empty:
            text = f"no whole answer in time from {urlsplit(call.url).hostname}"
            return call.error(ApiReason.TIMEOUT, text, lost=True)
        if isinstance(answer, BaseException) and not isinstance(answer, ProviderError):
            raise answer
        return answer

    def _fetch(self, call: Call, now: float, until: float) -> Answer | ProviderError:
        try:
            with requests.Session() as session:
                session.auth = _keep  # or requests would add a login from ~/.netrc
                with session.request(
                    call.method,
                    call.url,
                    json=call.body,
                    headers=_headers(call),
                    timeout=(min(self._connect, until - now), min(self._read, until - now)),
                    allow_redirects=False,
                    stream=True,
                    verify=self._verify,
                ) as response:
                    body = self._body(response, until)
                    return Answer(response.status_code, response.headers, body)
        except (OSError, ValueError, urllib3.HTTPError) as error:
            return self._network_error(call, error)

    def _body(self, response: requests.Response, until: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(4096):
            body += chunk
            if len(body) > MAX_BODY:
                raise requests.exceptions.ContentDecodingError
            if self.clock() > until:
                raise requests.exceptions.ReadTimeout
        return bytes(body)

    def _network_error(self, call: Call, error: Exception) -> ProviderError:
        where = urlsplit(call.url).hostname
        if type(error) is OSError:  # requests', about the path, before it connects
            text = f"the CA bundle {self._verify} cannot be read; check `ca_file`"
            return call.error(ApiReason.TLS, text)
        links = tuple(chain(error))
        reason, lost, text = verdict(links)
        detail = "".join(f" ({words})" for words in why(links))
        if reason is ApiReason.TLS:
            detail += f"; trusted is what {self._verify} holds, see `ca_file`"
        return call.error(reason, f"{text} {where}{detail}", lost=lost)


def _keep(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _headers(call: Call) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"dnsbalancer/{__version__}",
    }
    if call.token is not None:
        headers[call.login_header] = call.token.reveal()
    return headers


# --- what the server said ---------------------------------------------------------------

_REASONS = {
    401: ApiReason.AUTH,
    404: ApiReason.NOT_FOUND,
    409: ApiReason.CONFLICT,
    429: ApiReason.RATE_LIMITED,
}


def _judge(call: Call, answer: Answer, understand: Callable[[Answer], T]) -> T | ProviderError:
    if answer.status not in call.success:
        return _refusal(call, answer)
    try:
        return understand(answer)
    except (ValueError, RecursionError) as error:
        text = complaint(str(error), call.secrets)
    text = f"HTTP {answer.status} with an answer that is not the documented one: {text}"
    return call.error(ApiReason.INVALID_RESPONSE, text, lost=True)


def _refusal(call: Call, answer: Answer) -> ProviderError:
    ranges = {4: ApiReason.CLIENT_ERROR, 5: ApiReason.SERVER_ERROR}
    other = ranges.get(answer.status // 100, ApiReason.INVALID_RESPONSE)
    said = complaint(answer.body, call.secrets)
    hint = call.service.hints.get(answer.status, "")
    return call.error(
        _REASONS.get(answer.status, other),
        f"HTTP {answer.status}" + (f" {said!r}" if said else "") + (f"; {hint}" if hint else ""),
        lost=answer.status // 100 != 4,
        retry_after=retry_after(answer.headers, time.time()),
    )


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds of a Retry-After header, given in seconds or as a date (RFC 9110, 10.2.3).

    A date is compared with the server's own Date, or else with ``wall``, our seconds since 1970.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    try:
        then = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        wall = parsedate_to_datetime(headers.get("Date", "")).timestamp()
    return min(max(then - wall, 0.0), MAX_RETRY_AFTER)
