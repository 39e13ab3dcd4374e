"""Anthropic's Claude Code as a harness."""
