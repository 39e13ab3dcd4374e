"""A wrapper too many or too few around a value: a conversion, a copy, a method, a function of the file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import NUMBERS, SEQUENCES, SIZED, Place, Proposal
from .template import Template

STORING = ("append", "add", "insert", "appendleft", "setdefault", "put")
STRING_METHODS = ("strip()", "lower()", "upper()", "rstrip()", "lstrip()")
ITERABLES = {"generator", "map", "filter", "zip", "reversed", "dict_keys", "dict_values", "dict_items", "iterator"}
CLASH_FACTOR = 2.5  # for conversions where a failing test broke off because of a wrong type
MAX_OWN, LONGEST = 8, 60


def wrapped(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`x` to `list(x)`, `str(x)`, `abs(x)`, `x.copy()`, `x.strip()`, … as its type allows."""
    parent = place.source.parents.get(node)
    stored = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    called = isinstance(parent, ast.Call) and parent.func is node
    if stored or called or isinstance(parent, (ast.Attribute, ast.Starred, ast.Expr)):
        return
    kinds = place.kind_of(node)
    text = place.text(node)
    inner = f"({text})" if isinstance(node, (ast.BinOp, ast.BoolOp, ast.IfExp, ast.Compare, ast.UnaryOp)) else text
    guess = (0.5 if not kinds else 1.0) * (CLASH_FACTOR if place.clash else 1.0)
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Attribute) and parent.func.attr in STORING:
        guess *= 2.0  # a list that is kept while it goes on changing
    wrappers: list[tuple[str, float]] = []
    if not kinds or kinds & NUMBERS:
        wrappers += [(f"abs({text})", 0.8), (f"int({text})", 0.8), (f"max(0, {text})", 0.8), (f"str({text})", 0.6)]
        wrappers += [(f"round({text})", 0.3), (f"float({text})", 0.4), (f"max(1, {text})", 0.2)]
        wrappers.append((f"{inner}**2", 0.1 if not kinds else 0.8 if isinstance(parent, ast.BinOp) else 0.3))
    elif place.clash:
        wrappers.append((f"str({text})", 0.6))
    if not kinds or kinds & {"str", "bytes"}:
        wrappers += [(f"{inner}.{method}", 0.5) for method in STRING_METHODS] + [
            (f"int({text})", 0.6),
            (f"len({text})", 0.5),
        ]
        wrappers += [(f"{inner}.encode()", 0.6), (f"{inner}.decode()", 0.6)] if place.clash else []
    if not kinds or kinds & (SIZED | ITERABLES):
        wrappers += [(f"list({text})", 1.0), (f"sorted({text})", 0.8), (f"len({text})", 0.7), (f"set({text})", 0.5)]
        wrappers += [(f"reversed({text})", 0.5), (f"tuple({text})", 0.7)]
        wrappers += [(f"iter({text})", 0.3), (f"dict({text})", 0.3)]
    if not kinds or kinds & {"list", "dict", "set", "deque", "defaultdict", "OrderedDict"}:
        wrappers.append((f"{inner}.copy()", 0.7))
    if not kinds or not kinds & (NUMBERS | {"str"}):
        copiers = [verb for verb in ("copy", "deepcopy") if verb in place.words.calls] or []
        modules = [
            f"copy.{verb}" for verb in ("copy", "deepcopy") if "copy" in place.words.bound and "copy" not in copiers
        ]
        wrappers += [(f"{verb}({text})", 0.5) for verb in [*copiers, *modules]]
    if kinds & SEQUENCES:
        wrappers += [
            (f"{inner}[::-1]", 0.7),
            (f"{inner}[0]", 0.4),
            (f"{inner}[1:]", 0.5),
            (f"{inner}[:-1]", 0.4),
            (f"{inner}[-1]", 0.4),
        ]
        for name in place.names:
            if place.kind(name) == {"int"} and name != text:
                wrappers += [(f"{inner}[{name}:]", 0.6), (f"{inner}[:{name}]", 0.5)]
    if "dict" in kinds or "defaultdict" in kinds:
        wrappers += [(f"{inner}.items()", 0.7), (f"{inner}.values()", 0.7), (f"{inner}.keys()", 0.3)]
    if "Match" in kinds:
        wrappers += [(f"{inner}.group()", 0.8), (f"{inner}.group(1)", 0.6)]
    if isinstance(node, ast.Name) and kinds & {"list", "tuple", "set"} and isinstance(parent, (ast.Call, ast.List)):
        wrappers.append((f"*{text}", 0.4))
    wrappers += _by_company(text, parent, place)
    for wrapper, weight in wrappers:
        yield place.replace(node, wrapper, weight * guess)


