"""The GitHub Action's script, run as a runner runs it, with and without a server; and the examples' syntax."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.house import House, make_repo, say

ROOT = Path(__file__).parents[2]
SCHEMA_OF = {
    "action.yml": "vendor.github-actions",
    "examples/ci/github-workflow.yml": "vendor.github-workflows",
    "examples/ci/github-schedule.yml": "vendor.github-workflows",
    "examples/ci/gitlab-ci.yml": "vendor.gitlab-ci",
}
INPUTS = ("PROMPT", "SERVER_URL", "API_KEY", "REPO", "HARNESS", "MODEL", "CHECKS", "BUDGET_USD", "DELIVERY")
CHANGE = "sed -i '/value >= high/{n;s/value/high/}' clamp.py; echo changed >> note.txt\n"
CLAIM = say({"type": "end", "success": True, "summary": "done", "result": {"fixed": ["a b"]}})


class Job:
    """A folder that stands for a runner's, and what the step told it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment

    def run(self, *, event: object = None, **inputs: str) -> subprocess.CompletedProcess[str]:
        for name in ("output", "summary", "event.json"):
            (self.folder / name).write_text(json.dumps(event or {}) if name == "event.json" else "")
        given = {f"INPUT_{name}": "" for name in INPUTS} | {"INPUT_TIMEOUT": "60", "INPUT_ALLOW_FORKS": "false"}
        given |= {"INPUT_IDEMPOTENCY_KEY": "", **{f"INPUT_{name.upper()}": value for name, value in inputs.items()}}
        told = {
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            "GITHUB_EVENT_PATH": str(self.folder / "event.json"),
            "GITHUB_REPOSITORY": "demo/clamp",
            "GITHUB_RUN_ID": "78" if event else "77",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        }
        return subprocess.run(
            ["bash", str(ROOT / "scripts" / "action.sh")],
            env={**self._environment, **told, **given},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        lines = iter((self.folder / "output").read_text().splitlines())
        for line in lines:
            name, mark = line.split("<<")
            value = []
            for more in lines:
                if more == mark:
                    break
                value.append(more)
            found[name] = "\n".join(value)
        return found


@pytest.fixture(scope="module", autouse=True)
def repo(house: House) -> None:
    house.add_repo()


@pytest.fixture
def job(house: House, tmp_path: Path) -> Job:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed: apt-get install jq")
    return Job(tmp_path, house.environment)


def test_a_run_on_a_server_gives_outputs_a_summary_and_its_exit_code(house: House, job: Job) -> None:
    asked = {"server_url": house.url, "api_key": house.api_key, "harness": "scripted", "checks": "true\n\n"}
    done = job.run(prompt=CHANGE + CLAIM, **asked)
    assert done.returncode == 0, done.stdout + done.stderr
    told = job.outputs()
    run = house.client.get_run(told["run-id"])
    assert (told["status"], told["outcome"], told["verdict"]) == ("success", "completed", "verified")
    assert (told["branch"], told["cost-usd"]) == (run["branch"]["working"], "0")
    assert json.loads(told["result"]) == {"fixed": ["a b"]}
    assert run["labels"] == {"github": "77"}
    summary = (job.folder / "summary").read_text()
    assert "### Mogplex: success (completed)" in summary and "2 files" in summary
    again = job.run(prompt=CHANGE + CLAIM, **asked)
    assert (again.returncode, job.outputs()["run-id"]) == (0, told["run-id"]), "the same attempt of the job is one run"


def test_a_failed_check_fails_the_step_and_is_annotated_on_one_line(house: House, job: Job) -> None:
    asked = {"server_url": house.url, "api_key": house.api_key, "harness": "scripted"}
    done = job.run(prompt=CHANGE + CLAIM, checks="false # 100 %", idempotency_key="red", **asked)
    assert done.returncode == 21, done.stdout + done.stderr
    assert "::error title=check not passed::false # 100 %25: exit code 1" in done.stdout
    assert job.outputs()["outcome"] == "checks_failed"
    assert "Read what the check printed" in (job.folder / "summary").read_text()


def test_a_start_that_is_refused_fails_the_step_as_the_command_does(house: House, job: Job) -> None:
    asked = {"server_url": house.url, "harness": "scripted", "idempotency_key": "mine"}
    assert job.run(prompt=CHANGE + CLAIM, api_key="mog_wrong", **asked).returncode == 64
    done = job.run(prompt="x", api_key=house.api_key, repo="no/such", **asked)
    assert done.returncode == 1 and "no/such" in done.stderr
    assert job.outputs() == {}


def test_without_a_server_the_run_happens_here(house: House, job: Job) -> None:
    folder = make_repo(house.root / "checkout")
    done = job.run(prompt=CHANGE + CLAIM, harness="scripted", repo=str(folder), checks="python3 -m pytest -q\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert job.outputs()["verdict"] == "verified"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"prompt": " "}, "prompt is empty"),
        ({"prompt": "x", "timeout": "soon"}, "timeout must be a number"),
        ({"prompt": "x", "server_url": "http://127.0.0.1:9"}, "without api-key"),
    ],
)
def test_what_cannot_be_is_refused_with_a_message(job: Job, inputs: dict[str, str], message: str) -> None:
    done = job.run(**inputs)
    assert done.returncode == 2
    assert "::error title=mogplex::" in done.stdout and message in done.stdout


def test_a_fork_s_pull_request_does_not_use_the_key(house: House, job: Job) -> None:
    fork = {"pull_request": {"head": {"repo": {"full_name": "eve/clamp"}}}, "repository": {"full_name": "demo/clamp"}}
    done = job.run(event=fork, prompt="x", server_url=house.url, api_key=house.api_key)
    assert done.returncode == 2 and "comes from a fork" in done.stdout
    assert house.client.list_runs(label=["github=78"])["runs"] == []


@pytest.mark.parametrize("name", sorted(SCHEMA_OF))
def test_examples_are_what_their_system_reads(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMA_OF[name], str(ROOT / name)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cron_script_starts_one_run_a_day(house: House) -> None:
    environment = {**house.environment, "MOGPLEX_REPO": "demo/clamp"}
    environment["PATH"] = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    script = str(ROOT / "examples" / "ci" / "upkeep.sh")
    before = len(house.client.list_runs(limit=200)["runs"])
    for _ in range(2):
        done = subprocess.run([script], env=environment, capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(house.client.list_runs(limit=200)["runs"]) == before + 1
