"""The templates: each a small pure function from a syntax node and its place to proposals. One module a family.

A template's prior says how often bugs of its kind occur, compared with the others (1 is the commonest).
"""

from __future__ import annotations

from . import (
    arithmetic,
    asked_types,
    bindings,
    calls,
    cases,
    comparison,
    constants,
    defaults,
    elements,
    expressions,
    formats,
    given_guards,
    guards,
    insertions,
    lacking,
    logic,
    names,
    raising,
    sequences,
    short_calls,
    siblings,
    spelling,
    statements,
    truth,
    unbound,
    unused,
    wrappers,
)
from .template import Template


def all_templates() -> list[Template]:
    families = (
        comparison, arithmetic, logic, constants, names, calls, wrappers, sequences, expressions, guards, defaults,
        statements, insertions, truth, raising, spelling, asked_types, elements, bindings, unbound, formats,
        lacking, short_calls, cases, unused, siblings, given_guards,
    )  # fmt: skip
    return [template for family in families for template in family.TEMPLATES]
