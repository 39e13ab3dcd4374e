"""The repair engine: finds and mends one-place bugs in a Python repo by running its tests. No model, no network.

It runs inside the sandbox under the repo's own interpreter (Python 3.9 or newer), so it imports only the standard
library, and in the server process pytest (and coverage where its C tracer is there).

Three kinds of processes, so that the code under test can hurt none but its own:

    supervisor   `__main__`: holds the real stdout, the clock and the search; never imports code of the repo
      └ server   `server`: imports pytest, collects the suite once, then only waits
          ├ warm workers    forked after collection; each forks one child per candidate and watches it
          └ cold workers    forked before collection; their children import the repo afresh

A candidate is an edit of source text. A warm child swaps the code objects of the edited function in place; an edit that
changes what happens at import goes to a cold child. Nothing is written to the tree until the chosen patch has passed
the whole suite in a fresh interpreter.
"""

__version__ = "1.0"
