"""`mogplex completion`: the script that teaches a shell our commands and flags."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from mogplex.cli.output import write_line


@click.command(
    "completion",
    epilog="\b\nExamples:\n"
    "  mogplex completion bash > ~/.local/share/bash-completion/completions/mogplex\n"
    '  mogplex completion zsh > "${fpath[1]}/_mogplex"\n'
    "  mogplex completion fish > ~/.config/fish/completions/mogplex.fish",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click can't complete in {shell}", context)
    # .source_template, not .source(): that starts the shell to ask its version, and fails where it isn't installed.
    script = kind(context.find_root().command, {}, "mogplex", "_MOGPLEX_COMPLETE")
    write_line(script.source_template % script.source_vars())
