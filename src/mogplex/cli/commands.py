"""The one table of all commands. A command's module is imported when that command is used, never before."""

from __future__ import annotations

import difflib
import importlib

import click

from mogplex import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Verb = tuple[str, str, str]  # module, function in it, help on one line

VERBS: dict[str, Verb] = {
    "run": ("mogplex.cli.run", "start_run", "Start a run: have an agent work in a repo."),
    "replay": ("mogplex.cli.replay", "replay_run", "Play a recorded run's model answers again, and compare."),
    "exec": ("mogplex.cli.exec", "execute_run", "Run a task on a local checkout, without a server."),
    "serve": ("mogplex.cli.serve", "serve", "Start the server on this machine."),
    "scripted-model": (
        "mogplex.cli.scripted_model",
        "serve_scenario",
        "Play a scenario as a model server, to rehearse without spending.",
    ),
    "worker": ("mogplex.cli.worker", "work", "Start a worker for servers on PostgreSQL."),
    "mcp": ("mogplex.cli.mcp", "serve_stdio", "Be the tools of an agent (Model Context Protocol on stdio)."),
    "top": ("mogplex.cli.top", "show_top", "Draw what runs, what waits and how busy the workers are."),
    "login": ("mogplex.cli.login", "login", "Store a server's URL and an API key."),
    "doctor": ("mogplex.cli.doctor", "doctor", "Check what can run here, and say what to do about the rest."),
    "stats": ("mogplex.cli.observability", "show_stats", "Show how runs went lately."),
    "pressure": ("mogplex.cli.observability", "show_pressure", "Show what is busy, what waits and how long."),
    "completion": ("mogplex.cli.completion", "completion", "Print the completion script for a shell."),
    "help": ("mogplex.cli.help", "help_on", "Help on a command or on exit-codes."),
}

NOUNS: dict[str, tuple[str, dict[str, Verb]]] = {
    "runs": (
        "Look at runs, follow them, end them.",
        {
            "list": ("mogplex.cli.runs", "list_runs", "List runs, newest first."),
            "get": ("mogplex.cli.runs", "get_run", "Show one run."),
            "events": ("mogplex.cli.run_events", "list_events", "Print a run's events, live with --follow."),
            "watch": ("mogplex.cli.watch", "watch_run", "Draw a live view of a run until it ends."),
            "cancel": ("mogplex.cli.runs", "cancel_run", "Ask for a run's end."),
            "retry": ("mogplex.cli.runs", "retry_run", "Start a new run from a failed or cancelled one."),
            "calls": ("mogplex.cli.run_calls", "list_calls", "List a run's model calls, with tokens and cost."),
            "patch": ("mogplex.cli.runs", "get_patch", "Print what a run changed, for git apply."),
        },
    ),
    "repos": (
        "Register repos and set how runs work in them.",
        {
            "list": ("mogplex.cli.repos", "list_repos", "List repos."),
            "add": ("mogplex.cli.repos", "add_repo", "Register a clone URL or a local path."),
            "get": ("mogplex.cli.repos", "get_repo", "Show one repo."),
            "set": ("mogplex.cli.repos", "update_repo", "Change a repo's settings."),
            "remove": ("mogplex.cli.repos", "remove_repo", "Forget a repo."),
            "secrets": ("mogplex.cli.secrets", "group", "Set and remove a repo's secrets."),
        },
    ),
    "sandboxes": (
        "Look at the isolated places where runs execute.",
        {
            "list": ("mogplex.cli.sandboxes", "list_sandboxes", "List sandboxes, one per attempt of a run."),
            "logs": ("mogplex.cli.sandboxes", "get_logs", "Print a sandbox's logs."),
            "stop": ("mogplex.cli.sandboxes", "stop_sandbox", "End a sandbox; its run fails."),
        },
    ),
    "harnesses": (
        "See which coding agents can drive a run.",
        {"list": ("mogplex.cli.harnesses", "list_harnesses", "List harnesses, and why one can't run.")},
    ),
    "models": (
        "See which language models can be reached.",
        {"list": ("mogplex.cli.harnesses", "list_models", "List models with their prices.")},
    ),
    "schedules": (
        "Have runs started at every tick of a cron line (scope admin).",
        {
            "create": ("mogplex.cli.schedules", "create_schedule", "Make a schedule."),
            "list": ("mogplex.cli.schedules", "list_schedules", "List schedules and their alarms."),
            "get": ("mogplex.cli.schedules", "get_schedule", "Show one schedule and its last ticks."),
            "pause": ("mogplex.cli.schedules", "pause_schedule", "Let no tick come."),
            "resume": ("mogplex.cli.schedules", "resume_schedule", "Let ticks come again."),
            "trigger": ("mogplex.cli.schedules", "trigger_schedule", "Start its run now."),
            "delete": ("mogplex.cli.schedules", "remove_schedule", "Remove a schedule."),
        },
    ),
    "config": (
        "See what is set, and where.",
        {"show": ("mogplex.cli.config", "show_config", "Show the settings and where each value comes from.")},
    ),
    "audit": (
        "See who did what (scope admin).",
        {"list": ("mogplex.cli.audit", "list_audit", "List who did what, when and from where.")},
    ),
    "hooks": (
        "See what forges asked for (scope admin).",
        {
            "list": (
                "mogplex.cli.hooks",
                "list_deliveries",
                "List messages that asked for a run, with the result.",
            )
        },
    ),
    "webhooks": (
        "Have others told over HTTP of what happens (scope admin).",
        {
            "create": ("mogplex.cli.webhooks", "create_webhook", "Have a URL told; its secret is shown once."),
            "list": ("mogplex.cli.webhooks", "list_webhooks", "List webhooks."),
            "set": ("mogplex.cli.webhooks", "update_webhook", "Change a webhook, or switch it off and on."),
            "delete": ("mogplex.cli.webhooks", "remove_webhook", "Remove a webhook."),
            "rotate": ("mogplex.cli.webhooks", "rotate_webhook", "Give a webhook a new secret."),
            "test": ("mogplex.cli.webhooks", "test_webhook", "Send something now."),
            "deliveries": ("mogplex.cli.webhooks", "list_deliveries", "List what was sent, and how it was taken."),
            "redeliver": ("mogplex.cli.webhooks", "redeliver_webhook", "Send a delivery again."),
        },
    ),
    "db": (
        "Look after the server's database, on its machine.",
        {
            "current": ("mogplex.cli.database", "show_current", "Show which tables it has, and which are needed."),
            "export": ("mogplex.cli.database_move", "export", "Write all of it to a file, to move it."),
            "import": ("mogplex.cli.database_move", "take_in", "Take an export into an empty database."),
            "prune": ("mogplex.cli.database_prune", "prune", "Take away what is old, of runs that are over."),
            "upgrade": ("mogplex.cli.database", "upgrade", "Bring its tables up to date."),
        },
    ),
    "keys": (
        "Make and revoke API keys (scope admin).",
        {
            "create": ("mogplex.cli.keys", "create_key", "Make an API key; its secret is shown once."),
            "list": ("mogplex.cli.keys", "list_keys", "List API keys, never their secrets."),
            "revoke": ("mogplex.cli.keys", "revoke_key", "Refuse an API key from now on."),
            "reset-admin": ("mogplex.cli.rescue", "reset_admin", "Make an admin key with the database alone."),
        },
    ),
}

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def load(module: str, name: str) -> Any:
    """Import a module and return one thing of it."""
    return getattr(importlib.import_module(module), name)


