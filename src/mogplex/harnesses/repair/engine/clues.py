"""What failing tests say about the fault besides where it is: exceptions they wait for, and those they died of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from .contrasts import contrasts_in
from .goal import FEW_LEFT, Goal
from .source import FUNCTIONS, Source, argument_names, header_expressions, header_lines

NOT_RAISED = re.compile(r"DID NOT RAISE (?:any of \()?<class '([\w.]+)'>|\b([A-Z]\w+) not raised\b")
CRASH = re.compile(r"^[^\s:]+:\d+: ([A-Z]\w*)(?::|$)", re.MULTILINE)
OF_TYPE = ("TypeError", "AttributeError")
GIVING = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For)
MAX_STEPS_BACK = 3
WORD = re.compile(r"\w+")
MAX_WORDS, LONGEST_TEXT = 40, 80
MISCALLED = re.compile(r"TypeError: (?:\w+\.)*?((?:\w+\.)?\w+)\(\) (?:missing|takes|got)\b")
NAMED, BLAMED = 0.5, 1.2  # suspicion of functions that no failing test got into
MAX_DEFINING = 10
LACKING = re.compile(r"AttributeError: '(\w+)' object has no attribute '(\w+)'")
SHORT = re.compile(r"(\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: ([^\n]*)")
TOO_FEW = re.compile(
    r"(\w+)(?:\(\))? (?:takes|expected) (?:exactly |at least )?\w+ (?:positional )?arguments?[ ,(]+(?:got )?\d"
)
UNNAMED = re.compile(r"function missing required argument '(\w+)'")  # what functions in C say
OF_BYTES = re.compile(r"TypeError: [^\n]*(?:bytes-like object|\bnot '?(?:str|bytes)\b|str to bytes|bytes to str)")
UNJOINED = re.compile(r'can only concatenate (\w+) \(not "(\w+)"\) to')
NO_VALUE = re.compile(r"(?:NameError|UnboundLocalError): .*?(?:name|variable) '(\w+)'")
WAITING = ("raises", "assertRaises", "assertRaisesRegex")


@dataclass(frozen=True)
class Clues:
    """`wanted`: names of exceptions that failing tests wait for in vain. `named`: those that failing tests mention in
    `pytest.raises` and the like. `raised`: those they died of. `clashes`: (path, line) -> the exception that broke off
    there because of a wrong type. `words`: what the texts in failing tests are made of, whole ones first.
    `about_none`: whether a failing test died because something was None. `nameless`: names without a value that failing
    tests died of. `origins`: of the clashes those that were traced back, and by how many steps.
    `lacking`: (class, attribute) that an object was found to lack. `short`: functions that were called with too few
    arguments ("" for one without a name), and the names of those that were missing, if they are known. `about_bytes`:
    whether text and bytes met. `callers`: of the lines in tracebacks that end in a clash those that called them.
    `contrasts`: what the sides of failed comparisons have in each other's place. `about_growing`: whether something
    changed while a loop went through it. `unjoined`: (type, other) where something of the other was to be added to
    something of the one."""

    wanted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    raised: frozenset[str] = frozenset()
    clashes: dict[tuple[str, int], str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    about_none: bool = False
    nameless: frozenset[str] = frozenset()
    lacking: frozenset[tuple[str, str]] = frozenset()
    short: dict[str, tuple[str, ...]] = field(default_factory=dict)
    about_bytes: bool = False
    origins: dict[tuple[str, int], int] = field(default_factory=dict)
    callers: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    contrasts: tuple[tuple[str, str], ...] = ()
    about_growing: bool = False
    unjoined: frozenset[tuple[str, str]] = frozenset()


NO_CLUES = Clues()


def clues_of(goal: Goal, root: Path, relative: dict[str, str]) -> Clues:
    """`relative` maps real paths of the repo's sources to their names in the repo."""
    raised: set[str] = set()
    clashes: dict[tuple[str, int], str] = {}
    callers: dict[tuple[str, int], tuple[str, int]] = {}
    for test in goal.failing:
        outcome = goal.baseline.outcomes[test]
        died = CRASH.search(outcome.message)
        if died is None:
            continue
        raised.add(died.group(1))
        own = [(relative[path], line) for path, line in outcome.frames if path in relative]
        if own and died.group(1) in OF_TYPE:
            clashes[own[-1]] = died.group(1)
            callers.update(zip(own[1:], own))
    messages = [goal.baseline.outcomes[test].message for test in goal.failing if test in goal.baseline.outcomes]
    wanted = [name for message in messages for match in NOT_RAISED.findall(message) for name in match if name]
    names = list(dict.fromkeys(name.rsplit(".", 1)[-1] for name in wanted))
    return Clues(
        tuple(names), named_exceptions(root, goal.failing), frozenset(raised), clashes, words_of(root, goal.failing),
        any("NoneType" in message for message in messages),
        frozenset(name for message in messages for name in NO_VALUE.findall(message)),
        frozenset(pair for message in messages for pair in LACKING.findall(message)), _called_short(messages),
        any(OF_BYTES.search(message) for message in messages), callers=callers, contrasts=contrasts_in(messages),
        about_growing=any("during iteration" in message for message in messages),
        unjoined=frozenset(pair for message in messages for pair in UNJOINED.findall(message)),
    )  # fmt: skip


