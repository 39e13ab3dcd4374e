"""The recipe: mistakes that people make, small ones, in expressions.

Written from what reviews and studies of simple bugs report (boundaries, forgotten cases, confused names and functions,
swapped arguments, forgotten conversions, truth for None, slips of the keyboard, …), not from the engine's templates:
several of these have no template of their own, and most templates have no mistake here. `oversights.py` has the
mistakes of whole statements. A mistake is a function from a node to slips; nothing here looks at whether tests notice.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from text import Edit, Text

CONFUSED = [
    ("strip", "rstrip"), ("lstrip", "strip"), ("split", "rsplit"), ("partition", "rpartition"), ("find", "rfind"),
    ("startswith", "endswith"), ("append", "extend"), ("pop", "popleft"), ("popleft", "pop"), ("items", "values"),
    ("items", "keys"), ("values", "keys"), ("keys", "values"), ("lower", "upper"), ("upper", "lower"), ("min", "max"),
    ("max", "min"), ("any", "all"), ("all", "any"), ("floor", "ceil"), ("ceil", "floor"), ("match", "search"),
    ("search", "match"), ("update", "setdefault"), ("setdefault", "get"), ("get", "pop"), ("pop", "get"),
    ("ljust", "rjust"), ("rjust", "ljust"), ("isdigit", "isalnum"), ("islice", "takewhile"), ("add", "discard"),
    ("union", "intersection"), ("chain", "zip"), ("zip", "zip_longest"), ("replace", "strip"), ("index", "find"),
    ("bisect_left", "bisect_right"), ("bisect_right", "bisect_left"), ("issubset", "issuperset"),
    ("hasattr", "getattr"),
    ("str", "repr"), ("repr", "str"), ("type", "isinstance"), ("seconds", "total_seconds"), ("sub", "match"),
]  # fmt: skip


def boundary_misjudged(node: ast.Compare, text: Text) -> Iterator[list[Edit]]:
    """`<` where `<=` belongs, and the like."""
    left: ast.AST = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        start, end = text.gap(left, right)
        symbol = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}.get(type(operator))
        if symbol and text.text[start:end].count(symbol) == 1:
            at = text.text.index(symbol, start)
            yield [(at, at + len(symbol), symbol[0] if len(symbol) == 2 else symbol + "=")]
        left = right


def one_off(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """`n + 1` for `n`, `n` for `n - 1`, 1 for 0: miscounted by one."""
    if isinstance(node, ast.Constant):
        if type(node.value) is int and 0 <= node.value < 100:
            yield [(*text.span(node), str(node.value + 1))]
            if node.value:
                yield [(*text.span(node), str(node.value - 1))]
    elif isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant) and node.right.value == 1:
        if isinstance(node.op, ast.Add | ast.Sub):
            yield [(*text.span(node), text.of(node.left))]
    elif isinstance(node, ast.Slice):
        for bound in (node.lower, node.upper):
            if isinstance(bound, ast.Name):
                yield [(*text.span(bound), f"{bound.id} + 1")]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range" and node.args:
        last = node.args[min(1, len(node.args) - 1)]
        yield [(*text.span(last), f"{text.of(last)} - 1")]


def condition_turned_round(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """A `not` forgotten, or one too many."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield [(*text.span(node), text.of(node.operand))]
    elif isinstance(node, ast.If | ast.While | ast.IfExp) and isinstance(
        node.test, ast.Name | ast.Call | ast.Attribute
    ):
        yield [(*text.span(node.test), f"not {text.of(node.test)}")]
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        words = {
            ast.Is: ("is", "is not"),
            ast.NotIn: ("not in", "in"),
            ast.IsNot: ("is not", "is"),
            ast.In: ("in", "not in"),
        }
        pair = words.get(type(node.ops[0]))
        if pair:
            start, end = text.gap(node.left, node.comparators[0])
            if text.text[start:end].strip() == pair[0]:
                yield [(start, end, f" {pair[1]} ")]


def case_forgotten(node: ast.BoolOp, text: Text) -> Iterator[list[Edit]]:
    """One part of a longer condition left out."""
    for number, value in enumerate(node.values):
        if number:
            yield [(text.span(node.values[number - 1])[1], text.span(value)[1], "")]
        else:
            yield [(text.span(value)[0], text.span(node.values[1])[0], "")]


def and_for_or(node: ast.BoolOp, text: Text) -> Iterator[list[Edit]]:
    word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        start, end = text.gap(left, right)
        if text.text[start:end].split() == [word]:
            at = text.text.index(word, start)
            yield [(at, at + len(word), other)]


