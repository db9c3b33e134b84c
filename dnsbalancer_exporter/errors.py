"""What can go wrong, and whose fault it is.

    DnsBalancerError
    ├── ConfigError            the operator's: every problem at once; exit 2
    └── ProviderError          the DNS API's, or the way to it; the zone is as it was
        ├── Conflict           409 on a create: the value may be there already; read to know
        └── AnswerLost         a write was sent and its answer was not understood: it may have
                               taken effect; read to know, never repeat blindly

Only a ConfigError at start, or a bug, ends the process. Everything else is said, exported, retried.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DnsBalancerError(Exception):
    """The root: all errors that this package raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a configuration: where, which key, and what would be right."""

    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return where + (f"{self.key}: {self.message}" if self.key else self.message)


class ConfigError(DnsBalancerError):
    """A configuration that cannot be used, with all its problems in the order of the file."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


class ApiReason(Enum):
    """Why an API request failed: the closed set of the label ``reason``."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    INVALID_RESPONSE = "invalid_response"


class ProviderError(DnsBalancerError):
    """The DNS API refused, failed or could not be reached. The text holds no secret.

    ``retry_after`` is the number of seconds that the API asked for, if it did.
    """

    def __init__(self, reason: ApiReason, message: str, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(message)


class Conflict(ProviderError):
    """A create was answered with 409: a record with this name and value exists, or is refused.

    Of an exchange: the record set is not the one that was read, and nothing was done.
    """

    def __init__(self, message: str) -> None:
        super().__init__(ApiReason.CONFLICT, message)


class AnswerLost(ProviderError):
    """A write whose answer is missing or unreadable: only a later read tells if it happened."""
