"""Wrong calls: arguments, keywords, lookups that need a default."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..scope import NUMBERS, SEQUENCES, Place, Proposal
from ..source import AnyFunction
from .template import Template

KNOWN_KEYWORDS = {
    "sorted": ("reverse=True", "key=str.lower", "key=len"),
    "sort": ("reverse=True", "key=str.lower", "key=len"),
    "enumerate": ("start=1",),
    "print": ('end=""',),
    "min": ("default=None", "default=0", "key=len"),
    "max": ("default=None", "default=0", "key=len"),
    "round": ("2", "1"),
    "int": ("16", "2", "8"),
    "rsplit": ("maxsplit=1",),
    "next": ("None",),
    "pop": ("None", "0", "-1"),
    "getattr": ("None",),
    "zip": ("strict=True",),
    "zip_longest": ('fillvalue=""',),
    "dumps": ("sort_keys=True",),
    "splitlines": ("keepends=True",),
    **dict.fromkeys(("compile", "match", "search", "fullmatch", "findall", "finditer"), ("re.IGNORECASE",)),
    "split": ("maxsplit=1", "re.IGNORECASE"),
}


def swapped_arguments(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """Neighbours first, then any two."""
    arguments = [one for one in node.args if not isinstance(one, ast.Starred)]
    for number, one in enumerate(arguments):
        for other in arguments[number + 1 :]:
            near = arguments.index(other) == number + 1
            yield place.swap(one, other, 1.0 if near else 0.5)
    for one_keyword in node.keywords:
        for argument in arguments:
            yield place.swap(argument, one_keyword.value, 0.2)


def dropped_argument(node: ast.Call, place: Place) -> Iterator[Proposal]:
    parts: list[ast.AST] = [*node.args, *node.keywords]
    for number in range(len(parts)):
        rest = [place.text(part) for index, part in enumerate(parts) if index != number]
        weight = 0.5 if len(parts) == 1 else 1.0
        yield place.replace(node, f"{place.text(node.func)}({', '.join(rest)})", weight, removes=True)


def added_argument(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """One more argument: a parameter of the called function by its name, or something in scope at the end."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    parts = [place.text(part) for part in [*node.args, *node.keywords]]
    function = place.words.functions.get(name)
    head = place.text(node.func)
    given = {keyword.arg for keyword in node.keywords}
    if function is not None:
        parameters = [one.arg for one in [*function.args.args, *function.args.kwonlyargs]]
        following = _next_parameter(function, node)
        if following in place.names and place.is_live(following) and following not in given and not node.keywords:
            yield place.replace(node, f"{head}({', '.join([*parts, following])})", 1.4)
        for parameter in parameters:
            if parameter in given or parameter in ("self", "cls"):
                continue
            if place.is_live(parameter) and parameter in place.names:
                yield place.replace(node, f"{head}({', '.join([*parts, f'{parameter}={parameter}'])})")
            for name in sorted(place.idle - {parameter})[:3]:
                yield place.replace(node, f"{head}({', '.join([*parts, f'{parameter}={name}'])})", 0.6)
            if f"self.{parameter}" in place.kinds:
                yield place.replace(node, f"{head}({', '.join([*parts, f'{parameter}=self.{parameter}'])})", 0.8)
    for rest in _caught_arguments(place):
        if rest not in parts:
            yield place.replace(node, f"{head}({', '.join([*parts, rest])})", 1.2)
    for keyword in KNOWN_KEYWORDS.get(name, ()):
        if keyword.split("=")[0] not in given and (keyword[:3] != "re." or head.startswith("re.")):
            yield place.replace(node, f"{head}({', '.join([*parts, keyword])})", 0.8)
    if not node.keywords:
        live = sorted((one for one in place.names if place.is_live(one)), key=lambda one: one not in place.idle)
        for extra in [*live[:10], "0", "1", "-1", "None", "True"]:
            if extra not in parts:
                yield place.replace(node, f"{head}({', '.join([*parts, extra])})", 0.3)
                if parts and not extra.isdigit():
                    yield place.replace(node, f"{head}({', '.join([extra, *parts])})", 0.2)
        for text in _texts_nearby(node, place):
            yield place.replace(node, f"{head}({', '.join([*parts, text])})", 0.6 if place.clash else 0.2)


def _caught_arguments(place: Place) -> list[str]:
    """`*args` and `**kwargs` of the function around: who takes any argument mostly passes them on."""
    if place.function is None:
        return []
    caught = place.function.args
    return [f"{stars}{one.arg}" for stars, one in (("*", caught.vararg), ("**", caught.kwarg)) if one is not None]


