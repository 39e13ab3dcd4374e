#!/usr/bin/env bash
# Prints what the changelog says of a version, as the notes of its release.
#
#   bash scripts/release-notes.sh [VERSION]        [Unreleased]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${1:-Unreleased}
notes=$(awk -v heading="## [${version#v}]" '
  /^## / { inside = index($0, heading) == 1; next }
  inside { print }
' CHANGELOG.md)
[ -n "${notes//[[:space:]]/}" ] || { echo "release-notes: CHANGELOG.md has nothing on '$version'" >&2; exit 1; }
printf '%s\n' "$notes" | sed -e '/./,$!d'
