"""OpenAI's Codex CLI as a harness."""
