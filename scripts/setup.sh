#!/usr/bin/env bash
# Makes everything that Mogplex needs on this machine: system packages, a virtual environment, the locked dependencies.
#
#   bash scripts/setup.sh            to run Mogplex
#   bash scripts/setup.sh --tests    to run its tests too (PostgreSQL, podman, Chromium, Codex, Claude Code, Node)
#
# Safe to run again: what is there already is left alone, without network. As root, or where sudo asks for no password,
# it installs missing system packages with apt-get; elsewhere it says what to type. MOGPLEX_PYTHON names the Python to
# use, MOGPLEX_SETUP_CONTAINERS=off leaves podman out. One line a step on stderr; the whole output of a step only when
# it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
venv=$root/.venv
stamp=$venv/.setup-stamp
with_tests=no
case "${1:-}" in
  "") ;;
  --tests) with_tests=yes ;;
  *) echo "usage: bash scripts/setup.sh [--tests]" >&2; exit 2 ;;
esac

say() { printf '%s\n' "setup: $*" >&2; }
die() { say "$1"; shift; for line in "$@"; do say "  $line"; done; exit 1; }

# Runs a command without its output, which is shown when the command fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    sed 's/^/  | /' "$log" >&2
    say "failed with exit code $status: $*"
  fi
  rm -f "$log"
  return "$status"
}

# --- system packages -------------------------------------------------------------------------------------------

privileged=()
may_install() {
  command -v apt-get >/dev/null || return 1
  [ "$(id -u)" -eq 0 ] && return 0
  command -v sudo >/dev/null && sudo -n true 2>/dev/null || return 1
  privileged=(sudo -n)
}

