#!/usr/bin/env bash
# Mogplex from start to end on this machine: a server, a small repo with a failing test, one run that mends it.
#
# Everything lives in a folder of its own under ${TMPDIR:-/tmp}; nothing stays running. Exits 0 only if the run ended
# as `success` and its result was verified.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/scripts/setup.sh"
PATH=$root/.venv/bin:$PATH
started_at=$SECONDS

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] && [ -z "${NO_COLOR:-}" ] || say() { printf '\n%s\n' "$*"; }
shows() { printf '\n$ %s\n' "$1"; }

demo=$(mktemp -d "${TMPDIR:-/tmp}/mogplex-demo.XXXXXX")
chmod 755 "$demo" # sandboxes run as another user and must be able to pass; what is secret inside is closed by itself
server=
follower=
finished=no

# Whatever happens: no process stays, and neither does the key of this demo.
clean_up() {
  local status=$? patience=100
  trap - EXIT INT TERM HUP
  [ -z "$follower" ] || kill -TERM "$follower" 2>/dev/null || true
  if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
    while kill -0 "$server" 2>/dev/null && [ "$patience" -gt 0 ]; do
      sleep 0.1
      patience=$((patience - 1))
    done
    kill -KILL "$server" 2>/dev/null && echo "demo: the server had to be killed" >&2
    wait "$server" 2>/dev/null || true
  fi
  if [ "$finished" = no ]; then
    echo "demo: failed. The end of the server's log:" >&2
    grep -v mog_ "$demo/server.log" 2>/dev/null | tail -n 30 >&2 || true
    rm -rf "$demo"
    [ "$status" -ne 0 ] || status=1
  else
    rm -rf "$demo/home" "$demo/work" "$demo/server.log"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- a server of its own ---------------------------------------------------------------------------------------

unset MOGPLEX_API_KEY MOGPLEX_URL MOGPLEX_DATABASE_URL DATABASE_URL
export MOGPLEX_HOME=$demo/home MOGPLEX_WORK_DIR=$demo/work
port=$(python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MOGPLEX_URL=http://127.0.0.1:$port
(umask 077 && : >"$demo/server.log") # the first start prints the admin key
mogplex serve --host 127.0.0.1 --port "$port" >>"$demo/server.log" 2>&1 &
server=$!
answers() {
  python - "$MOGPLEX_URL/healthz" <<'PYTHON'
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    opener.open(sys.argv[1], timeout=2)
except OSError:
    sys.exit(1)
PYTHON
}
until answers; do
  kill -0 "$server" 2>/dev/null || { echo "demo: the server ended before it answered" >&2; exit 1; }
  [ $((SECONDS - started_at)) -lt 60 ] || { echo "demo: the server did not answer within 60 s" >&2; exit 1; }
  sleep 0.1
done
say "Server: $MOGPLEX_URL"

# --- a repo with a failing test --------------------------------------------------------------------------------

repo=$demo/sample
cp -R "$root/examples/sample-repo" "$repo"
find "$repo" -name __pycache__ -prune -exec rm -rf {} +
git=(git -C "$repo" -c user.name=Demo -c user.email=demo@example.com -c commit.gpgsign=false -c core.hooksPath=/dev/null)
"${git[@]}" init -q -b main
"${git[@]}" add -A
"${git[@]}" commit -q -m "Charge for parcels"
say "Repo: $repo (one of its six tests fails)"
MOGPLEX_REPO=$(mogplex repos add "$repo" --name demo/sample --check "python -m pytest -q" --json | jq -r '.id')
MOGPLEX_API_KEY=$(jq -r '.apiKey' "$MOGPLEX_HOME/auth.json")

# --- the four lines --------------------------------------------------------------------------------------------

shows 'export MOGPLEX_API_KEY="mog_..."'
export MOGPLEX_API_KEY

shows 'RUN_ID=$(mogplex run --repo "$MOGPLEX_REPO" --create-branch --json \
    "Investigate the failing test and propose the smallest fix." | jq -r '"'.runId'"')'
RUN_ID=$(mogplex run --repo "$MOGPLEX_REPO" --create-branch --json \
    "Investigate the failing test and propose the smallest fix." | jq -r '.runId')
echo "$RUN_ID"

shows 'mogplex runs events "$RUN_ID" --follow --timeout 900'
mogplex runs events "$RUN_ID" --follow --timeout 900 &
follower=$! # in the background, because a shell minds no signal while it waits for a command
wait "$follower"

shows 'mogplex runs get "$RUN_ID" --json'
run=$(mogplex runs get "$RUN_ID" --json)
printf '%s\n' "$run"

# --- what came of it -------------------------------------------------------------------------------------------

shows 'mogplex runs patch "$RUN_ID"'
mogplex runs patch "$RUN_ID"

field() { jq -r "$1 // \"-\"" <<<"$run"; }
status=$(field .status) verdict=$(field .verdict) branch=$(field .branch.working)
say "status $status · outcome $(field .outcome) · verdict $verdict · $((SECONDS - started_at)) s"
if [ "$status" != success ] || [ "$verdict" != verified ]; then
  echo "demo: expected status success and verdict verified; error: $(field .error)" >&2
  exit 1
fi
"${git[@]}" --no-pager log -1 --stat --format='%h %s' "$branch" --
finished=yes
cat <<TEXT

The fix is on branch $branch of the sample repo:
  git -C $repo diff main $branch
Remove it with:            rm -rf $demo
Use it on a repo of yours: .venv/bin/mogplex serve     (then, in a second terminal)
                           .venv/bin/mogplex repos add /path/to/repo --name you/repo --check "python -m pytest -q"
Read on:                   README.md, docs/index.md
TEXT
