"""One check command: what it is told, so that it writes down which tests ran, and where that is read."""

from __future__ import annotations

import re

REPORT_FOLDER = "/report"
_PYTEST_FILE = f"{REPORT_FOLDER}/junit.xml"
COUNTING = {
    # pytest writes the counts down wherever it is called from, also behind `make test`.
    "PYTEST_ADDOPTS": f"--junitxml={_PYTEST_FILE} -o junit_family=xunit2 -p no:cacheprovider",
    # gotestsum and jest's reporter jest-junit take the place from a variable, where the repo uses them.
    "GOTESTSUM_JUNITFILE": f"{REPORT_FOLDER}/gotestsum.xml",
    "JEST_JUNIT_OUTPUT_FILE": f"{REPORT_FOLDER}/jest.xml",
}
# nextest knows only a place below the target folder, and only when the repo's nextest.toml names one. Inside the
# sandbox it is copied out: from outside nobody opens a file of that tree.
_NEXTEST = r"""
rm -f -- target/nextest/*/*.xml
/bin/sh -c "$1"
code=$?
number=0
for file in target/nextest/*/*.xml; do
  if [ -f "$file" ]; then number=$((number + 1)); cp -- "$file" "$2/nextest-$number.xml"; fi
done
exit "$code"
"""


def shell_arguments(command: str) -> tuple[str, ...]:
    """The command line for the sandbox; its exit code is the command's own."""
    if re.search(r"\bnextest\b", command):
        return ("/bin/sh", "-c", _NEXTEST, "sh", command, REPORT_FOLDER)
    return ("/bin/sh", "-c", command)
