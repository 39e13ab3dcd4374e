"""Documents and code may not drift apart."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOUR_LINES = """export MOGPLEX_API_KEY="mog_..."
RUN_ID=$(mogplex run --repo "$MOGPLEX_REPO" --create-branch --json \\
    "Investigate the failing test and propose the smallest fix." | jq -r '.runId')
mogplex runs events "$RUN_ID" --follow --timeout 900
mogplex runs get "$RUN_ID" --json
"""


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), f"{document.name} links to {target}, which is not there"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), f"{document.name} links to {target}: no such heading"


def test_every_document_can_be_found_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for document in (ROOT / "docs").rglob("*.md"):
        name = document.relative_to(ROOT / "docs").as_posix()
        assert name == "index.md" or f"({name})" in index, f"docs/index.md does not link to {name}"


def test_the_four_lines_are_the_same_in_the_readme_and_in_the_demo() -> None:
    assert FOUR_LINES in (ROOT / "README.md").read_text(encoding="utf-8")
    demo = (ROOT / "scripts" / "demo.sh").read_text(encoding="utf-8")
    for line in FOUR_LINES.splitlines()[1:-1]:  # the key is a real one there, and `get` keeps what it prints
        assert line in demo
    assert 'mogplex runs get "$RUN_ID" --json' in demo


def test_scripts_that_documents_name_exist() -> None:
    for document in DOCUMENTS:
        for script in re.findall(r"\bscripts/[a-z_]+\.sh\b", document.read_text(encoding="utf-8")):
            assert (ROOT / script).exists(), f"{document.name} names {script}"


def test_every_make_target_in_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^)make ([a-z]+)\b", document.read_text(encoding="utf-8"), re.MULTILINE):
            assert target in targets, f"{document.name} names make {target}"


def test_every_setting_is_documented_and_nothing_else() -> None:
    settings = pytest.importorskip("mogplex.settings")
    known = {field.metadata["variable"] for field in dataclasses.fields(settings.Settings)}
    table = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = table[table.index("<!-- settings") : table.index("<!-- end of settings")]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == known
