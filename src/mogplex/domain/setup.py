"""What a repo needs before its code can run, told by the files in the run's folder at the start commit.

`find_steps` reads names and a few small files; `choose` drops the steps whose program the sandbox doesn't have.
Commands run in that folder, with a virtual environment at /env whose `pip` and `python` come first in PATH.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ENVIRONMENT = "/env"

# What is read besides the names. Lock files aren't: they can be large, and their installers read them.
READ = re.compile(r"(pyproject\.toml|package\.json|go\.mod|.*requirements.*\.txt)\Z")
# Whatever can change what a setup installs belongs to the key of its result.
KEYED = re.compile(
    r"(pyproject\.toml|setup\.(py|cfg)|uv\.lock|poetry\.lock|Pipfile(\.lock)?|.*requirements.*\.(txt|in)|requirements|"
    r"constraints.*\.txt|\.python-version|package\.json|package-lock\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|"
    r"\.npmrc|yarn\.lock|go\.(mod|sum|work|work\.sum)|Cargo\.(toml|lock)|rust-toolchain(\.toml)?|Gemfile(\.lock)?|"
    r"\.ruby-version|(GNU)?[Mm]akefile|[Jj]ustfile|hatch_build\.py|CMakeLists\.txt|meson\.build|build\.rs)\Z"
)
# Program -> the command that tells its version, which belongs to the key as well.
VERSIONS: Mapping[str, str] = {
    "python3": "python3 -c 'import sys; print(sys.version)'",
    "uv": "uv --version",
    "npm": "node --version",
    "pnpm": "pnpm --version",
    "go": "go version",
    "cargo": "cargo --version",
    "bundle": "bundle --version",
}

_REQUIREMENTS = re.compile(r"(requirements([-_.](dev|tests?|testing))?|(dev|tests?)[-_]requirements)\.txt\Z")
_TEST_NAMES = ("test", "tests", "testing", "dev")
# What every sandbox has: a repo that wants nothing else needs no installation, hence no network.
_PROVIDED = re.compile(r"(pytest|coverage)\s*(>=\s*[0-9.]+)?\Z")
_NAME = re.compile(r"[-_.]+")

_KEEP_MODULES = f"if [ -d node_modules ]; then mv node_modules {ENVIRONMENT}/node_modules; fi"


@dataclass(frozen=True, slots=True)
class Step:
    """`source` is the file asking for it. `command` needs program `tool`; without it `instead` is done, or nothing."""

    source: str
    tool: str
    command: str
    instead: Step | None = None


def is_none(commands: Iterable[str]) -> bool:
    """Whether configured commands say: no setup, and no detection either."""
    return all(command.strip() in ("true", ":") for command in commands)


def find_steps(files: Mapping[str, str | None]) -> tuple[Step, ...]:
    """`files`: the regular files of the folder by name, with the text of those that READ matches."""
    steps = [_find_python(files), _find_node(files), _find_go(files)]
    if "Cargo.lock" in files:
        steps.append(Step("Cargo.lock", "cargo", "cargo fetch --locked"))
    if "Gemfile.lock" in files:
        steps.append(Step("Gemfile.lock", "bundle", "bundle install"))
    return tuple(step for step in steps if step is not None)


def choose(steps: Iterable[Step], tools: Collection[str]) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """The steps to do with `tools`, and a sentence on each that can't be done."""
    chosen, notes = [], []
    for wanted in steps:
        step: Step | None = wanted
        while step is not None and step.tool not in tools:
            note = f"{step.source} is there, but the sandbox has no `{step.tool}`"
            step = step.instead
            notes.append(f"{note}: {f'used {step.source} instead' if step else 'its packages were not installed'}.")
        if step is not None:
            chosen.append(step)
    return tuple(chosen), tuple(notes)


