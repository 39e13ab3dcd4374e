"""A conversation in no protocol's words, and how it is kept inside the model's window."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEFAULT_WINDOW_TOKENS = 100_000  # when nobody knows the model's
CHARACTERS_PER_TOKEN = 3.5
FULL_SHARE = 0.8  # of the window: beyond it old output goes; the rest is for the answer
KEPT_SHARE = 0.5  # what is left then: dropping seldom and much keeps the provider's cache of the beginning useful
KEPT_OUTPUTS = 3  # the latest are never dropped
SMALL_CHARACTERS = 400  # dropping less is not worth a marker


class Call:
    """A tool call of the model. `arguments` is the text it wrote, JSON or not."""

    def __init__(self, call_id: str, name: str, arguments: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments = arguments


class Answer:
    """One answer of the model, put together piece by piece."""

    def __init__(self) -> None:
        self.text = ""
        self.reasoning = ""
        self.calls: list[Call] = []
        self.stop = "end"  # or tools, limit, refusal
        self.input_tokens: int | None = None  # all of them, cached ones too
        self.raw: list[Any] = []  # parts that must go back unchanged


class Output:
    """What a tool call gave."""

    def __init__(self, call: Call, text: str, ok: bool) -> None:
        self.call = call
        self.text = text
        self.ok = ok
        self.dropped = False


class Words:
    """What we say to the model, as its user."""

    def __init__(self, text: str) -> None:
        self.text = text


class Conversation:
    """Words, answers and outputs in order."""

    def __init__(self, system: str, window_tokens: int | None, tools: list[dict[str, Any]]) -> None:
        self.system = system
        self.tools = tools
        self.window_tokens = window_tokens or DEFAULT_WINDOW_TOKENS
        self.parts: list[Any] = []
        self._tokens_per_character = 1 / CHARACTERS_PER_TOKEN
        self._fixed_characters = len(system) + sum(len(str(tool)) for tool in tools)

    def learn(self, input_tokens: int | None) -> None:
        """Correct our estimate by what the provider counted for the conversation as it is now."""
        if input_tokens:
            measured = input_tokens / max(1, self._characters())
            self._tokens_per_character = min(1.0, max(0.1, measured))

    @property
    def tokens(self) -> int:
        """About how many tokens it has now."""
        return round(self._characters() * self._tokens_per_character)

    def fit(self) -> int:
        """Drop old output once the conversation is about to fill the window; gives how many were dropped.

        Raises ValueError when it does not fit all the same.
        """
        if self.tokens <= self.window_tokens * FULL_SHARE:
            return 0
        dropped = self.drop(KEPT_OUTPUTS, down_to=self.window_tokens * KEPT_SHARE)
        if self.tokens > self.window_tokens:
            raise ValueError(
                f"The conversation has about {self.tokens:,} tokens and no longer fits the model's window of "
                f"{self.window_tokens:,}."
            )
        return dropped

    def drop(self, kept: int, down_to: float = 0) -> int:
        """Put markers for outputs, the oldest first, but for the latest `kept`, until `down_to` tokens are left."""
        outputs = [part for part in self.parts if isinstance(part, Output)]
        dropped = 0
        for output in outputs[: max(0, len(outputs) - kept)]:
            if self.tokens <= down_to:
                break
            if not output.dropped and len(output.text) > SMALL_CHARACTERS:
                output.text = marker(output)
                output.dropped = True
                dropped += 1
        return dropped

    def _characters(self) -> int:
        return self._fixed_characters + sum(_size(part) for part in self.parts)


def marker(output: Output) -> str:
    """What stands for an output that was dropped."""
    size = f"{len(output.text):,} characters"
    return f"[old output of {output.call.name} dropped to save room: {size}; call it again if you need it]"


def _size(part: Any) -> int:
    if isinstance(part, Answer):
        return len(part.text) + len(part.reasoning) + sum(len(call.arguments) + len(call.name) for call in part.calls)
    return len(part.text)