def none_taken_for_false(node: ast.Compare, text: Text) -> Iterator[list[Edit]]:
    """`if not x` where `if x is None` was meant: fine until somebody passes 0 or ''."""
    if len(node.ops) == 1 and isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value is None:
        if isinstance(node.ops[0], ast.Is):
            yield [(*text.span(node), f"not {text.of(node.left)}")]
        elif isinstance(node.ops[0], ast.IsNot):
            yield [(*text.span(node), text.of(node.left))]


def confused_function(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """A function or method with a similar name or purpose."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    parent = text.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        for right, wrong in CONFUSED:
            if name == right:
                end = text.span(node)[1]
                yield [(end - len(name), end, wrong)]


def wrong_name(node: ast.Name, text: Text) -> Iterator[list[Edit]]:
    """Another variable of the same function: copied and not adapted, or simply mixed up."""
    function = text.function(node)
    if function is None or not isinstance(node.ctx, ast.Load):
        return
    stored = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg)}
    stored |= {one.id for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    if node.id in stored - {"self", "cls"}:
        for other in sorted(stored - {node.id, "self", "cls"}):
            yield [(*text.span(node), other)]


def wrong_attribute(node: ast.Attribute, text: Text) -> Iterator[list[Edit]]:
    """Another attribute of self than the one that was meant; or a method's parameter instead of the attribute."""
    owner = text.above(node, ast.ClassDef)
    if owner is None or not (isinstance(node.value, ast.Name) and node.value.id == "self"):
        return
    called = isinstance(text.parents.get(node), ast.Call) and text.parents[node].func is node  # type: ignore[attr-defined]
    others = {
        one.attr for one in ast.walk(owner)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self"
    }  # fmt: skip
    methods = {one.name for one in ast.walk(owner) if isinstance(one, ast.FunctionDef)}
    for other in sorted(others - {node.attr}):
        if (other in methods) == called and (node.attr in methods) == called:
            end = text.span(node)[1]
            yield [(end - len(node.attr), end, other)]


def arguments_swapped(node: ast.Call, text: Text) -> Iterator[list[Edit]]:
    plain = [one for one in node.args if not isinstance(one, ast.Starred | ast.GeneratorExp)]
    for left, right in itertools.pairwise(plain):
        if text.of(left) != text.of(right):
            yield [(*text.span(left), text.of(right)), (*text.span(right), text.of(left))]


def argument_forgotten(node: ast.Call, text: Text) -> Iterator[list[Edit]]:
    """The last argument or a keyword left out."""
    parts = sorted([*node.args, *node.keywords], key=text.span)
    if len(parts) > 1 and not isinstance(parts[-1], ast.Starred):
        yield [(text.span(parts[-2])[1], text.span(parts[-1])[1], "")]


def conversion_forgotten(node: ast.Call, text: Text) -> Iterator[list[Edit]]:
    """`x` for `list(x)`, `str(x)`, `x.strip()`, `x.copy()`."""
    names = {"list", "tuple", "set", "dict", "str", "int", "float", "sorted", "iter", "abs", "len", "bool", "reversed"}
    methods = {
        "copy",
        "strip",
        "lower",
        "upper",
        "rstrip",
        "lstrip",
        "items",
        "encode",
        "decode",
        "group",
        "total_seconds",
    }
    if isinstance(node.func, ast.Name) and node.func.id in names and len(node.args) == 1 and not node.keywords:
        yield [(*text.span(node), text.of(node.args[0]))]
    elif isinstance(node.func, ast.Attribute) and node.func.attr in methods:
        yield [(*text.span(node), text.of(node.func.value))]


def operator_confused(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """`/` for `//`, `+` for `-`, `=` for `+=`, `==` for `is`, `&` for `|`."""
    pairs = {
        ast.Add: [("+", "-")], ast.Sub: [("-", "+")], ast.FloorDiv: [("//", "/")], ast.Mult: [("*", "+")],
        ast.Mod: [("%", "//")], ast.BitAnd: [("&", "|")], ast.BitOr: [("|", "&")], ast.Div: [("/", "//")],
        ast.LShift: [("<<", ">>")], ast.Pow: [("**", "*")],
    }  # fmt: skip
    if isinstance(node, ast.BinOp):
        left, right = node.left, node.right
    elif isinstance(node, ast.AugAssign):
        left, right = node.target, node.value
        start, end = text.gap(left, right)
        yield [(start, end, " = ")]
    else:
        return
    start, end = text.gap(left, right)
    for old, new in pairs.get(type(node.op), []):
        if text.text[start:end].strip(" ()\n=") == old:
            at = text.text.index(old, start)
            yield [(at, at + len(old), new)]


def wrong_end(node: ast.Subscript, text: Text) -> Iterator[list[Edit]]:
    """First for last, before for after."""
    key = text.of(node.slice)
    other = {"0": "-1", "-1": "0", "1": "0", "1:": ":1", ":-1": "1:", "-2": "-1", "::-1": "::1", "2": "1"}.get(key)
    if other:
        yield [(*text.span(node.slice), other)]
    elif isinstance(node.slice, ast.Slice) and node.slice.upper is None and node.slice.lower is not None:
        yield [(*text.span(node.slice), f":{text.of(node.slice.lower)}")]
    elif isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.upper is not None:
        yield [(*text.span(node.slice), f"{text.of(node.slice.upper)}:")]


def wrong_flag(node: ast.Constant, text: Text) -> Iterator[list[Edit]]:
    if isinstance(node.value, bool):
        yield [(*text.span(node), str(not node.value))]


def slip_of_the_keyboard(node: ast.Constant, text: Text) -> Iterator[list[Edit]]:
    """A text with a letter missing, doubled or in the wrong case; a number with a digit too few."""
    if isinstance(text.parents.get(node), ast.Expr | ast.JoinedStr):
        return
    literal = text.of(node)
    if isinstance(node.value, str) and re.fullmatch(r"""(['"])[^'"\\]{1,24}\1""", literal):
        middle = 1 + len(node.value) // 2
        if len(node.value) > 1:
            yield [(*text.span(node), literal[:middle] + literal[middle + 1 :])]
        if node.value.strip() != node.value:
            yield [(*text.span(node), literal[0] + node.value.strip() + literal[0])]
        elif len(node.value) == 1:
            yield [(*text.span(node), literal[0] + literal[0])]
        if node.value.swapcase() != node.value and len(node.value) < 4:
            yield [(*text.span(node), literal.swapcase())]
    elif type(node.value) is int and node.value > 9:
        yield [(*text.span(node), literal[:-1])]


def fallback_forgotten(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """`x` for `x or default`, `d[k]` for `d.get(k, default)`, `a` for `a if c else b`."""
    if isinstance(node, ast.IfExp):
        yield [(*text.span(node), text.of(node.body))]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        yield [(*text.span(node), f"{text.of(node.func.value)}[{text.of(node.args[0])}]")]


def type_forgotten(node: ast.Call, text: Text) -> Iterator[list[Edit]]:
    """One of the types that `isinstance` should accept."""
    if isinstance(node.func, ast.Name) and node.func.id == "isinstance" and isinstance(node.args[-1], ast.Tuple):
        kinds = node.args[-1]
        for number in range(len(kinds.elts)):
            rest = [text.of(one) for index, one in enumerate(kinds.elts) if index != number]
            yield [(*text.span(kinds), f"({', '.join(rest)})" if len(rest) > 1 else rest[0] if rest else "()")]


def parentheses_forgotten(node: ast.BinOp, text: Text) -> Iterator[list[Edit]]:
    for side in (node.left, node.right):
        start, end = text.span(side)
        if isinstance(side, ast.BinOp) and text.text[start - 1] == "(" and text.text[end : end + 1] == ")":
            yield [(start - 1, start, ""), (end, end + 1, "")]


def filter_forgotten(node: ast.AST, text: Text) -> Iterator[list[Edit]]:
    """The condition of a comprehension."""
    for part in node.generators:  # type: ignore[attr-defined]
        if part.ifs:
            yield [(text.span(part.iter)[1], text.span(part.ifs[-1])[1], "")]


COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
MISTAKES = [
    (boundary_misjudged, (ast.Compare,)),
    (one_off, (ast.Constant, ast.BinOp, ast.Slice, ast.Call)),
    (condition_turned_round, (ast.UnaryOp, ast.If, ast.While, ast.IfExp, ast.Compare)),
    (case_forgotten, (ast.BoolOp,)),
    (and_for_or, (ast.BoolOp,)),
    (none_taken_for_false, (ast.Compare,)),
    (confused_function, (ast.Name, ast.Attribute)),
    (wrong_name, (ast.Name,)),
    (wrong_attribute, (ast.Attribute,)),
    (arguments_swapped, (ast.Call,)),
    (argument_forgotten, (ast.Call,)),
    (conversion_forgotten, (ast.Call,)),
    (operator_confused, (ast.BinOp, ast.AugAssign)),
    (wrong_end, (ast.Subscript,)),
    (wrong_flag, (ast.Constant,)),
    (slip_of_the_keyboard, (ast.Constant,)),
    (fallback_forgotten, (ast.IfExp, ast.Call)),
    (type_forgotten, (ast.Call,)),
    (parentheses_forgotten, (ast.BinOp,)),
    (filter_forgotten, COMPREHENSIONS),
]