def _find_python(files: Mapping[str, str | None]) -> Step | None:
    project = _parse_toml(files.get("pyproject.toml"))
    wanted = [name for name in sorted(files) if _REQUIREMENTS.match(name) and not _is_provided(files[name])]
    editable, requirements = _read_project(project)
    options = [f"--requirement {shlex.quote(name)}" for name in wanted]
    options += [f"--editable {shlex.quote(editable)}"] if editable else []
    options += ["--", *map(shlex.quote, requirements)] if requirements else []
    source = " and ".join([*wanted, *(["pyproject.toml"] if editable or requirements else [])])
    by_pip = Step(source, "python3", f"pip install {' '.join(options)}") if options else None
    if "uv.lock" not in files:
        return by_pip
    extra = _first(project.get("project", {}).get("optional-dependencies"))
    command = "uv sync --frozen" + (f" --extra {shlex.quote(extra)}" if extra else "")
    return Step("uv.lock", "uv", command, by_pip)


def _read_project(project: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """What to install in place (None: nothing) and which requirements besides, from a parsed pyproject.toml.

    In place only where the build is spelled out: guessing it fails for folders that are no package.
    """
    table = _mapping(project.get("project"))
    extras = _mapping(table.get("optional-dependencies"))
    extra = _first(extras)
    own = _strings(table.get("dependencies"))
    extra_own = _strings(extras.get(extra)) if extra else []
    groups = _mapping(project.get("dependency-groups"))
    group = _first(groups)
    grouped = _expand(groups, group, ()) if group else []
    dynamic = "dependencies" in _strings(table.get("dynamic"))
    poetry = set(_mapping(_mapping(_mapping(project.get("tool")).get("poetry")).get("dependencies"))) - {"python"}
    if not dynamic and not poetry and all(_PROVIDED.match(each.strip()) for each in (*own, *extra_own, *grouped)):
        return None, []
    if "build-system" in project:
        return f".[{extra}]" if extra else ".", grouped
    return None, [*own, *extra_own, *grouped]


def _first(tables: Any) -> str | None:
    """The name under which a project keeps what its tests need."""
    names = {_NAME.sub("-", name).lower(): name for name in _mapping(tables)}
    return next((names[name] for name in _TEST_NAMES if name in names), None)


def _expand(groups: Mapping[str, Any], name: str, above: tuple[str, ...]) -> list[str]:
    """The requirements of a dependency group and of those that it includes; a circle is left where it closes."""
    found = []
    normal = _NAME.sub("-", name).lower()
    members: Any = next((groups[each] for each in groups if _NAME.sub("-", each).lower() == normal), [])
    for member in members if isinstance(members, list) else []:
        if isinstance(member, str):
            found.append(member)
        elif isinstance(member, dict) and isinstance(member.get("include-group"), str) and normal not in above:
            found += _expand(groups, member["include-group"], (*above, normal))
    return list(dict.fromkeys(found))


def _find_node(files: Mapping[str, str | None]) -> Step | None:
    try:
        package = _mapping(json.loads(files.get("package.json") or "{}"))
    except ValueError:
        package = {}  # the mistake may be what the run is to mend; npm says it better
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "workspaces")
    if not any(package.get(kind) for kind in kinds):
        return None
    if "pnpm-lock.yaml" in files:
        command = 'pnpm install --frozen-lockfile --package-import-method copy --store-dir "$TMPDIR/pnpm"'
        return Step("pnpm-lock.yaml", "pnpm", f"{command} && {_KEEP_MODULES}")
    if "package-lock.json" in files:
        return Step("package-lock.json", "npm", f"npm ci --no-audit --no-fund && {_KEEP_MODULES}")
    return None


def _find_go(files: Mapping[str, str | None]) -> Step | None:
    if re.search(r"^\s*require\b", files.get("go.mod") or "", re.MULTILINE):
        return Step("go.mod", "go", "go mod download all")
    return None


def _is_provided(text: str | None) -> bool:
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in (text or "").splitlines()]
    return all(not line or _PROVIDED.match(line) for line in lines)


def _parse_toml(text: str | None) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text or "")
    except tomllib.TOMLDecodeError:
        return {}  # the mistake may be what the run is to mend


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
