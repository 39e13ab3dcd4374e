"""The documentation site: every page is in it, no link leads nowhere, and it asks no other host for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
TAKEN = ("docs", "examples", "scripts", "zensical.toml", "LICENSE", "action.yml")


def test_the_site_is_whole_and_needs_nobody(tmp_path: Path) -> None:
    for name in (*TAKEN, *(path.name for path in ROOT.glob("*.md"))):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    words = ["bash", "scripts/site.sh"]
    built = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    site = tmp_path / "build" / "site"
    for page in site.rglob("*.html"):
        asked = re.findall(
            r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(https?://[^"]+)"', page.read_text("utf-8")
        )
        assert [each for each in asked if "127.0.0.1" not in each] == [], page.name
    for style in site.rglob("*.css"):
        assert not re.search(r"(?:@import|url\()[^);]{0,9}https?:", style.read_text("utf-8")), style.name


def test_every_document_is_in_the_navigation() -> None:
    navigation = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    named = {name for part in navigation for names in part.values() for name in names}
    documents = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert documents - named == set(), "name it in zensical.toml"
