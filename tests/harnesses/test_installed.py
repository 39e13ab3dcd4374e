"""Finding programs of other makers: in which order, what is said when there is none, and what sandboxes are shown."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mogplex.domain.errors import SandboxError
from mogplex.domain.model import ModelEndpoint
from mogplex.domain.ports import Harness, Task
from mogplex.harnesses.claude_code import binary as claude_binary
from mogplex.harnesses.claude_code.adapter import PROGRAM as CLAUDE
from mogplex.harnesses.claude_code.adapter import ClaudeCodeHarness
from mogplex.harnesses.codex import binary as codex_binary
from mogplex.harnesses.codex.adapter import PROGRAM as CODEX
from mogplex.harnesses.codex.adapter import CodexHarness
from mogplex.harnesses.installed import Program, find_program, read_version, show_to_sandboxes

ROOT = Path(__file__).parents[2]
TASK = Task("run_1", 1, "Mend it.", "/work/app/web", session="s-1", state_folder="/state", model_calls=7,
            output_schema={"type": "object"})  # fmt: skip
MAKERS: list[Callable[..., Harness]] = [CodexHarness, ClaudeCodeHarness]


def make_program(path: Path, says: str = "thing 1.2.3 (x)", code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\necho \"$HOME\" >{path.parent}/home\nexit {code}\n")
    path.chmod(0o755)
    return path


def nothing() -> Path | None:
    return None


def test_the_order_is_setting_package_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setting, packaged, in_path = (make_program(tmp_path / name / "thing") for name in ("a", "b", "c"))
    monkeypatch.setenv("PATH", str(in_path.parent))
    assert find_program("thing", setting, lambda: packaged) == Program(setting, "setting")
    assert find_program("thing", None, lambda: packaged) == Program(packaged, "package")
    assert find_program("thing", None, nothing) == Program(in_path, "PATH")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("thing", None, nothing) is None
    assert find_program("thing", tmp_path / "missing", lambda: packaged) is None, "a wrong setting is not passed over"


def test_a_version_is_asked_in_a_home_of_its_own_and_again_when_the_file_changes(tmp_path: Path) -> None:
    program = make_program(tmp_path / "thing")
    assert read_version(program, {}) == "1.2.3"
    home = (tmp_path / "home").read_text().strip()
    assert home and home != os.environ["HOME"] and not Path(home).exists()
    (tmp_path / "home").unlink()
    assert read_version(program, {}) == "1.2.3"
    assert not (tmp_path / "home").exists(), "asked once"
    make_program(program, "thing 1.2.4-alpha.1, newer")
    assert read_version(program, {}) == "1.2.4-alpha.1"
    assert read_version(make_program(tmp_path / "b" / "thing", code=1), {}) is None
    assert read_version(make_program(tmp_path / "c" / "thing", says="hello"), {}) is None


@pytest.mark.parametrize("make", MAKERS)
def test_probe_tells_what_to_do(make: Callable[..., Harness], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = make(tmp_path, tmp_path / "missing").probe()
    assert not wrong.ok and "missing" in wrong.detail and "_BIN" in (wrong.remedy or "")
    odd = make(tmp_path, make_program(tmp_path / "odd" / "thing", says="9.9.9")).probe()
    assert odd.ok and odd.facts["version"] == "9.9.9" and "tried with" in odd.detail
    monkeypatch.setattr(codex_binary, "_find_packaged", nothing)
    monkeypatch.setattr(claude_binary, "_find_packaged", nothing)
    monkeypatch.setenv("PATH", "/nowhere")
    none = make(tmp_path).probe()
    assert not none.ok and "pip install" in (none.remedy or "")
    with pytest.raises(SandboxError, match="not installed"):
        make(tmp_path).launch(TASK)


@pytest.mark.parametrize("make", MAKERS)
def test_no_model_no_launch(make: Callable[..., Harness], tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="needs a model"):
        make(tmp_path, make_program(tmp_path / "thing")).launch(TASK)


def launch(make: Callable[..., Harness], tmp_path: Path) -> tuple[str, ...]:
    harness = make(tmp_path, make_program(tmp_path / "thing"))
    endpoint = ModelEndpoint("http://127.0.0.1:8081", harness.protocols[0], "m-1")
    launch = harness.launch(replace(TASK, endpoint=endpoint))
    assert launch.stdin == b"Mend it."
    assert "Mend it." not in " ".join(launch.argv), "a prompt may be longer than a command line"
    return launch.argv


def test_what_codex_is_started_with(tmp_path: Path) -> None:
    argv = launch(CodexHarness, tmp_path)
    assert argv[3:8] == ("codex", "/state", '{"type": "object"}', "/work", "app/web")
    assert argv[8:11] == ("/opt/codex/bin/codex", "exec", "resume") and argv[-1] == "s-1"
    assert argv[argv.index("-m") + 1] == "m-1"
    settings = [argv[place + 1] for place, word in enumerate(argv) if word == "-c" and place > 2]
    options = {
        name: tomllib.loads(f"x = {value}")["x"] for name, _, value in (word.partition("=") for word in settings)
    }
    assert options["model_providers.mogplex.base_url"] == "http://127.0.0.1:8081/v1"
    assert options["allow_login_shell"] is False and options["analytics.enabled"] is False
    assert options["projects"] == {folder: {"trust_level": "untrusted"} for folder in ("/work", "/work/app/web")}
    assert "--strict-config" in argv


def test_what_claude_is_started_with(tmp_path: Path) -> None:
    argv = launch(ClaudeCodeHarness, tmp_path)
    assert argv[3:8] == ("claude", "/state", "/work", "app/web", "/opt/claude-code/claude")
    told = {word: argv[place + 1] for place, word in enumerate(argv[:-1]) if word.startswith("--")}
    assert told["--setting-sources"] == "user" and "--strict-mcp-config" in argv
    assert told["--max-turns"] == "8", "one more than the limit: the gateway has the say"
    assert (told["--resume"], told["--model"]) == ("s-1", "m-1")
    assert json.loads(told["--json-schema"]) == {"type": "object"}


def test_of_a_complete_codex_its_folder_is_shown_and_else_the_file_alone(tmp_path: Path) -> None:
    lone = make_program(tmp_path / "codex" / "bin" / "codex")
    mount, inside = codex_binary.mount(lone, tmp_path / "shared")
    assert (mount.target, inside) == ("/opt/codex/bin/codex", "/opt/codex/bin/codex") and mount.source.is_file()
    (tmp_path / "codex" / "codex-resources").mkdir()
    mount, inside = codex_binary.mount(lone, tmp_path / "shared2")
    assert (mount.target, inside) == ("/opt/codex", "/opt/codex/bin/codex") and (mount.source / "bin/codex").is_file()


def test_behind_the_script_of_npm_the_binary_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = tmp_path / "node_modules" / "@openai"
    script = make_program(scope / "codex" / "bin" / "codex.js")
    native = make_program(scope / "codex-linux-x64" / "vendor" / "x86_64-unknown-linux-musl" / "bin" / "codex")
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "codex").symlink_to(script)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(codex_binary, "_find_packaged", nothing)
    assert codex_binary.find(None) == Program(native, "PATH")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes run as somebody else")
def test_what_others_cannot_reach_is_linked_once_to_where_they_can(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    closed = tmp_path / "closed"
    program = make_program(closed / "bin" / "thing")
    closed.chmod(0o700)
    shown = show_to_sandboxes(closed / "bin", shared)
    assert (shown / "thing").samefile(program) and shared in shown.parents
    assert show_to_sandboxes(closed / "bin", shared) == shown
    assert [path.name for path in shared.iterdir()] == [shown.name], "nothing half made is left"


def test_the_extras_the_list_of_the_tests_and_the_tried_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    pins = sorted(extras["claude-code"] + extras["codex"])
    listed = project["dependency-groups"]["harnesses"]
    assert set(pins) <= set(listed)
    locked = re.findall(r"^([a-z-]+==[\d.]+)", (ROOT / "requirements-harnesses.lock").read_text(), re.MULTILINE)
    assert sorted(locked) == sorted(listed)
    assert pins[1].partition("==")[2] in CODEX.tried
    assert pins[0] in CLAUDE.install
