"""A name that has no value where a failing test reads it: the assignment that is missing, as far as it can be told."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from ..edit import Edit
from ..likeness import WORD
from ..scope import Place, Proposal
from ..source import FUNCTIONS, AnyFunction, argument_names, header_expressions, names_stored
from .block import insert_after, insert_before, line_span
from .template import Template

STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return, ast.If, ast.For, ast.While, ast.Raise, ast.With,
)  # fmt: skip
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try)
STARTS = {"append": "[]", "extend": "[]", "add": "set()", "appendleft": "deque()", "update": "{}", "setdefault": "{}"}
SIZES = {"n", "m", "size", "length", "count", "total", "width", "height"}
MAX_VALUES, LONGEST_VALUE = 24, 80
MAX_GIVEN = 6
SHORTEST_NAME = 3  # that says something as a part of another


def given_value(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """`name = value` before the statement, or before a block around it."""
    function = place.function
    if function is None or not place.words.clues.nameless:
        return
    read = (one.id for part in header_expressions(node) for one in ast.walk(part) if isinstance(one, ast.Name))
    for name in dict.fromkeys(read):
        if name not in place.words.clues.nameless or name in argument_names(function):
            continue
        for target in _targets(name, function, place):
            values = dict(sorted(_values(target, name, node, place), key=lambda pair: pair[1]))
            best = sorted(values.items(), key=lambda pair: -pair[1])[:MAX_VALUES]
            for depth, before in enumerate(_levels(node, place)):
                for value, weight in best:
                    proposal = insert_before(before, [f"{target} = {value}"], weight * 0.7**depth)
                    if proposal is not None:
                        yield proposal


def bound_too_late(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """The assignment of such a name that stands further down in the same block goes before the statement."""
    nameless = set(place.words.clues.nameless)
    read = {one.id for part in header_expressions(node) for one in ast.walk(part) if isinstance(one, ast.Name)}
    own = line_span(place, node)
    if own is None or not read & nameless:
        return
    for one in place.source.block_of(node)[0]:
        span = line_span(place, one)
        if one.lineno <= node.lineno or span is None or not isinstance(one, ast.Assign):
            continue
        bound = {inner.id for target in one.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        if bound & read & nameless:
            line = place.source.text[span[0] : span[1]]
            line += "" if line.endswith(("\n", "\r")) else place.source.newline
            yield Proposal((Edit(own[0], own[0], line), Edit(*span, "")), 1.0)
            return


def bound_elsewhere(node: ast.stmt, place: Place) -> Iterator[Proposal]:
    """In a branch that gives a name no value, the assignment that a third of the others have for it, or that one has
    for a name that failing tests have found without a value."""
    chain = _chain(node, place) if place.function is not None else []
    block = place.source.block_of(node)[0]
    others = [branch for branch in chain if branch is not block]
    if not others or len(others) == len(chain):
        return
    bound = [_bound_in(branch) for branch in others]
    for name in sorted(set().union(*bound) - _bound_in(block)):
        is_nameless = name in place.words.clues.nameless
        if not is_nameless and 3 * sum(name in names for names in bound) < len(others):
            continue
        given = [one for branch in others for one in branch if isinstance(one, ast.Assign) and name in _bound_in([one])]
        texts = [text for one in given for text in (*_with_namesakes(one, place), place.text(one))]
        for text in list(dict.fromkeys(texts))[:MAX_GIVEN]:
            weight = 1.0 if is_nameless else 0.5
            after = None if isinstance(node, (ast.Return, ast.Raise)) else insert_after(place, [text], weight)
            for proposal in (insert_before(place, [text], weight), after):
                if proposal is not None and "\n" not in text:
                    yield proposal


def _with_namesakes(node: ast.Assign, place: Place) -> list[str]:
    """`check = simple_detection` with the file's functions in its place that have a part of their name in common with
    that one, and that nothing calls."""
    if not isinstance(node.value, ast.Name):
        return []
    parts, length = set(node.value.id.split("_")), len(node.value.id)
    known = [one for one in sorted(place.words.bound) if not hasattr(builtins, one) and one != node.value.id]
    uncalled = [one for one in known if place.words.is_uncalled(one)]
    alike = [one for one in uncalled if any(len(part) > 2 for part in parts & set(one.split("_")))]
    return [place.text(node)[:-length] + one for one in alike]


def _chain(node: ast.stmt, place: Place) -> list[list[ast.stmt]]:
    """The branches of the `if` that the statement stands right in, `elif` and `else` included."""
    parents = place.source.parents
    top = parents.get(node)
    while top is not None and isinstance(above := parents.get(top), ast.If) and above.orelse == [top]:
        top = above
    branches: list[list[ast.stmt]] = []
    while isinstance(top, ast.If):
        branches.append(top.body)
        is_elif = len(top.orelse) == 1 and isinstance(top.orelse[0], ast.If)
        branches += [top.orelse] if top.orelse and not is_elif else []
        top = top.orelse[0] if is_elif else None
    return branches


def _bound_in(block: list[ast.stmt]) -> set[str]:
    return set().union(*map(names_stored, block))


def _levels(node: ast.stmt, place: Place) -> Iterator[Place]:
    """The statement, and the blocks of its function that it stands in."""
    yield place
    for above in place.source.ancestors(node):
        if isinstance(above, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            return
        if isinstance(above, BLOCKS):
            yield Place(place.source, above, place.words, place.kinds)


def _targets(name: str, function: AnyFunction, place: Place) -> list[str]:
    """The name, and what it is assigned as a part of elsewhere in the function."""
    found = {name: None}
    for one in ast.walk(function):
        for target in one.targets if isinstance(one, ast.Assign) else []:
            if isinstance(target, ast.Tuple) and any(getattr(part, "id", "") == name for part in target.elts):
                found[place.text(target)] = None
    return list(found)


def _values(target: str, name: str, node: ast.stmt, place: Place) -> Iterator[tuple[str, float]]:
    """What it could be, with weights."""
    for owner, key in _found_keys(node, place):
        yield f"{owner}[{key}]", 3.0
    yield from _assigned_elsewhere(target, place)
    yield from _assigned_alike(name, place)
    if target != name:
        return
    yield from _starts(name, place)
    for method in _methods(place):
        yield f"self.{method}()", 2.0 if place.words.spelled[method] == 1 else 1.7
    live = [one for one in place.names if place.is_live(one) and one != name]
    if f"self.{name}" in place.kinds or name in place.words.attributes.get("self", []):
        yield f"self.{name}", 2.0
    for one in live:
        if name in place.words.attributes.get(one, []):
            yield f"{one}.{name}", 1.5
        yield one, 0.4
        if name in SIZES or name.startswith(("n_", "num_", "len")) or name.endswith(("_len", "_length", "_size")):
            yield f"len({one})", 1.0
        if place.kind(one) & {"dict"}:
            yield f'{one}.get("{name}")', 0.6
            yield f'{one}["{name}"]', 0.6
        for verb in _verbs(name, place):
            yield f"{verb}({one})", 1.0


def _found_keys(node: ast.stmt, place: Place) -> Iterator[tuple[str, str]]:
    """(container, key) of the conditions around that have found the key to be in there."""
    inner: ast.AST = node
    for above in place.source.ancestors(node):
        if isinstance(above, FUNCTIONS):
            return
        if isinstance(above, ast.If) and inner in above.body:
            parts = above.test.values if isinstance(above.test, ast.BoolOp) else [above.test]
            for part in reversed(parts):
                if isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In):
                    yield place.text(part.comparators[0]), place.text(part.left)
        inner = above


def _assigned_elsewhere(target: str, place: Place) -> Iterator[tuple[str, float]]:
    """What the same target gets in other places of the file, if its names are in scope here."""
    known = {*place.names, *place.words.bound, "self", "cls"}
    for one in place.words.assigned.get(target, []):
        if len(one.targets) > 1 or place.text(one.targets[0]) != target:
            continue
        if one in place.source.block_of(place.statement)[0] and one.lineno > place.statement.lineno:
            continue  # it comes too late: the two change places
        text = place.text(one.value)
        used = {inner.id for inner in ast.walk(one.value) if isinstance(inner, ast.Name)}
        bound_inside = {
            inner.id for inner in ast.walk(one.value)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
        }  # fmt: skip
        is_short = "\n" not in text and len(text) < LONGEST_VALUE
        if is_short and used - bound_inside <= known and target not in used:
            yield text, 2.0 if place.source.function_of(one) is place.function else 1.5


def _assigned_alike(name: str, place: Place) -> Iterator[tuple[str, float]]:
    """What a name that ends or begins alike gets, about what this one is named after: `key_utf8 = key.encode()` tells
    `text_utf8 = text.encode()`, and `width = box.get_width()` tells `height = box.get_height()`."""
    for other, assignments in place.words.assigned.items():
        for mine, theirs in _stems(name, other):
            if mine not in place.names and mine not in place.words.bound:
                continue
            for one in assignments:
                text = place.text(one.value)
                swapped = re.sub(rf"(?<![.\w]){re.escape(theirs)}\b", mine, text)
                if swapped != text and "\n" not in text and len(text) < LONGEST_VALUE:
                    yield swapped, 3.0
        for one in assignments if len(other) >= SHORTEST_NAME else []:
            text = place.text(one.value)
            swapped = text.replace(other, name).replace(_capital(other), _capital(name))
            words = set(WORD.findall(swapped))
            if swapped != text and "\n" not in text and len(text) < LONGEST_VALUE and not _reads(swapped, name):
                yield swapped, 2.5 if all(place.words.spelled[word] for word in words) else 1.2


def _reads(text: str, name: str) -> bool:
    """Whether an expression reads a name; what is no expression reads all."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return True
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(tree))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _stems(one: str, other: str) -> Iterator[tuple[str, str]]:
    """What is left of two names without the part between underscores that both end or begin with."""
    for split in (str.partition, str.rpartition):
        (left, _, right), (their_left, _, their_right) = split(one, "_"), split(other, "_")
        if left and right and right == their_right and left != their_left:
            yield left, their_left
        elif left and right and left == their_left and right != their_right:
            yield right, their_right


