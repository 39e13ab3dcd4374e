"""Test counts from the JUnit XML that a test tool left in a sandbox. The file is the agent's: nothing in it is trusted
but numbers, and reading it can cost no more than MAX_BYTES."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from xml.etree import ElementTree

from mogplex.domain.verdict import TestCounts

MAX_BYTES = 20 * 1024 * 1024
MAX_FILES = 20
MAX_NAMES = 500  # of failed tests that are kept to compare with
MAX_NAME_CHARACTERS = 300


def read_tests(path: Path) -> TestCounts | None:
    """Counts summed over all suites; None when the file is missing, no regular file, too large or no JUnit XML."""
    content = _read_regular(path)
    # Entities could be made to expand without end; a test tool never writes a document type.
    if content is None or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return None
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return None
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    if not suites:
        return None
    try:
        total, failed, skipped = (
            sum(sum(int(suite.get(name, "0")) for name in names) for suite in suites)
            for names in (("tests",), ("failures", "errors"), ("skipped",))
        )
    except ValueError:
        return None
    if min(total, failed, skipped) < 0:
        return None
    # gotestsum tells of skipped tests one by one only.
    skipped = max(
        skipped, sum(case.find("skipped") is not None for suite in suites for case in suite.findall("testcase"))
    )
    return TestCounts(max(total - failed - skipped, 0), failed, skipped, _failed_names(suites, failed))


def read_folder(folder: Path) -> TestCounts | None:
    """Counts summed over every `*.xml` of a folder that a sandbox wrote to; None when there is no report in it."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.name.endswith(".xml"))[:MAX_FILES]
    except OSError:
        return None
    found = [tests for tests in (read_tests(folder / name) for name in names) if tests is not None]
    if not found:
        return None
    known = [tests.failures for tests in found if tests.failures is not None]
    names_known = len(known) == len(found)
    return TestCounts(
        sum(tests.passed for tests in found),
        sum(tests.failed for tests in found),
        sum(tests.skipped for tests in found),
        frozenset().union(*known) if names_known else None,
    )


def _failed_names(suites: list[ElementTree.Element], failed: int) -> frozenset[str] | None:
    """None when they are too many, or when not every failure has a name of its own."""
    if failed > MAX_NAMES:
        return None
    names = {
        f"{case.get('classname', '')}::{case.get('name', '')}"[:MAX_NAME_CHARACTERS]
        for suite in suites
        for case in suite.findall("testcase")
        if any(child.tag in ("failure", "error") for child in case)
    }
    return frozenset(names) if len(names) == failed else None


def _read_regular(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_BYTES)
