#!/usr/bin/env bash
# Builds the documentation site into build/site, and fails on a link that leads nowhere.
#
#   bash scripts/site.sh          then: python3 -m http.server -d build/site
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -x .venv/bin/zensical ] || bash scripts/setup.sh --tests
rm -rf build/site build/site-source
mkdir -p build/site-source
cp -R docs/. examples build/site-source/
cp README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE action.yml build/site-source/
# Documents of the root become neighbours of those in docs/: their links lose one step up, or the folder. What is no page
# (a script, a folder) stays a name.
sed -i -E 's#\]\(\.\./#](#g; s#\]\(docs/#](#g; s#\[([^]]*)\]\((examples|scripts|clients)/[^)]*\)#`\1`#g' build/site-source/*.md
.venv/bin/zensical build --clean --strict
