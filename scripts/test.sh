#!/usr/bin/env bash
# Sets everything up, then runs all checks and all tests. Arguments go to pytest: bash scripts/test.sh tests/domain -k cut
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh --tests
bash scripts/check.sh
PATH=$PWD/.venv/bin:$PATH
exec pytest -n 4 --dist loadfile "$@" # more workers than cores: many tests wait for a process of theirs
