#!/usr/bin/env bash
# For cron or a systemd timer: one run a day, however often this is called. Needs MOGPLEX_URL and MOGPLEX_API_KEY (or
# auth.json) and MOGPLEX_REPO. A schedule of the server itself needs no machine of yours: mogplex schedules create.
set -euo pipefail
mogplex run --repo "$MOGPLEX_REPO" --create-branch --wait --idempotency-key "upkeep-$(date -u +%F)" \
    "Investigate the failing test and propose the smallest fix."
