"""The settings of what is kept, where and for how long: they are a part of `Settings`."""

from __future__ import annotations

from dataclasses import dataclass

from mogplex.settings.kinds import duration, setting, switch, word


@dataclass(frozen=True, slots=True)
class UpkeepSettings:
    """Of the database, the blob store and retention."""

    auto_upgrade: bool = setting(
        "MOGPLEX_AUTO_UPGRADE",
        True,
        "Bring the tables of PostgreSQL up to date at start; off: refuse, and wait for `mogplex db upgrade`.",
        switch,
    )
    blobs_url: str = setting(
        "MOGPLEX_BLOBS_URL",
        "",
        "Where large patches and logs lie: file:///folder or s3://bucket/prefix.",
        word,
    )
    keep_events_seconds: float | None = setting(
        "MOGPLEX_KEEP_EVENTS", None, "Age of ended runs at which events go, such as 90d.", duration
    )
    keep_logs_seconds: float | None = setting(
        "MOGPLEX_KEEP_LOGS", None, "The same for logs and check output.", duration
    )
    keep_patches_seconds: float | None = setting("MOGPLEX_KEEP_PATCHES", None, "The same for patches.", duration)
    keep_deliveries_seconds: float | None = setting(
        "MOGPLEX_KEEP_DELIVERIES", None, "Age at which settled webhook messages go.", duration
    )
    keep_runs_seconds: float | None = setting(
        "MOGPLEX_KEEP_RUNS", None, "Age of ended runs at which all goes.", duration
    )
    prune_every_seconds: float | None = setting(
        "MOGPLEX_PRUNE_EVERY",
        None,
        "How often a server prunes what MOGPLEX_KEEP_* say, such as 24h.",
        duration,
    )
