"""The three protocols side by side: where each is served, and its way to read and to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mogplex.domain.model import ModelProtocol
from mogplex.gateway.scripted import chat, messages, responses
from mogplex.gateway.scripted.conversation import Asked
from mogplex.gateway.scripted.reply import Reply

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol. `suffix` is how the path of its requests ends, `id_header` where answers bear their id, and
    `last_events` how many events of a stream say how it ended.

    `stream` gives the events of a reply one by one: (reply, characters in a piece, whether usage is wanted).
    """

    protocol: ModelProtocol
    suffix: str
    id_header: str
    last_events: int
    read: Callable[[Mapping[str, Any], Mapping[str, str]], Asked]
    answer: Callable[[Reply], dict[str, Any]]
    stream: Callable[[Reply, int, bool], Iterator[bytes]]
    write_failure: Callable[[int, str, str, str | None], dict[str, Any]]
    error_event: Callable[[str, Reply], bytes]

    def failure(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        """The protocol's error object for an HTTP status."""
        kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        return self.write_failure(status, kind, message, code)


DIALECTS = (
    Dialect(
        ModelProtocol.CHAT, "/chat/completions", "x-request-id", 3,
        chat.read, chat.answer, chat.stream, chat.failure, chat.error_event,
    ),
    Dialect(
        ModelProtocol.RESPONSES, "/responses", "x-request-id", 1,
        responses.read, responses.answer, responses.stream, responses.failure, responses.error_event,
    ),
    Dialect(
        ModelProtocol.MESSAGES, "/messages", "request-id", 2,
        messages.read, messages.answer, messages.stream, messages.failure, messages.error_event,
    ),
)  # fmt: skip


def find_dialect(path: str) -> Dialect | None:
    """The dialect of a request's path; whatever stands before its suffix (`/v1`, a proxy's prefix) is left alone."""
    return next((dialect for dialect in DIALECTS if path.rstrip("/").endswith(dialect.suffix)), None)
