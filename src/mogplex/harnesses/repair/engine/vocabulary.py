"""What one file says elsewhere, and what the places of a function have in common: where a patch's pieces come from."""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from dataclasses import dataclass, field

from .clues import NO_CLUES, Clues
from .familiarity import Familiarity
from .idle import assigned_names, idle_globals
from .source import FUNCTIONS, AnyFunction, Source

ASKING = re.compile(r"_?(?:is|has|can|may|should|needs)_\w+$")
LEAVING = (ast.Return, ast.Raise, ast.Continue)


@dataclass(frozen=True)
class Scope:
    """What all places of one function have in common."""

    names: list[str]
    enclosing: set[str]  # names that only functions around this one bind
    expressions: list[ast.expr]
    idle: set[str]  # local names that nothing reads: one of them was probably meant somewhere


@dataclass
class Vocabulary:
    """What one file says elsewhere: where the missing piece of a patch usually comes from."""

    constants: list[ast.Constant] = field(default_factory=list)
    attributes: dict[str, list[str]] = field(default_factory=dict)  # text of the object -> its attributes, as used
    functions: dict[str, AnyFunction] = field(default_factory=dict)  # functions and methods by name
    exceptions: list[str] = field(default_factory=list)
    raises: list[ast.Raise] = field(default_factory=list)
    filters: list[ast.expr] = field(default_factory=list)  # conditions of comprehensions
    guards: list[ast.If] = field(default_factory=list)  # that leave the function, or the turn of a loop, and do no more
    clues: Clues = NO_CLUES
    globals: list[str] = field(default_factory=list)
    calls: dict[str, list[ast.Call]] = field(default_factory=dict)  # by the text of what is called
    called: dict[str, list[ast.Call]] = field(default_factory=dict)  # by the name of the method
    owned: dict[ast.AST, list[str]] = field(default_factory=dict)  # class -> attributes that it uses of `self`
    assigned: dict[str, list[ast.Assign]] = field(default_factory=dict)  # by the text of a target, `self.` left out
    bound: set[str] = field(default_factory=set)  # names that the module gives a meaning, imports included
    classes: set[str] = field(default_factory=set)  # those of them that seem to be classes
    reads: dict[ast.AST, dict[str, list[ast.Name]]] = field(default_factory=dict)  # function -> name -> where
    scopes: dict[ast.AST, Scope] = field(default_factory=dict)  # function, or statement outside of one -> what it has
    familiarity: Familiarity = field(default_factory=lambda: Familiarity(""))
    spelled: Counter[str] = field(default_factory=Counter)  # names, attributes, short texts: how often
    unused: list[str] = field(default_factory=list)  # functions, it seems, that are imported or private and not called
    asking: list[str] = field(default_factory=list)  # functions of one thing, imported or the module's: `is_valid(x)`
    idle: frozenset[str] = frozenset()  # names of the module that stand only where they get their meaning

    @classmethod
    def of(cls, source: Source) -> Vocabulary:
        words = cls(familiarity=Familiarity(source.text))
        for node in ast.walk(source.tree):
            words.spelled.update(_spelled(node))
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
                words.bound |= names
                words.classes |= {name for name in names if name[:1].isupper()}
            elif isinstance(node, ast.ClassDef):
                words.bound.add(node.name)
                words.classes.add(node.name)
                words.owned.setdefault(node, []).extend(_declared(node))
            elif isinstance(node, ast.Constant):
                words.constants.append(node)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                known = words.attributes.setdefault(node.value.id, [])
                if node.attr not in known:
                    known.append(node.attr)
                owner = source.class_of(node) if node.value.id == "self" else None
                if owner is not None and node.attr not in words.owned.setdefault(owner, []):
                    words.owned[owner].append(node.attr)
            elif isinstance(node, ast.Call):
                words.calls.setdefault(source.segment(node.func), []).append(node)
                words.called.setdefault(getattr(node.func, "attr", ""), []).append(node)
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    words.assigned.setdefault(source.segment(target).replace("self.", "", 1), []).append(node)
            elif isinstance(node, ast.Raise):
                words.raises.append(node)
            elif isinstance(node, ast.comprehension):
                words.filters += node.ifs
            elif isinstance(node, ast.If):
                is_short = len(node.body) == 1 and not node.orelse and isinstance(node.body[0], LEAVING)
                words.guards += [node] if is_short else []
            elif isinstance(node, FUNCTIONS):
                words.functions.setdefault(node.name, node)
            elif isinstance(node, ast.Name) and is_exception(node.id) and node.id not in words.exceptions:
                words.exceptions.append(node.id)
        for statement in source.tree.body:
            words.globals += assigned_names(statement)
        words.bound |= {*words.globals, *words.functions, *dir(builtins)}
        words.unused = _unused(source, words.spelled)
        words.asking = _asking(source)
        words.idle = idle_globals(source)
        return words

    def is_uncalled(self, name: str) -> bool:
        """Whether a function or import stands only where it gets its name."""
        return self.spelled[name] <= (name in self.functions)


def _unused(source: Source, spelled: Counter[str]) -> list[str]:
    """Imported names in small letters that are read nowhere, and private functions that nothing mentions."""
    found = []
    for one in source.tree.body:
        if isinstance(one, ast.ImportFrom) and one.module != "__future__" and not source.path.endswith("__init__.py"):
            names = [alias.asname or alias.name for alias in one.names]
            found += [name for name in names if name[:1].islower() and not spelled[name]]
        elif isinstance(one, FUNCTIONS) and one.name.startswith("_") and spelled[one.name] == 1:
            found.append(one.name)
    return found


def _asking(source: Source) -> list[str]:
    """Functions, by their names, that tell whether something is so; of imported ones nothing else is known."""
    found: dict[str, None] = {}
    for one in source.tree.body:
        if isinstance(one, ast.ImportFrom):
            found.update(dict.fromkeys(alias.asname or alias.name for alias in one.names))
        elif isinstance(one, FUNCTIONS) and len(one.args.args) - len(one.args.defaults) == 1:
            found[one.name] = None
    return [name for name in found if ASKING.match(name)]


def _declared(node: ast.ClassDef) -> list[str]:
    """The attributes that a class's body names."""
    targets: list[ast.expr] = []
    for one in node.body:
        if isinstance(one, (ast.Assign, ast.AnnAssign)):
            targets += one.targets if isinstance(one, ast.Assign) else [one.target]
    return [one.id for one in targets if isinstance(one, ast.Name)]


def _spelled(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, (ast.arg, ast.keyword)):
        return [node.arg] if node.arg else []
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        return [node.name]
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40
    return [node.value] if is_text else []  # type: ignore[attr-defined]  # looked at above


def is_exception(name: str) -> bool:
    known = getattr(builtins, name, None)
    return (isinstance(known, type) and issubclass(known, BaseException)) or name.endswith(("Error", "Exception"))
