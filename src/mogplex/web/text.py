"""How values look to people: durations, sums of money, sizes, and foreign text without its control characters."""

from __future__ import annotations

import re

from mogplex.domain.view import format_time

# CSI, OSC (ended by BEL or ST), and two-letter escapes: what terminals obey and a page would show as rubbish.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_].*?\x1b\\|[ -/]*[0-~])", re.DOTALL
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Marks that turn the reading direction around could make a command look like another.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)(?=[^\n])")


def plain(text: object) -> str:
    """Foreign text, ready to be escaped: no escape sequences, no control characters, progress lines overwritten."""
    cleaned = _ESCAPES.sub("", str(text))
    cleaned = _OVERWRITTEN.sub("", cleaned).replace("\r", "")
    return _BIDI.sub("\ufffd", _CONTROLS.sub("", cleaned))


def one_line(text: object, limit: int = 200) -> str:
    """The same on one line, cut."""
    line = " ".join(plain(str(text)[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def duration(milliseconds: float | None) -> str:
    """`820 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`; a dash for what is not known."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def seconds(value: float | None) -> str:
    return duration(None if value is None else value * 1000)


def money(usd: float | None, known: bool = True) -> str:
    """`$0.0042`, `$1.20`; `unknown` where prices are not known."""
    if usd is None or not known:
        return "unknown" if not known else "–"
    if usd == 0:
        return "$0"
    return f"${usd:.4f}" if usd < 0.1 else f"${usd:,.2f}"


def count(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def short_count(number: float | None) -> str:
    """`950`, `12.4k`, `3.1M`."""
    if number is None:
        return "–"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.1f} %".replace(".0 %", " %")


def size(size_bytes: float | None) -> str:
    if size_bytes is None:
        return "–"
    for limit, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size_bytes >= limit:
            return f"{size_bytes / limit:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def moment(seconds_since_1970: float | None) -> str:
    """`2026-11-26 13:40:02 UTC`: what stands there until the script puts the local time in its place."""
    told = format_time(seconds_since_1970)
    return "–" if told is None else f"{told[:10]} {told[11:19]} UTC"
