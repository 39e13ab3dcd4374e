"""The manual page, written from the commands themselves."""

from __future__ import annotations

import click

from mogplex import __version__
from mogplex.cli import exit_codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT = (
    ("MOGPLEX_URL", "The server that commands speak to."),
    ("MOGPLEX_API_KEY", "The API key they show it."),
    ("MOGPLEX_HOME", "The folder of auth.json, and of a server's database."),
    ("NO_COLOR", "No colours, whatever the terminal can do."),
)
_FILES = (("~/.mogplex/auth.json", "Server and API key, as `mogplex login` or the first `mogplex serve` left them."),)


def write_manual(root: click.Command) -> str:
    """A page for section 1, in the language of man(7)."""
    lines = [f'.TH MOGPLEX 1 "" "mogplex {__version__}" "User Commands"', ".SH NAME"]
    lines += [rf"mogplex \- {_plain('run coding agents without a person at the keyboard')}", ".SH SYNOPSIS"]
    lines += [".B mogplex", r"[\fB\-\-version\fR] \fICOMMAND\fR [\fIARGUMENT\fR]...", ".SH DESCRIPTION"]
    lines += [_plain(root.help or ""), ".SH COMMANDS"]
    for context, command in _walk(root, click.Context(root, info_name="mogplex")):
        lines += _describe(context, command)
    lines.append(".SH EXIT STATUS")
    for code, (_, meaning) in exit_codes.MEANINGS.items():
        lines += _entry(str(code), meaning)
    for heading, entries in (("ENVIRONMENT", _ENVIRONMENT), ("FILES", _FILES)):
        lines.append(f".SH {heading}")
        for name, meaning in entries:
            lines += _entry(name, meaning)
    return "\n".join(lines)


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command that does something, with the context that knows its usage."""
    if not isinstance(command, click.Group):
        yield context, command
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None:
            yield from _walk(found, click.Context(found, info_name=name, parent=context))


def _describe(context: click.Context, command: click.Command) -> list[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_plain(context.command_path)}", f"{_bold(context.command_path)} {_plain(usage)}", ".PP"]
    lines += [_plain(" ".join((command.help or "").replace("\b", "").split()))]
    for parameter in command.params:
        record = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if record is not None:
            lines += _entry(*record)
    examples = [line.strip() for line in (command.epilog or "").replace("\b", "").splitlines()]
    shown = [line for line in examples if line and line != "Examples:"]
    if shown:
        lines += [".PP", "Examples:", ".PP", ".nf", ".RS", *map(_plain, shown), ".RE", ".fi"]
    return lines


def _entry(term: str, meaning: str) -> list[str]:
    return [".TP", _bold(term), _plain(meaning)]


def _bold(text: str) -> str:
    return rf"\fB{_plain(text)}\fR"


def _plain(text: str) -> str:
    """Text that roff takes as it is: no escape, no hyphen that breaks, no line that looks like a request."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("`", r"\(ga")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
