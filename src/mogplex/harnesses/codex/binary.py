"""Where the Codex binary is, and what a sandbox has to see of it."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from mogplex.domain.ports import Mount
from mogplex.harnesses.installed import Program, find_program, show_to_sandboxes

PACKAGE = "codex_cli_bin"
TARGET = "/opt/codex"
_PARTS = ("codex-package.json", "codex-resources", "codex-path")  # beside bin/: search tool and others


def find(setting: Path | None) -> Program | None:
    program = find_program("codex", setting, _find_packaged)
    return None if program is None else Program(_native(program.path), program.found)


def mount(binary: Path, shared: Path) -> tuple[Mount, str]:
    """What to mount, and the binary's path inside. Raises OSError when it can't be made readable for sandboxes.

    Of a complete installation that is its folder; of a binary anywhere else only the file, for its neighbours are none
    of an agent's business.
    """
    folder = binary.parent.parent
    if binary.parent.name == "bin" and any((folder / part).exists() for part in _PARTS):
        return Mount(show_to_sandboxes(folder, shared), TARGET), f"{TARGET}/bin/{binary.name}"
    return Mount(show_to_sandboxes(binary, shared), f"{TARGET}/bin/codex"), f"{TARGET}/bin/codex"


def _find_packaged() -> Path | None:
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    try:
        path = importlib.import_module(PACKAGE).bundled_codex_path()
    except (ImportError, FileNotFoundError):  # installed for another system, or in part
        return None
    return Path(path)


def _native(path: Path) -> Path:
    """npm puts a Node script in PATH that starts the binary of a package beside it: take that one."""
    if path.suffix != ".js":
        return path
    package = path.parent.parent
    for scope in (package.parent, package / "node_modules" / "@openai"):
        for found in sorted(scope.glob("codex-linux-*/vendor/*/bin/codex")):
            return found
    return path