def _texts_nearby(node: ast.Call, place: Place) -> list[str]:
    """What else a call that gets texts may get: an empty one, a blank, and those that stand next to it in the file."""
    if not any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in node.args):
        return []
    near = sorted(place.words.constants, key=lambda one: abs(one.lineno - node.lineno))
    texts = [place.text(one) for one in near if isinstance(one.value, str) and len(one.value) < 8]
    return list(dict.fromkeys(['""', '" "', *texts]))[:8]


def _next_parameter(function: AnyFunction, node: ast.Call) -> str:
    """The parameter that the next positional argument of a call would be given to; "" when it takes no more."""
    names = [one.arg for one in [*function.args.posonlyargs, *function.args.args]]
    if names[:1] in (["self"], ["cls"]):
        names = names[1:]
    return names[len(node.args)] if len(node.args) < len(names) else ""


def range_start(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`range(n)` to `range(1, n)`, `range(1, n + 1)`; a step of -1; a start dropped."""
    if not (isinstance(node.func, ast.Name) and node.func.id == "range") or node.keywords:
        return
    texts = [place.text(one) for one in node.args]
    if len(texts) == 1:
        yield place.replace(node, f"range(1, {texts[0]})")
        yield place.replace(node, f"range(1, {texts[0]} + 1)", 0.9)
        yield place.replace(node, f"range({texts[0]} - 1, -1, -1)", 0.5)
        for name in place.names:
            if "int" in place.kind(name) and name != texts[0]:
                yield place.replace(node, f"range({name}, {texts[0]})", 0.5)
                yield place.replace(node, f"range({name} + 1, {texts[0]})", 0.3)
    elif len(texts) == 2:
        yield place.replace(node, f"range({texts[1]})", 0.6)
        yield place.replace(node, f"range({texts[0]}, {texts[1]}, -1)", 0.5)
        yield place.replace(node, f"range({texts[0]}, {texts[1]}, 2)", 0.3)
        yield place.replace(node, f"range({texts[1]} - 1, {texts[0]} - 1, -1)", 0.3)


def lookup(node: ast.Subscript, place: Place) -> Iterator[Proposal]:
    """`d[k]` to `d.get(k)`, with a few defaults."""
    if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice):
        return
    kinds = place.kind_of(node.value)
    if kinds and kinds <= WITHOUT_GET:
        return
    head, key = place.text(node.value), place.text(node.slice)
    iterated = isinstance(place.source.parents.get(node), (ast.For, ast.comprehension))
    defaults = ("[]", "()", "{}", '""') if iterated else ("0", "None", '""', "[]", "{}", "False", "()", key)
    near = sorted(place.words.constants, key=lambda one: (len(repr(one.value)) > 3, abs(one.lineno - node.lineno)))
    told = [place.text(one) for one in near if isinstance(one.value, (str, int)) and len(repr(one.value)) < 20]
    yield place.replace(node, f"{head}.get({key})", 0.5 if iterated else 1.0)
    for number, default in enumerate(defaults):
        yield place.replace(node, f"{head}.get({key}, {default})", 0.8 - 0.05 * number)
    for name in place.names:
        if place.is_live(name) and name not in (head, key, "self", "cls"):
            weight = 1.5 if name in place.idle else 1.0 if name.startswith("default") else 0.3
            yield place.replace(node, f"{head}.get({key}, {name})", weight)
    for text in _usual_values(place):
        yield place.replace(node, f"{head}.get({key}, {text})", 0.9)
    for default in list(dict.fromkeys(text for text in told if text not in defaults))[:MAX_DEFAULTS]:
        yield place.replace(node, f"{head}.get({key}, {default})", 0.3)


def _usual_values(place: Place) -> list[str]:
    """The constants that the name or attribute which a statement assigns gets elsewhere in the file."""
    targets = place.statement.targets if isinstance(place.statement, ast.Assign) else []
    found: dict[str, None] = {}
    for target in targets:
        for one in place.words.assigned.get(place.text(target).replace("self.", "", 1), []):
            if one is not place.statement and _is_plain(one.value):
                found[place.text(one.value)] = None
    return list(found)[:MAX_DEFAULTS]


def _is_plain(node: ast.expr) -> bool:
    """Whether it is a constant, or one with a sign."""
    return isinstance(node.operand if isinstance(node, ast.UnaryOp) else node, ast.Constant)


def lookup_default(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """`d.get(k)` to `d[k]`, `d.get(k, default)`, `d.pop(k, None)`."""
    if (
        not isinstance(node.func, ast.Attribute)
        or node.func.attr not in ("get", "pop", "setdefault", "next")
        or not node.args
    ):
        return
    head, key = place.text(node.func.value), place.text(node.args[0])
    if node.func.attr == "get":
        yield place.replace(node, f"{head}[{key}]", 0.6)
    if len(node.args) <= 2:
        names = [name for name in place.names if place.is_live(name)][:6]
        for default in ("0", "[]", '""', "None", "{}", "1", "False", key, *names):
            yield place.replace(node, f"{head}.{node.func.attr}({key}, {default})", 0.7)


def converted_receiver(node: ast.Attribute, place: Place) -> Iterator[Proposal]:
    """`x.strip()` to `str(x).strip()`: a method of another type than the object has."""
    parent = place.source.parents.get(node)
    if not (isinstance(parent, ast.Call) and parent.func is node) or isinstance(node.value, ast.Constant):
        return
    text = place.text(node.value)
    near = [place.text(one.func) for one in place.expressions if isinstance(one, ast.Call) and _converts(one)]
    sure = 4.0 if place.clash == "AttributeError" else 1.0
    for verb in dict.fromkeys([*near, *CONVERSIONS]):
        if not text.startswith(f"{verb}("):
            yield place.replace(node.value, f"{verb}({text})", max(sure, 3.0 if verb in near else 1.0) * 0.5)


def _converts(node: ast.Call) -> bool:
    """Whether a call may make one value into another: `float(x)`, `Decimal(x)`."""
    is_type = isinstance(node.func, ast.Name) and (node.func.id in CONVERSIONS or node.func.id[:1].isupper())
    return is_type and len(node.args) == 1 and not node.keywords


def like_another_call(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """The arguments that the same function gets elsewhere in the file, if all their names are in scope."""
    head, mine = place.text(node.func), place.text(node)
    others = place.words.calls.get(head, [])
    for other in sorted(others, key=lambda one: abs(one.lineno - node.lineno))[:MAX_LIKE]:
        text = place.text(other)
        names = {one.id for one in ast.walk(other) if isinstance(one, ast.Name)} - {head.split(".")[0]}
        if text != mine and "\n" not in text and names <= {*place.names, *place.words.globals}:
            yield place.replace(node, text, 1.0 if len(other.args) + len(other.keywords) > len(node.args) else 0.6)


def like_another_keyword(node: ast.Call, place: Place) -> Iterator[Proposal]:
    """A keyword that the same function gets elsewhere in the file: with the same value, or a name like it."""
    parts = [place.text(part) for part in [*node.args, *node.keywords]]
    given = {keyword.arg for keyword in node.keywords}
    head = place.text(node.func)
    found: dict[str, float] = {}
    for other in place.words.calls.get(head, []):
        for keyword in other.keywords:
            if keyword.arg is None or keyword.arg in given:
                continue
            text = place.text(keyword.value)
            names = {one.id for one in ast.walk(keyword.value) if isinstance(one, ast.Name)}
            if "\n" not in text and all(place.is_live(one) or one in place.words.bound for one in names):
                found[f"{keyword.arg}={text}"] = 1.0
            for name in place.names:
                if place.is_live(name) and name not in ("self", "cls"):
                    found.setdefault(f"{keyword.arg}={name}", 0.8 if keyword.arg in name else 0.2)
    for text, weight in sorted(found.items(), key=lambda pair: -pair[1])[:MAX_KEYWORDS]:
        yield place.replace(node, f"{head}({', '.join([*parts, text])})", weight)


CONVERSIONS = ("str", "list", "float", "int", "dict", "set", "bytes")
WITHOUT_GET = SEQUENCES | NUMBERS | {"set", "frozenset", "NoneType"}
MAX_LIKE = 4  # calls to learn from
MAX_KEYWORDS = 12
MAX_DEFAULTS = 14  # of a lookup, from the constants of the file: one character first, then the nearest
TEMPLATES = [
    Template("arguments swapped", 0.5, (ast.Call,), swapped_arguments),
    Template("argument dropped", 0.2, (ast.Call,), dropped_argument),
    Template("argument added", 0.25, (ast.Call,), added_argument),
    Template("range bounds", 0.5, (ast.Call,), range_start),
    Template("lookup with default", 0.3, (ast.Subscript,), lookup),
    Template("default of a lookup", 0.25, (ast.Call,), lookup_default),
    Template("receiver converted", 0.2, (ast.Attribute,), converted_receiver),
    Template("call like another", 0.2, (ast.Call,), like_another_call),
    Template("keyword like another", 0.3, (ast.Call,), like_another_keyword),
]
