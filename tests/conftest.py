"""What holds for every test."""

from __future__ import annotations

import os

# A provider's key in the environment would make the servers that tests start use it, and spend money.
for _name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "MOGPLEX_MODEL", "MOGPLEX_CONFIG"):
    os.environ.pop(_name, None)
