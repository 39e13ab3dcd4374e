"""Why a model could not be asked, and whether asking again may help."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
FINAL_CODES = frozenset({"insufficient_quota", "context_length_exceeded", "invalid_api_key", "billing_error"})
SHOWN_CHARACTERS = 500


class ModelFault(Exception):
    """`again` is whether another request may do better; `wait_seconds` is how long the provider asks us to wait."""

    def __init__(self, message: str, again: bool, wait_seconds: float | None = None, status: int | None = None) -> None:
        """`status` is given for HTTP errors about which the request itself can be changed."""
        super().__init__(message)
        self.message = message
        self.again = again
        self.wait_seconds = wait_seconds
        self.status = status

    @staticmethod
    def told(error: Any) -> ModelFault:
        """From the error object of a stream."""
        message, code = words_of(error)
        return ModelFault(f"The provider failed in the middle of its answer: {message}", code not in FINAL_CODES)

    @staticmethod
    def of_status(status: int, error: Any, text: str, headers: Any) -> ModelFault:
        """From an HTTP error, whose body is `error` when it was JSON and `text` in any case."""
        message, code = words_of(error) if error else (text.strip()[:SHOWN_CHARACTERS] or "no reason given", None)
        settled = headers.get("x-should-retry") == "false"  # a budget that is spent, for instance
        again = status in RETRIED and code not in FINAL_CODES and not settled
        wait_seconds = _seconds(headers.get("retry-after"))
        return ModelFault(f"HTTP {status}: {message}", again, wait_seconds, None if settled else status)


def words_of(error: Any) -> tuple[str, str | None]:
    """Message and code of an error object, in whichever of the usual shapes."""
    if isinstance(error, dict):
        inner = error.get("error", error)
        if isinstance(inner, dict):
            message = str(inner.get("message") or inner)
            return message[:SHOWN_CHARACTERS], inner.get("code") or inner.get("type")
        error = inner
    return str(error)[:SHOWN_CHARACTERS], None


def _seconds(header: str | None) -> float | None:
    """`Retry-After` in seconds; its form as a date is rare, and our own back-off does as well."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
