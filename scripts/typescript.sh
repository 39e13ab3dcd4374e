#!/usr/bin/env bash
# Makes the TypeScript client's types from the API again, type-checks the client, and plays a run with it.
#
#   bash scripts/typescript.sh
#
# `make test` does the same with the types that are there, and says when they are no longer those of the API.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh --tests
PATH=$PWD/.venv/bin:$PATH
client=clients/typescript
.venv/bin/python scripts/openapi.py >"$client/openapi.json"
(cd "$client" && npm run --silent generate >/dev/null)
{ printf '// fingerprint of the API: %s\n' "$(.venv/bin/python scripts/openapi.py --fingerprint)"; cat "$client/src/schema.ts"; } >"$client/schema.tmp"
mv "$client/schema.tmp" "$client/src/schema.ts"
rm -f "$client/openapi.json"
.venv/bin/python -m pytest -q tests/client/test_typescript.py
