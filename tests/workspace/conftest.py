"""Fixtures of this folder; they live in git_world so that the security tests can use them too."""

from tests.workspace.git_world import template, world

__all__ = ["template", "world"]
