"""Keeps files from the code under test while an edit is in force: one that opens another file, or for writing, must not
leave its traces in the repo, where the next candidates and the patch itself would suffer from them.

What the tests write without any edit they may write with one, too. But files that they make in the repo, with an edit
or without one, are gone afterwards: what the broken code has stored there (something compiled, a cache) would make
tests fail with the right edit as well. Programs that tests start are not watched.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

LOG = ".repair-made"  # in the private folder of the process: what its edit has made elsewhere
JOURNAL = "written"  # in the folder that all processes share: what the tests write without an edit
WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND | os.O_CREAT
FLEETING = ("/dev/shm/", "/proc/")  # nothing there is the repo's
DEVICES = "/dev/"  # may be written to, and not be removed or get other rights
ENDS, MAKES, REPLACES = "ends", "makes", "replaces"  # what is there; what is not there yet; either
# CPython's audit events (https://docs.python.org/3/library/audit_events.html): what they do to their first two paths.
CHANGES: dict[str, tuple[str, ...]] = {
    "os.remove": (ENDS,), "os.rmdir": (ENDS,), "os.truncate": (ENDS,), "os.chmod": (ENDS,), "shutil.rmtree": (ENDS,),
    "os.mkdir": (MAKES,), "os.symlink": ("", MAKES), "os.link": ("", MAKES), "os.rename": (ENDS, REPLACES),
    "shutil.move": (ENDS, REPLACES), "shutil.copyfile": ("", REPLACES),
}  # fmt: skip
OF_OPEN_FILES = {"os.chmod", "os.truncate"}  # may be given one that is open already
IN_FOLDER = {"os.remove", "os.rmdir", "os.chmod", "os.mkdir", "os.symlink", "os.link", "os.rename", "shutil.rmtree"}


class Safekeeping:
    """Of this process, from `begin` to its end: hooks can't be taken away.

    `private` are folders in which anything may be done, `journal` is the file, common to all processes, with what the
    tests write without an edit, `root` is the repo.
    """

    def __init__(self, private: Sequence[str], journal: str, directory: str, root: str, is_edited: bool) -> None:
        self._private = tuple(os.path.realpath(one) + os.sep for one in private) + FLEETING
        self._root = os.path.realpath(root) + os.sep
        self._journal = journal
        self._log = f"{directory}/{LOG}"
        self._is_edited = is_edited
        self._written = read_lines(journal)
        self._made: set[str] = set()
        self._found: set[str] = set()  # what was there when it was touched first: never to be taken away
        self._is_busy = False

    def begin(self) -> None:
        sys.addaudithook(self._on_event)

    def _on_event(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open":
            if not isinstance(details[2], int) or not details[2] & WRITING:
                return
        elif event not in CHANGES:
            return
        if self._is_busy:
            return
        self._is_busy = True
        try:
            is_moved = False  # something that was there: it is none that the tests have made, wherever it goes
            for path, change in _changes(event, details):
                is_device = event == "open" and path.startswith(DEVICES)
                if not path.startswith(self._private) and not is_device:
                    self._touch(path, change, is_moved)
                    is_moved = change == ENDS and path not in self._made
        finally:
            self._is_busy = False

    def _touch(self, path: str, change: str, is_moved: bool) -> None:
        if path in self._made:
            return
        is_there = os.path.lexists(path)
        if is_there or is_moved:
            self._found.add(path)
        if (is_there and change == MAKES) or (not is_there and change == ENDS):
            return  # the call fails by itself
        is_written = path in self._written
        if not self._is_edited and not is_written:
            self._written.add(path)
            _append(self._journal, path)
        elif self._is_edited and is_there and not is_written:
            raise PermissionError(errno.EACCES, "no edit may change what the tests don't change without it", path)
        is_ours = path.startswith(self._root) or (self._is_edited and not is_written)
        if is_ours and not any(path == one or path.startswith(one + os.sep) for one in self._found):
            self._made.add(path)
            _append(self._log, path)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Run tests with an edit, and clear up. When they write in the repo, one process at a time does so: what an
        edit makes them write there another one must not read."""
        is_shared = self._is_edited and any(path.startswith(self._root) for path in self._written)
        with open(f"{self._journal}.turn", "wb") if is_shared else contextlib.nullcontext() as file:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                self.clear_up()

    def clear_up(self) -> None:
        """Take away what was made since the last call."""
        if self._made:
            self._is_busy = True
            remove_made(os.path.dirname(self._log))
            self._made.clear()
            self._is_busy = False


def remove_made(directory: str) -> None:
    """Take away what a process with this private folder has made elsewhere; it may have been killed by now."""
    log = f"{directory}/{LOG}"
    if not os.path.exists(log):
        return
    for path in sorted(read_lines(log), reverse=True):  # what is in a folder before the folder
        remove: Callable[[str], None] = os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.remove
        with contextlib.suppress(OSError):  # gone already, or a folder that holds what somebody else has made
            remove(path)
    os.remove(log)


def read_lines(path: str) -> set[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return set(file.read().split("\0")) - {""}
    except OSError:
        return set()


def _append(path: str, entry: str) -> None:
    """Entries end with a NUL, which no path has; short ones are written in one piece, whoever else writes."""
    with contextlib.suppress(OSError), open(path, "ab") as file:
        file.write(os.fsencode(entry) + b"\0")


def _changes(event: str, details: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
    """(path, what is done to it), links in the path to it resolved."""
    if event == "open":
        kinds: tuple[str, ...] = (MAKES if details[2] & os.O_EXCL else REPLACES if details[2] & os.O_CREAT else ENDS,)
    else:
        kinds = CHANGES[event]
    folder = details[-1] if event in IN_FOLDER and isinstance(details[-1], int) and details[-1] > 2 else None
    for given, change in zip(details, kinds):
        if not change or given is None or (isinstance(given, int) and event not in OF_OPEN_FILES):
            continue
        with contextlib.suppress(TypeError, ValueError, OSError):  # no path: the call will say so
            path = os.readlink(f"/proc/self/fd/{given}") if isinstance(given, int) else os.fsdecode(given)
            if folder is not None and not os.path.isabs(path):
                path = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), path)
            yield os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path)), change
