"""Options that say where the pull requests of a repo are opened, and what there starts runs."""

from __future__ import annotations

import functools

import click

from mogplex.cli.start import given

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def forge_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """The function gets what was given of them as `forge` and `hooks`, None when nothing was."""

    @click.option(
        "--forge", type=click.Choice(["github", "gitlab", "gitea"]), help="Whose API its forge speaks [from the host]."
    )
    @click.option("--forge-url", metavar="URL", help="API of the forge, as in https://git.example.org/api/v1.")
    @click.option("--forge-project", metavar="OWNER/NAME", help="The project there [from the clone URL].")
    @click.option(
        "--forge-label", "labels", metavar="LABEL", multiple=True, help="Label of its pull requests; repeatable."
    )
    @click.option(
        "--hook",
        "triggers",
        multiple=True,
        type=click.Choice(["comment", "label", "workflow"]),
        help="What starts runs from GitHub; repeatable.",
    )
    @click.option("--hook-label", metavar="NAME", help="The label that does [mogplex-run].")
    @click.option("--hook-person", "people", metavar="LOGIN", multiple=True, help="Only they may; repeatable.")
    @click.option(
        "--hook-delivery", type=click.Choice(["branch", "pull_request", "patch"]), help="Delivery of such runs."
    )
    @functools.wraps(function)
    def wrapper(
        *args: Any,
        forge: str | None,
        forge_url: str | None,
        forge_project: str | None,
        labels: tuple[str, ...],
        triggers: tuple[str, ...],
        hook_label: str | None,
        people: tuple[str, ...],
        hook_delivery: str | None,
        **values: Any,
    ) -> int | None:
        asked = given(kind=forge, apiUrl=forge_url, project=forge_project, labels=list(labels) or None)
        hooks = given(on=list(triggers) or None, label=hook_label, people=list(people) or None, delivery=hook_delivery)
        return function(*args, forge=asked or None, hooks=hooks or None, **values)

    return wrapper
