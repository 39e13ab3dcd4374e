"""`config show`: what is set, where, and nothing that is secret."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.scripted_api import KEY, Cli

SECRET = "seal-4e1f0c77"


def test_each_value_is_shown_with_its_source_and_no_secret(cli: Cli, environment: dict[str, str]) -> None:
    home = Path(environment["MOGPLEX_HOME"])
    home.mkdir()
    (home / "auth.json").write_text(json.dumps({"url": "https://mogplex.example.org", "apiKey": KEY}))
    (home / "auth.json").chmod(0o600)
    changes = {"MOGPLEX_SLOTS": "7", "MOGPLEX_SECRET_KEY": SECRET, "MOGPLEX_DATABASE_URL": "postgresql://a:hush@db/x"}
    shown = cli("config", "show", MOGPLEX_URL=None, MOGPLEX_API_KEY=None, **changes)
    assert shown.returncode == 0, shown.stderr
    rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert rows["MOGPLEX_SLOTS"].endswith("  7  (environment)")
    assert rows["server"].endswith("  https://mogplex.example.org  (auth.json)")
    assert rows["auth.json"].endswith(f"  {home / 'auth.json'}  (environment)")
    assert "MOGPLEX_PORT" not in rows
    told = cli("config", "show", "--json", MOGPLEX_API_KEY=None, **changes)
    settings = {each["name"]: each for each in json.loads(told.stdout)["settings"]}
    assert settings["MOGPLEX_PORT"]["source"] == "default"
    assert settings["MOGPLEX_SECRET_KEY"]["value"] == "[hidden]"
    client = {each["name"]: each for each in json.loads(told.stdout)["client"]}
    assert client["server"]["source"] == "MOGPLEX_URL"
    assert client["API key"]["source"] == "auth.json"
    everything = "".join((shown.stdout, shown.stderr, told.stdout, told.stderr))
    assert all(secret not in everything for secret in (SECRET, "hush", KEY))


def test_what_cannot_be_used_is_told(cli: Cli, environment: dict[str, str]) -> None:
    wrong = cli("config", "show", MOGPLEX_PORT="99999")
    assert wrong.returncode == 1
    assert "MOGPLEX_PORT from environment can't be used: must be from 0 to 65,535" in wrong.stderr
    home = Path(environment["MOGPLEX_HOME"])
    home.mkdir()
    (home / "auth.json").write_text("{")
    broken = cli("config", "show", MOGPLEX_API_KEY=None)
    assert broken.returncode == 1
    assert "not valid JSON" in broken.stderr
