"""Test suites that misbehave, met by the `repair` harness and by a check: each run ends truthfully, nothing is left,
and the server lives on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.house import SUCCESS, House, assert_truthful

BAD = {
    "hangs": "import time\n\n\ndef test_bad():\n    time.sleep(100_000)\n",
    "forks": "import os\n\n\ndef test_bad():\n    while True:\n        try:\n            os.fork()\n"
    "        except OSError:\n            pass\n",
    "fills the disk": "def test_bad():\n    with open('big', 'wb') as file:\n        while True:\n"
    "            file.write(bytes(1 << 20))\n",
    "prints 100 MB": "import os\n\n\ndef test_bad():\n    for _ in range(100):\n        os.write(1, b'y' * (1 << 20))\n"
    "    assert 0\n",
    "prints 100 MB at import": "import os\n\nfor _ in range(100):\n    os.write(2, b'y' * (1 << 20))\n\n\n"
    "def test_bad():\n    assert 0\n",
    "kills its parent": "import os\n\n\ndef test_bad():\n    os.kill(os.getppid(), 9)\n    assert 0\n",
    "kills everything": "import os\n\n\ndef test_bad():\n    os.kill(-1, 9)\n    assert 0\n",
    "ends with 0 at once": "import os\n\n\ndef test_bad():\n    os._exit(0)\n",
}
# By `repair` and by the check; one of these outcomes, whatever the limits of this machine are.
UNDECIDED = {"checks_failed"}
ENDINGS = {
    "hangs": ({"timed_out", "harness_failed"}, UNDECIDED),
    "forks": ({"timed_out", "harness_failed", "sandbox_failed"}, UNDECIDED),
    "fills the disk": ({"sandbox_failed", "harness_failed"}, UNDECIDED),
}
EXPECTED = ({"harness_failed"}, UNDECIDED)


@pytest.fixture(scope="module")
def strict() -> Iterator[House]:
    made = House(
        MOGPLEX_SANDBOX_DISK_MIB="64",
        MOGPLEX_SANDBOX_MEMORY_MIB="1024",
        MOGPLEX_SANDBOX_PROCESSES="64",
        MOGPLEX_CHECK_TIMEOUT_SECONDS="4",
    )
    try:
        yield made.start()
    finally:
        made.close()


@pytest.mark.parametrize("kind", BAD)
def test_a_suite_that_misbehaves_ends_truthfully(strict: House, kind: str) -> None:
    files = {"code.py": "def one():\n    return 1\n", "test_bad.py": BAD[kind]}
    repo = strict.add_repo(f"bad/{kind.replace(' ', '-')}", files, checks=["python -m pytest -q"])
    # Only what never ends by itself gets a short time: on a busy machine the others must not be cut by it.
    timeout = 6 if "timed_out" in ENDINGS.get(kind, EXPECTED)[0] else 90
    repair = strict.client.start_run(
        {"repoId": repo["id"], "prompt": "fix it", "harness": "repair", "createBranch": True, "timeoutSeconds": timeout}
    )
    checked = strict.run_script(repo["id"], f"echo x > new.txt\n{SUCCESS}")
    by_repair, by_check = ENDINGS.get(kind, EXPECTED)
    for started, outcomes in ((repair, by_repair), (checked, by_check)):
        strict.wait(started["runId"], 100)
        run = assert_truthful(strict, started["runId"])
        assert run["status"] == "failed"
        assert run["outcome"] in outcomes, run["error"]
        assert run["error"]
        assert run["verdict"] in ("not_run", "failed", "inconclusive")
    assert strict.left_processes() == []
