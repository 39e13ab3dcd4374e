"""Counts are read from a file that the agent could have written: nothing in it can hurt or mislead us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mogplex.domain.verdict import TestCounts
from mogplex.worker.junit import MAX_BYTES, read_tests

SUITES = (
    '<?xml version="1.0"?><testsuites><testsuite name="a" tests="5" failures="1" errors="1" skipped="1"/>'
    '<testsuite name="b" tests="2" failures="0" errors="0" skipped="0"/></testsuites>'
)


def test_counts_over_all_suites(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(SUITES)
    assert read_tests(file) == TestCounts(passed=4, failed=2, skipped=1)


def test_pytest_writes_what_we_read(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
    )
    code = pytest.main(
        ["-q", "-p", "no:cacheprovider", f"--junitxml={tmp_path}/r.xml", "-o", "addopts=", str(tmp_path)]
    )
    assert code == 1
    assert read_tests(tmp_path / "r.xml") == TestCounts(passed=1, failed=1, skipped=1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not xml",
        b"<html/>",
        b'<testsuite tests="many"/>',
        b'<testsuite tests="-5"/>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite tests="1"/>',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_report_counts_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "junit.xml"
    file.write_bytes(content)
    assert read_tests(file) is None


def test_links_pipes_folders_and_giants_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "real.xml").write_text(SUITES)
    (tmp_path / "link.xml").symlink_to(tmp_path / "real.xml")
    os.mkfifo(tmp_path / "pipe.xml")
    (tmp_path / "folder.xml").mkdir()
    with (tmp_path / "giant.xml").open("wb") as giant:
        giant.truncate(MAX_BYTES + 1)
    for name in ("link.xml", "pipe.xml", "folder.xml", "giant.xml", "missing.xml"):
        assert read_tests(tmp_path / name) is None, name
