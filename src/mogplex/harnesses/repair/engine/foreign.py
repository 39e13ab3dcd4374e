"""Plugins that are switched off, and what a repo may still ask of them: options, settings, markers.

The module itself is a plugin of pytest, for its fixtures.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

# They change what is collected, in which order, in which process, or what is left in the tree.
SWITCHED_OFF = (
    "xdist", "xdist.looponfail", "cov", "pytest_cov", "randomly", "pytest_randomly", "random_order", "cacheprovider",
    "timeout", "pytest_timeout",
)  # fmt: skip
OPTIONS = {
    "--cov": "?", "--cov-report": "?", "--cov-config": "?", "--cov-branch": 0, "--no-cov": 0, "--cov-fail-under": "?",
    "--cov-append": 0, "--cov-context": "?", "--no-cov-on-fail": 0, "--cov-reset": 0, "--cov-precision": "?",
    "-n": "?", "--numprocesses": "?", "--dist": "?", "--maxprocesses": "?", "--max-worker-restart": "?", "--tx": "?",
    "--maxschedchunk": "?", "--testrunuid": "?", "--loadscope-reorder": 0, "--no-loadscope-reorder": 0, "-f": 0,
    "--looponfail": 0, "--randomly-seed": "?", "--randomly-dont-reset-seed": 0, "--randomly-dont-reorganize": 0,
    "--timeout": "?", "--timeout-method": "?", "--session-timeout": "?", "--timeout-disable-debugger-detection": 0,
    "--random-order": 0, "--random-order-bucket": "?", "--random-order-seed": "?", "--last-failed": 0, "--lf": 0,
    "--failed-first": 0, "--ff": 0, "--new-first": 0, "--nf": 0, "--cache-clear": 0, "--cache-show": "?", "--lfnf": "?",
    "--last-failed-no-failures": "?", "--stepwise": 0, "--sw": 0, "--stepwise-skip": 0, "--sw-skip": 0,
    "--stepwise-reset": 0, "--sw-reset": 0,
}  # fmt: skip
SETTINGS = (
    "timeout", "timeout_method", "timeout_func_only", "timeout_disable_debugger_detection", "session_timeout",
    "cache_dir", "random_order", "looponfailroots", "rsyncdirs", "rsyncignore",
)  # fmt: skip
FOREIGN_MARKERS = ("timeout", "xdist_group", "no_cover", "random_order")


@pytest.fixture(scope="session")
def worker_id() -> str:
    """As xdist says it where there is one process only."""
    return "master"


@pytest.fixture(scope="session")
def testrun_uid() -> str:
    """As xdist names a run."""
    return "repair"


def accept_foreign(parser: Any) -> None:
    """Let pytest take those options and settings, which mean nothing then."""
    group = parser.getgroup("mogplex", "options of plugins that are switched off")
    for name, kind in OPTIONS.items():
        add = group._addoption if len(name) == 2 else group.addoption  # pytest keeps short options to itself
        with contextlib.suppress(ValueError):  # a plugin that is still on defines it
            if kind == 0:
                add(name, action="store_true", dest=f"foreign_{name}", default=False)
            else:
                add(name, nargs=kind, dest=f"foreign_{name}", default=None)
    for name in SETTINGS:
        with contextlib.suppress(ValueError):
            parser.addini(name, "setting of a plugin that is switched off", default=None)
