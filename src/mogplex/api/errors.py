"""What went wrong, as an answer. The only place where a code becomes an HTTP status."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping

from starlette.responses import Response

from mogplex.api.envelope import refuse
from mogplex.domain.errors import BadRequest, ErrorCode, InternalError, MogplexError

STATUS_OF: Mapping[ErrorCode, int] = {
    ErrorCode.BAD_REQUEST: 400,  # or 405, 413, 415, as the error itself says
    ErrorCode.UNAUTHORIZED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.IDEMPOTENCY_CONFLICT: 409,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.INTERNAL_ERROR: 500,
    ErrorCode.SERVICE_UNAVAILABLE: 503,
}
DEFAULT_RETRY_SECONDS = 5.0
_log = logging.getLogger(__name__)


def status_of(error: MogplexError) -> int:
    return error.http_status if isinstance(error, BadRequest) else STATUS_OF[error.code]


def answer(error: MogplexError, request_id: str) -> Response:
    """The refusal a caller gets for `error`."""
    body = {
        "code": error.code,
        "message": error.message,
        "details": [{"field": each.field, "reason": each.reason} for each in error.details],
        "requestId": request_id,
    }
    headers: dict[str, str] = {}
    if error.code is ErrorCode.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.code in (ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE):
        seconds = getattr(error, "retry_after_seconds", DEFAULT_RETRY_SECONDS)
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
    return refuse(body, status_of(error), headers)


def explain(error: Exception, request_id: str) -> MogplexError:
    """`error` if callers may hear it, else a plain InternalError: the cause stays in the log under the id."""
    if isinstance(error, MogplexError) and error.code is not ErrorCode.INTERNAL_ERROR:
        if error.code is ErrorCode.SERVICE_UNAVAILABLE:
            _log.warning("%s is refused: %s", request_id, error.message)
        return error
    _log.error("%s failed", request_id, exc_info=error)
    return InternalError(f"Internal error. The server's log has the cause under {request_id}.")
