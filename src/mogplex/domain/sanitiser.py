"""What makes text from outside safe to keep: the shape that everything which stores such text asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Sanitiser(Protocol):
    """Takes known secrets out of text, then what looks like one, then cuts what is too long."""

    def text(self, value: str, /, limit: int = 8192) -> str:
        """`value` without secrets, at most `limit` bytes, cuts marked."""
        ...

    def payload(self, value: Any, /) -> Any:
        """A JSON-like value with every string and key in it treated, and its size bounded."""
        ...


# Makes a sanitiser that knows these secrets besides the process's own ones.
OpenSanitiser = Callable[[Iterable[str]], Sanitiser]
