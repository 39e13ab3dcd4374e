from __future__ import annotations

from hypothesis import settings

# How long an example takes says more about the other process on this core than about the code.
settings.register_profile("mogplex", deadline=None)
settings.load_profile("mogplex")
