"""What can be done to a request: one table of actions, each a function around the honest answer.

    action         the write   the client gets
    -------------  ----------  -------------------------------------------------------------
    status         not done    a status of choice
    reset          not done    a TCP RST
    slow           done        the honest answer, late: the wait comes before the write
    lost           done        a closed connection
    lost_error     done        500
    delayed        later       the honest answer, or a closed connection, at once
    cut            done        half of the body, with the Content-Length of the whole; without
                               a body, half of the first word
    garbage        done        200 with something else
    short_list     -           a list without its end
    stale_list     -           a list as it was some seconds ago
    expire_tokens  done        the honest answer, all tokens having been forgotten before (a 401)

``proceed`` gives the honest answer, or what is left of it after the faults further in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from dnsbalancer_exporter.emulator.calls import OPERATIONS, Answer, Call, Fate, shown

if TYPE_CHECKING:
    from dnsbalancer_exporter.emulator.faults import Fault

Proceed = Callable[[Call], Answer]


class Stage(Protocol):
    """What an action may use of the emulator."""

    def wait(self, seconds: float) -> bool:
        """Let time pass; False if the emulator was stopped meanwhile."""

    def expire_tokens(self) -> None:
        """Forget all tokens."""

    def failure(self, call: Call, status: int) -> Answer:
        """An error in the style of the API that was called."""


Run = Callable[["Fault", Call, Proceed, Stage], Answer]

GARBAGE: Mapping[str, tuple[str, bytes]] = {
    "html": ("text/html", b"<html><body><h1>We will be back soon</h1></body></html>"),
    "object": ("application/json", b'{"records": [], "links": {}}'),
    "null": ("application/json", b"null"),
    "text": ("text/plain", b"OK"),
}
"""Content types and bodies that are no answers, by shape."""


def _status(fault: Fault, call: Call, _: Proceed, stage: Stage) -> Answer:
    answer = stage.failure(call, fault.code)
    if fault.body is not None:
        answer = replace(answer, body=fault.body.encode())
    if fault.retry_after is not None:
        answer = replace(answer, headers=(*answer.headers, ("Retry-After", fault.retry_after)))
    return answer


def _reset(_fault: Fault, _call: Call, _proceed: Proceed, _stage: Stage) -> Answer:
    return Answer(0, fate=Fate.RESET)


def _slow(fault: Fault, call: Call, proceed: Proceed, stage: Stage) -> Answer:
    return proceed(call) if stage.wait(fault.seconds) else Answer(0, fate=Fate.DROPPED)


def _lost(_fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    return replace(proceed(call), fate=Fate.DROPPED)


def _lost_error(_fault: Fault, call: Call, proceed: Proceed, stage: Stage) -> Answer:
    proceed(call)
    return stage.failure(call, 500)


def _delayed(fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    answer = proceed(replace(call, defer=fault.seconds))
    return answer if fault.answer else replace(answer, fate=Fate.DROPPED)


def _cut(_fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    return replace(proceed(call), fate=Fate.CUT)


def _garbage(fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    proceed(call)
    content_type, body = GARBAGE[fault.shape]
    return Answer(200, body, content_type)


def _short_list(fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    answer = proceed(call)
    try:
        whole = json.loads(answer.body)
    except ValueError:
        return answer
    if not isinstance(whole, list):
        return answer
    kept = len(whole) - math.ceil(len(whole) * fault.fraction)
    return replace(answer, body=shown(whole[:kept]).body)


def _stale_list(fault: Fault, call: Call, proceed: Proceed, _stage: Stage) -> Answer:
    return proceed(replace(call, age=fault.seconds))


def _expire_tokens(_fault: Fault, call: Call, proceed: Proceed, stage: Stage) -> Answer:
    stage.expire_tokens()
    return proceed(call)


_WRITES = frozenset(o for o, sort in OPERATIONS.items() if sort == "write") - {"auth_token"}
_LISTS = frozenset({"list_zones", "list_records"})


@dataclass(frozen=True, slots=True)
class Action:
    """How a fault is done, the options it has beside the common ones, and what it is for."""

    run: Run
    options: frozenset[str] = field(default=frozenset())
    only: frozenset[str] = field(default=frozenset())


ACTIONS: Mapping[str, Action] = {
    "status": Action(_status, frozenset({"code", "retry_after", "body"})),
    "reset": Action(_reset),
    "slow": Action(_slow, frozenset({"seconds"})),
    "lost": Action(_lost),
    "lost_error": Action(_lost_error),
    "delayed": Action(_delayed, frozenset({"seconds", "answer"}), _WRITES),
    "cut": Action(_cut),
    "garbage": Action(_garbage, frozenset({"shape"})),
    "short_list": Action(_short_list, frozenset({"fraction"}), _LISTS),
    "stale_list": Action(_stale_list, frozenset({"seconds"}), _LISTS),
    "expire_tokens": Action(_expire_tokens),
}
