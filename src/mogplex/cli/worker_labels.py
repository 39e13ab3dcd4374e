"""Labels of workers on the command line: commas between them, or the option again."""

from __future__ import annotations

import click

from mogplex.domain.worker import label_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read_labels(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> tuple[str, ...] | None:
    """A click callback: None when nothing was given."""
    labels = tuple(label.strip() for text in texts for label in text.split(",") if label.strip())
    for label in labels:
        if (fault := label_fault(label)) is not None:
            raise click.BadParameter(fault)
    return labels or None
