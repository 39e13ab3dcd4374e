#!/usr/bin/env bash
# The GitHub Action's one step: starts a run (on a server, or here), follows it, and tells the job how it ended.
#
# Inputs come as INPUT_* variables, never pasted into a command: a prompt may hold anything. Exit code: that of the run's
# outcome (`mogplex help exit-codes`). Needs jq, and mogplex on PATH or Python 3.11 to install it from this folder.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${RUNNER_TEMP:-$(mktemp -d)}/mogplex-run
event=${GITHUB_EVENT_PATH:-/dev/null}

refuse() { printf '::error title=mogplex::%s\n' "$(escape "$1")"; exit 2; }

# Workflow commands end at a line's end; this is how they carry more.
escape() { local text=${1//'%'/'%25'}; text=${text//$'\r'/'%0D'}; printf '%s' "${text//$'\n'/'%0A'}"; }

# A value may have lines of its own: the mark that ends it is one that nobody can guess.
output() {
  local mark
  mark="end-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  printf '%s<<%s\n%s\n%s\n' "$1" "$mark" "$2" "$mark" >>"${GITHUB_OUTPUT:-/dev/null}"
}

is_fork() {
  jq -e '.pull_request != null and .pull_request.head.repo.full_name != .repository.full_name' "$event" >/dev/null 2>&1
}

idempotency_key() {
  local job="${GITHUB_REPOSITORY:-local}/${GITHUB_WORKFLOW:-}/${GITHUB_JOB:-}/${GITHUB_ACTION:-}"
  if [ -n "$INPUT_IDEMPOTENCY_KEY" ]; then
    printf '%s' "$INPUT_IDEMPOTENCY_KEY"
  elif [ "${GITHUB_EVENT_NAME:-}" = schedule ]; then # a schedule that fires twice a day by mistake is one run
    printf 'github/%s/%s' "$(printf '%s' "$job" | sha256sum | cut -c 1-40)" "$(date -u +%F)"
  else
    printf 'github/%s/%s/%s' "$(printf '%s' "$job" | sha256sum | cut -c 1-40)" "${GITHUB_RUN_ID:-0}" "${GITHUB_RUN_ATTEMPT:-1}"
  fi
}

install() {
  command -v jq >/dev/null || refuse "jq is not installed on this runner: apt-get install jq"
  command -v mogplex >/dev/null && return
  python3 -m venv "$folder.venv"
  "$folder.venv/bin/pip" install --quiet "$here"
  PATH=$folder.venv/bin:$PATH
}

common_flags() {
  flags=(--timeout "$INPUT_TIMEOUT")
  [ -z "$INPUT_HARNESS" ] || flags+=(--harness "$INPUT_HARNESS")
  while IFS= read -r check; do
    [ -z "${check// /}" ] || flags+=(--check "$check")
  done <<<"$INPUT_CHECKS"
}

# Leaves run.json and events.jsonl in $folder; returns the outcome's exit code.
run_on_server() {
  export MOGPLEX_URL=$INPUT_SERVER_URL MOGPLEX_API_KEY=$INPUT_API_KEY
  local started run_id code=0
  common_flags
  flags+=(--repo "${INPUT_REPO:-${GITHUB_REPOSITORY:-}}" --create-branch --delivery "${INPUT_DELIVERY:-branch}")
  [ -z "$INPUT_MODEL" ] || flags+=(--model "$INPUT_MODEL")
  [ -z "$INPUT_BUDGET_USD" ] || flags+=(--budget-usd "$INPUT_BUDGET_USD")
  # A function that is called before `||` runs on after a failure, whatever `set -e` says: hence the returns.
  started=$(mogplex run "${flags[@]}" --label "github=${GITHUB_RUN_ID:-local}" \
    --idempotency-key "$(idempotency_key)" --json --prompt-file - <<<"$INPUT_PROMPT") || return
  run_id=$(jq -r .runId <<<"$started") || return
  mogplex runs events "$run_id" --follow --timeout "$((${INPUT_TIMEOUT%.*} + 900))" --exit-status || code=$?
  mogplex runs get "$run_id" --json >"$folder/run.json" || return
  mogplex runs events "$run_id" --json >"$folder/events.jsonl" || return
  return "$code"
}

run_here() {
  common_flags
  flags+=(--repo "${INPUT_REPO:-.}" --delivery "${INPUT_DELIVERY:-patch}" --output "$folder")
  mogplex exec "${flags[@]}" --prompt-file - <<<"$INPUT_PROMPT"
}

tell_outputs() {
  local name filter
  while IFS='|' read -r name filter; do
    output "$name" "$(jq -r "$filter" "$folder/run.json")"
  done <<'LINES'
run-id|.runId
status|.status
outcome|.outcome // ""
verdict|.verdict // ""
branch|.branch.working // ""
pull-request-url|.changes.pullRequestUrl // ""
cost-usd|if .costKnown then (.costUsd // 0) else "" end
result|.result | tojson
LINES
}

tell_summary() {
  jq -r '
    def cell: tostring | gsub("[\\r\\n|]"; " ");
    "### Mogplex: \(.status) (\(.outcome // "-"))\n",
    (if .error then "> \(.error | cell)\n" else empty end),
    "| | |\n|---|---|",
    "| run | `\(.runId)` |",
    "| task | \(.title // "" | cell) |",
    "| verdict | \(.verdict // "-") |",
    "| branch | `\(.branch.working // "-")` |",
    "| changes | \(if .changes then "\(.changes.files) files, +\(.changes.insertions) -\(.changes.deletions)" else "none" end) |",
    "| cost | \(if .costKnown then "$\(.costUsd // 0)" else "not known" end) |",
    (if .changes.pullRequestUrl then "| pull request | \(.changes.pullRequestUrl) |" else empty end),
    (if .failure then "\n\(.failure.remedy | cell)" else empty end)
  ' "$folder/run.json" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
}

tell_failed_checks() {
  local line
  jq -r 'select(.type == "check_finished" and .payload.target == "patch" and .payload.verdict != "verified")
    | "\(.payload.command): \(.payload.detail // .payload.verdict)" | @json' "$folder/events.jsonl" |
    while IFS= read -r line; do
      printf '::error title=check not passed::%s\n' "$(escape "$(jq -r . <<<"$line")")"
    done
}

main() {
  local code=0
  case "$INPUT_TIMEOUT" in ''|*[!0-9.]*) refuse "timeout must be a number of seconds, not '$INPUT_TIMEOUT'" ;; esac
  [ -n "${INPUT_PROMPT// /}" ] || refuse "prompt is empty"
  mkdir -p "$folder"
  install
  if [ -n "$INPUT_SERVER_URL" ]; then
    [ -n "$INPUT_API_KEY" ] || refuse "server-url is given without api-key: pass a key from a secret"
    if is_fork && [ "$INPUT_ALLOW_FORKS" != true ]; then
      refuse "this pull request comes from a fork, whose author could steer the run: set allow-forks, or run it by hand"
    fi
    run_on_server || code=$?
  else
    run_here || code=$?
  fi
  if [ -s "$folder/run.json" ]; then
    tell_outputs
    tell_summary
    tell_failed_checks
  fi
  return "$code"
}

main
