"""Mogplex runs coding agents without a person at the keyboard."""

__version__ = "0.1.0"
