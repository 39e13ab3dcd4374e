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
# Code that runs under a repo's own interpreter: ruff knows the syntax of Python 3.9, this knows its library.
vermin --quiet --no-tips --violations --target=3.9- src/mogplex/harnesses/repair/engine src/mogplex/harnesses/builtin/agent
