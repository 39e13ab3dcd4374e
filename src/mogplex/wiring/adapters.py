"""The adapters that the settings name: sandbox driver, work folder, harnesses."""

from __future__ import annotations

from collections.abc import Mapping

from mogplex.domain.ports import Harness, SandboxDriver
from mogplex.domain.repo import Repo
from mogplex.harnesses import HARNESSES
from mogplex.home import Home
from mogplex.sandboxes import DRIVERS
from mogplex.sandboxes.runner import Runner
from mogplex.settings import Settings
from mogplex.workspace.layout import Layout

HARNESS_PREFERENCE = ("codex", "claude-code", "builtin", "repair")


def make_driver(settings: Settings) -> SandboxDriver:
    return DRIVERS[settings.sandbox](Runner.detect(settings.runner_uid))


def make_layout(settings: Settings, home: Home) -> Layout:
    runner = Runner.detect(settings.runner_uid)
    return Layout(home.work_dir, runner.uid, runner.gid)


def make_harnesses(settings: Settings) -> Mapping[str, Harness]:
    shared = Home(settings).work_dir / "tools"
    offered = [name for name in HARNESSES if name != "scripted" or settings.scripted_harness]
    return {name: HARNESSES[name](shared) for name in offered}


def prefer_harness(repo: Repo, harnesses: Mapping[str, Harness]) -> str:
    """The repo's own choice comes before this one is asked."""
    return next(
        (name for name in HARNESS_PREFERENCE if name in harnesses and harnesses[name].probe().ok),
        HARNESS_PREFERENCE[-1],
    )
