#!/usr/bin/env bash
# Sets everything up, then runs all checks and all tests. Arguments go to pytest: bash scripts/test.sh tests/domain -k cut
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh --tests
bash scripts/check.sh
PATH=$PWD/.venv/bin:$PATH
# Hundreds of processes are started, which would all compile our modules anew where no bytecode may be kept.
unset PYTHONDONTWRITEBYTECODE
.venv/bin/python -m compileall -q src
# More workers than cores: many tests wait for a process of theirs. In the order of tests/conftest.py: the longest first.
# Two plugins that libraries bring along are of no use here, and cost each worker's start a second.
exec pytest -p no:schemathesis -p no:anyio -n 4 --dist loadfile --no-loadscope-reorder "$@"