def _called_short(messages: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for message in messages:
        found.update(dict.fromkeys(TOO_FEW.findall(message), ()))
        for name, missing in SHORT.findall(message):
            found[name] = tuple(re.findall(r"'(\w+)'", missing))
        for missing in UNNAMED.findall(message):
            found[""] = (missing,)
    return found


def names_without_value(goal: Goal) -> frozenset[str]:
    """Those that failing tests broke off at (NameError), if all but a few did."""
    found = [NO_VALUE.search(goal.baseline.outcomes[test].message) for test in goal.failing]
    names = [one.group(1) for one in found if one]
    return frozenset(names) if FEW_LEFT * (len(found) - len(names)) <= len(found) else frozenset()


def traced_back(clues: Clues, sources: Iterable[Source]) -> Clues:
    """With the places that gave the names and attributes of a clashing line their values, and those that gave the
    values there theirs: the wrong type may come from any of them."""
    by_path = {source.path: source for source in sources}
    clashes, origins = dict(clues.clashes), dict(clues.origins)
    front = [(place, clues.callers.get(place), 0) for place in clashes if place[0] in by_path]
    while front:
        place, caller, steps = front.pop(0)
        if steps == MAX_STEPS_BACK:
            continue
        lines, is_passed = _givers(by_path[place[0]], place[1])
        found = [((place[0], line), caller) for line in lines]
        if is_passed and caller is not None and caller[0] in by_path:
            found.append((caller, clues.callers.get(caller)))
        for earlier, theirs in found:
            if earlier not in clashes:
                clashes[earlier] = clashes[place]
                origins[earlier] = steps + 1
                front.append((earlier, theirs, steps + 1))
    return replace(clues, clashes=clashes, origins=origins)


def _givers(source: Source, line: int) -> tuple[list[int], bool]:
    """Lines of the statements that may have given what a line reads its value: earlier ones of its function for names,
    any of its class for attributes of `self`. And whether it reads what its function was given."""
    lines: list[int] = []
    is_passed = False
    for statement in source.statements:
        if line not in header_lines(statement) or isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            continue
        parts = list(header_expressions(statement))
        read = {one.id for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}
        kept = {one.attr for one in parts if isinstance(one, ast.Attribute) and _is_own(one, ast.Load)}
        inside, owner = source.function_of(statement), source.class_of(statement)
        is_passed = is_passed or (inside is not None and bool(read & argument_names(inside) - {"self", "cls"}))
        for other in source.statements:
            if not isinstance(other, GIVING) or line in header_lines(other):
                continue
            stored = list(header_expressions(other))
            names = {one.id for one in stored if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
            is_near = bool(read & names) and other.lineno < line and source.function_of(other) is inside
            is_kept = any(
                isinstance(one, ast.Attribute) and _is_own(one, ast.Store) and one.attr in kept for one in stored
            )
            if is_near or (is_kept and source.class_of(other) is owner):
                lines.append(other.lineno)
    return lines, is_passed


def _is_own(node: ast.AST, context: type[ast.expr_context]) -> bool:
    """Whether it is `self.x`, read or stored."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, context):
        return False
    return isinstance(node.value, ast.Name) and node.value.id == "self"


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
