"""The folder that setups see at /opt/mogplex-setup: a pip that works on every system.

    bin/    pip, pip3: pip for the python3 that comes first in PATH, which is that of /env
    site/   pip itself, on PYTHONPATH, so that `python -m pip` finds it too

A virtual environment is made without pip: many systems ship Python without what would install it there, making one with
it takes seconds, and none is wanted in /env afterwards. It is the pip of our own environment, copied once a version.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from pathlib import Path

from mogplex.domain.ports import Mount

TARGET = "/opt/mogplex-setup"
LAYOUT = 1  # raise when what is written below changes
_COMPLETE = "complete"  # the last file to be written
_LAUNCHER = '#!/bin/sh\nexec python3 -m pip "$@"\n'


class Installer:
    """The built folder. Make one with `Installer.build`."""

    path = (f"{TARGET}/bin",)
    environment = {"PYTHONPATH": f"{TARGET}/site"}  # noqa: RUF012 - never changed

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def build(cls, parent: Path) -> Installer:
        """The folder under `parent`, built now if it isn't there yet; safe to call from several processes at once.

        Raises OSError when `parent` can't be written, PackageNotFoundError when our own environment has no pip.
        """
        folder = parent / f"setup-{LAYOUT}-pip-{importlib.metadata.version('pip')}"
        if not (folder / _COMPLETE).exists():
            parent.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".setup-", dir=parent))
            try:
                _fill(aside)
                aside.rename(folder)
            except OSError:
                if not (folder / _COMPLETE).exists():  # else another process was faster, with the same content
                    raise
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        return cls(folder)

    @property
    def mount(self) -> Mount:
        return Mount(self.folder, TARGET)


def _fill(folder: Path) -> None:
    for file in importlib.metadata.files("pip") or []:
        if ".." not in file.parts and "__pycache__" not in file.parts and file.suffix != ".pyc":
            target = folder / "site" / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    (folder / "bin").mkdir()
    for name in ("pip", "pip3"):
        (folder / "bin" / name).write_text(_LAUNCHER)
        (folder / "bin" / name).chmod(0o755)
    (folder / _COMPLETE).write_text("")
    for path in [folder, *folder.rglob("*")]:  # sandboxes run under another uid
        path.chmod(0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.parent.name == "bin") else 0o644)
