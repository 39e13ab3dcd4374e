"""What is to be done, as it comes in on stdin."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Task:
    """`protocol` is one of `openai-chat`, `openai-responses`, `anthropic-messages`; `url` has no path; `session` is a
    name of this conversation, which the provider's side may see."""

    def __init__(
        self,
        *,
        prompt: str,
        directory: str,
        url: str,
        protocol: str,
        model: str,
        session: str,
        context_tokens: int | None = None,
        checks: list[str] | None = None,
        output_schema: dict[str, Any] | None = None,
    ) -> None:
        self.prompt = prompt
        self.directory = directory
        self.url = url
        self.protocol = protocol
        self.model = model
        self.session = session
        self.context_tokens = context_tokens
        self.checks = checks or []
        self.output_schema = output_schema
