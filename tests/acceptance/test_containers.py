"""A whole run in containers: each repo in its own image, made without a registry."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mogplex.sandboxes.container_arguments import LABEL
from mogplex.sandboxes.container_engine import ContainerEngine
from tests.acceptance.house import SUCCESS, House, assert_truthful

IMAGE = "localhost/mogplex-test-tools:1"
PROGRAMS = ("sh", "bash", "env", "cat", "dirname", "basename", "head", "mkdir", "rm", "python3")
PYTHON_LIBRARY = Path("/usr/lib/python3.11")


def build_image(root: Path) -> bytes:
    """A tar of a few programs of this machine's with their libraries, and a file of its own; made below `root`."""
    wanted = {Path("/usr/bin", name) for name in PROGRAMS}
    libraries = PYTHON_LIBRARY / "lib-dynload"
    for program in [*wanted, *libraries.iterdir()]:
        told = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        wanted |= {Path("/usr", word.lstrip("/")) for word in told.split() if word.startswith("/lib")}
    for path in {*wanted, *(path.resolve() for path in wanted)}:
        (root / str(path).lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, root / str(path).lstrip("/"), follow_symlinks=False)
    left_out = shutil.ignore_patterns("test", "__pycache__", "idlelib", "ensurepip", "dist-packages", "*.a")
    shutil.copytree(
        PYTHON_LIBRARY, root / str(PYTHON_LIBRARY).lstrip("/"), symlinks=True, ignore=left_out, dirs_exist_ok=True
    )
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("etc", "proc", "tmp"):
        (root / name).mkdir()
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "image-mark").write_text("mine\n")
    return subprocess.run(["tar", "-C", root, "-c", "."], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def engine() -> Iterator[ContainerEngine]:
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed: apt-get install podman runc catatonit")
    if not PYTHON_LIBRARY.exists():
        pytest.skip(f"the image is made of this machine's Python 3.11, and {PYTHON_LIBRARY} is missing")
    made = ContainerEngine("podman")
    with tempfile.TemporaryDirectory(prefix="mogplex-image-") as folder:
        made.call("import", "-", IMAGE, stdin=build_image(Path(folder)))
    try:
        yield made
    finally:
        made.call("rmi", "--force", IMAGE)


@pytest.fixture(scope="module")
def house(engine: ContainerEngine) -> Iterator[House]:
    made = House(MOGPLEX_SANDBOX="podman")
    try:
        yield made.start()
    finally:
        made.stop()
        made.close()


def test_a_bug_is_mended_in_the_repos_own_image(house: House) -> None:
    repo = house.add_repo("demo/imaged", checks=["cat /etc/image-mark && python -m pytest -q"], image=IMAGE)
    assert repo["image"] == IMAGE
    body = {"repoId": repo["id"], "prompt": "Fix it.", "harness": "repair", "createBranch": True}
    run_id = house.client.start_run(body)["runId"]
    house.wait(run_id, 240)
    run = assert_truthful(house, run_id)
    assert (run["status"], run["verdict"], run["baseline"]) == ("success", "verified", "failed"), run["error"]
    ready = next(event for event in house.events(run_id) if event["type"] == "sandbox_ready")
    assert ready["payload"]["driver"] == "podman"
    checks = house.client.list_checks(run_id)["checks"]
    assert checks and all("mine" in check["output"] for check in checks), checks


def test_without_an_image_it_is_this_machines_own_system(house: House) -> None:
    repo = house.add_repo("demo/plain", checks=["test ! -e /etc/image-mark"])
    run = house.run_script(repo["id"], f"echo x >> clamp.py\n{SUCCESS}")
    house.wait(run["runId"], 120)
    assert assert_truthful(house, run["runId"])["verdict"] == "verified"


def test_a_missing_image_is_told_and_nothing_is_left(house: House, engine: ContainerEngine) -> None:
    repo = house.add_repo("demo/missing", image="localhost/no-such-image:1")
    run = house.run_script(repo["id"], SUCCESS)
    house.wait(run["runId"], 120)
    ended = assert_truthful(house, run["runId"])
    assert (ended["outcome"], "podman pull" in ended["error"]) == ("sandbox_failed", True), ended
    assert house.left_processes() == []


def find_rooms(pid: int) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"mogplex-{pid}-*"))


def test_a_killed_server_takes_its_containers_and_their_homes_along(house: House, engine: ContainerEngine) -> None:
    repo = house.add_repo("demo/killed")
    run = house.run_script(repo["id"], "echo begun; sleep 300", delivery="patch")
    house.wait_for_event(run["runId"], "stream_started")
    assert house.left_processes()
    assert house.process is not None
    killed = house.process.pid
    assert find_rooms(killed), "what an agent leaves in its home lies there"
    house.kill()
    house.until(lambda: not house.left_processes(), 30, "the containers to end")
    house.until(lambda: not find_rooms(killed), 60, "their rooms to be removed")
    house.start()
    assert not [name for name in engine.list_containers(LABEL) if name.startswith(f"mogplex-{killed}-")]
