"""The loop that runs inside the sandbox: it needs Python 3.9 and nothing but its standard library.

Its modules import little, `dataclasses` and `typing` left out: the time to the first request is mostly imports.
"""

__version__ = "1"
