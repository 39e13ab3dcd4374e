"""Every setting, read once. docs/settings.md lists them all; a test holds the two together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from mogplex.domain.errors import BadRequest
from mogplex.domain.seating import DEFAULT_AGING_SECONDS, MAX_CONCURRENCY
from mogplex.settings.installers import SETUP_VARIABLES as SETUP_VARIABLES
from mogplex.settings.kinds import dollars as _dollars
from mogplex.settings.kinds import folder as _folder
from mogplex.settings.kinds import folders as _folders
from mogplex.settings.kinds import hosts as _hosts
from mogplex.settings.kinds import labels as _labels
from mogplex.settings.kinds import networks as _networks
from mogplex.settings.kinds import one_of as _one_of
from mogplex.settings.kinds import public_url as _public_url
from mogplex.settings.kinds import seconds as _seconds
from mogplex.settings.kinds import setting as _setting
from mogplex.settings.kinds import switch as _switch
from mogplex.settings.kinds import whole as _whole
from mogplex.settings.kinds import word as _word
from mogplex.settings.kinds import words as _words
from mogplex.settings.upkeep import UpkeepSettings


@dataclass(frozen=True, slots=True)
class Settings(UpkeepSettings):
    """What the server and its workers run with. `home` holds the database, the first key and the work folder."""

    home: Path = _setting("MOGPLEX_HOME", Path("~/.mogplex"), "Where the database and auth.json live.", _folder)
    database_url: str = _setting(
        "MOGPLEX_DATABASE_URL", "", "Database to use instead of the SQLite file in MOGPLEX_HOME.", _word
    )
    work_dir: Path | None = _setting(
        "MOGPLEX_WORK_DIR",
        None,
        "Mirrors, results and checkouts; the sandbox's user must be able to reach it.",
        _folder,
    )
    secret_keys: tuple[str, ...] = _setting(
        "MOGPLEX_SECRET_KEY",
        (),
        "Keys that seal repos' secrets, separated by commas: the first seals, each opens.",
        _words,
        shown=False,
    )
    secret_key_file: Path | None = _setting(
        "MOGPLEX_SECRET_KEY_FILE", None, "File with such keys, one a line, when MOGPLEX_SECRET_KEY is not set.", _folder
    )
    host: str = _setting("MOGPLEX_HOST", "127.0.0.1", "Address that the API listens on.", _word)
    port: int = _setting("MOGPLEX_PORT", 7433, "Port that the API listens on; 0 picks a free one.", _whole(0, 65535))
    slots: int = _setting("MOGPLEX_SLOTS", 2, "Runs that this worker executes at once.", _whole(1, 256))
    worker_labels: tuple[str, ...] = _setting(
        "MOGPLEX_WORKER_LABELS",
        (),
        "What this worker has that others may not, such as `gpu,arm64`; runs can need labels.",
        _labels,
    )
    log_level: str = _setting(
        "MOGPLEX_LOG_LEVEL", "info", "How much the server says on stderr.", _one_of("debug", "info", "warning", "error")
    )
    log_format: str = _setting(
        "MOGPLEX_LOG_FORMAT", "text", "Lines for people, or a JSON object a line.", _one_of("text", "json")
    )
    sandbox: str = _setting(
        "MOGPLEX_SANDBOX",
        "bubblewrap",
        "Sandbox driver; container is podman or docker, unconfined gives no isolation at all.",
        _one_of("bubblewrap", "container", "podman", "docker", "unconfined"),
    )
    container_image: str = _setting(
        "MOGPLEX_CONTAINER_IMAGE",
        "",
        "Image that containers start from when a repo names none, instead of this machine's own /usr.",
        _word,
    )
    scripted_harness: bool = _setting(
        "MOGPLEX_SCRIPTED_HARNESS",
        False,
        "Offer the harness `scripted`, which plays the prompt as a shell script.",
        _switch,
    )
    codex_bin: Path | None = _setting(
        "MOGPLEX_CODEX_BIN", None, "The binary of the harness `codex`, if it is not to be looked for.", _folder
    )
    claude_bin: Path | None = _setting(
        "MOGPLEX_CLAUDE_BIN", None, "The binary of the harness `claude-code`, if it is not to be looked for.", _folder
    )
    runner_uid: int | None = _setting(
        "MOGPLEX_RUNNER_UID", None, "User id that a worker started as root runs sandboxes under.", _whole(1, 2**31)
    )
    sandbox_memory_mib: int = _setting(
        "MOGPLEX_SANDBOX_MEMORY_MIB", 4096, "Memory of one sandbox.", _whole(64, 1024 * 1024)
    )
    sandbox_disk_mib: int = _setting(
        "MOGPLEX_SANDBOX_DISK_MIB", 10240, "What one sandbox may write to its checkout.", _whole(16, 10 * 1024 * 1024)
    )
    sandbox_processes: int = _setting(
        "MOGPLEX_SANDBOX_PROCESSES", 512, "Processes and threads of one sandbox.", _whole(16, 65536)
    )
    config: Path | None = _setting(
        "MOGPLEX_CONFIG", None, "The file of model providers instead of mogplex.toml in MOGPLEX_HOME.", _folder
    )
    model: str = _setting("MOGPLEX_MODEL", "", "Model of runs that name none.", _word)
    key_usd_per_day: float | None = _setting(
        "MOGPLEX_KEY_USD_PER_DAY", None, "US dollars that the runs of one key may spend in any 24 hours.", _dollars
    )
    egress_networks: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "MOGPLEX_EGRESS_NETWORKS",
        (),
        "Private networks, with commas between them, that allowed hosts may lie in, such as 10.1.0.0/16.",
        _networks,
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "MOGPLEX_WEBHOOK_NETWORKS",
        (),
        "Private networks, with commas between them, that receivers of webhooks may lie in.",
        _networks,
    )
    notify_webhook: str = _setting(
        "MOGPLEX_NOTIFY_WEBHOOK",
        "",
        "The webhook (its id) whose secret signs what runs tell the URL of their `notify`; none: no run may have one.",
        _word,
    )
    forge_networks: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "MOGPLEX_FORGE_NETWORKS",
        (),
        "Private networks, with commas between them, that the APIs of forges may lie in.",
        _networks,
    )
    public_url: str = _setting(
        "MOGPLEX_PUBLIC_URL",
        "",
        "The URL that people reach this server by, such as https://mogplex.example.org, for links to runs.",
        _public_url,
    )
    timeout_seconds: float = _setting(
        "MOGPLEX_TIMEOUT_SECONDS", 1800.0, "Wall clock of a run that asks for no other.", _seconds(1, 86400)
    )
    start_seconds: float = _setting(
        "MOGPLEX_START_SECONDS",
        300.0,
        "How long a harness may take to its first output or model call.",
        _seconds(1, 86400),
    )
    stall_seconds: float = _setting(
        "MOGPLEX_STALL_SECONDS",
        900.0,
        "Silence (no output, no model traffic, no CPU time) after which a harness counts as stuck.",
        _seconds(1, 86400),
    )
    linger_seconds: float = _setting(
        "MOGPLEX_LINGER_SECONDS",
        30.0,
        "How long a harness may stay after its last record before it is ended.",
        _seconds(1, 86400),
    )
    check_timeout_seconds: float = _setting(
        "MOGPLEX_CHECK_TIMEOUT_SECONDS", 600.0, "Wall clock of one check.", _seconds(1, 86400)
    )
    max_attempts: int = _setting("MOGPLEX_MAX_ATTEMPTS", 2, "Attempts of one run when workers are lost.", _whole(1, 10))
    dead_after_seconds: float = _setting(
        "MOGPLEX_DEAD_AFTER_SECONDS", 20.0, "Silence after which a worker counts as lost.", _seconds(2, 3600)
    )
    drain_seconds: float = _setting(
        "MOGPLEX_DRAIN_SECONDS",
        0.0,
        "How long SIGTERM lets running attempts go on before it stops them.",
        _seconds(0, 86400),
    )
    requests_per_minute: int = _setting(
        "MOGPLEX_REQUESTS_PER_MINUTE", 60, "Requests of one key in any 60 s.", _whole(1, 1_000_000)
    )
    starts_per_minute: int = _setting(
        "MOGPLEX_STARTS_PER_MINUTE", 10, "Runs that one owner may start in any minute.", _whole(1, 1_000_000)
    )
    starts_per_hour: int = _setting(
        "MOGPLEX_STARTS_PER_HOUR", 30, "Runs that one owner may start in any hour.", _whole(1, 1_000_000)
    )
    starts_per_day: int = _setting(
        "MOGPLEX_STARTS_PER_DAY", 150, "Runs that one owner may start in any 24 hours.", _whole(1, 1_000_000)
    )
    queue_limit: int = _setting(
        "MOGPLEX_QUEUE_LIMIT", 1000, "Pending runs above which a start is answered 429.", _whole(1, 1_000_000)
    )
    priority_aging_seconds: float = _setting(
        "MOGPLEX_PRIORITY_AGING_SECONDS",
        DEFAULT_AGING_SECONDS,
        "A waiting run counts one priority higher for each such time, so that none waits for ever.",
        _seconds(0.1, 86400),
    )
    repo_concurrency: int | None = _setting(
        "MOGPLEX_REPO_CONCURRENCY",
        None,
        "Runs of one repo that execute at once, unless the repo says otherwise.",
        _whole(1, MAX_CONCURRENCY),
    )
    key_concurrency: int | None = _setting(
        "MOGPLEX_KEY_CONCURRENCY", None, "Runs of one API key that execute at once.", _whole(1, MAX_CONCURRENCY)
    )
    toolchains: tuple[Path, ...] = _setting(
        "MOGPLEX_TOOLCHAINS",
        (),
        "Folders, with commas between them, that setups, harnesses and checks see read-only, such as /opt/python3.12.",
        _folders,
    )
    setup_hosts: tuple[str, ...] | None = _setting(
        "MOGPLEX_SETUP_HOSTS",
        None,
        "Hosts that setups may reach instead of their installers' own, separated by commas; `none` for no host.",
        _hosts,
    )
    setup_variables: tuple[str, ...] = _setting(
        "MOGPLEX_SETUP_VARIABLES",
        SETUP_VARIABLES,
        "Variables of the server that setups get; hosts of URLs in them are allowed too.",
        _words,
    )
    session_cache_mib: int = _setting(
        "MOGPLEX_SESSION_CACHE_MIB",
        1024,
        "Conversations of harnesses that are kept for `runs retry --resume`.",
        _whole(0, 100 * 1024 * 1024),
    )
    setup_cache_mib: int = _setting(
        "MOGPLEX_SETUP_CACHE_MIB", 10240, "What setups installed, kept for later runs.", _whole(0, 100 * 1024 * 1024)
    )
    git_author_name: str = _setting("MOGPLEX_GIT_AUTHOR_NAME", "Mogplex", "Author of the commits we make.", _word)
    git_author_email: str = _setting("MOGPLEX_GIT_AUTHOR_EMAIL", "mogplex@localhost", "Address of that author.", _word)

    @staticmethod
    def read(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """From `MOGPLEX_*` variables, with `overrides` (flags; None means not given) on top.

        Raises BadRequest that names the variable, its value and what it may be.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for each in fields(Settings):
            variable = each.metadata["variable"]
            text = environment.get(variable, "").strip()
            if text:
                try:
                    values[each.name] = each.metadata["parse"](text)
                except ValueError as fault:
                    raise BadRequest(f"{variable}={text!r} can't be used: {fault}. Correct or unset it.") from fault
        values.update({name: value for name, value in overrides.items() if value is not None})
        values["home"] = Path(values.get("home", Settings().home)).expanduser().absolute()
        return Settings(**values)

    @property
    def config_path(self) -> Path:
        """Where the model providers are set up; the file need not be there."""
        return self.config or self.home / "mogplex.toml"

    @property
    def blobs(self) -> str:
        """The URL of the blob store in force; "": none, since a folder of this machine is not there for others."""
        alone = self.database.startswith("sqlite")
        return self.blobs_url or ((self.home / "blobs").as_uri() if alone else "")

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'mogplex.db'}"
