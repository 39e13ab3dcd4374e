"""Who runs next, and where: claim, slots and one-at-a-time per branch by DBOS; liveness is ours."""
