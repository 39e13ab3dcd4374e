"""Folders that sandboxes see: whole or not there, whoever builds them at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from mogplex.harnesses import shelf


def test_many_at_once_get_one_whole_folder(tmp_path: Path) -> None:
    folder, together = tmp_path / "kept" / "parts-1", Barrier(4)

    def fill(aside: Path) -> None:
        together.wait(30)
        (aside / "bin").mkdir()
        (aside / "bin" / "tool").write_text("#!/bin/sh\n")
        (aside / "bin" / "tool").chmod(0o700)
        (aside / "note").write_text("x")

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: shelf.place(folder, fill), range(4))) == {folder}
    assert [path.name for path in folder.parent.iterdir()] == ["parts-1"], "nothing is left aside"
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]}
    assert modes == {"parts-1": 0o755, "bin": 0o755, "tool": 0o755, "note": 0o644}


def test_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fill(aside: Path) -> None:
        (aside / "half").write_text("x")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        shelf.place(tmp_path / "parts-1", fill)
    assert list(tmp_path.iterdir()) == []


def test_a_distribution_is_copied_without_scripts_and_byte_code(tmp_path: Path) -> None:
    shelf.copy_distribution("pytest", tmp_path)
    assert (tmp_path / "pytest" / "__init__.py").is_file()
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".pyc" or path.name == "bin"]
