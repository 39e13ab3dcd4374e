"""What failing tests say about the fault besides where it is: exceptions they wait for, and those they died of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .goal import Goal
from .source import FUNCTIONS, Source, header_expressions, header_lines

NOT_RAISED = re.compile(r"DID NOT RAISE (?:any of \()?<class '([\w.]+)'>|\b([A-Z]\w+) not raised\b")
CRASH = re.compile(r"^[^\s:]+:\d+: ([A-Z]\w*)(?::|$)", re.MULTILINE)
OF_TYPE = ("TypeError", "AttributeError")
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
WORD = re.compile(r"\w+")
MAX_WORDS, LONGEST_TEXT = 40, 80
MISCALLED = re.compile(r"TypeError: (?:\w+\.)*?((?:\w+\.)?\w+)\(\) (?:missing|takes|got)\b")
NAMED, BLAMED = 0.5, 1.2  # suspicion of functions that no failing test got into
MAX_DEFINING = 10
NO_VALUE = re.compile(r"(?:NameError|UnboundLocalError): .*?(?:name|variable) '(\w+)'")
WAITING = ("raises", "assertRaises", "assertRaisesRegex")


@dataclass(frozen=True)
class Clues:
    """`wanted`: names of exceptions that failing tests wait for in vain. `named`: those that failing tests mention in
    `pytest.raises` and the like. `raised`: those they died of. `clashes`: (path, line) -> the exception that broke off
    there because of a wrong type. `words`: what the texts in failing tests are made of, whole ones first.
    `about_none`: whether a failing test died because something was None."""

    wanted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    raised: frozenset[str] = frozenset()
    clashes: dict[tuple[str, int], str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    about_none: bool = False


NO_CLUES = Clues()


def clues_of(goal: Goal, root: Path, relative: dict[str, str]) -> Clues:
    """`relative` maps real paths of the repo's sources to their names in the repo."""
    raised: set[str] = set()
    clashes: dict[tuple[str, int], str] = {}
    for test in goal.failing:
        outcome = goal.baseline.outcomes[test]
        died = CRASH.search(outcome.message)
        if died is None:
            continue
        raised.add(died.group(1))
        own = [(relative[path], line) for path, line in outcome.frames if path in relative]
        if own and died.group(1) in OF_TYPE:
            clashes[own[-1]] = died.group(1)
    messages = [goal.baseline.outcomes[test].message for test in goal.failing if test in goal.baseline.outcomes]
    wanted = [name for message in messages for match in NOT_RAISED.findall(message) for name in match if name]
    names = list(dict.fromkeys(name.rsplit(".", 1)[-1] for name in wanted))
    return Clues(
        tuple(names), named_exceptions(root, goal.failing), frozenset(raised), clashes, words_of(root, goal.failing),
        any("NoneType" in message for message in messages),
    )  # fmt: skip


def names_without_value(goal: Goal) -> frozenset[str]:
    """Those that all failing tests broke off at (NameError); none when one broke off otherwise."""
    found = [NO_VALUE.search(goal.baseline.outcomes[test].message) for test in goal.failing]
    return frozenset(one.group(1) for one in found if one) if all(found) else frozenset()


def traced_back(clues: Clues, sources: Iterable[Source]) -> Clues:
    """With the assignments that gave the names of a clashing line their values: the wrong type may come from there."""
    by_path = {source.path: source for source in sources}
    clashes = dict(clues.clashes)
    for (path, line), kind in clues.clashes.items():
        source = by_path.get(path)
        if source is None:
            continue
        for statement in source.statements():
            if line not in header_lines(statement) or isinstance(statement, FUNCTIONS):
                continue
            read = {name for one in header_expressions(statement) for name in _names(one, ast.Load)}
            inside = source.function_of(statement)
            for other in source.statements():
                earlier = isinstance(other, ASSIGNMENTS) and other.lineno < line and source.function_of(other) is inside
                if earlier and read & _names(other, ast.Store):
                    clashes.setdefault((path, other.lineno), kind)
    return replace(clues, clashes=clashes)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, context)}


def functions_of_tests(root: Path, tests: list[str]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of the given tests (node ids), as far as their files can be read."""
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for file in sorted({test.split("::")[0] for test in tests}):
        try:
            tree = ast.parse((root / file).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        names = {test.split("::")[-1].split("[")[0] for test in tests if test.startswith(file)}
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names:
                found.append(node)
    return found


def functions_named(root: Path, goal: Goal) -> dict[str, float]:
    """Functions that failing tests speak of, `name` or `Class.name`: those that broke off because of how they were
    called, which nothing else shows, for no line of them ran; and those that the tests name."""
    nodes = [node for function in functions_of_tests(root, goal.failing) for node in ast.walk(function)]
    named = {node.id: NAMED for node in nodes if isinstance(node, ast.Name)}
    named.update({node.attr: NAMED for node in nodes if isinstance(node, ast.Attribute)})
    for test in goal.failing:
        named.update(dict.fromkeys(MISCALLED.findall(goal.baseline.outcomes[test].message), BLAMED))
    return named


def files_defining(paths: Iterable[str], names: Iterable[str]) -> list[str]:
    """Those of the files that define one of the functions, ten at most."""
    last = {re.escape(name.rpartition(".")[2]) for name in names}
    defined = re.compile(rf"^\s*(?:async\s+)?def (?:{'|'.join(sorted(last))})\b", re.MULTILINE)
    found: list[str] = []
    for path in sorted(paths):
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if defined.search(text) and len(found) < MAX_DEFINING:
            found.append(path)
    return found


def words_of(root: Path, tests: list[str]) -> tuple[str, ...]:
    """Short texts in the given tests, and the words in them."""
    whole: dict[str, None] = {}
    parts: dict[str, None] = {}
    for function in functions_of_tests(root, tests):
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= LONGEST_TEXT:
                whole[node.value] = None
                parts.update(dict.fromkeys(WORD.findall(node.value)))
    return tuple(dict.fromkeys([*list(whole)[:MAX_WORDS], *list(parts)[:MAX_WORDS]]))


def named_exceptions(root: Path, tests: list[str]) -> tuple[str, ...]:
    """Those that the given tests mention where they wait for one."""
    found: dict[str, None] = {}
    for function in functions_of_tests(root, tests):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and node.args:
                verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if verb in WAITING:
                    for part in ast.walk(node.args[0]):
                        if isinstance(part, (ast.Name, ast.Attribute)):
                            found[part.id if isinstance(part, ast.Name) else part.attr] = None
    return tuple(found)
