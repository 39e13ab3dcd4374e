"""A list of worker labels on the command line: commas between them, or the option again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    import click


def split_labels(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> tuple[str, ...] | None:
    """A click callback: None when nothing was given. What a label may look like is left to who takes them."""
    return tuple(label.strip() for text in texts for label in text.split(",") if label.strip()) or None
