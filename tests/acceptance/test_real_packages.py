"""A public package as it is published: a bug is planted, everything else is found, installed and mended.

Needs the package index, for the packages and for what their setups install. One package is tried unless
MOGPLEX_REAL_PACKAGES=all asks for each of them.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pip._internal.models.index import PyPI

from tests.acceptance.house import SUCCESS, House, assert_truthful, git

SETUP_SECONDS = 240
ALL = os.environ.get("MOGPLEX_REAL_PACKAGES") == "all"


@dataclass(frozen=True)
class Package:
    """`right` stands in `file` of this version once, and `wrong` takes its place."""

    name: str
    version: str
    file: str
    right: str
    wrong: str
    check: str


PACKAGES = (
    Package(
        "click-option-group",
        "0.5.10",
        "src/click_option_group/_core.py",
        "if given_option_count > 1:",
        "if given_option_count >= 1:",
        "pytest -q",
    ),
    Package(
        "python-slugify",
        "9.2.0",
        "slugify/slugify.py",
        "if next_length <= max_length:",
        "if next_length < max_length:",
        "pytest -q tests/test_modern_word_boundary.py tests/test_release.py",
    ),
    Package(
        "wsproto",
        "1.3.2",
        "src/wsproto/frame_protocol.py",
        "if payload_length <= MAX_PAYLOAD_NORMAL:",
        "if payload_length < MAX_PAYLOAD_NORMAL:",
        "pytest -q tests/test_frame_protocol.py",
    ),
)


@pytest.fixture(scope="module", autouse=True)
def index() -> None:
    context = ssl.create_default_context(cafile=os.environ.get("PIP_CERT"))
    try:
        with urllib.request.urlopen(f"{PyPI.simple_url}/{PACKAGES[0].name}/", timeout=10, context=context):
            return
    except (OSError, urllib.error.URLError) as fault:
        pytest.skip(f"the package index can't be reached from here ({fault}): nothing real could be installed")


def fetch(package: Package, folder: Path) -> Path:
    """The unpacked source distribution as a git repo, with the bug in it."""
    wanted = f"{package.name}=={package.version}"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", package.name, "-d", folder, wanted],
        check=True, capture_output=True, timeout=180,
    )  # fmt: skip
    (archive,) = folder.glob("*.tar.gz")
    subprocess.run(["tar", "--no-same-owner", "-xzf", archive, "-C", folder], check=True, timeout=60)
    archive.unlink()
    (top,) = folder.iterdir()
    path = top / package.file
    text = path.read_text(encoding="utf-8")
    assert text.count(package.right) == 1
    path.write_text(text.replace(package.right, package.wrong), encoding="utf-8")
    git(top, "init", "-q")
    git(top, "add", "-A", "--force")  # what is published although the package's own .gitignore leaves it out
    git(top, "commit", "-qm", f"{wanted} with a bug")
    return top


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_planted_bug_is_mended_after_a_setup_that_nobody_wrote(house: House, package: Package) -> None:
    if not ALL and package is not PACKAGES[0]:
        pytest.skip("set MOGPLEX_REAL_PACKAGES=all to mend more than one package")
    folder = house.root / "fetched" / package.name
    folder.mkdir(parents=True)
    repo = house.client.add_repo({"name": f"real/{package.name}", "cloneUrl": str(fetch(package, folder))})
    detected = house.client.get_repo(repo["id"], detect_setup=True)["setup_detected"]
    assert [step["source"] for step in detected] == ["pyproject.toml"]
    body = {"repoId": repo["id"], "prompt": "Mend the failing test.", "harness": "repair", "createBranch": True}
    started = house.client.start_run({**body, "checks": [package.check], "timeoutSeconds": SETUP_SECONDS})
    house.wait(started["runId"], 2 * SETUP_SECONDS)
    run = assert_truthful(house, started["runId"])
    assert (run["outcome"], run["verdict"], run["baseline"]) == ("completed", "verified", "failed"), run["error"]
    assert finished_setup(house, run["runId"])["cached"] is False
    again = house.run_script(repo["id"], SUCCESS, delivery="patch")
    house.wait(again["runId"], SETUP_SECONDS)
    assert finished_setup(house, again["runId"])["cached"] is True


def finished_setup(house: House, run_id: str) -> dict[str, Any]:
    (finished,) = [each["payload"] for each in house.events(run_id) if each["type"] == "setup_finished"]
    return dict(finished)
