"""Is a patch right, or does it only pass the tests?

Right means: the same syntax tree as the original; or the library's whole suite passes under plain pytest and the
function behaves as the original does on inputs that Hypothesis makes after the calls that the suite itself makes.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from libraries import suite

HERE = Path(__file__).parent
SECONDS = 120
TWICE = " once more"  # a property's setter has the name of its getter: which of them was recorded can't be told
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def judge(root: Path, path: str, original: str, patched: str, failing: int = 0) -> str:
    """ "same" | "equal" (not told apart) | "message" (equal but for what an exception says) | "different" |
    "suite fails" | "unknown" (no inputs can be made).

    `failing` tests fail with the original, too.
    """
    if _told(original) == _told(patched):
        return "same"
    _, failed, _ = suite(root, 300)
    if failed > failing:
        return "suite fails"
    functions = changed_functions(original, patched)
    told = {differs(root, path, function, original, patched) for function in functions}
    return next((word for word in ("different", "unknown", "message", "equal") if word in told), "unknown")


def _told(text: str) -> str:
    """The syntax tree, with the types that `isinstance` and `except` list in a fixed order."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        listed: ast.expr | None = None
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in ("isinstance", "issubclass")
            and len(node.args) == 2
        ):
            listed = node.args[1]
        elif isinstance(node, ast.ExceptHandler):
            listed = node.type
        if isinstance(listed, ast.Tuple):
            listed.elts.sort(key=ast.dump)
    return ast.dump(tree)


def changed_functions(original: str, patched: str) -> list[str]:
    """`name` or `Class.name` of the functions that were changed; none when there is a change of other code as well."""
    left, right = _functions(original), _functions(patched)
    rest = _without_functions(original) == _without_functions(patched)
    changed = [name for name in left if left[name] != right.get(name)]
    is_told = rest and left.keys() == right.keys() and not any(name + TWICE in left for name in changed)
    return changed if is_told and not any(name.endswith(TWICE) for name in changed) else []


def _functions(text: str) -> dict[str, str]:
    found: dict[str, str] = {}

    def gather(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                gather(node.body, f"{before}{node.name}.")
            elif isinstance(node, FUNCTIONS):
                name = before + node.name + ("" if before + node.name not in found else TWICE)
                found[name] = found.get(name, "") + ast.dump(node)

    gather(ast.parse(text).body, "")
    return found


def _without_functions(text: str) -> str:
    tree = ast.parse(text)
    for node in [tree, *(one for one in ast.walk(tree) if isinstance(one, ast.ClassDef))]:
        node.body = [one for one in node.body if not isinstance(one, FUNCTIONS)]
    return ast.dump(tree)


def differs(root: Path, path: str, function: str, original: str, patched: str) -> str:
    """Record calls under the original, make inputs from them, compare what both versions do with each."""
    file = root / path
    with tempfile.TemporaryDirectory() as folder:
        try:
            file.write_text(original)
            least = 1
            for step in ("record", "generate", "steady"):
                word, _, number = _said(step, root, file, function, folder).partition(" ")
                if word != step or int(number) < least:
                    return "unknown"
                least = (int(number) + 1) // 2 if step == "generate" else 1
            file.write_text(patched)
            told = _said("replay", root, file, function, folder)
            return told if told in ("equal", "message", "different") else "unknown"
        finally:
            file.write_text(patched)


def _said(step: str, root: Path, file: Path, function: str, folder: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{root}/src:{root}:{HERE}", "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-B", "-m", "differential", step, str(file), function, folder]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "different" if step == "replay" else "out of time"
    return "".join(done.stdout.strip().splitlines()[-1:])
