"""`mogplex repos`: list, add, get, set, remove."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import click

from mogplex.cli.forge_options import forge_options
from mogplex.cli.options import Server, check_options, examples, read_pairs, server_options
from mogplex.cli.output import note, show, write_fields, write_json, write_line, write_table
from mogplex.cli.repo_id import find_repo_id, repo_name
from mogplex.cli.secrets import read_value
from mogplex.cli.start import given, make_budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Repo = dict[str, Any]


_FIELD_OF_WORD = {
    "root": "rootDirectory",
    "setup": "setup",
    "python": "python",
    "checks": "checks",
    "check-policy": "checkPolicy",
    "check-files": "checkFiles",
    "protect-tests": "protectTests",
    "image": "image",
    "allow-hosts": "allowHosts",
    "env": "env",
    "push-branches": "pushBranches",
    "harness": "harness",
    "timeout": "timeoutSeconds",
    "concurrency": "concurrency",
    "budget": "budget",
    "forge": "forge",
    "hooks": "hooks",
}


def setting_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """The settings that `add` and `set` share; the function gets those that were given as `settings`."""

    @click.option("--default-branch", metavar="BRANCH", help="Branch that runs start from.")
    @click.option("--root", metavar="DIR", help="Folder that runs work in.")
    @click.option("--setup", metavar="CMD", multiple=True, help="Command that prepares a checkout; can be repeated.")
    @click.option("--python", metavar="VERSION", help="Python of setup, harness and checks, as in 3.12.")
    @click.option("--check", "checks", metavar="CMD", multiple=True, help="Command that must pass; can be repeated.")
    @check_options
    @click.option(
        "--check-file",
        "check_files",
        metavar="PATTERN",
        multiple=True,
        help="Files that checks depend on too; repeatable.",
    )
    @click.option("--image", metavar="IMAGE", help="Container image of its sandboxes, if those are containers.")
    @click.option("--allow-host", "hosts", metavar="HOST", multiple=True, help="Host that runs may reach; repeatable.")
    @click.option(
        "--env", metavar="K=V", multiple=True, help="Variable for sandboxes; K alone takes its value from here."
    )
    @click.option("--harness", metavar="NAME", help="Harness for runs that name none.")
    @click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="S", help="Longest time of a run.")
    @click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Runs that execute at once.")
    @click.option("--budget-usd", type=click.FloatRange(0, min_open=True), metavar="USD", help="Largest cost of a run.")
    @click.option("--budget-tokens", type=click.IntRange(1), metavar="N", help="Most tokens of a run.")
    @click.option(
        "--push-branch",
        "push_branches",
        metavar="PATTERN",
        multiple=True,
        help="Existing branches that runs may push to, as in `mogplex/*`; repeatable.",
    )
    @forge_options
    @functools.wraps(function)
    def wrapper(
        *args: Any,
        default_branch: str | None,
        root: str | None,
        setup: tuple[str, ...],
        python: str | None,
        checks: tuple[str, ...],
        check_policy: str | None,
        protect_tests: bool | None,
        check_files: tuple[str, ...],
        image: str | None,
        hosts: tuple[str, ...],
        env: tuple[str, ...],
        harness: str | None,
        timeout: float | None,
        concurrency: int | None,
        budget_usd: float | None,
        budget_tokens: int | None,
        push_branches: tuple[str, ...],
        forge: Repo | None,
        hooks: Repo | None,
        **values: Any,
    ) -> int | None:
        settings = given(
            defaultBranch=default_branch,
            rootDirectory=root,
            setup=list(setup) or None,
            python=python,
            checks=list(checks) or None,
            checkPolicy=check_policy,
            checkFiles=list(check_files) or None,
            protectTests=protect_tests,
            image=image,
            allowHosts=list(hosts) or None,
            env=read_pairs(env, "--env", dict(os.environ)),
            pushBranches=list(push_branches) or None,
            harness=harness,
            timeoutSeconds=timeout,
            concurrency=concurrency,
            budget=make_budget(budget_usd, budget_tokens),
            forge=forge,
            hooks=hooks,
        )
        return function(*args, settings=settings, **values)

    return wrapper


@click.command("list", epilog=examples("mogplex repos list", "mogplex repos list --query web --json | jq -r .id"))
@click.option("--query", metavar="TEXT", help="Only repos with this in owner/name.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
@server_options
def list_repos(server: Server, *, query: str | None, limit: int | None) -> None:
    """List repos. With --json one repo a line."""
    repos = server.client.list_repos(query, limit).get("repos") or []
    if server.as_json:
        for repo in repos:
            write_json(repo)
    elif repos:
        rows = [(str(repo["id"]), repo_name(repo), str(repo.get("default_branch") or "-")) for repo in repos]
        write_table(("ID", "REPO", "BRANCH"), rows, flexible=1)
    else:
        note("no repos found. Register one: mogplex repos add PATH_OR_URL")


@click.command(
    "add",
    epilog=examples(
        "mogplex repos add .",
        'mogplex repos add https://git.example.org/acme/web.git --check "pytest -q"',
        "mogplex repos add /srv/git/web.git --name acme/web --allow-host packages.example.org",
    ),
)
@click.argument("source", metavar="PATH_OR_URL")
@click.option("--name", metavar="OWNER/NAME", help="Its name [from the path or URL].")
@click.option(
    "--git-credential-file",
    "credential_file",
    metavar="FILE",
    help="A token, user:token or private ssh key for the remote; `-` is stdin.",
)
@setting_options
@server_options
def add_repo(server: Server, *, source: str, name: str | None, credential_file: str | None, settings: Repo) -> None:
    """Register a clone URL or a local path. The same one twice gives the same repo."""
    credential = read_value(credential_file, "") if credential_file else None
    body = {"cloneUrl": _absolute(source), **given(name=name, gitCredential=credential), **settings}
    _print_repo(server, server.client.add_repo(body))


@click.command("get", epilog=examples("mogplex repos get acme/web"))
@click.argument("repo", metavar="ID")
@server_options
def get_repo(server: Server, *, repo: str) -> None:
    """Show one repo. ID is its id, or owner/name."""
    _print_repo(server, server.client.get_repo(find_repo_id(server, repo), detect_setup=True))


@click.command(
    "set",
    epilog=examples(
        'mogplex repos set acme/web --check "pytest -q" --timeout 900', "mogplex repos set ID --clear checks"
    ),
)
@click.argument("repo", metavar="ID")
@click.option("--name", metavar="OWNER/NAME", help="Another name.")
@click.option(
    "--clear",
    multiple=True,
    type=click.Choice(list(_FIELD_OF_WORD)),
    help="Remove a setting; can be repeated.",
)
@setting_options
@server_options
def update_repo(server: Server, *, repo: str, name: str | None, clear: tuple[str, ...], settings: Repo) -> None:
    """Change a repo's settings; those not named stay. ID is its id, or owner/name."""
    changes = {**settings, **given(name=name), **{_FIELD_OF_WORD[word]: None for word in clear}}
    if not changes:
        raise click.UsageError("nothing to change: name at least one setting")
    _print_repo(server, server.client.update_repo(find_repo_id(server, repo), changes))


