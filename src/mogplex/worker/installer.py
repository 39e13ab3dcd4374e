"""The folder that setups see at /opt/mogplex-setup: a pip that works on every system.

    bin/    pip, pip3: pip for the python3 that comes first in PATH, which is that of /env
    site/   pip itself, on PYTHONPATH, so that `python -m pip` finds it too

A virtual environment is made without pip: many systems ship Python without what would install it there, making one with
it takes seconds, and none is wanted in /env afterwards. It is the pip of our own environment, copied once a version.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from mogplex.domain.ports import Mount
from mogplex.harnesses import shelf

TARGET = "/opt/mogplex-setup"
LAYOUT = 2  # raise when what is written below changes
_LAUNCHER = '#!/bin/sh\nexec python3 -m pip "$@"\n'


class Installer:
    """The built folder. Make one with `Installer.build`."""

    path = (f"{TARGET}/bin",)
    environment = {"PYTHONPATH": f"{TARGET}/site"}  # noqa: RUF012 - never changed

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def build(cls, parent: Path) -> Installer:
        """The folder under `parent`, built now if it isn't there yet.

        Raises OSError when `parent` can't be written, PackageNotFoundError when our own environment has no pip.
        """
        name = f"setup-{LAYOUT}-pip-{importlib.metadata.version('pip')}"
        return cls(shelf.place(parent / name, _fill))

    @property
    def mount(self) -> Mount:
        return Mount(self.folder, TARGET)


def _fill(folder: Path) -> None:
    shelf.copy_distribution("pip", folder / "site")
    (folder / "bin").mkdir()
    for name in ("pip", "pip3"):
        (folder / "bin" / name).write_text(_LAUNCHER)
        (folder / "bin" / name).chmod(0o755)
