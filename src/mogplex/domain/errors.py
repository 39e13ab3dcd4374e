"""Everything that can be refused or go wrong, as a closed list. Doors map codes to HTTP statuses and exit codes.

MogplexError
├── BadRequest · Unauthorized · Forbidden · NotFound · Conflict · IdempotencyConflict · RateLimited
├── InternalError · ServiceUnavailable
├── SandboxError      the sandbox itself could not be made or was lost (not: the command in it failed)
├── WorkspaceError    a repo, branch or commit cannot be used (an expected fault of the input, with a remedy)
└── DeliveryError     a result exists but could not be handed over; the patch is kept
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes callers branch on."""

    BAD_REQUEST = "BAD_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Detail:
    """One field that was refused and why."""

    field: str
    reason: str


class MogplexError(Exception):
    """Something a caller can be told. The message says what was wrong, with which value, and what to do."""

    code: ErrorCode = ErrorCode.INTERNAL_ERROR

    def __init__(self, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class BadRequest(MogplexError):
    code = ErrorCode.BAD_REQUEST

    def __init__(self, message: str, details: Sequence[Detail] = (), http_status: int = 400) -> None:
        """`http_status` may also be 405, 413 or 415: the same code with a more precise status."""
        super().__init__(message, details)
        self.http_status = http_status


class Unauthorized(MogplexError):
    code = ErrorCode.UNAUTHORIZED


class Forbidden(MogplexError):
    code = ErrorCode.FORBIDDEN


class NotFound(MogplexError):
    """Missing, or not to be seen with this key: a caller can't tell which."""

    code = ErrorCode.NOT_FOUND


class Conflict(MogplexError):
    code = ErrorCode.CONFLICT


class IdempotencyConflict(MogplexError):
    code = ErrorCode.IDEMPOTENCY_CONFLICT


class RateLimited(MogplexError):
    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class InternalError(MogplexError):
    code = ErrorCode.INTERNAL_ERROR


class ServiceUnavailable(MogplexError):
    code = ErrorCode.SERVICE_UNAVAILABLE

    def __init__(self, message: str, retry_after_seconds: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SandboxError(MogplexError):
    """The sandbox could not be made, or ended without the command being at fault."""

    code = ErrorCode.SERVICE_UNAVAILABLE


class WorkspaceError(MogplexError):
    """A repo, branch, commit or folder in it cannot be used as asked."""

    code = ErrorCode.BAD_REQUEST


class DeliveryError(MogplexError):
    """The result could not be handed over. The patch is kept and can be fetched."""

    code = ErrorCode.CONFLICT
