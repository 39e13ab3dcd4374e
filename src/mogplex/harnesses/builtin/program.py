"""Builds the folder that sandboxes see at /opt/builtin: the agent, compiled for our own version of Python.

Nothing in it is specific to a run: it is built once per version of its parts, and shown read-only.
"""

from __future__ import annotations

import compileall
import hashlib
import py_compile
import shutil
import sys
import tempfile
from pathlib import Path

from mogplex.domain.ports import Mount

TARGET = "/opt/builtin"
AGENT = Path(__file__).resolve().parent / "agent"
PACKAGE = "mogplex_agent"
COMPLETE = "complete"  # the last file to be written
BOOT = f'''"""Starts the agent."""

import sys

from {PACKAGE}.__main__ import main

sys.exit(main())
'''


def build(parent: Path) -> Mount:
    """The folder under `parent`, built now if it isn't there yet, and where sandboxes see it.

    Safe to call from several processes at once: it is made aside and renamed into place. Everything is
    world-readable, because sandboxes run under another uid. Raises OSError when `parent` can't be written.
    """
    folder = parent / f"builtin-{fingerprint()}"
    if not (folder / COMPLETE).exists():
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".builtin-", dir=parent))
        try:
            _fill(aside)
            aside.rename(folder)
        except OSError:
            if not (folder / COMPLETE).exists():  # else another process was faster, with the same content
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return Mount(folder, TARGET)


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
    (folder / COMPLETE).write_text("")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
