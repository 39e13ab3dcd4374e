"""Builds the folder that sandboxes see at /opt/builtin: the agent, compiled for our own version of Python.

Nothing in it is specific to a run: it is built once per version of its parts, and shown read-only.
"""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import shutil
import sys
from pathlib import Path

from mogplex.domain.ports import Mount
from mogplex.harnesses import shelf

TARGET = "/opt/builtin"
AGENT = Path(__file__).resolve().parent / "agent"
PACKAGE = "mogplex_agent"
BOOT = f'''"""Starts the agent."""

import sys

from {PACKAGE}.__main__ import main

sys.exit(main())
'''


def build(parent: Path) -> Mount:
    """The folder under `parent`, built now if it isn't there yet, and where sandboxes see it.

    Raises OSError when `parent` can't be written.
    """
    return Mount(shelf.place(parent / f"builtin-{fingerprint()}", _fill), TARGET)


def fingerprint() -> str:
    """Changes whenever the content of the folder would."""
    digest = hashlib.sha256(f"{BOOT}{sys.version}".encode())
    for path in _sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    return sorted(path for path in AGENT.iterdir() if path.suffix in (".py", ".md"))


def _fill(folder: Path) -> None:
    package = folder / PACKAGE
    package.mkdir()
    for path in _sources():
        shutil.copyfile(path, package / path.name)
    (folder / "__main__.py").write_text(BOOT)
    # Unchecked, since neither times nor sources change here. Another version of Python compiles for itself.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(package, quiet=2, invalidation_mode=mode)
