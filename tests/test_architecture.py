"""What the code may never become: the absences that ARCHITECTURE.md promises, looked for in every file."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mogplex

PACKAGE = Path(mogplex.__file__).parent
ROOT = Path(__file__).parent.parent
# Migrations are scripts that Alembic runs, written once and never changed: none of these rules is about them.
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.relative_to(PACKAGE).parts[:-1])

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
# Longer than the rule allows, each with the reason. `path under mogplex` or `path:function`.
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {
    "cli/repos.py:setting_options": "one line a flag, twice",
    "cli/run.py:start_run": "one line a flag; the work is in other functions",
    "domain/run_view.py:run_object": "one line a field of the contract's run object",
}

BANNED_NAMES = {
    "util", "utils", "helper", "helpers", "common", "base", "core", "manager", "managers", "handler", "handlers",
    "misc", "processor", "data", "info", "lib", "tools", "shared", "stuff",
}  # fmt: skip
# Put together here: the names of package registries may stand nowhere in the repository, this file included.
REGISTRIES = [
    name + suffix
    for name, suffix in [
        ("py", "pi.org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("crates", ".io"),
    ]
]


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def run_python(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that finds the package which is tested here, whatever is installed."""
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin", "HOME": str(directory), "COLUMNS": "120"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_imports_run_down_only() -> None:
    code = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    linted = run_python("-c", code, directory=ROOT)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module(path: Path) -> None:
    """One test a module: each rule says what to do about it."""
    name = relative(path)
    text = path.read_text(encoding="utf-8")
    tree = parse(path)
    assert ast.get_docstring(tree), f"{name} has no docstring: one line that says what lives here"
    assert path.stem not in BANNED_NAMES, f"{name}: name it for what it holds"
    assert path.parent.name not in BANNED_NAMES, f"{name}: name the folder for what it holds"
    lines = text.count("\n")
    assert lines <= MAX_FILE_LINES or name in LONG_FILES, f"{name} has {lines} lines: split it by noun"
    marks = re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b", text)
    assert not marks, f"{name} holds {marks}: do it, or leave it out"
    for function in functions_of(tree):
        where = f"{name}:{function.name}"
        length = length_of(function)
        assert length <= MAX_FUNCTION_LINES or where in LONG_FUNCTIONS, f"{where} has {length} lines: split it by verb"
        own = [
            ast.unparse(node)
            for node in ast.walk(function)
            if (isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "mogplex"))
            or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "mogplex" for alias in node.names))
        ]
        assert not own, f"{where} imports our own modules: {own}; move the import up or the type down"


def test_every_folder_of_code_is_a_package_with_a_docstring() -> None:
    folders = {path.parent for path in MODULES}
    without = [str(folder) for folder in folders if not (folder / "__init__.py").exists()]
    assert not without


def test_every_folder_of_tests_is_a_package() -> None:
    """Two files of one name in folders that aren't packages can't be collected by one process of pytest."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_exceptions_to_the_sizes_are_still_needed() -> None:
    for name in LONG_FILES:
        assert (PACKAGE / name).read_text(encoding="utf-8").count("\n") > MAX_FILE_LINES, (
            f"{name} is short: drop it here"
        )
    for where in LONG_FUNCTIONS:
        name, function_name = where.split(":")
        lengths = [
            (f.end_lineno or 0) - f.lineno + 1 for f in functions_of(parse(PACKAGE / name)) if f.name == function_name
        ]
        assert max(lengths, default=0) > MAX_FUNCTION_LINES, f"{where} is short: drop it here"


# Runs in a fresh interpreter: imports everything and reports what our own code did meanwhile. An act belongs to the
# nearest code on the stack that is not the standard library's.
WATCH_IMPORTS = """
import importlib, io, json, pkgutil, sys, threading, traceback
happened = []
WATCHED = set(
    "socket.__new__ socket.bind socket.connect subprocess.Popen os.fork os.forkpty os.posix_spawn os.system os.exec "
    "os.mkdir os.remove os.rename sqlite3.connect _thread.start_new_thread".split()
)
def watch(event, arguments):
    if event in WATCHED:
        frame = sys._getframe(1)
        while frame and "/mogplex/" not in frame.f_code.co_filename and "site-packages" not in frame.f_code.co_filename:
            frame = frame.f_back
        if frame and "site-packages" not in frame.f_code.co_filename:
            happened.append(f"{event} at {frame.f_code.co_filename}:{frame.f_lineno}")
sys.addaudithook(watch)
out, sys.stdout, err, sys.stderr = sys.stdout, io.StringIO(), sys.stderr, io.StringIO()
sys.excepthook = lambda *error: traceback.print_exception(*error, file=err)
import mogplex
names = ["mogplex", *(found.name for found in pkgutil.walk_packages(mogplex.__path__, "mogplex."))]
names = [name for name in names if ".migrations" not in name]
for name in names:
    importlib.import_module(name)
if threading.active_count() != 1:
    happened.append(f"threads are running: {threading.enumerate()}")
json.dump({"names": names, "happened": happened, "printed": sys.stdout.getvalue() + sys.stderr.getvalue()}, out)
"""


def test_nothing_happens_on_import(tmp_path: Path) -> None:
    imported = run_python("-B", "-c", WATCH_IMPORTS, directory=tmp_path)
    assert imported.returncode == 0, imported.stderr
    report = json.loads(imported.stdout)
    assert len(report["names"]) == len(MODULES), "some module can't be found by its name"
    assert report["happened"] == []
    assert report["printed"] == ""
    assert list(tmp_path.iterdir()) == []


def test_the_changelog_tells_of_this_version() -> None:
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == mogplex.__version__
    assert versions == sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)


def test_no_package_registry_is_named() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0")[:-1]:
        path = ROOT / name
        if path.is_file():
            text = path.read_bytes().decode("utf-8", "replace").lower()
            assert not [registry for registry in REGISTRIES if registry in text], f"{name} names a package registry"