apt() { ${privileged[@]+"${privileged[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

apt_install() {
  say "installing $* (apt-get)"
  # The lists are fetched only if the packages can't be had without.
  apt install -y --no-install-recommends "$@" >/dev/null 2>&1 </dev/null && return 0
  quietly apt update -q && quietly apt install -y --no-install-recommends "$@"
}

# Installs Debian packages or says how to; what is still missing afterwards ends in $missing.
missing=()
want() {
  if may_install && apt_install "$@"; then return 0; fi
  missing+=("$@")
}

has_postgres() {
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

system_packages() {
  local packages=()
  command -v git >/dev/null || packages+=(git)
  command -v bwrap >/dev/null || packages+=(bubblewrap)
  command -v jq >/dev/null || packages+=(jq)
  [ "$with_tests" = no ] || has_postgres || packages+=(postgresql)
  [ ${#packages[@]} -eq 0 ] || want "${packages[@]}"
}

# The tests of the pages look at them in a browser. Without one they are skipped, and say so: it is worth no refusal.
want_browser() {
  [ "$with_tests" = yes ] && [ ! -x /usr/bin/chromium ] && may_install || return 0
  # dbus-x11 in place of dbus-user-session, which some systems can't have
  apt_install chromium dbus-x11 dbus-user-session- || say "chromium can't be installed: the pages' tests are skipped"
}

# podman with runc, for the tests of the container driver: some 14 MB and 13 s. Nothing else needs them, so a machine
# that can't have them is no failure: those tests are skipped and say so.
container_packages() {
  local packages=() name
  [ "$with_tests" = yes ] && [ "${MOGPLEX_SETUP_CONTAINERS:-on}" = on ] || return 0
  for name in podman runc catatonit; do command -v "$name" >/dev/null || packages+=("$name"); done
  [ ${#packages[@]} -gt 0 ] || return 0
  if may_install && apt_install "${packages[@]}"; then return 0; fi
  say "without ${packages[*]} the tests of the container driver are skipped"
}

# --- Python ----------------------------------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# Python of the system first: a sandbox shows its commands /usr and nothing of anybody's home.
find_python() {
  local candidate
  if [ -n "${MOGPLEX_PYTHON:-}" ]; then
    is_new_enough "$MOGPLEX_PYTHON" || die "MOGPLEX_PYTHON=$MOGPLEX_PYTHON is no Python of 3.11 or later"
    command -v "$MOGPLEX_PYTHON"
    return 0
  fi
  for candidate in /usr/bin/python3 /usr/bin/python3.1{4,3,2,1} /usr/local/bin/python3 /usr/local/bin/python3.1{4,3,2,1} \
    python3 python3.1{4,3,2,1}; do
    if command -v "$candidate" >/dev/null && is_new_enough "$candidate"; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

make_venv() {
  local version
  if command -v uv >/dev/null; then
    quietly uv venv --quiet --clear --python "$python" "$venv"
    return
  fi
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian keeps these in a package of their own
    if may_install; then
      apt_install "python$version-venv" || true
    fi
  fi
  if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    quietly "$python" -m venv --clear "$venv"
  elif "$python" -c 'import venv, pip' 2>/dev/null; then # a pip of the system can fill a venv that has none
    quietly "$python" -m venv --clear --without-pip "$venv" &&
      quietly "$python" -m pip --python "$venv/bin/python" install --quiet pip
  else
    die "$python can't make a virtual environment: its venv package is missing. Type one of these, then this again:" \
      "sudo apt-get install python$version-venv${missing[*]:+ ${missing[*]}}" \
      "MOGPLEX_PYTHON=/path/to/another/python3 bash scripts/setup.sh"
  fi
}

install_locked() {
  if command -v uv >/dev/null; then
    quietly env VIRTUAL_ENV="$venv" uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock &&
      quietly env VIRTUAL_ENV="$venv" uv pip install --quiet --no-deps --no-build-isolation -e .
  else
    quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock &&
      quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
  fi
}

# What an installation depends on: the lock, the metadata, the interpreter, and the place (scripts name it).
fingerprint() {
  { cat requirements.lock pyproject.toml; echo "$root"; "$python" -VV; } | sha256sum | cut -d ' ' -f 1
}

is_installed() {
  [ "$(cat "$stamp" 2>/dev/null)" = "$1" ] && [ -x "$venv/bin/mogplex" ] && "$venv/bin/python" -c '' 2>/dev/null
}

install_python_packages() {
  local wanted python
  if ! python=$(find_python); then
    want python3 python3-venv
    python=$(find_python) || die "no Python of 3.11 or later was found (looked in /usr/bin, /usr/local/bin and PATH)." \
      "Install one, or name it: MOGPLEX_PYTHON=/path/to/python3 bash scripts/setup.sh"
  fi
  wanted=$(fingerprint)
  is_installed "$wanted" && return 0
  [ -w "$root" ] || die "$root is not writable for user $(id -u): the virtual environment belongs into .venv there"
  say "making .venv with $python ($("$python" -V 2>&1))"
  make_venv || exit 1
  say "installing the locked dependencies"
  install_locked || die "the dependencies could not be installed; see above. Running this again continues."
  printf '%s\n' "$wanted" >"$stamp"
}

# Programs of other makers, 370 MB to download: they take part in the tests only, and a machine without them
# (offline, or of another kind) can run all others.
install_harness_programs() {
  local wanted stamp=$venv/.harness-stamp
  wanted=$(sha256sum requirements-harnesses.lock | cut -d ' ' -f 1)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  say "installing Codex, Claude Code and Node for the tests (requirements-harnesses.lock)"
  if command -v uv >/dev/null; then
    quietly env VIRTUAL_ENV="$venv" uv pip install --quiet --no-deps --require-hashes -r requirements-harnesses.lock
  else
    quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
      -r requirements-harnesses.lock
  fi && printf '%s\n' "$wanted" >"$stamp" && return 0
  say "they could not be installed; the tests that need them are skipped, and say so"
}

# What the TypeScript client is checked and played with. No script of a package runs.
install_node_modules() {
  local client=clients/typescript wanted stamp
  stamp=$client/node_modules/.setup-stamp
  wanted=$(sha256sum $client/package-lock.json | cut -d ' ' -f 1)
  [ -x "$venv/bin/npm" ] && [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing TypeScript for the tests ($client/package-lock.json)"
  if (cd $client && PATH=$venv/bin:$PATH quietly npm ci --ignore-scripts --no-audit --no-fund --silent); then
    printf '%s\n' "$wanted" >"$stamp"
  else
    say "it could not be installed; the test of the TypeScript client is skipped, and says so"
  fi
}

main() {
  system_packages
  want_browser
  container_packages
  install_python_packages
  [ "$with_tests" = no ] || { install_harness_programs && install_node_modules; }
  if [ ${#missing[@]} -gt 0 ]; then
    die "these are still missing: ${missing[*]}. Type, then this again:" "sudo apt-get install ${missing[*]}"
  fi
}

# Two at once would break each other's work. -o: a service that apt-get starts must not keep the lock.
if [ -z "${MOGPLEX_SETUP_LOCKED:-}" ] && [ -w "$root" ] && command -v flock >/dev/null; then
  MOGPLEX_SETUP_LOCKED=yes exec flock -o "$root/.setup-lock" bash scripts/setup.sh "$@"
fi
main
