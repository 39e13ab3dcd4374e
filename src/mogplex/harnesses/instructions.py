"""What a repo says to agents (AGENTS.md, CLAUDE.md), for programs that are kept from obeying the repo's settings.

They then don't read these files either. So a piece of shell gathers them inside the sandbox, before the program starts:
a repo's files are never read outside.
"""

from __future__ import annotations

MAX_BYTES = 64 * 1024
_TOP = "/work"

# gather FILE TOP BELOW NAMES: writes what stands in the first of NAMES in each folder from TOP down to TOP/BELOW.
GATHER = f"""
gather() (
  told=$1; folder=$2; below=$3; names=$4
  tell() {{
    for name in $names; do
      [ -f "$1/$name" ] && [ -r "$1/$name" ] || continue
      printf '# %s\\n\\nWhat the repository says to agents in this file:\\n\\n' "$1/$name"
      cat "$1/$name"
      printf '\\n\\n'
      return
    done
  }}
  {{
    tell "$folder"
    while [ -n "$below" ]; do
      folder=$folder/${{below%%/*}}
      case $below in */*) below=${{below#*/}} ;; *) below= ;; esac
      tell "$folder"
    done
  }} | head -c {MAX_BYTES} >"$told"
)
"""


def split_directory(directory: str) -> tuple[str, str]:
    """The checkout's top, and the run's folder below it: "" when they are the same."""
    below = directory.removeprefix(_TOP).strip("/")
    return directory.removesuffix(below).rstrip("/"), below
