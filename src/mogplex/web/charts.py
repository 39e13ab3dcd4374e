"""Bars over time, drawn as SVG in percent, so that they fit any width and need no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """Percent of the drawing's width and height, from the top left. `kind` names its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket: its bars, and the whole column as what answers to the pointer."""

    start: str
    x: float
    width: float
    bars: tuple[Bar, ...]
    parts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the value at the upper edge; `total` of all columns."""

    columns: tuple[Column, ...]
    top: float
    total: float


_GAP = 0.2  # of a column


def draw_columns(series: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> Chart:
    """Stacked columns of `series`; `kinds` maps the names of values to colours, from the bottom up."""
    sums = [sum(float(each[name] or 0) for name in kinds) for each in series]
    top = _round_up(max(sums, default=0.0))
    width = 100 / max(len(series), 1)
    columns = []
    for place, each in enumerate(series):
        x, bars, floor = place * width, [], 100.0
        for name, kind in kinds.items():
            height = float(each[name] or 0) / top * 100 if top else 0.0
            if height > 0:
                floor -= height
                bars.append(Bar(_p(x + width * _GAP / 2), _p(floor), _p(width * (1 - _GAP)), _p(height), kind))
        columns.append(Column(str(each["start"]), _p(x), _p(width), tuple(bars), each))
    return Chart(tuple(columns), top, sum(sums))


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … (or their tenths), so that the axis has a number people can read."""
    if value <= 0:
        return 0.0
    step = 1.0
    while step < value:
        step *= 10
    while step / 10 >= value:
        step /= 10
    return next(step * share for share in (0.1, 0.2, 0.5, 1.0) if step * share >= value)


def _p(value: float) -> float:
    return round(value, 3)
