"""The command line: a module a noun, a function a verb. Only the module of the command that was typed is imported."""
