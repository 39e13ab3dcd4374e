#!/usr/bin/env bash
# Sets everything up, then runs all checks and all tests. Arguments go to pytest: bash scripts/test.sh tests/domain -k cut
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh --tests
bash scripts/check.sh
PATH=$PWD/.venv/bin:$PATH
# More workers than cores: many tests wait for a process of theirs. In the order of tests/conftest.py: the longest first.
exec pytest -n 4 --dist loadfile --no-loadscope-reorder "$@"
