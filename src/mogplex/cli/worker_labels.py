"""The labels that a worker bears, as its command line names them."""

from __future__ import annotations

import click

from mogplex.cli.label_list import split_labels
from mogplex.domain.worker import label_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def read_labels(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> tuple[str, ...] | None:
    """A click callback: None when nothing was given."""
    labels = split_labels(context, parameter, texts)
    for label in labels or ():
        if (fault := label_fault(label)) is not None:
            raise click.BadParameter(fault)
    return labels
