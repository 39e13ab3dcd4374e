"""Counts from the real jest and the real gotestsum. They cost half a minute, so they are asked for:

MOGPLEX_REAL_TOOLS=on pytest tests/worker/test_report_tools.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mogplex.domain.verdict import TestCounts
from mogplex.worker.check_command import COUNTING, REPORT_FOLDER, shell_arguments
from mogplex.worker.junit import read_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not os.environ.get("MOGPLEX_REAL_TOOLS"), reason="set MOGPLEX_REAL_TOOLS=on to try real tools"),
]
PACKAGES = {"jest": "29.7.0", "jest-junit": "16.0.0"}
JEST_TESTS = """
test("adds", () => expect(1 + 2).toBe(3));
test("breaks", () => expect(3 - 1).toBe(3));
test.skip("later", () => {});
"""
GO_TESTS = """package sum

import "testing"

func TestAdds(t *testing.T) {}

func TestBreaks(t *testing.T) { t.Fatal("no") }

func TestLater(t *testing.T) { t.Skip("later") }
"""


def require(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(f"not in PATH: {', '.join(missing)} (Debian: npm; golang-go gotestsum)")


def check(folder: Path, command: str) -> tuple[int, TestCounts | None]:
    """As a check of a repo is run, but for the sandbox: exit code and what was counted."""
    report = folder / "report"
    report.mkdir()
    told = {name: value.replace(REPORT_FOLDER, str(report)) for name, value in COUNTING.items()}
    done = subprocess.run(shell_arguments(command), cwd=folder, env={**os.environ, **told}, capture_output=True)
    return done.returncode, read_folder(report)


def test_jest(tmp_path: Path) -> None:
    require("node", "npm")
    (tmp_path / "package.json").write_text(json.dumps({"private": True, "devDependencies": PACKAGES}))
    (tmp_path / "sum.test.js").write_text(JEST_TESTS)
    try:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=tmp_path, capture_output=True, check=True)
    except subprocess.CalledProcessError as fault:
        pytest.skip(f"npm could not install jest: {fault.stderr.decode()[-200:]}")
    code, counts = check(tmp_path, "npx jest --reporters=jest-junit")
    assert code == 1
    assert counts == TestCounts(1, 1, 1, frozenset({" breaks:: breaks"}))


def test_gotestsum(tmp_path: Path) -> None:
    require("go", "gotestsum")
    (tmp_path / "go.mod").write_text("module example.org/sum\n\ngo 1.19\n")
    (tmp_path / "sum_test.go").write_text(GO_TESTS)
    code, counts = check(tmp_path, "gotestsum")
    assert code == 1
    assert counts == TestCounts(1, 1, 1, frozenset({"example.org/sum::TestBreaks"}))
