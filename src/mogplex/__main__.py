"""Where the `mogplex` command starts."""

from __future__ import annotations

import os
import sys

import click

from mogplex.cli import exit_codes
from mogplex.cli.commands import load, root


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every error ends here as one clear line on stderr."""
    given = sys.argv[1:] if arguments is None else arguments
    if "_MOGPLEX_COMPLETE" in os.environ:  # asked by the shell at a TAB: click answers and exits
        root.main(given, prog_name="mogplex")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not so when a test or a host program replaced it
            stream.reconfigure(errors="backslashreplace")  # a locale without é is no reason to die
    try:
        code = _run(given)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the client turns those of sockets into its own errors: this one is stdout's
        _forget_stdout()
        return exit_codes.BROKEN_PIPE
    return code


def _run(arguments: list[str]) -> int:
    try:
        # Not root.main(): that has its own ideas of Ctrl-C, of closed pipes and of how errors look.
        with root.make_context("mogplex", list(arguments)) as context:
            answer = root.invoke(context)
        return answer if isinstance(answer, int) else exit_codes.OK
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, EOFError, click.Abort):
        click.echo("interrupted", err=True)
        return exit_codes.CTRL_C
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the only place where errors become text; what it doesn't know it raises again
        code: int = load("mogplex.cli.failures", "report")(error, wants_json(arguments))
        return code


def wants_json(arguments: list[str]) -> bool:
    """Whether errors are to be JSON; asked of the bare arguments, as they may be what is wrong."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _forget_stdout() -> None:
    """Nobody reads stdout any more: what is still buffered must not raise again when Python exits."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


if __name__ == "__main__":
    sys.exit(main())
