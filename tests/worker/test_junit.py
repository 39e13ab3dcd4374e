"""Counts are read from a file that the agent could have written: nothing in it can hurt or mislead us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mogplex.domain.verdict import TestCounts
from mogplex.worker.junit import MAX_BYTES, read_folder, read_tests

SUITES = (
    '<?xml version="1.0"?><testsuites><testsuite name="a" tests="5" failures="1" errors="1" skipped="1"/>'
    '<testsuite name="b" tests="2" failures="0" errors="0" skipped="0"/></testsuites>'
)


def test_counts_over_all_suites(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(SUITES)
    assert read_tests(file) == TestCounts(passed=4, failed=2, skipped=1), "which ones failed is not said"


def test_pytest_writes_what_we_read(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
    )
    code = pytest.main(
        # Its own root: else the folder above it and ours is the root, and names begin with the way down from there.
        [
            "-q",
            f"--rootdir={tmp_path}",
            f"--junitxml={tmp_path}/r.xml",
            "-pno:cacheprovider",
            "-oaddopts=",
            str(tmp_path),
        ]
    )
    assert code == 1
    assert read_tests(tmp_path / "r.xml") == TestCounts(1, 1, 1, frozenset({"test_x::test_b"}))


# As jest-junit 16 and gotestsum 1.8 wrote them, with traces and times cut; `test_report_tools.py` asks the real ones.
JEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="4" failures="1" errors="0" time="3.725">
  <testsuite name="undefined" errors="0" failures="1" skipped="1" time="3.417" tests="4">
    <testcase classname=" adds" name=" adds" time="0.019">
    </testcase>
    <testcase classname=" subtracts" name=" subtracts" time="0.031">
      <failure>Error: expect(received).toBe(expected) // Object.is equality

Expected: 3
Received: 2</failure>
    </testcase>
    <testcase classname=" later" name=" later" time="0">
      <skipped/>
    </testcase>
    <testcase classname="deep adds too" name="deep adds too" time="0">
    </testcase>
  </testsuite>
</testsuites>"""
GOTESTSUM = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="2" errors="0" time="24.182232">
\t<testsuite tests="4" failures="2" time="0.124000" name="example.org/sum">
\t\t<properties>
\t\t\t<property name="go.version" value="go1.19.8 linux/amd64"></property>
\t\t</properties>
\t\t<testcase classname="example.org/sum" name="TestBroken/deep" time="0.000000">
\t\t\t<failure message="Failed" type="">=== RUN   TestBroken/deep&#xA;    sum_test.go:14: no&#xA;</failure>
\t\t</testcase>
\t\t<testcase classname="example.org/sum" name="TestBroken" time="0.000000">
\t\t\t<failure message="Failed" type="">=== RUN   TestBroken&#xA;--- FAIL: TestBroken (0.00s)&#xA;</failure>
\t\t</testcase>
\t\t<testcase classname="example.org/sum" name="TestSkip" time="0.000000">
\t\t\t<skipped message="=== RUN   TestSkip&#xA;    sum_test.go:19: later&#xA;"></skipped>
\t\t</testcase>
\t\t<testcase classname="example.org/sum" name="TestAdd" time="0.000000"></testcase>
\t</testsuite>
</testsuites>"""
NEXTEST = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="1" failures="0" errors="0" uuid="x" time="0.01">
    <testsuite name="sum" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="tests::adds" classname="sum" time="0.006"></testcase>
    </testsuite>
</testsuites>"""


def test_reports_of_other_tools_are_summed(tmp_path: Path) -> None:
    for name, text in (("jest.xml", JEST), ("gotestsum.xml", GOTESTSUM), ("nextest-1.xml", NEXTEST)):
        (tmp_path / name).write_text(text)
    failed = {" subtracts:: subtracts", "example.org/sum::TestBroken/deep", "example.org/sum::TestBroken"}
    assert read_folder(tmp_path) == TestCounts(2 + 1 + 1, 1 + 2, 1 + 1, frozenset(failed))


def test_a_folder_without_a_report_counts_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("all passed")
    assert read_folder(tmp_path) is None


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
