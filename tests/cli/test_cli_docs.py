"""docs/cli.md says what the command line does: every command, flag and exit code, and none that isn't there."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import mogplex
from mogplex.cli import exit_codes
from mogplex.cli.commands import root
from mogplex.cli.manual import write_manual

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
SHARED = {"--url", "--api-key", "--verbose"}  # told once, above the commands


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, click.Command]]:
    """Each command by its path."""
    if importlib.util.find_spec("mogplex.wiring") is None:
        stand_in = types.ModuleType("mogplex.wiring")
        monkeypatch.setitem(sys.modules, "mogplex.wiring", stand_in)
        monkeypatch.setattr(mogplex, "wiring", stand_in, raising=False)
    yield dict(walk("mogplex", root))


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from walk(f"{path} {name}", found)


def read_sections() -> dict[str, str]:
    parts = re.split(r"^### `(.+)`$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def flags_of(command: click.Command) -> set[str]:
    return {name for option in command.params if isinstance(option, click.Option) for name in option.opts[:1]}


def test_every_command_is_documented_and_no_other(commands: dict[str, click.Command]) -> None:
    assert set(read_sections()) == set(commands)


def test_every_flag_is_documented_and_no_other(commands: dict[str, click.Command]) -> None:
    for path, section in read_sections().items():
        documented = set(re.findall(r"^\| `(--?[a-z-]+)", section, flags=re.MULTILINE))
        assert documented | SHARED == {flag for flag in flags_of(commands[path]) if flag != "-v"} | SHARED, path


def test_examples_use_flags_that_exist(commands: dict[str, click.Command]) -> None:
    for path, section in read_sections().items():
        example = section.split("```sh\n")[1].split("```")[0]
        assert path in example, path
        used = set(re.findall(r"(?<=\s)--[a-z-]+", example.split("|")[0]))
        known = {name for option in commands[path].params for name in (*option.opts, *option.secondary_opts)}
        assert used <= known, path


def test_every_command_has_help_for_itself_and_each_flag(commands: dict[str, click.Command]) -> None:
    for path, command in commands.items():
        assert command.help, path
        assert "Examples:" in (command.epilog or ""), path
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, (path, option.name)


@pytest.mark.parametrize("name", ["cli.md", "exit-codes.md"])
def test_the_exit_codes_are_those_of_the_code(name: str) -> None:
    text = DOCUMENT.with_name(name).read_text(encoding="utf-8").replace("\\|", "&")
    table = re.findall(r"^\| (\d+) \| ([^|]+) \|", text, flags=re.MULTILINE)
    assert {int(code): meaning.replace("&", "|") for code, meaning in table} == {
        code: meaning for code, (_, meaning) in exit_codes.MEANINGS.items()
    }


def test_the_manual_page_tells_of_every_command_and_exit_code(commands: dict[str, click.Command]) -> None:
    page = write_manual(root)
    for path, command in commands.items():
        section = page.split(f"\n.SS {path.replace('-', chr(92) + '-')}\n")[1].split("\n.S")[0]
        for flag in flags_of(command):
            assert flag.replace("-", "\\-") in section, (path, flag)
    assert all(f"\\fB{code}\\fR" in page.split(".SH EXIT STATUS")[1] for code in exit_codes.MEANINGS)
    assert not [line for line in page.splitlines() if line.startswith(("'", "..")) or line == ""]
