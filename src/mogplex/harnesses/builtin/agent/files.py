"""Reads, edits and writes files. Whatever is wrong is told in words that help to do better."""

from __future__ import annotations

import os
import stat

from .tool_fault import ToolFault

MAX_LINES = 2000
MAX_LINE_CHARACTERS = 2000
MAX_EDITED_BYTES = 16 * 1024 * 1024
MAX_LISTED = 500
NEAR_LINES = 3


def read(path: str, offset: int, limit: int, max_characters: int) -> str:
    """Numbered lines from `offset` (1 is the first), at most `limit`; a folder is listed. Raises ToolFault."""
    if os.path.isdir(path):
        return _list(path)
    data = _load(path)
    if b"\0" in data[:8192]:
        raise ToolFault(
            f"{path} is a binary file of {len(data):,} bytes. Look at it with a command, such as file or xxd."
        )
    lines = data.decode("utf-8", "replace").split("\n")
    if lines and not lines[-1]:
        lines.pop()
    if not lines:
        return f"[{path} is empty]"
    if offset > len(lines):
        raise ToolFault(f"{path} has {len(lines):,} lines; there is none at {offset:,}.")
    shown: list[str] = []
    room = max_characters
    for number, line in enumerate(lines[offset - 1 : offset - 1 + min(limit, MAX_LINES)], offset):
        text = f"{number}\t{_cut(line)}"
        room -= len(text) + 1
        if room < 0 and shown:
            break
        shown.append(text)
    last = offset - 1 + len(shown)
    if last < len(lines):
        shown.append(f"[lines {offset:,} to {last:,} of {len(lines):,}; go on with offset {last + 1}]")
    return "\n".join(shown)


def edit(path: str, old: str, new: str, replace_all: bool) -> str:
    """Put `new` in the place of `old`, which must stand there exactly once unless `replace_all`. Raises ToolFault."""
    if not old:
        raise ToolFault("`old` is empty. Give the text to replace, or use write for a whole file.")
    if old == new:
        raise ToolFault("`old` and `new` are the same: nothing to change.")
    data = _load(path)
    before, after = old.encode("utf-8", "replace"), new.encode("utf-8", "replace")
    if before not in data and b"\r\n" in data and b"\r\n" not in before:
        before, after = before.replace(b"\n", b"\r\n"), after.replace(b"\n", b"\r\n")
    count = data.count(before)
    if count == 0:
        raise ToolFault(f"`old` is not in {path}. {_hint(data, old)}")
    if count > 1 and not replace_all:
        places = ", ".join(map(str, _line_numbers(data, before)[:10]))
        raise ToolFault(
            f"`old` is {count} times in {path}, at lines {places}. Give more lines around it, or set replace_all."
        )
    _store(path, data.replace(before, after))
    return (
        f"Replaced {count} places in {path}."
        if count > 1
        else f"Replaced 1 place in {path}, line {_line_numbers(data, before)[0]}."
    )


def write(path: str, content: str) -> tuple[str, str]:
    """Make or replace a whole file; gives the words and the kind of change. Raises ToolFault."""
    kind = "modified" if os.path.lexists(path) else "added"
    if os.path.isdir(path):
        raise ToolFault(f"{path} is a folder.")
    folder = os.path.dirname(path)
    try:
        if folder:
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ToolFault(f"The folder {folder} can't be made: {error.strerror}.") from error
    data = content.encode("utf-8", "replace")
    _store(path, data)
    return f"Wrote {path}: {content.count(chr(10)) + bool(content and not content.endswith(chr(10)))} lines.", kind


def _load(path: str) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # reading a pipe or a device may never end
            raise ToolFault(f"{path} is no regular file.")
        if status.st_size > MAX_EDITED_BYTES:
            raise ToolFault(f"{path} has {status.st_size:,} bytes, too many for this tool. Use a command.")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise ToolFault(f"{path} does not exist.{_neighbours(path)}") from error
    except (OSError, ValueError) as error:
        raise ToolFault(f"{path} can't be read: {error}.") from error


def _store(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        raise ToolFault(f"{path} can't be written: {error}.") from error


def _list(path: str) -> str:
    with os.scandir(path) as found:
        names = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in found)
    more = [f"[{len(names) - MAX_LISTED:,} more]"] if len(names) > MAX_LISTED else []
    return "\n".join([f"{path} is a folder:", *names[:MAX_LISTED], *more])


def _neighbours(path: str) -> str:
    """Names in the same folder that look like the one that was asked for."""
    import difflib  # only for those who miss: it is slow to load

    folder, name = os.path.split(path)
    try:
        near = difflib.get_close_matches(name, os.listdir(folder or "."), 3)
    except OSError:
        return f" Neither does the folder {folder}."
    return f" There is: {', '.join(near)}." if near else ""


def _hint(data: bytes, old: str) -> str:
    """Where something like `old` stands, so that the next try can be exact."""
    import difflib  # only for those who miss: it is slow to load

    lines = data.decode("utf-8", "replace").splitlines()
    wanted = [line for line in old.splitlines() if line.strip()]
    if not wanted or not lines:
        return "Read the file and copy the lines as they are."
    stripped = [line.strip() for line in lines]
    first = wanted[0].strip()
    if first in stripped:
        at = stripped.index(first)
        why = "Its first line is there, but what follows or its spaces differ."
    else:
        near = difflib.get_close_matches(first, stripped[:20_000], 1, 0.5)
        if not near:
            return "Nothing like it is there. Read the file and copy the lines as they are."
        at, why = stripped.index(near[0]), "The nearest line is different."
    around = range(max(0, at - 1), min(len(lines), at + len(wanted) + NEAR_LINES))
    shown = "\n".join(f"{number + 1}\t{_cut(lines[number])}" for number in around)
    return f"{why} There stands:\n{shown}"


def _line_numbers(data: bytes, wanted: bytes) -> list[int]:
    numbers, start, line, seen = [], 0, 1, 0
    while (at := data.find(wanted, start)) >= 0:
        line += data.count(b"\n", seen, at)
        seen = at
        numbers.append(line)
        start = at + len(wanted)
    return numbers


def _cut(line: str) -> str:
    if len(line) <= MAX_LINE_CHARACTERS:
        return line
    return line[:MAX_LINE_CHARACTERS] + f"… [{len(line) - MAX_LINE_CHARACTERS:,} more characters]"
