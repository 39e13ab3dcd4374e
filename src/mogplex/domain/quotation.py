"""Text of models and strangers, shown where people are called by name and pictures are loaded. Pure."""

from __future__ import annotations

import re

_CALL = re.compile(r"(?<![\w/])@(?=[A-Za-z0-9])")


def tame_text(text: str) -> str:
    """Markdown that calls nobody, loads no picture and holds no HTML, comments of ours included."""
    return _CALL.sub("@\u200b", text.replace("<", "&lt;").replace("![", "!\\["))


def quote_text(text: str, most_characters: int) -> str:
    """As a quotation, cut."""
    cut = text.strip()
    if len(cut) > most_characters:
        cut = cut[:most_characters].rstrip() + " …"
    return "\n".join(f"> {line}".rstrip() for line in tame_text(cut).splitlines())
