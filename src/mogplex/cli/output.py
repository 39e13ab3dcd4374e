"""What is printed and where: stdout is data, stderr is everything else."""

from __future__ import annotations

import json
import os
import sys
from unicodedata import combining, east_asian_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TextIO

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36", "dim": "2", "bold": "1"}
STATUS_COLOURS = {"pending": "yellow", "streaming": "blue", "success": "green", "failed": "red", "cancelled": "dim"}
# What an agent prints must not move the cursor or recolour somebody's terminal: control characters are shown instead.
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: " ", 10: " ", 13: " "}


def is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def can_ask() -> bool:
    """Whether there is a person to ask: both stdin and stderr are a terminal."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def has_colour(stream: TextIO) -> bool:
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str | None, stream: TextIO | None = None) -> str:
    """`text` in a colour, when the stream (default: stdout) is to have colours."""
    if colour not in _COLOURS or not has_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def paint_status(status: str) -> str:
    return paint(status, STATUS_COLOURS.get(status))


def show(text: object) -> str:
    """Foreign text on one line, harmless to a terminal."""
    return str(text).translate(_CONTROL)


def write_line(text: str) -> None:
    """One line of data on stdout, at once: a reader of a pipe follows live."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout, UTF-8 whatever the locale says."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A lone surrogate can't be UTF-8; its backslash form happens to be the JSON escape.
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def write_bytes(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def note(text: str) -> None:
    """A line for the person, on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write_fields(rows: Iterable[tuple[str, object]]) -> None:
    """Label and value lines; rows without a value are left out."""
    shown = [(label, value) for label, value in rows if value is not None and value != ""]
    width = max((len(label) for label, _ in shown), default=0) + 2
    for label, value in shown:
        write_line(f"{label:<{width}}{value}")


def write_table(headings: Sequence[str], rows: Iterable[Sequence[str]], flexible: int) -> None:
    """A table as wide as the terminal, 80 columns where there is none. Column `flexible` gives way; none is painted.

    Statuses are coloured where a cell is exactly a status.
    """
    cells = [list(headings), *([show(cell) for cell in row] for row in rows)]
    widths = [max(measure(row[column]) for row in cells) for column in range(len(headings))]
    spare = find_width() - sum(widths) - 2 * (len(widths) - 1)
    if spare < 0:
        widths[flexible] = max(widths[flexible] + spare, 8)
    for number, row in enumerate(cells):
        fitted = [fit(cell, width) for cell, width in zip(row, widths, strict=True)]
        if number == 0:
            fitted = [paint(cell, "bold") for cell in fitted]
        else:
            fitted = [paint(cell, STATUS_COLOURS.get(cell.strip())) for cell in fitted]
        write_line("  ".join(fitted).rstrip())


def find_width() -> int:
    """Columns of the terminal; 80 without one."""
    if not is_terminal(sys.stdout):
        return 80
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def measure(text: str) -> int:
    """Columns that `text` takes: East Asian characters and most emoji take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(_width_of(character) for character in text)


def fit(text: str, width: int) -> str:
    """`text` cut or padded to exactly `width` columns."""
    taken = measure(text)
    if taken > width:
        kept, taken = "", 0
        for character in text:
            if taken + _width_of(character) > width - 1:
                break
            kept += character
            taken += _width_of(character)
        text, taken = kept + "…", taken + 1
    return text + " " * (width - taken)


def _width_of(character: str) -> int:
    if character.isascii():
        return 1
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
