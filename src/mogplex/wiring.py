"""The only module that knows every room: it builds the server and the worker, part by part, in order."""

from __future__ import annotations
