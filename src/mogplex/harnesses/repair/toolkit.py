"""Builds the folder that sandboxes see at /opt/mogplex: the repair engine, and pytest for repos that bring none.

    /opt/mogplex/
      repair/     __main__.py and the engine: what the harness starts
      site/       pytest, coverage and what they need, copied from our own environment
      startup/    on PYTHONPATH: puts site/ (and the repo's src/) at the END of sys.path, so a repo's own pytest wins
      bin/        pytest, python, python3: the next one in PATH, so that a check like `pytest -q` works without a setup

Nothing here is specific to a run: the folder is built once per version of its parts, and shown read-only.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path

from mogplex.domain.ports import Mount
from mogplex.harnesses import shelf

TARGET = "/opt/mogplex"
DISTRIBUTIONS = ("pytest", "pluggy", "iniconfig", "packaging", "pygments", "coverage")
ENGINE = Path(__file__).resolve().parent / "engine"
ENGINE_PACKAGE = "mogplex_repair"
LAYOUT = 2  # raise when the scripts below change

BOOT = f'''"""Starts the repair engine."""

import sys

from {ENGINE_PACKAGE}.__main__ import main

sys.exit(main())
'''

STARTUP = '''"""Runs when any Python of the sandbox starts: offers pytest, after what the repo's own environment has."""

import os
import sys


def _add_last(folder):
    if os.path.isdir(folder) and folder not in sys.path:
        sys.path.append(folder)


def _run_shadowed():
    """There may be another sitecustomize after this one, which ours hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    for folder in sys.path:
        path = os.path.join(folder, "sitecustomize.py")
        if os.path.abspath(folder or ".") != here and os.path.isfile(path):
            with open(path, "rb") as file:
                exec(compile(file.read(), path, "exec"), {"__name__": "sitecustomize", "__file__": path})
            return


_add_last(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "site"))
_add_last(os.path.join(os.getcwd(), "src"))
_run_shadowed()
'''

# Runs the next program of the same name in PATH; without one, python falls back to python3 and pytest to its module.
LAUNCHER = """#!/bin/sh
own=$(dirname "$0")
name=$(basename "$0")
IFS=:
for folder in $PATH; do
  if [ "$folder" != "$own" ] && [ -x "$folder/$name" ] && [ ! -d "$folder/$name" ]; then exec "$folder/$name" "$@"; fi
done
unset IFS
case $name in
  python) exec "$own/python3" "$@" ;;
  pytest) exec "$own/python3" -m pytest "$@" ;;
esac
echo "$name: not found in PATH; install Python 3 in the sandbox's system or the repo's environment" >&2
exit 127
"""


class Toolkit:
    """The built folder. Make one with `Toolkit.build`."""

    path = (f"{TARGET}/bin",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def build(cls, parent: Path) -> Toolkit:
        """The toolkit of our versions under `parent`, built now if it isn't there yet.

        Raises OSError when `parent` can't be written.
        """
        return cls(shelf.place(parent / f"toolkit-{fingerprint()}", _fill))

    @property
    def mount(self) -> Mount:
        return Mount(self.folder, TARGET)

    @staticmethod
    def environment(target: str = TARGET) -> dict[str, str]:
        """What a process in the sandbox needs to find pytest, also in repos whose environment has none."""
        return {"PYTHONPATH": f"{target}/startup", "PYTHONDONTWRITEBYTECODE": "1"}


def versions() -> Mapping[str, str]:
    """Distribution -> version, as copied. Raises PackageNotFoundError when our own environment lacks one."""
    return {name: importlib.metadata.version(name) for name in DISTRIBUTIONS}


def fingerprint() -> str:
    """Changes whenever the content of the toolkit would."""
    digest = hashlib.sha256(repr((LAYOUT, sorted(versions().items()), BOOT, STARTUP, LAUNCHER)).encode())
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(str(path.relative_to(ENGINE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _fill(folder: Path) -> None:
    engine = folder / "repair" / ENGINE_PACKAGE
    shutil.copytree(ENGINE, engine, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "repair" / "__main__.py").write_text(BOOT)
    (folder / "startup").mkdir()
    (folder / "startup" / "sitecustomize.py").write_text(STARTUP)
    (folder / "bin").mkdir()
    for name in ("pytest", "python", "python3"):
        script = folder / "bin" / name
        script.write_text(LAUNCHER)
        script.chmod(0o755)
    for name in DISTRIBUTIONS:
        shelf.copy_distribution(name, folder / "site")
