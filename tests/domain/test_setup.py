"""What a repo's files say about its setup."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mogplex.domain.setup import KEYED, READ, VERSIONS, choose, find_steps, is_none

ALL = tuple(VERSIONS)


def commands(files: dict[str, str | None], tools: tuple[str, ...] = ALL) -> list[str]:
    return [step.command for step in choose(find_steps(files), tools)[0]]


BUILD = '[build-system]\nrequires = ["hatchling"]\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"README.md": None, "main.py": None}, []),
        ({"requirements.txt": "flask==3\n"}, ["pip install --requirement requirements.txt"]),
        ({"requirements.txt": "# nothing yet\n\n"}, []),
        ({"requirements.txt": "pytest >= 8 # to test\ncoverage\n"}, []),
        ({"requirements.txt": "pytest<8\n"}, ["pip install --requirement requirements.txt"]),
        (
            {"requirements.txt": "a\n", "requirements-dev.txt": "b\n", "requirements-docs.txt": "c\n"},
            ["pip install --requirement requirements-dev.txt --requirement requirements.txt"],
        ),
        ({"pyproject.toml": '[project]\nname = "x"\n' + BUILD}, []),
        ({"pyproject.toml": '[project]\ndependencies = ["a>=1"]\n'}, ["pip install -- 'a>=1'"]),
        ({"pyproject.toml": '[project]\ndependencies = ["a"]\n' + BUILD}, ["pip install --editable ."]),
        (
            {"pyproject.toml": '[project.optional-dependencies]\ndocs = ["s"]\nTests = ["a"]\n' + BUILD},
            ["pip install --editable '.[Tests]'"],
        ),
        ({"pyproject.toml": '[project.optional-dependencies]\ndocs = ["s"]\n' + BUILD}, []),
        ({"pyproject.toml": '[dependency-groups]\ndev = ["pytest>=8"]\n'}, []),
        (
            {
                "pyproject.toml": '[dependency-groups]\ndev = ["a", {include-group = "Lint_x"}]\n'
                'lint-x = ["b", {include-group = "dev"}]\n'
            },
            ["pip install -- a b"],
        ),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '*'\na = '*'\n" + BUILD},
         ["pip install --editable ."]),
        ({"pyproject.toml": "[tool.poetry.dependencies]\npython = '*'\n" + BUILD}, []),
        ({"pyproject.toml": '[project]\ndynamic = ["dependencies"]\n' + BUILD}, ["pip install --editable ."]),
        ({"pyproject.toml": "broken = [\n"}, []),
        ({"pyproject.toml": "project = 1\ntool = []\n"}, []),
        ({"uv.lock": None, "pyproject.toml": '[project.optional-dependencies]\ntest = ["a"]\n'},
         ["uv sync --frozen --extra test"]),
        ({"uv.lock": None}, ["uv sync --frozen"]),
        ({"package.json": "{}", "package-lock.json": None}, []),
        ({"package.json": "broken", "package-lock.json": None}, []),
        ({"package.json": '{"dependencies": {"a": "1"}}'}, []),
        ({"go.mod": "module x\n\nrequire a v1\n"}, ["go mod download all"]),
        ({"go.mod": "module require.x\ngo 1.22\n"}, []),
        ({"Cargo.lock": None, "Gemfile.lock": None}, ["cargo fetch --locked", "bundle install"]),
    ],
)  # fmt: skip
def test_commands(files: dict[str, str | None], expected: list[str]) -> None:
    assert commands(files) == expected


@pytest.mark.parametrize(("lock", "tool"), [("package-lock.json", "npm ci"), ("pnpm-lock.yaml", "pnpm install")])
def test_modules_of_node_are_moved_out_of_the_checkout(lock: str, tool: str) -> None:
    (command,) = commands({"package.json": '{"devDependencies": {"a": "1"}}', lock: None})
    assert command.startswith(tool)
    assert command.endswith("mv node_modules /env/node_modules; fi")


def test_without_uv_pip_installs_what_the_project_asks_for_and_says_so() -> None:
    steps = find_steps({"uv.lock": None, "pyproject.toml": '[project]\ndependencies = ["a"]\n'})
    chosen, notes = choose(steps, ["python3"])
    assert [step.command for step in chosen] == ["pip install -- a"]
    assert notes == ("uv.lock is there, but the sandbox has no `uv`: used pyproject.toml instead.",)


def test_without_any_program_nothing_is_done_and_it_is_said() -> None:
    chosen, notes = choose(find_steps({"uv.lock": None, "Cargo.lock": None}), [])
    assert chosen == ()
    assert [note.split(" is there")[0] for note in notes] == ["uv.lock", "Cargo.lock"]


def test_names_and_requirements_are_quoted() -> None:
    (command,) = commands({"pyproject.toml": '[project]\ndependencies = ["a; python_version < \'4\'", "$(x)"]\n'})
    assert command == "pip install -- 'a; python_version < '\"'\"'4'\"'\"'' '$(x)'"


def test_no_setup_is_asked_for_by_true() -> None:
    assert is_none(["true"])
    assert is_none([" : "])
    assert not is_none(["true", "make"])


def test_what_is_read_or_locks_belongs_to_the_key() -> None:
    for name in ("uv.lock", "pyproject.toml", "requirements-dev.txt", "dev-requirements.txt", "package-lock.json"):
        assert KEYED.match(name), name
    for name in ("pyproject.toml", "package.json", "go.mod", "requirements.txt"):
        assert READ.match(name), name
        assert KEYED.match(name), name
    assert not READ.match("uv.lock")
    assert not KEYED.match("main.py")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["dependencies", "workspaces", "devDependencies"]), json_values))
def test_no_package_json_breaks_it(package: dict[str, object]) -> None:
    find_steps({"package.json": json.dumps(package), "package-lock.json": None})


@given(st.text(max_size=200))
def test_no_file_breaks_it(text: str) -> None:
    names = ("pyproject.toml", "package.json", "go.mod", "requirements.txt", "package-lock.json", "uv.lock")
    find_steps(dict.fromkeys(names, text))
