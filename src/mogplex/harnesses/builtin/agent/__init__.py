"""The loop that runs inside the sandbox: it needs Python 3.9 and nothing but its standard library."""

__version__ = "1"