@click.command("remove", epilog=examples("mogplex repos remove acme/web"))
@click.argument("repo", metavar="ID")
@server_options
def remove_repo(server: Server, *, repo: str) -> None:
    """Forget a repo; its runs are kept. ID is its id, or owner/name."""
    repo_id = find_repo_id(server, repo)
    answer = server.client.remove_repo(repo_id)
    if server.as_json:
        write_json({"id": repo_id, **answer})
    else:
        write_line(f"removed repo {repo_id}")


def _absolute(source: str) -> str:
    """A path on this machine made absolute: the server has another working folder. URLs stay as they are."""
    if "://" not in source and Path(source).expanduser().exists():
        return str(Path(source).expanduser().resolve())
    return source


def _print_repo(server: Server, repo: Repo) -> None:
    if server.as_json:
        write_json(repo)
        return
    rest = [(name.replace("_", " "), _text(value)) for name, value in repo.items() if name not in ("id", "full_name")]
    write_fields([("id", repo["id"]), ("repo", repo_name(repo)), *rest])


def _text(value: object) -> str | None:
    if value in (None, [], {}, ""):
        return None
    if isinstance(value, list) and isinstance(value[0], dict):
        return ", ".join(_describe(each) for each in value)
    if isinstance(value, list):
        return ", ".join(show(item) for item in value)
    if isinstance(value, dict):
        told = [(name.replace("_", " "), _text(each)) for name, each in value.items()]
        return "; ".join(f"{name} {text}" for name, text in told if text is not None)
    return show(value)


def _describe(item: Repo) -> str:
    """A secret, or a step of a setup that was found."""
    if "phases" in item:
        return f"{item['name']} ({', '.join(item['phases'])})"
    return f"{item['command']} (from {item['source']}, with {item['tool']})"
