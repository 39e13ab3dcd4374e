"""The shape of a template."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..scope import Place, Proposal


@dataclass(frozen=True)
class Template:
    """`propose` is called for every node of one of the types `nodes` in a suspicious statement. `is_evident` tells
    whether a statement is plainly wrong in the way that the template is for, however few tests blame it."""

    name: str
    prior: float
    nodes: tuple[type[ast.AST], ...]
    propose: Callable[[Any, Place], Iterator[Proposal]]
    is_evident: Callable[[ast.stmt], bool] | None = None
