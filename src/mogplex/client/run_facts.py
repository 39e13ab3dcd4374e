"""What is known of a run and of an event, as attributes; both clients' run objects have these."""

from __future__ import annotations

from mogplex.client.errors import RunFailed
from mogplex.client.tail import TERMINAL_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Self

    Json = dict[str, Any]
    Status = Literal["pending", "streaming", "success", "failed", "cancelled"]
    Verdict = Literal["verified", "failed", "not_run", "inconclusive"]


class Event:
    """One event: `seq`, `type`, `message`, `tool_name`, `payload`, `created_at`, `attempt`; `data` is its JSON."""

    __slots__ = ("data",)

    def __init__(self, data: Json) -> None:
        self.data = data

    @property
    def seq(self) -> int:
        return int(self.data["seq"])

    @property
    def type(self) -> str:
        return str(self.data["type"])

    @property
    def message(self) -> str:
        """One line for a person; may be empty."""
        return str(self.data.get("message") or "")

    @property
    def tool_name(self) -> str | None:
        return self.data.get("toolName")

    @property
    def payload(self) -> Json:
        return self.data.get("payload") or {}

    @property
    def created_at(self) -> str:
        return str(self.data["createdAt"])

    @property
    def attempt(self) -> int | None:
        return self.data.get("attempt")

    def __repr__(self) -> str:
        return f"<Event {self.seq} {self.type}: {self.message}>"


class RunFacts:
    """A run as it was when the server last told; `data` is the whole run object, and newer after each call."""

    def __init__(self, data: Json) -> None:
        self.data = data

    @property
    def id(self) -> str:
        return str(self.data["runId"])

    @property
    def status(self) -> Status:
        status: Status = self.data["status"]
        return status

    @property
    def is_ended(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def outcome(self) -> str | None:
        """Why it ended, from the closed list; None before."""
        return self.data.get("outcome")

    @property
    def verdict(self) -> Verdict | None:
        """What the checks said."""
        return self.data.get("verdict")

    @property
    def error(self) -> str | None:
        return self.data.get("error")

    @property
    def remedy(self) -> str | None:
        """What to do about a failure."""
        return (self.data.get("failure") or {}).get("remedy")

    @property
    def repo(self) -> str | None:
        """owner/name."""
        return (self.data.get("repo") or {}).get("fullName")

    @property
    def branch(self) -> str | None:
        """The working branch."""
        return (self.data.get("branch") or {}).get("working")

    @property
    def harness(self) -> str | None:
        return self.data.get("harness")

    @property
    def model(self) -> str | None:
        return self.data.get("model")

    @property
    def changes(self) -> Json | None:
        """{files, insertions, deletions, commit, …}; None before there are any."""
        return self.data.get("changes")

    @property
    def result(self) -> Any:
        """The structured result that `output_schema` asked for."""
        return self.data.get("result")

    @property
    def cost_usd(self) -> float | None:
        """An estimate from list prices; None when a price is not known."""
        return self.data.get("costUsd") if self.data.get("costKnown") else None

    @property
    def replayed(self) -> bool:
        """Whether the start found a run that its idempotency key had started before."""
        return bool(self.data.get("replayed"))

    def require_success(self) -> Self:
        """This run, when it succeeded. Raises RunFailed otherwise, also when it has not ended."""
        if self.status != "success":
            raise RunFailed(self)
        return self

    def _take(self, data: Json) -> None:
        """Newer facts. `replayed` is told by the start alone, and stays."""
        self.data = {**({"replayed": self.replayed} if "replayed" in self.data else {}), **data}

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.status}>"


def write_body(options: dict[str, Any]) -> dict[str, Any]:
    """Options in snake_case as the API's fields: `base_branch` is `baseBranch`. None leaves an option out."""
    return {_camel(name): value for name, value in options.items() if value is not None}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
