"""What makes a patch odd although it passes: it decides a condition for good, hard-codes a value, only takes away, …

Each function looks at whole lines before and after.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterable

from .edit import Candidate, Edit, apply_edits, tokens_of
from .evident import RESULTS
from .idle import assigned_names, idle_attributes, idle_globals, idle_names, imported_names, word_counts
from .likeness import WORD
from .source import FUNCTIONS, AnyFunction, Source, first_line

PREDICATE = re.compile(
    r"(?:is|has)_\w+|(?:start|end)swith|is(?:nan|inf|finite|digit|alpha|alnum|upper|lower|space|file|dir|abs)"
)
LITERAL_NAMES = {"True", "False", "None"}
TRIVIAL_WORDS = {"None", "0", '""', "''"}
COMPARING = Counter(["==", "!=", "<", ">", "<=", ">="])
NEAR, LEAST_SAID = 6, 8  # lines before and after; letters of what is not said twice
IDLE = (ast.Name, ast.Attribute, ast.BinOp, ast.BoolOp, ast.Compare, ast.Subscript, ast.Tuple, ast.UnaryOp)


def is_reordered(before: str, after: str) -> bool:
    """Whether a patch changes the order of whole lines only."""
    old, new = ([line.strip() for line in text.splitlines() if line.strip()] for text in (before, after))
    return old != new and sorted(old) == sorted(new)


def only_drops(before: str, after: str) -> bool:
    """Whether a patch takes away several words and brings in none, other than a small number: `a + b` becomes `a`."""
    old, new = tokens_of(before), tokens_of(after)
    left = iter(old)
    gone = Counter(old) - Counter(new)
    return sum(gone.values()) > 1 and all(one in left for one in new) and not any(word.isdigit() for word in gone)


def is_hard_coded(before: str, after: str) -> bool:
    """Whether a patch puts a constant where something was computed, or compares with a constant that is new."""
    old, new = Counter(tokens_of(before)), Counter(tokens_of(after))
    gone, come = old - new, new - old
    words = [word for word in come if word.isidentifier() and word not in LITERAL_NAMES]
    literals = [word for word in come if word in LITERAL_NAMES or word[0].isdigit() or word[0] in "\"'"]
    is_replaced = bool(literals) and not words and any(word.isidentifier() for word in gone.keys() - LITERAL_NAMES)
    return is_replaced or (bool(come & COMPARING) and any(word not in TRIVIAL_WORDS for word in literals))


def namesakes(text: str) -> int:
    """How many attributes and keywords get a value of their own name: `self.size = size`, `f(size=size)`,
    `self.sizes.append(sizes)`."""
    found = 0
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            found += any(isinstance(one, ast.Attribute) and one.attr == node.value.id for one in node.targets)
        elif isinstance(node, ast.keyword):
            found += isinstance(node.value, ast.Name) and node.arg == node.value.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
            owner, value = node.func.value, node.args[0]
            found += isinstance(owner, ast.Attribute) and isinstance(value, ast.Name) and owner.attr == value.id
    return found


def parallels(text: str) -> int:
    """How often the same is asked of two things side by side: `max(self.low, other.low)`, `one.size < two.size`."""
    found = 0
    for node in ast.walk(tree_of(text)):
        sides: list[ast.expr] = []
        if isinstance(node, ast.Call) and len(node.args) == 2:
            sides = node.args
        elif isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides = [node.left, node.comparators[0]]
        elif isinstance(node, ast.BoolOp) and len(node.values) == 2:
            sides = node.values
        elif isinstance(node, ast.BinOp):
            sides = [node.left, node.right]
        attributes = [one for one in sides if isinstance(one, ast.Attribute)]
        if len(attributes) == 2 and attributes[0].attr == attributes[1].attr:
            found += ast.dump(attributes[0]) != ast.dump(attributes[1])
    return found


def fixed_conditions(text: str) -> list[str]:
    """Conditions that are decided already: comparisons and type checks of constants, `isinstance(…) is None`, and
    `a in (a, b)`."""
    return [ast.unparse(node) for node in ast.walk(tree_of(text)) if isinstance(node, ast.expr) and _is_decided(node)]


def _is_decided(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        is_check = isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        return is_check and bool(node.args) and isinstance(node.args[0], ast.Constant)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant)
    if not isinstance(node, ast.Compare) or len(node.ops) > 1:
        return False
    operator, left, right = node.ops[0], node.left, node.comparators[0]
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return True
    if isinstance(operator, (ast.Is, ast.IsNot)) and isinstance(right, ast.Constant) and right.value is None:
        return _is_never_none(left)
    if isinstance(operator, (ast.In, ast.NotIn)):
        among = right.elts if isinstance(right, (ast.Tuple, ast.List, ast.Set)) else []
        return any(ast.dump(left) == ast.dump(one) for one in among)
    return ast.dump(left) == ast.dump(right)


def _is_never_none(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        is_plain = isinstance(node.func, ast.Name) and node.func.id in RESULTS
        return is_plain or PREDICATE.fullmatch(getattr(node.func, "attr", "")) is not None
    return isinstance(node, (ast.Compare, ast.JoinedStr, ast.List, ast.Dict, ast.Tuple))


def repeats_neighbour(source: Source, edits: tuple[Edit, ...]) -> bool:
    """Whether a patch makes a line, or what a line assigns, that stands in the lines around: it was said there already.
    Of lines that are changed, and were none before."""
    first, lines = source.line_of(min(edit.start for edit in edits)), source.text.split("\n")
    if all(edit.start == edit.end for edit in edits) and any("\n" in edit.text for edit in edits):
        near = {line.strip() for line in lines[max(0, first - 3) : first + 2]}
        return any(edit.text.strip() in near for edit in edits)
    if len(edits) > 1 or "\n" in edits[0].text + source.text[edits[0].start : edits[0].end]:
        return False
    (edit,) = edits
    begin, end = source.line_start(first), source.line_start(first + 1)
    old = source.text[begin:end]
    new = source.text[begin : edit.start] + edit.text + source.text[edit.end : end]
    near = {_said(line) for line in (*lines[max(0, first - 1 - NEAR) : first - 1], *lines[first : first + NEAR])}
    return len(_said(new)) >= LEAST_SAID and _said(new) in near and _said(old) not in near


def _said(line: str) -> str:
    """What a line computes and assigns, or what it goes through; "" of any other line, which may well stand twice."""
    value = line.partition(" = ")[2].strip()
    text = line.strip()
    return value if "(" in value or "[" in value else text if text.startswith("for ") else ""


def idling(source: Source, candidate: Candidate) -> tuple[int, int]:
    """How many things a patch makes be read that nothing has read, and how many names it leaves unread."""
    function = _function_at(source, candidate.line)
    if function is None:
        return 0, 0
    old = idle_names(function)
    start, end = source.line_start(first_line(function)), source.line_start((function.end_lineno or 0) + 1)
    inside = [one for one in candidate.edits if start <= one.start and one.end <= end]
    inside = [Edit(one.start - start, one.end - start, one.text) for one in inside]
    patched = next(iter(tree_of(apply_edits(source.text[start:end], inside)).body), None)
    new = idle_names(patched) if isinstance(patched, FUNCTIONS) else old
    owner = source.class_of(function)
    idle = idle_globals(source) | (idle_attributes(owner, source) if owner is not None else frozenset())
    brought = {word for one in candidate.edits for word in WORD.findall(one.text)} & idle
    gone = Counter(word for one in candidate.edits for word in WORD.findall(source.text[one.start : one.end]))
    gone.subtract(word for one in candidate.edits for word in WORD.findall(one.text))
    deserted = [
        word for word in imported_names(source) if gone[word] > 0 and word_counts(source)[word] == gone[word] + 1
    ]
    gained = len(brought) - len(deserted)  # one import in the place of another gains nothing
    return len(old - new) + max(0, gained), len(new - old) + max(0, -gained)


def is_given_once(source: Source, candidate: Candidate) -> bool:
    """Whether a patch only brings in `name = …` for a name that stands in one place of the function: another one was
    meant there rather."""
    inserted = [one.text for one in candidate.edits if one.start == one.end]
    function = _function_at(source, candidate.line)
    if function is None or len(inserted) != 1 or len(candidate.edits) > 1:
        return False
    names = [name for one in tree_of(inserted[0]).body for name in assigned_names(one)]
    words = Counter(WORD.findall(source.segment(function)))
    return len(names) == 1 and words[names[0]] == 1


def far_indices(text: str) -> int:
    """How many things are taken from far back, by an index of -2 or less."""
    taken = (one.slice for one in ast.walk(tree_of(text)) if isinstance(one, ast.Subscript))
    negated = (one.operand for one in taken if isinstance(one, ast.UnaryOp) and isinstance(one.op, ast.USub))
    return sum(isinstance(one, ast.Constant) and isinstance(one.value, int) and one.value > 1 for one in negated)


def said_twice(text: str) -> int:
    """How many plain names one call is given more than once: `f(g(kind, flag), flag)`."""
    given = [_given(one) for one in ast.walk(tree_of(text)) if isinstance(one, ast.Call)]
    return sum(len(names) - len(set(names)) for names in given)


def _given(call: ast.Call) -> list[str]:
    """Names that a call is given as they are, and those that calls among what it is given are."""
    values = [*call.args, *(one.value for one in call.keywords)]
    inner = [name for one in values if isinstance(one, ast.Call) for name in _given(one)]
    return [*(one.id for one in values if isinstance(one, ast.Name)), *inner]


def keeps_result(source: Source, before: str, after: str) -> bool:
    """Whether what a call gives is kept or returned now and was dropped before, where a function of that name in the
    file gives something, and no other call drops it."""
    still = {ast.dump(one) for one in ast.walk(tree_of(after)) if isinstance(one, ast.Call)}
    left = {ast.dump(one) for one in _dropped(ast.walk(tree_of(after)))}
    for call in _dropped(tree_of(before).body):
        if ast.dump(call) in still - left and (name := _called(call)):
            same = [one for one in source.statements if isinstance(one, FUNCTIONS) and one.name == name]
            others = [one for one in _dropped(source.statements) if _called(one) == name]
            if same and len(others) == 1 and all(map(_gives_something, same)):
                return True
    return False


def _dropped(statements: Iterable[ast.AST]) -> list[ast.Call]:
    """Calls that are statements of their own."""
    return [one.value for one in statements if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call)]


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _gives_something(function: AnyFunction) -> bool:
    """Whether it returns a value, other than what it is a method of."""
    given = [ast.unparse(one.value) for one in ast.walk(function) if isinstance(one, ast.Return) and one.value]
    return any(text not in ("None", "self") for text in given)


def _function_at(source: Source, line: int) -> AnyFunction | None:
    """The innermost function that a line is in."""
    around = (one for one in source.statements if first_line(one) <= line <= (one.end_lineno or one.lineno))
    return next((one for one in reversed(list(around)) if isinstance(one, FUNCTIONS)), None)


def is_idle(text: str) -> bool:
    """Whether there is a statement that only reads a value and does nothing with it: something was forgotten there."""
    return any(isinstance(one, ast.Expr) and isinstance(one.value, IDLE) for one in tree_of(text).body)


def computed_constants(text: str) -> int:
    """How many sums and the like of two plain numbers there are: of `n - 1 % 5`, nobody means that part."""
    return sum(
        isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Sub, ast.Add, ast.FloorDiv))
        and isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant)
        for node in ast.walk(tree_of(text))
    )  # fmt: skip


def bare_builtins(text: str) -> int:
    """How often a function that is built in stands where it isn't called: `rows[eval]` is a slip."""
    nodes = list(ast.walk(tree_of(text)))
    called = {one.func for one in nodes if isinstance(one, ast.Call)}
    names = (one.id for one in nodes if isinstance(one, ast.Name) and one not in called)
    return sum(isinstance(getattr(builtins, name, None), type(len)) for name in names)


