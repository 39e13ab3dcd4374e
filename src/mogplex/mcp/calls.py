"""What the tools need of whoever does the work: the client's methods, by name. `client.Client` has them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Calls(Protocol):
    """Every method may block and raises MogplexError or ClientError for what is refused."""

    def list_repos(self, query: str | None = None, limit: int | None = None, cursor: str | None = None) -> Json: ...

    def start_run(self, body: Mapping[str, object], *, idempotency_key: str | None = None) -> Json: ...

    def list_runs(
        self, *, repo: str | None = None, status: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Json: ...

    def get_run(self, run_id: str) -> Json: ...

    def list_events(self, run_id: str, after: int = 0, limit: int | None = None) -> Json: ...

    def get_patch(self, run_id: str) -> bytes: ...

    def cancel_run(self, run_id: str) -> Json: ...

    def retry_run(
        self, run_id: str, body: Mapping[str, object] | None = None, *, idempotency_key: str | None = None
    ) -> Json: ...

    def get_pressure(self) -> Json: ...
