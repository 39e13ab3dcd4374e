"""What an edit makes the code under test do to files: nothing that stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Repo

CHILD = """
import json, os, shutil, sys
from pathlib import Path
from mogplex.harnesses.repair.engine.safekeeping import Safekeeping
tree, private, is_edited, code = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "edited", sys.argv[4]
os.chdir(tree)
keeping = Safekeeping([private], f"{private}/written", private, str(tree), is_edited)
keeping.begin()
said = "fine"
try:
    exec(code)
except OSError as error:
    said = type(error).__name__
keeping.clear_up()
print(json.dumps(said))
"""


def in_child(tree: Path, private: Path, code: str, *, is_edited: bool = True) -> str:
    """What the code came to, in a process of its own: a hook can't be taken away."""
    command = [sys.executable, "-c", CHILD, str(tree), str(private), "edited" if is_edited else "plain", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return str(json.loads(done.stdout))


def folders(tmp_path: Path) -> tuple[Path, Path]:
    tree, private = tmp_path / "tree", tmp_path / "private"
    (tree / "data" / "old").mkdir(parents=True)
    private.mkdir()
    (tree / "data" / "rows.txt").write_text("rows")
    return tree, private


HARM = [
    "open('data/rows.txt', 'w')", "open('data/rows.txt', 'a')", "open('data/rows.txt', 'r+')",
    "Path('data/rows.txt').write_text('x')", "os.open('data/rows.txt', os.O_WRONLY | os.O_TRUNC)",
    "os.remove('data/rows.txt')", "os.rename('data/rows.txt', 'gone')", "os.rmdir('data/old')", "shutil.rmtree('data')",
    "os.truncate('data/rows.txt', 0)", "os.unlink('rows.txt', dir_fd=os.open('data', os.O_RDONLY))",
    "os.chmod('data/rows.txt', 0o600)", "os.fchmod(os.open('data/rows.txt', os.O_RDONLY), 0o600)",
    "os.chmod('/dev/null', 0o666)",
    "Path('new').write_text('x'); os.rename('new', 'data/rows.txt')", "shutil.copy('/etc/hostname', 'data/rows.txt')",
]  # fmt: skip


def test_no_edit_harms_a_file_that_is_there(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    for code in HARM:
        assert in_child(tree, private, code) == "PermissionError", code
        found = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
        assert found == ["data", "data/old", "data/rows.txt"], code
        assert (tree / "data" / "rows.txt").read_text() == "rows", code


def test_what_an_edit_makes_is_taken_away(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    code = (
        "os.makedirs('a/b'); Path('a/b/c.txt').write_text('x'); Path('a/b/c.txt').write_text('y'); os.symlink('a', 'd')"
    )
    assert in_child(tree, private, code) == "fine"
    assert sorted(path.name for path in tree.iterdir()) == ["data"]


def test_calls_that_fail_by_themselves_fail_as_ever(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    assert in_child(tree, private, "os.mkdir('data')") == "FileExistsError"
    assert in_child(tree, private, "open('data/rows.txt', 'x')") == "FileExistsError"
    assert in_child(tree, private, "os.remove('nothing')") == "FileNotFoundError"
    assert in_child(tree, private, "os.makedirs('data/old', exist_ok=True)") == "fine"
    assert in_child(tree, private, "assert open('data/rows.txt').read() == 'rows'") == "fine"


def test_what_the_tests_write_without_an_edit_they_may_write_with_one(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    code = "Path('data/rows.txt').write_text('more')"
    assert in_child(tree, private, code, is_edited=False) == "fine"
    assert in_child(tree, private, code.replace("'more'", "'most'")) == "fine"
    assert (tree / "data" / "rows.txt").read_text() == "most"


def test_what_the_tests_make_in_the_repo_without_an_edit_does_not_stay_there(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    elsewhere = tmp_path / "cache"
    code = f"os.mkdir('built'); Path('built/a.txt').write_text('x'); Path({str(elsewhere)!r}).write_text('x')"
    assert in_child(tree, private, code, is_edited=False) == "fine"
    assert sorted(path.name for path in tree.iterdir()) == ["data"] and elsewhere.exists()
    assert in_child(tree, private, code) == "fine"  # nor with one, and it may go on making it
    assert sorted(path.name for path in tree.iterdir()) == ["data"] and elsewhere.exists()


@pytest.mark.parametrize(
    "code",
    [
        "os.rename('data/rows.txt', 'gone'); os.rename('gone', 'data/rows.txt')",
        "os.remove('data/rows.txt'); Path('data/rows.txt').write_text('rows')",
        "shutil.rmtree('data'); os.makedirs('data/old'); Path('data/rows.txt').write_text('rows')",
        "os.rename('data', 'away'); os.mkdir('data'); Path('data/rows.txt').write_text('x'); "
        "os.remove('data/rows.txt'); os.rmdir('data'); os.rename('away', 'data')",
        "Path('made').write_text('x'); os.remove('made'); shutil.move('data/rows.txt', 'made'); "
        "shutil.move('made', 'data/rows.txt')",
    ],
)
@pytest.mark.parametrize("times", [1, 2])
def test_what_was_there_is_not_taken_for_made_when_tests_put_it_back(tmp_path: Path, code: str, times: int) -> None:
    tree, private = folders(tmp_path)
    for _ in range(times):
        assert in_child(tree, private, code, is_edited=False) == "fine"
    assert in_child(tree, private, code) == "fine"
    assert sorted(str(path.relative_to(tree)) for path in tree.rglob("*")) == ["data", "data/old", "data/rows.txt"]
    assert (tree / "data" / "rows.txt").read_text() == "rows"


def test_anything_goes_in_the_private_folder(tmp_path: Path) -> None:
    tree, private = folders(tmp_path)
    (private / "kept").write_text("x")
    code = f"Path({str(private)!r}, 'kept').write_text('y'); os.remove(Path({str(private)!r}, 'kept'))"
    assert in_child(tree, private, code) == "fine"
    assert not (private / "kept").exists()
    assert in_child(tree, private, "open('/dev/null', 'w').write('x'); os.chmod(os.open('.', 0), 0o700)") != "fine"
    assert in_child(tree, private, "open('/dev/null', 'w').write('x')") == "fine"


PROGRAM = """import sys


def read(name, options):
    try:
        with open(options.name) as file:
            text = file.read()
    except OSError as error:
        return f"can't read {name}"
    return text.strip()


def write(name, text):
    with open(name, "w") as file:
        file.write(text)
"""
TESTS = """from pathlib import Path
from types import SimpleNamespace

from words import read, write

HERE = Path(__file__).parent
NAMES = SimpleNamespace(name=["one", "two"])


def test_read(): assert read(str(HERE / "words.txt"), NAMES) == "kept"
def test_missing(): assert read(str(HERE / "missing.txt"), NAMES).startswith("can't read")
def test_write(tmp_path): assert write(tmp_path / "a", "b") is None
"""


def test_candidates_that_open_files_for_writing_leave_the_repo_as_it_is(repo: Repo) -> None:
    """Among them is `open(name, "w")` where `open(options.name)` stands: it made the missing file, emptied the other,
    and with these the right edit failed its tests."""
    repo.write(words__py=PROGRAM, test_words__py=TESTS)
    (repo.root / "words.txt").write_text("kept\n")
    outcome = repo.repair(seconds=30)
    assert outcome.end["success"] is True, outcome.end["summary"]
    assert "open(name)" in (repo.root / "words.py").read_text()
    assert (repo.root / "words.txt").read_text() == "kept\n" and not (repo.root / "missing.txt").exists()
