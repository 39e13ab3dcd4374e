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
WAITING = ("raises", "assertRaises", "assertRaisesRegex")


@dataclass(frozen=True)
class Clues:
    """`wanted`: names of exceptions that failing tests wait for in vain. `named`: those that failing tests mention in
    `pytest.raises` and the like. `raised`: those they died of. `clashes`: (path, line) -> the exception that broke off
    there because of a wrong type."""

    wanted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    raised: frozenset[str] = frozenset()
    clashes: dict[tuple[str, int], str] = field(default_factory=dict)


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
    return Clues(tuple(names), named_exceptions(root, goal.failing), frozenset(raised), clashes)


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
