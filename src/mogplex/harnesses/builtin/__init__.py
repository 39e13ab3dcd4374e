"""A coding agent of our own: `agent/` is the program that runs in the sandbox, `adapter` puts it behind the port."""