def mixes_truth_and_number(before: str, after: str) -> bool:
    """Whether the patch puts `True` in the place of a number, say: what passes as well as 1, and was never meant."""
    old, new = _literals(before), _literals(after)
    gone, come = [type(value) for _, value in old - new], [type(value) for _, value in new - old]
    return len(gone) == len(come) == 1 and {gone[0], come[0]} in ({bool, int}, {bool, float})


def fills_default(before: str, after: str) -> bool:
    """Whether a patch gives an argument a default in the place of None, which its function asks for as a rule."""
    return _none_defaults(before) > _none_defaults(after)


def _none_defaults(text: str) -> int:
    functions = (one for one in tree_of(text).body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)))
    defaults = (one for function in functions for one in (*function.args.defaults, *function.args.kw_defaults))
    return sum(isinstance(one, ast.Constant) and one.value is None for one in defaults)


def _literals(text: str) -> set[tuple[type, object]]:
    return {(type(one.value), one.value) for one in ast.walk(tree_of(text)) if isinstance(one, ast.Constant)}


def tree_of(text: str) -> ast.Module:
    """What whole lines parse to on their own; nothing where they can't."""
    lines = text.strip("\r\n").splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    body = "\n".join(line[margin:] for line in lines)
    try:
        return ast.parse(body + "\n    pass\n" if body.rstrip().endswith(":") else body)
    except (SyntaxError, ValueError, RecursionError, SystemError):  # the last two of what is nested too deeply
        return ast.Module(body=[], type_ignores=[])
