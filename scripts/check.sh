#!/usr/bin/env bash
# What a change must pass before its tests are worth running: style, types, direction of imports.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
PATH=$PWD/.venv/bin:$PATH
export PYTHONPATH=$PWD/src
ruff check --quiet .
ruff format --check --quiet . || { echo "check: format with .venv/bin/ruff format ." >&2; exit 1; }
mypy
lint-imports
