#!/usr/bin/env bash
# Writes what an installation is made of (CycloneDX, JSON) from the lock file.
#
#   bash scripts/sbom.sh [FILE]        [mogplex.cdx.json]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup.sh
output=${1:-mogplex.cdx.json}
tools=$(mktemp -d "${TMPDIR:-/tmp}/mogplex-sbom.XXXXXX")
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
"$tools/bin/cyclonedx-py" requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
  --of JSON -o "$output" requirements.lock
echo "sbom: $output, $(jq '.components | length' "$output") components"
