"""The tools as the model sees them, and the way from a call to its output."""

from __future__ import annotations

import json
import os
import time

from . import files
from .conversation import Call
from .records import Records
from .shell import DEFAULT_SECONDS, LONGEST_SECONDS, Ran, Shell
from .tool_fault import ToolFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUTPUT_CHARACTERS = 24_000  # of one tool call, as the model sees it
SUMMARY_CHARACTERS = 4_000  # of one tool call, as the log keeps it
SEARCH_SECONDS = 30.0
SKIPPED = (".git", "node_modules", "__pycache__", ".venv", ".mypy_cache", ".tox")
FINISH = "finish"


def _tool(name: str, description: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
    return {"name": name, "description": description, "parameters": schema}


def _kind(kind: str, description: str) -> dict[str, str]:
    return {"type": kind, "description": description}


TOOLS = [
    _tool(
        "shell",
        "Run a command with bash in the working directory. Gives stdout and stderr together, cut in the middle when "
        "long, and the exit code. Each command is a new shell; processes it leaves behind are ended.",
        ("command",),
        command=_kind("string", "the command"),
        timeout_seconds=_kind("number", f"end it after so long, at most {LONGEST_SECONDS:g} [{DEFAULT_SECONDS:g}]"),
    ),
    _tool(
        "read",
        "Read a text file, with line numbers and a tab before each line, or list a folder.",
        ("path",),
        path=_kind("string", "relative to the working directory, or absolute"),
        offset=_kind("integer", "first line [1]"),
        limit=_kind("integer", f"how many lines, at most {files.MAX_LINES} [{files.MAX_LINES}]"),
    ),
    _tool(
        "edit",
        "Replace text in a file. `old` must be in the file exactly once, spaces and line ends included, without the "
        "line numbers that read shows.",
        ("path", "old", "new"),
        path=_kind("string", "the file"),
        old=_kind("string", "the text to replace"),
        new=_kind("string", "what to put in its place"),
        replace_all=_kind("boolean", "replace it wherever it stands [false]"),
    ),
    _tool(
        "write",
        "Make a file, or replace all of it. Its folders are made too. To change a file, use edit.",
        ("path", "content"),
        path=_kind("string", "the file"),
        content=_kind("string", "all of its text"),
    ),
    _tool(
        "search",
        "Find lines that match a regular expression, in all text files below a path.",
        ("pattern",),
        pattern=_kind("string", "a regular expression (PCRE)"),
        path=_kind("string", "a file or folder [the working directory]"),
        glob=_kind("string", "only files with such a name, for instance *.py"),
    ),
]


class Done:
    """What a call gave: the text for the model, and whether it went well."""

    def __init__(self, text: str, ok: bool, exit_code: int | None = None, malformed: bool = False) -> None:
        self.text = text
        self.ok = ok
        self.exit_code = exit_code
        self.malformed = malformed


class Toolbox:
    """Runs calls and records them. `output_characters` bounds what one of them may say."""

    def __init__(self, records: Records, output_characters: int = OUTPUT_CHARACTERS) -> None:
        self._records = records
        self._characters = output_characters
        self.shell = Shell(output_characters)

    def use(self, call: Call) -> Done:
        """Never raises for what the model did wrong: it is told, and may do better."""
        arguments, fault = _read_arguments(call)
        self._records.call(call.id, call.name or "?", arguments, _headline(call.name, arguments))
        begun = time.monotonic()
        done = Done(fault, ok=False, malformed=True) if fault else self._run(call.name, arguments)
        if len(done.text) > self._characters + 2000:  # a hint may be longer, never much
            done.text = done.text[: self._characters] + "… [cut]"
        self._records.result(
            call.id, call.name or "?", done.ok, done.text[:SUMMARY_CHARACTERS], done.exit_code, time.monotonic() - begun
        )
        return done

    def _run(self, name: str, arguments: dict[str, Any]) -> Done:
        try:
            if name == "shell":
                return self._shell(arguments)
            if name == "search":
                return self._search(arguments)
            path = str(arguments["path"])
            if name == "read":
                offset, limit = int(arguments.get("offset") or 1), int(arguments.get("limit") or files.MAX_LINES)
                return Done(files.read(path, max(1, offset), max(1, limit), self._characters), ok=True)
            if name == "edit":
                text = files.edit(path, arguments["old"], arguments["new"], bool(arguments.get("replace_all")))
                kind = "modified"
            else:
                text, kind = files.write(path, arguments["content"])
        except ToolFault as fault:
            return Done(str(fault), ok=False)
        except (OSError, ValueError, TypeError, AttributeError) as error:  # arguments of the wrong kind, odd paths
            return Done(f"{name} failed: {error}", ok=False)
        self._records.file_change(os.path.relpath(path), kind)
        return Done(text, ok=True)

    def _shell(self, arguments: dict[str, Any]) -> Done:
        seconds = min(LONGEST_SECONDS, max(1.0, float(arguments.get("timeout_seconds") or DEFAULT_SECONDS)))
        ran = self.shell.run(str(arguments["command"]), seconds)
        if ran.exit_code is None:
            return Done(f"{ran.output}\n[ended after {seconds:g} s: its time was up]", ok=False)
        if ran.exit_code:
            return Done(f"{ran.output}\n[exit code {ran.exit_code}]", ok=False, exit_code=ran.exit_code)
        return Done(ran.output or "[no output, exit code 0]", ok=True, exit_code=0)

    def _search(self, arguments: dict[str, Any]) -> Done:
        """By grep: it can be ended when an expression takes for ever."""
        skipped = [f"--exclude-dir={name}" for name in SKIPPED]
        only = [f"--include={arguments['glob']}"] if arguments.get("glob") else []
        where = ["-e", str(arguments["pattern"]), "--", str(arguments.get("path") or ".")]
        ran = Ran(2, "", 0.0)
        for syntax in ("-P", "-E"):  # the first is not built into every grep
            ran = self.shell.run_program(["grep", "-rnIs", syntax, *skipped, *only, *where], SEARCH_SECONDS)
            if ran.exit_code != 2:
                break
        if ran.exit_code is None:
            return Done(f"{ran.output}\n[ended after {SEARCH_SECONDS:g} s: search a smaller part]", ok=False)
        if ran.exit_code == 1:
            return Done("No line matches.", ok=True)
        lines = [line if len(line) <= 400 else line[:400] + "…" for line in ran.output.splitlines()]
        found = any(not line.startswith("grep: ") for line in lines)  # also when some file could not be read
        return Done("\n".join(lines) or f"grep ended with exit code {ran.exit_code}", ok=found)


def _read_arguments(call: Call) -> tuple[dict[str, Any], str]:
    """The arguments, and what is wrong with them."""
    known = {tool["name"]: tool["parameters"] for tool in TOOLS}
    if call.name not in known:
        return {"text": call.arguments}, f"There is no tool {call.name!r}. There are: {', '.join(known)}."
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError) as error:
        return {"text": call.arguments}, f"The arguments of {call.name} are no JSON: {error}. Send one JSON object."
    if not isinstance(arguments, dict):
        return {"text": call.arguments}, f"The arguments of {call.name} must be one JSON object."
    missing = [name for name in known[call.name]["required"] if not isinstance(arguments.get(name), str)]
    if missing:
        return arguments, f"{call.name} needs {', '.join(missing)} as text; it got {', '.join(arguments) or 'nothing'}."
    return arguments, ""


def _headline(name: str, arguments: dict[str, Any]) -> str:
    """One line for people."""
    told = arguments.get("command") or arguments.get("pattern") or arguments.get("path") or ""
    lines = str(told).splitlines() or [""]
    return f"{name} {lines[0][:200]}".strip()
