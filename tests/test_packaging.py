"""What is published: a wheel that runs away from this checkout, an sdist that makes the same wheel, and release notes.

`bash scripts/package.sh` does the same with downloaded dependencies, on each Python that is there; here they are
borrowed from the environment of the tests, so that it takes seconds.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDED = ("web/templates/", "web/vendor/", "store/migrations/versions/", "py.typed")


def build(source: Path, target: Path, *kinds: str) -> None:
    words = [sys.executable, "-m", "hatchling", "build", "-d", str(target)]
    for kind in kinds:
        words += ["-t", kind]
    done = subprocess.run(words, cwd=source, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "wheel", "sdist")
    return folder


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_sdist_makes_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    names = names_of(wheel)
    for needed in NEEDED:
        assert any(name.startswith(f"mogplex/{needed}") for name in names), f"the wheel has no {needed}"
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
    run("tar", "-xf", str(sdist), "-C", str(tmp_path))
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "again", "wheel")
    (again,) = (tmp_path / "again").glob("*.whl")
    assert names_of(again) == names


def test_an_installed_wheel_serves_outside_of_the_checkout(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    place = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(place))
    python = place / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel))
    packages = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    assert "serves, with the harnesses" in run(str(python), str(ROOT / "scripts" / "try_installed.py"), cwd=tmp_path)


def run(*words: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_extras_are_those_that_documents_offer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"codex", "claude-code", "otel", "mcp"} <= set(project["optional-dependencies"])
    installing = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    for extra in project["optional-dependencies"]:
        assert f"`[{extra}]`" in installing, f"docs/installing.md says nothing of the extra {extra}"


def test_release_notes_are_what_the_changelog_says() -> None:
    script = str(ROOT / "scripts" / "release-notes.sh")
    notes = run("bash", script, "v0.1.0")
    assert notes.startswith("### Added\n") and "## [" not in notes
    assert subprocess.run(["bash", script, "9.9.9"], capture_output=True, check=False).returncode == 1