def _starts(name: str, place: Place) -> Iterator[tuple[str, float]]:
    """What it begins as, by what the function does with it."""
    for one in ast.walk(place.function) if place.function is not None else []:
        if isinstance(one, ast.AugAssign) and getattr(one.target, "id", "") == name:
            is_text = isinstance(one.value, (ast.JoinedStr, ast.List)) or "str" in place.kind_of(one.value)
            yield ('""' if not isinstance(one.value, ast.List) else "[]") if is_text else "0", 2.0
        elif isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == name and one.attr in STARTS:
            yield STARTS[one.attr], 2.0
        elif isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Store) and getattr(one.value, "id", "") == name:
            yield "{}", 1.5
    for value, weight in (("None", 0.8), ("[]", 0.6), ("0", 0.6), ("False", 0.5), ("{}", 0.5), ('""', 0.5)):
        yield value, weight
    for value in ("True", "1", "()", "set()"):
        yield value, 0.3


def _methods(place: Place) -> list[str]:
    """Those of the class that are given nothing, its own left out."""
    owner = place.source.class_of(place.function) if place.function is not None else None
    return [
        one.name for one in (owner.body if owner is not None else ())
        if isinstance(one, FUNCTIONS) and one is not place.function and not one.name.startswith("__")
        and len(one.args.args) - len(one.args.defaults) == 1 and one.args.args[0].arg == "self"
    ][:MAX_VALUES]  # fmt: skip


def _verbs(name: str, place: Place) -> list[str]:
    """Functions of the file whose names sound like it: `tokens = tokenize(…)`, `self._parse_header(…)`."""
    stem = name.rstrip("s")
    found = []
    for one, function in place.words.functions.items():
        if len(stem) > 2 and (stem in one or one.strip("_") in name) and function is not place.function:
            is_method = place.source.class_of(function) is not None
            found.append(f"self.{one}" if is_method else one)
    return found[:4]


TEMPLATES = [
    Template("name bound too late", 0.9, STATEMENTS, bound_too_late),
    Template("name bound in another branch", 0.7, STATEMENTS, bound_elsewhere),
    Template("name given a value", 0.5, STATEMENTS, given_value),
]
