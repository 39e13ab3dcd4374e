#!/usr/bin/env bash
# Makes the TypeScript client's types from the API, type-checks the client, and plays a run with it. Needs Node 20 and npm.
#
#   bash scripts/typescript.sh
#
# It is not a part of `make test`, which needs no Node; there a test only compares the types' fingerprint with the API.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
for program in node npm; do
  command -v "$program" >/dev/null || { echo "typescript: $program is not installed: apt-get install nodejs npm" >&2; exit 1; }
done
client=clients/typescript
(cd "$client" && npm ci --no-audit --no-fund --silent)
.venv/bin/python scripts/openapi.py >"$client/openapi.json"
(cd "$client" && npm run --silent generate >/dev/null)
{ printf '// fingerprint of the API: %s\n' "$(.venv/bin/python scripts/openapi.py --fingerprint)"; cat "$client/src/schema.ts"; } >"$client/schema.tmp"
mv "$client/schema.tmp" "$client/src/schema.ts"
rm -f "$client/openapi.json"
(cd "$client" && npm run --silent build)
.venv/bin/python -m pytest -q tests/client/test_typescript.py
