"""One server for each file and one browser for all; each test has a browser profile of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mogplex.domain.repo import Repo
from mogplex.store.database import Database
from tests.databases import sqlite_template
from tests.web.world import World

__all__ = ["sqlite_template"]

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PATIENCE_MS = 20_000
SCREENSHOTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
KEEP_SCREENSHOTS = bool(os.environ.get("CI") or os.environ.get("MOGPLEX_SCREENSHOTS"))  # they take a while

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def world(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("web") / "mogplex.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    opened = World(database)
    yield opened
    opened.close()
    database.close()


@pytest.fixture(scope="module")
def repo(world: World) -> Repo:
    return world.house.add_repo(checks=["pytest -q"])


@pytest.fixture(scope="module")  # not longer: its event loop would be in the way of other tests of this process
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is missing: no page is looked at. Install it: bash scripts/setup.sh --tests")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[OpenPage]:
    """Opens a signed-in page: `open_page("/runs", key=…, color_scheme="dark")`. No script of it may fail."""
    contexts, faults = [], []

    def open_one(path: str = "/", *, key: str | None = "", **settings: Any) -> Page:
        settings.setdefault("viewport", {"width": 1280, "height": 800})
        context = browser.new_context(base_url=world.url, **settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if key is not None:
            # What a sign-in leaves; the form itself has tests of its own, and a limit on tries.
            token = world.pages_token(key or world.key)
            context.add_cookies([{"name": "mogplex_session", "value": token, "url": world.url}])
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(f"{page.url}: {fault}"))
        page.on("console", lambda said: faults.append(f"{page.url}: {said.text}") if is_refusal(said.text) else None)
        page.goto(path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def is_refusal(text: str) -> bool:
    """What the browser refused because of the page's own policy."""
    return "Content Security Policy" in text or "Refused to" in text
