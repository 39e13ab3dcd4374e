"""Pieces of shell that run inside the sandbox before a program of another maker starts.

Who is kept from obeying a repo's settings does not read what the repo says to agents either (AGENTS.md, CLAUDE.md).
That is gathered here, because a repo's files are never read outside.
"""

from __future__ import annotations

MAX_BYTES = 64 * 1024
_TOP = "/work"

# Whatever proxy the run's variables name, the model is not behind it.
DIRECT = """
NO_PROXY="127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}"; no_proxy=$NO_PROXY; export NO_PROXY no_proxy
"""

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
