#!/usr/bin/env bash
# Builds wheel and sdist, and tries the wheel as a stranger would: on each Python from 3.11 to 3.13 that is here, in a clean
# virtual environment with the locked dependencies, outside of this checkout, with a server that has to answer.
#
#   bash scripts/package.sh            leaves dist/mogplex-<version>.tar.gz and .whl
#
# A Python that is not here is named and left out. MOGPLEX_PYTHONS lists others to take, by name or path.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
root=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/mogplex-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
rm -rf dist
.venv/bin/python -m hatchling build -t sdist -t wheel >/dev/null 2>&1 || .venv/bin/python -m hatchling build -t sdist -t wheel
wheel=$(echo "$root"/dist/*.whl)
echo "package: dist/$(basename "$wheel"), dist/$(basename "$root"/dist/*.tar.gz)"

find_python() {
  local candidate
  for candidate in "$1" "/usr/bin/$1" ~/.pyenv/versions/"${1#python}".*/bin/python; do
    if "$candidate" -c 'import venv' 2>/dev/null; then echo "$candidate"; return; fi
  done
  return 1
}

install_into() {
  if command -v uv >/dev/null; then
    uv venv --quiet --python "$1" "$2"
    VIRTUAL_ENV=$2 uv pip install --quiet --constraints "$work/constraints.txt" "$wheel"
  else
    "$1" -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check --constraint "$work/constraints.txt" "$wheel"
  fi
}

sed -n 's/^\([a-z0-9._-]*==[^ ;]*\).*/\1/p' requirements.lock >"$work/constraints.txt"
tried=0
for name in ${MOGPLEX_PYTHONS:-python3.11 python3.12 python3.13}; do
  if ! python=$(find_python "$name"); then
    echo "package: $name is not on this machine: not tried"
    continue
  fi
  install_into "$python" "$work/$(basename "$name")"
  (cd "$work" && "$work/$(basename "$name")/bin/python" "$root/scripts/try_installed.py")
  tried=$((tried + 1))
done
[ "$tried" -gt 0 ] || { echo "package: no Python to try it on" >&2; exit 1; }