def wrapped_as_told(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`for x in xs` to `for x in list(xs)`, `row += xs` to `row += tuple(xs)`: what a failure asks for."""
    clues, parent = place.words.clues, place.source.parents.get(node)
    text, kinds = place.text(node), place.kind_of(node)
    if clues.about_growing and isinstance(parent, (ast.For, ast.comprehension)) and parent.iter is node:
        yield place.replace(node, f"list({text})")
    is_value = isinstance(parent, ast.AugAssign) and parent.value is node
    if is_value or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Add)):
        for wanted, got in sorted(clues.unjoined):
            if got in kinds or not kinds:
                yield place.replace(node, f"{wanted}({text})", 1.0 if kinds else 0.7)


def assigned_to_itself(node: ast.Assign, place: Place) -> Iterator[Proposal]:
    """`x = x` to `x = x.lower()`, `x = list(x)`, …: something is to be made of it."""
    if _is_for_nothing(node):
        yield from wrapped(node.value, place)
        for verb, weight in _own_functions(place):
            yield place.replace(node.value, f"{verb}({place.text(node.value)})", weight)


def _is_for_nothing(node: ast.AST) -> bool:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    left: ast.expr | None = node.targets[0]
    right: ast.expr | None = node.value
    while isinstance(left, ast.Attribute) and isinstance(right, ast.Attribute) and left.attr == right.attr:
        left, right = left.value, right.value
    return isinstance(left, ast.Name) and isinstance(right, ast.Name) and left.id == right.id


def _by_company(text: str, parent: ast.AST | None, place: Place) -> Iterator[tuple[str, float]]:
    """Wrappers that what stands around a value suggests."""
    if isinstance(parent, ast.Call) and place.text(parent.func).startswith("re."):
        yield f"re.escape({text})", 1.0  # a text that is looked for as it is
    for verb, weight in _own_functions(place):
        yield f"{verb}({text})", weight


def made_alike(node: ast.BinOp | ast.Compare, place: Place) -> Iterator[Proposal]:
    """`len(line) + indent` to `len(line) + len(indent)`, where a test broke off because the two don't go together."""
    if not place.clash:
        return
    left, right = node.left, node.right if isinstance(node, ast.BinOp) else node.comparators[0]
    for one, other in ((left, right), (right, left)):
        mine, theirs, text = place.kind_of(one), place.kind_of(other), place.text(one)
        if theirs and theirs <= NUMBERS and not mine & NUMBERS:
            yield place.replace(one, f"len({text})")
            yield place.replace(one, f"int({text})", 0.8)
        elif theirs == {"str"} and "str" not in mine:
            yield place.replace(one, f"str({text})")


def coded(node: ast.expr, place: Place) -> Iterator[Proposal]:
    """`text` to `text.encode()`, `data` to `data.decode()`, where a test broke off because the two met."""
    parent = place.source.parents.get(node)
    is_other = isinstance(parent, (ast.Attribute, ast.Expr, ast.JoinedStr)) or getattr(parent, "func", None) is node
    if not place.clash or not place.words.clues.about_bytes or is_other:
        return
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    kinds, text = place.kind_of(node), place.text(node)
    inner = f"({text})" if isinstance(node, (ast.BinOp, ast.IfExp)) else text
    kinds = {"str"} if isinstance(node, ast.JoinedStr) else kinds
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and node.value.isascii() and not text.startswith(("b", "f", "B", "F")):
            yield place.replace(node, f"b{text}")
        elif isinstance(node.value, bytes):
            yield place.replace(node, text.lstrip("bB"))
        return
    if not kinds or "str" in kinds:
        yield place.replace(node, f"{inner}.encode()", 1.0 if kinds else 0.7)
    if not kinds or kinds & {"bytes", "bytearray"}:
        yield place.replace(node, f"{inner}.decode()", 1.0 if kinds else 0.7)


def _own_functions(place: Place) -> Iterator[tuple[str, float]]:
    """Functions of the file that one value can be given to: those first that the function calls already."""
    near = {place.text(one.func) for one in place.expressions if isinstance(one, ast.Call)}
    found: dict[str, float] = {}
    for name, function in place.words.functions.items():
        taken = function.args.args
        is_other = place.source.class_of(function) is None and function is not place.function
        takes_one = taken and len(taken) - len(function.args.defaults) <= 1 and not function.args.kwonlyargs
        if is_other and takes_one:
            found[name] = 1.0 if name in near else 0.4
    yield from sorted(found.items(), key=lambda pair: -pair[1])[:MAX_OWN]


def asked(node: ast.Name, place: Place) -> Iterator[Proposal]:
    """`match` to `match.group("name")`: a method that the function calls on the same thing elsewhere, with what it is
    given there, or with a text that it is given in another place of the file."""
    parent = place.source.parents.get(node)
    if not isinstance(node.ctx, ast.Load) or isinstance(parent, (ast.Attribute, ast.Expr)):
        return
    target = place.text(parent.targets[0]) if isinstance(parent, ast.Assign) else getattr(parent, "arg", None) or ""
    found: dict[str, float] = {}
    for head, calls in place.words.calls.items():
        owner, _, method = head.rpartition(".")
        if not method or "(" in owner or "[" in owner:
            continue
        here = [one for one in calls if owner == node.id and place.source.function_of(one) is place.function]
        for one in here[:MAX_OWN]:
            if len(place.text(one)) < LONGEST:
                found.setdefault(place.text(one), 0.6)
        if here and any(_text_given(one) for one in here):
            for text in dict.fromkeys(_text_given(one) for one in place.words.called.get(method, [])):
                if text:
                    found[f'{head}("{text}")'] = 2.0 if text in target else 0.5
    for text, weight in sorted(found.items(), key=lambda pair: -pair[1])[: 2 * MAX_OWN]:
        yield place.replace(node, text, weight)


def _text_given(node: ast.Call) -> str:
    """The only argument of a call, if it is a short word."""
    value = node.args[0].value if len(node.args) == 1 and isinstance(node.args[0], ast.Constant) else None
    return value if isinstance(value, str) and not node.keywords and value.isidentifier() else ""


def unwrapped(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`f(x)` to `x`, `x.strip()` to `x`."""
    if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
        yield place.replace(node, place.text(node.args[0]))
    if isinstance(node.func, ast.Attribute) and not isinstance(place.source.parents.get(node), ast.Expr):
        yield place.replace(node, place.text(node.func.value), 0.7, removes=True)


VALUES = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.GeneratorExp, ast.IfExp)
TEMPLATES = [
    Template("assigned to itself", 0.9, (ast.Assign,), assigned_to_itself, is_evident=_is_for_nothing),
    Template("made alike", 0.5, (ast.BinOp, ast.Compare), made_alike),
    Template("text or bytes", 0.5, (*VALUES, ast.JoinedStr, ast.Constant), coded),
    Template("wrapped as a failure asks", 0.9, VALUES, wrapped_as_told),
    Template("wrapped in a call", 0.14, (*VALUES, ast.ListComp), wrapped),
    Template("asked for a part", 0.2, (ast.Name,), asked),
    Template("call unwrapped", 0.3, (ast.Call,), unwrapped),
]