class CommandGroup(click.Group):
    """A group that knows names and one-line helps without importing what is behind them."""

    def __init__(self, name: str, help_text: str, verbs: dict[str, Verb], **options: Any) -> None:
        super().__init__(name, help=help_text, context_settings=_HELP_OPTIONS, **options)
        self.verbs = verbs
        self.helps = {verb: entry[2] for verb, entry in verbs.items()}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and ctx.parent is not None and not ctx.resilient_parsing:
            click.echo(ctx.get_help())  # a noun alone is a question, not a mistake
            ctx.exit(0)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.helps)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.verbs:
            module, function, help_text = self.verbs[cmd_name]
            command: click.Command = load(module, function)
            command.name, command.short_help = cmd_name, help_text
            command.context_settings = {**_HELP_OPTIONS, **command.context_settings}
            return command
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.helps and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, self.helps, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(self.helps)}"
            raise click.UsageError(f"no such command {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.helps.items()))


def _make_root() -> CommandGroup:
    epilog = (
        "\b\nExamples:\n  mogplex serve\n  mogplex repos add .\n"
        '  mogplex run --repo acme/web --follow "Fix the failing test"\n\n'
        "\b\nEnvironment:\n  MOGPLEX_URL, MOGPLEX_API_KEY, MOGPLEX_HOME, NO_COLOR"
    )
    group = CommandGroup(
        "mogplex",
        "Runs coding agents without a person at the keyboard: start, follow, trust the final status.",
        VERBS,
        epilog=epilog,
        invoke_without_command=True,
        no_args_is_help=False,
        callback=_welcome,
    )
    group.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    )
    for noun, (help_text, verbs) in NOUNS.items():
        group.add_command(CommandGroup(noun, help_text, verbs), noun)
    order = ["run", "runs", "repos", "harnesses", "models", "sandboxes", "schedules", "webhooks", "keys", *VERBS]
    helps = {**group.helps, **{noun: entry[0] for noun, entry in NOUNS.items()}}
    group.helps = {name: helps[name] for name in dict.fromkeys([*order, *helps])}
    return group


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"mogplex {__version__}")
        context.exit()


@click.pass_context
def _welcome(context: click.Context) -> None:
    """`mogplex` alone: the help, and what to type next in the state this machine is in."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        click.echo(f"\nNext: {load('mogplex.cli.help', 'suggest_next')()}")


root = _make_root()
