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


def judge(root: Path, path: str, original: str, patched: str, failing: int = 0) -> str:
    """ "same" | "equal" (not told apart) | "different" | "suite fails" | "unknown" (no inputs can be made).

    `failing` tests fail with the original, too.
    """
    if _told(original) == _told(patched):
        return "same"
    _, failed, _ = suite(root, 300)
    if failed > failing:
        return "suite fails"
    function = changed_function(original, patched)
    return differs(root, path, function, original, patched) if function else "unknown"


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


def changed_function(original: str, patched: str) -> str | None:
    """`name` or `Class.name` of the one function that was changed; None for other code."""
    left, right = _functions(original), _functions(patched)
    changed = [name for name in left if left[name] != right.get(name)]
    rest = _without_functions(original) == _without_functions(patched)
    return changed[0] if len(changed) == 1 and rest and left.keys() == right.keys() else None


def _functions(text: str) -> dict[str, str]:
    found = {}
    for node in ast.parse(text).body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef):
                found[f"{node.name}.{inner.name}" if inner is not node else inner.name] = ast.dump(inner)
    return found


def _without_functions(text: str) -> str:
    tree = ast.parse(text)
    for node in [tree, *[one for one in tree.body if isinstance(one, ast.ClassDef)]]:
        node.body = [one for one in node.body if not isinstance(one, ast.FunctionDef)]
    return ast.dump(tree)


def differs(root: Path, path: str, function: str, original: str, patched: str) -> str:
    """Record calls under the original, make inputs from them, compare what both versions do with each."""
    file = root / path
    environment = {**os.environ, "PYTHONPATH": f"{root}/src:{root}:{HERE}", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as folder:
        steps = [("record", original), ("generate", original), ("replay", patched), ("replay-original", original)]
        answers = {}
        for step, text in steps:
            file.write_text(text)
            command = [sys.executable, "-B", "-m", "differential", step, str(file), function, folder]
            try:
                done = subprocess.run(
                    command, cwd=root, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                file.write_text(patched)
                return "different" if step == "replay" else "unknown"
            answers[step] = (
                done.stdout.strip().splitlines()[-1] if done.stdout.strip() else f"unknown {done.stderr[-200:]}"
            )
            if step == "generate" and not answers[step].startswith("made"):
                break
        file.write_text(patched)
    if answers.get("replay-original") != "equal":
        return "unknown"  # not even the original does the same thing twice
    return answers["replay"]
