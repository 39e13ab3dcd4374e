"""What the repository itself tells agents: AGENTS.md or CLAUDE.md, from its root down to the working directory."""

from __future__ import annotations

import os
import stat

NAMES = ("AGENTS.md", "CLAUDE.md")  # the first that is there counts, in each folder
MAX_BYTES = 64 * 1024  # all together


def find(directory: str) -> str:
    """Their texts under their names, cut to size; empty when there are none."""
    parts, room = [], MAX_BYTES
    for folder in _folders(directory):
        for name in NAMES:
            path = os.path.join(folder, name)
            text = _read(path, room)
            if text is not None:
                parts.append(f"## {os.path.relpath(path, directory)}\n\n{text.strip()}")
                room -= len(text)
                break
        if room <= 0:
            break
    return "\n\n".join(parts)


def _folders(directory: str) -> list[str]:
    """From the root of the checkout down; only the directory itself when it is in none."""
    folders = [directory]
    while not os.path.exists(os.path.join(folders[0], ".git")):
        parent = os.path.dirname(folders[0])
        if parent == folders[0]:
            return [directory]
        folders.insert(0, parent)
    return folders


def _read(path: str, room: int) -> str | None:
    """None when there is no such file; a pipe by that name would never end."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            data = file.read(room + 1)
    except OSError:
        return None
    text = data[:room].decode("utf-8", "replace")
    return text + ("\n[cut: the rest does not fit]" if len(data) > room else "")
