"""Neutral tool names on the left, each client's own on the right: one scenario plays for all of them.

Which client asks is known by the tools it offers. `shell{command}`, `read{path}`, `edit{path, old, new}`,
`write{path, content}` and `search{pattern, path}` are translated; any other name is sent as it stands.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from mogplex.gateway.scripted.conversation import Asked
from mogplex.gateway.scripted.scenario import Scenario, ToolUse

NEUTRAL = ("shell", "read", "edit", "write", "search")
DIRECTORY = "/work"

Named = tuple[str, "dict[str, Any] | str"]

_EDIT = """python3 - <<'MOGPLEX_EDIT'
import pathlib
path, old, new = {path!r}, {old!r}, {new!r}
text = pathlib.Path(path).read_text()
assert text.count(old) == 1, f"{{text.count(old)}} places in {{path}}"
pathlib.Path(path).write_text(text.replace(old, new))
MOGPLEX_EDIT"""


def name_tool(use: ToolUse, asked: Asked, scenario: Scenario) -> Named:
    """The tool and its arguments in the client's words."""
    if isinstance(use.arguments, str):
        return use.name, use.arguments
    arguments = dict(use.arguments)
    if use.name in scenario.tool_names:
        known = scenario.tool_names[use.name]
        return known.name, {known.arguments.get(name, name): value for name, value in arguments.items()}
    if use.name not in NEUTRAL or use.name in asked.tools:
        return use.name, arguments
    if "exec_command" in asked.tools:
        return _for_codex(use.name, arguments, asked)
    if "Bash" in asked.tools:
        return _for_claude(use.name, arguments, scenario.directory or asked.directory or DIRECTORY)
    if "bash" in asked.tools:
        return "bash", {"command": as_shell(use.name, arguments)}
    return use.name, arguments


def name_result(result: Mapping[str, Any], asked: Asked) -> Named | None:
    """The tool that takes a structured result; None for clients that read it from the last text."""
    for name in ("StructuredOutput", "finish"):
        if name in asked.tools:
            return name, dict(result)
    return None


def as_shell(name: str, arguments: Mapping[str, Any]) -> str:
    """A neutral tool as one shell command, for clients that have nothing else."""
    path = str(arguments.get("path", "."))
    commands: dict[str, Callable[[], str]] = {
        "shell": lambda: str(arguments.get("command", "")),
        "read": lambda: f"cat {shlex.quote(path)}",
        "search": lambda: f"grep -rnE -- {shlex.quote(str(arguments.get('pattern', '')))} {shlex.quote(path)}",
        "write": lambda: f"printf %s {shlex.quote(str(arguments.get('content', '')))} > {shlex.quote(path)}",
        "edit": lambda: _EDIT.format(
            path=path, old=str(arguments.get("old", "")), new=str(arguments.get("new", ""))
        ),
    }  # fmt: skip
    return commands[name]()


def _for_codex(name: str, arguments: Mapping[str, Any], asked: Asked) -> Named:
    if name in ("edit", "write"):
        patch = _as_patch(name, arguments)
        if asked.tools.get("apply_patch") == "custom":
            return "apply_patch", patch
        return "exec_command", {"cmd": f"apply_patch <<'EOF'\n{patch}EOF\n"}
    return "exec_command", {"cmd": as_shell(name, arguments)}


def _as_patch(name: str, arguments: Mapping[str, Any]) -> str:
    """codex's patch format; `old` and `new` of an edit have to be whole lines there."""
    path = str(arguments.get("path", ""))
    if name == "write":
        body = "".join(f"+{line}\n" for line in str(arguments.get("content", "")).splitlines())
        return f"*** Begin Patch\n*** Add File: {path}\n{body}*** End Patch\n"
    removed = "".join(f"-{line}\n" for line in str(arguments.get("old", "")).splitlines())
    added = "".join(f"+{line}\n" for line in str(arguments.get("new", "")).splitlines())
    return f"*** Begin Patch\n*** Update File: {path}\n@@\n{removed}{added}*** End Patch\n"


def _for_claude(name: str, arguments: Mapping[str, Any], directory: str) -> Named:
    if name == "shell":
        return "Bash", {"command": str(arguments.get("command", "")), "description": "Run a command"}
    if name == "search":
        return "Grep", {"pattern": str(arguments.get("pattern", "")), "output_mode": "content", **_where(arguments)}
    path = posixpath.join(directory, str(arguments.get("path", "")))
    if name == "read":
        return "Read", {"file_path": path, **_window(arguments)}
    if name == "write":
        return "Write", {"file_path": path, "content": str(arguments.get("content", ""))}
    old, new = str(arguments.get("old", "")), str(arguments.get("new", ""))
    return "Edit", {"file_path": path, "old_string": old, "new_string": new}


def _where(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": str(arguments["path"])} if "path" in arguments else {}


def _window(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in ("offset", "limit") if name in arguments}
