"""A repo's setup: what it installs is seen by the runs, kept, and never theirs to write to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from mogplex.domain.ending import Cause
from mogplex.domain.errors import WorkspaceError
from mogplex.domain.event import EventType
from mogplex.sandboxes.unconfined import UnconfinedDriver
from mogplex.worker.stop import Stop, Stopped
from tests.worker.setup_world import FROM_WHEELS, WHEEL, SetupWorld, Told, make_world, play

ANSWER = "python -c 'import answer; print(answer.ANSWER)'"


@pytest.fixture
def world() -> Iterator[SetupWorld]:
    yield from make_world()


def test_what_it_installs_is_there_read_only_and_kept_for_the_next_run(world: SetupWorld) -> None:
    world.commit(dict([WHEEL]))

    async def story() -> None:
        first, second = Told(), Told()
        async with world.open(FROM_WHEELS, told=first) as start:
            exit, said = await world.act(start, f"{ANSWER}; command -v python; echo x > /env/x; echo $VIRTUAL_ENV")
            assert said.splitlines()[:2] == ["42", "/env/bin/python"]
            assert "Read-only file system" in said
            assert said.splitlines()[-1] == "/env"
            assert exit.exit_code == 0
            assert not (start.folder / "setup").exists(), "the scratch checkout is removed before the run goes on"
        async with world.open(FROM_WHEELS, told=second) as start:
            assert (await world.act(start, ANSWER))[1] == "42\n"
        assert [draft.type for draft in first.drafts] == [EventType.SETUP_STARTED, EventType.SETUP_FINISHED]
        assert first.drafts[0].payload == {"command": FROM_WHEELS, "detected": False}
        assert (first.finished["exitCode"], first.finished["cached"]) == (0, False)
        assert FROM_WHEELS in first.finished["output"]
        assert (second.finished["exitCode"], second.finished["cached"]) == (0, True)

    play(story())


def test_another_setup_or_another_file_that_it_names_is_installed_anew(world: SetupWorld) -> None:
    async def story() -> list[bool]:
        cached, command = [], "head --lines=1 < ./lists/one.txt  # and lists"
        world.commit({"lists/one.txt": "1"})
        for commands, files in (
            ((command,), {}),
            ((command,), {"elsewhere.py": "x = 1\n"}),
            ((command, "true"), {}),
            ((command,), {"lists/two.txt": "in a folder that the command names"}),
            ((command,), {"requirements-dev.txt": "# a list that it may read\n"}),
        ):
            world.commit(files)
            told = Told()
            async with world.open(*commands, told=told):
                cached.append(told.finished["cached"])
        return cached

    assert play(story()) == [False, True, False, False, False]


def test_requirements_are_found_and_pip_is_there_for_python_m_too(world: SetupWorld) -> None:
    name, content = WHEEL
    world.commit({"app/requirements.txt": "--no-index\n--find-links wheels\nanswer==1.0\n", f"app/{name}": content})

    async def story() -> None:
        told = Told()
        async with world.open(root="app", told=told) as start:
            assert (await world.act(start, ANSWER))[1] == "42\n"
        assert told.drafts[0].payload == {"command": "pip install --requirement requirements.txt", "detected": True}
        async with world.open("python -m pip --version", "pip3 --version", told=(other := Told())):
            assert other.finished["output"].count("/opt/mogplex-setup/site/pip") == 2

    play(story())


def test_a_repo_that_needs_nothing_has_no_setup(world: SetupWorld) -> None:
    project = '[project]\nname = "x"\nversion = "1"\ndependencies = []\n[build-system]\nrequires = ["x"]\n'

    async def story() -> None:
        world.commit({"pyproject.toml": project, "requirements.txt": "pytest>=8  # every sandbox has it\n"})
        async with world.open(told=(told := Told())) as start:
            assert start.prepared.mounts == ()
        world.commit({"requirements.txt": "answer\n"})
        async with world.open("true", told=told) as start:
            assert start.prepared.mounts == ()
        assert told.drafts == []

    play(story())


def test_what_the_sandbox_has_no_program_for_is_told(world: SetupWorld) -> None:
    world.commit({"Cargo.lock": "version = 4\n"})

    async def story() -> None:
        async with world.open(told=(told := Told())) as start:
            assert start.prepared.mounts == ()
        (note,) = told.drafts
        assert note.type is EventType.LOG
        assert note.message == ("Cargo.lock is there, but the sandbox has no `cargo`: its packages were not installed.")

    if os.path.exists("/usr/bin/cargo") or os.path.exists("/usr/local/bin/cargo"):
        pytest.skip("this system has a cargo that sandboxes see")
    play(story())


def test_a_failure_says_what_failed_and_leaves_nothing(world: SetupWorld) -> None:
    async def story() -> None:
        told = Told()
        with pytest.raises(WorkspaceError, match=r"exit code 3: echo first ; echo no such thing >&2; exit 3") as caught:
            async with world.open("echo first", "echo no such thing >&2; exit 3", "echo never", told=told):
                raise AssertionError("the run may not go on")
        assert caught.value.message.endswith("exit 3\nno such thing")
        assert (told.finished["exitCode"], told.finished["cached"]) == (3, False)
        assert "no such thing" in told.finished["output"]
        assert "+ echo never" not in told.finished["output"]
        assert "no such thing" in told.raw.text(), "sandboxes logs shows it"
        left = [path.name for path in (world.layout.environments / "repo-1").iterdir()]
        assert [name for name in left if not name.endswith(".lock")] == []

    play(story())


def test_it_has_neither_network_nor_variables_of_ours(world: SetupWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOGPLEX_API_KEY", "very-secret")

    connect = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"

    async def story() -> str:
        async with world.open("env", f'! python -c "{connect}"', "touch /work/x", told=(told := Told())):
            return str(told.finished["output"])

    said = play(story())
    assert "very-secret" not in said
    assert "owners-secret" not in said
    assert "MOGPLEX" not in said
    assert "http_proxy" not in said, "no host is allowed, so there is no proxy"
    assert "Network is unreachable" in said


def test_two_runs_at_once_install_once(world: SetupWorld) -> None:
    async def one(told: Told) -> None:
        async with world.open("sleep 0.5; mktemp -u > /env/made-by", told=told) as start:
            told.raw.add((await world.act(start, "cat /env/made-by"))[1].encode())

    async def story() -> None:
        first, second = Told(), Told()
        await asyncio.gather(one(first), one(second))
        assert sorted([first.finished["cached"], second.finished["cached"]]) == [False, True]
        assert first.raw.text() == second.raw.text() != ""

    play(story())


def test_a_stop_ends_it_and_the_next_run_installs(world: SetupWorld) -> None:
    command = "if [ -e /work/slow ]; then sleep 60; fi"

    async def story() -> None:
        world.commit({"slow": ""})
        stop, told = Stop(), Told()

        async def stop_soon() -> None:
            await told.started.wait()
            await asyncio.sleep(0.3)
            stop.set(Cause.CANCELLED, "enough")

        async def run() -> None:
            with pytest.raises(Stopped):
                await stop.or_result(opened.__aenter__())

        opened = world.open(command, told=told, stop=stop)
        await asyncio.gather(run(), stop_soon())
        assert told.of(EventType.SETUP_FINISHED) == []
        assert list((world.layout.environments / "repo-1").glob("*.json")) == []
        (world.origin / "slow").unlink()
        world.commit({})
        async with world.open(command, told=(again := Told())):
            assert again.finished["cached"] is False

    play(story())


def test_a_link_in_place_of_the_modules_shows_nothing_of_the_host(world: SetupWorld) -> None:
    async def story() -> None:
        async with world.open("ln -s /etc /env/node_modules") as start:
            assert [mount.target for mount in start.prepared.mounts] == ["/env"]
        async with world.open("mkdir -p /env/node_modules/.bin && echo 1 > /env/node_modules/x") as start:
            assert (await world.act(start, "cat /node_modules/x"))[1] == "1\n"
            assert "/node_modules/.bin" in start.prepared.path

    play(story())


def test_an_editable_install_runs_the_code_of_the_run(world: SetupWorld) -> None:
    """The build is the repo's own, so that no network is needed; what counts is where it leads: to /work."""
    backend = """
import zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    name = "thing-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.writestr("thing.pth", "/work/src\\n")
        wheel.writestr("thing-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: thing\\nVersion: 1\\n")
        wheel.writestr("thing-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("thing-1.dist-info/RECORD", "")
    return name
"""
    project = """
[project]
name = "thing"
version = "1"
dynamic = ["dependencies"]
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
    world.commit({"pyproject.toml": project, "backend.py": backend, "src/thing.py": "VALUE = 1\n"})

    async def story() -> None:
        async with world.open() as start:
            _, said = await world.act(
                start, "echo 'VALUE = 2' > src/thing.py; cd /; python -c 'import thing; print(thing.VALUE)'"
            )
            assert said == "2\n"

    play(story())


def test_it_works_without_isolation_too(world: SetupWorld) -> None:
    """There, what was installed is used where it lies on the host."""
    world.use(UnconfinedDriver())
    world.commit(dict([WHEEL]))

    async def story() -> None:
        for cached in (False, True):
            async with world.open(FROM_WHEELS, told=(told := Told())) as start:
                assert (await world.act(start, ANSWER))[1] == "42\n"
            assert told.finished["cached"] is cached

    play(story())
