"""The files that people deploy with: right by the tools' own judgement, and about the program as it is."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from mogplex.cli.commands import root
from mogplex.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
FILES = [ROOT / "Dockerfile", ROOT / "compose.yaml", *KUBERNETES, *UNITS]


def run(*command: str | Path) -> str:
    """What a linter said. Fails with it when it was not content."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def beside_python(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def test_the_dockerfile() -> None:
    hadolint = beside_python("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed: it comes with the group dev")
    assert run(hadolint, "Dockerfile") == ""


def test_what_the_image_is_built_from_is_there_and_is_sent() -> None:
    let_in = (ROOT / ".dockerignore").read_text().split("\n!")[1:]
    allowed = {line.split("\n")[0] for line in let_in}
    for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source in allowed, f"{source} is kept out by .dockerignore"


def test_the_image_has_the_versions_that_are_tested() -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;]+)", path.read_text(), re.MULTILINE))

    tested, shipped = versions(ROOT / "requirements.lock"), versions(ROOT / "deploy" / "requirements.lock")
    assert len(shipped) > 40 and "pytest-xdist" not in shipped
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}


def test_compose() -> None:
    run(beside_python("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", "compose.yaml")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_unit(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    copy = tmp_path / unit.name  # the program is not installed where the unit looks for it
    copy.write_text(unit.read_text().replace("/opt/mogplex/bin/mogplex", "/usr/bin/true"))
    assert run("systemd-analyze", "verify", "--man=no", copy) == ""


def objects() -> list[dict[str, Any]]:
    loaded = [each for path in KUBERNETES for each in yaml.safe_load_all(path.read_text())]
    return [each for each in loaded if each["kind"] != "Kustomization"]


def test_kubernetes_objects_fit_each_other() -> None:
    found = objects()
    files = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert sorted(files) == sorted(path.name for path in KUBERNETES if path.name != "kustomization.yaml")
    pods = {each["metadata"]["name"]: each["spec"]["template"] for each in found if each["kind"] == "Deployment"}
    for each in found:
        selector = each.get("spec", {}).get("selector", {})
        labels = selector.get("matchLabels", selector)
        if labels:
            chosen = [name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()]
            assert len(chosen) == 1, each["metadata"]["name"]
    uid = int(re.findall(r"^USER (\d+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[0])
    for pod in pods.values():
        assert pod["spec"]["securityContext"]["runAsUser"] == uid
        (container,) = pod["spec"]["containers"]
        mounted = {each["name"] for each in container["volumeMounts"]}
        assert mounted == {each["name"] for each in pod["spec"]["volumes"]}
        drain = [int(each["value"]) for each in container.get("env", []) if each["name"] == "MOGPLEX_DRAIN_SECONDS"]
        assert all(seconds < pod["spec"]["terminationGracePeriodSeconds"] for seconds in drain)


def test_kubernetes_by_its_own_schemas() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="large, so it is not locked: pip install it")
    for each in objects():
        validate.validate(each, validate.latest_version(), strict=True)


def test_kustomize() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    rendered = list(yaml.safe_load_all(run("kubectl", "kustomize", "deploy/kubernetes")))
    assert len(rendered) == len(objects())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_only_settings_that_exist_are_named(path: Path) -> None:
    known = {field.metadata["variable"] for field in dataclasses.fields(Settings)}
    known |= {"MOGPLEX_DATABASE_PASSWORD"}  # of compose.yaml alone
    assert set(re.findall(r"\bMOGPLEX_[A-Z_]+\b", path.read_text())) <= known


def commands() -> Iterator[tuple[str, list[str]]]:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    yield from ((name, each["command"]) for name, each in services.items() if "command" in each)
    for each in objects():
        if each["kind"] == "Deployment":
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]["containers"][0]["args"]
    for unit in UNITS:
        yield unit.name, re.findall(r"^ExecStart=\S+ (.*)$", unit.read_text(), re.MULTILINE)[0].split()
    yield "Dockerfile", re.findall(r'"(\w+)"', (ROOT / "Dockerfile").read_text().rsplit("CMD", 1)[1])


@pytest.mark.parametrize(("where", "words"), list(commands()), ids=str)
def test_only_commands_and_flags_that_exist_are_used(where: str, words: list[str]) -> None:
    command: click.Command = root
    context = click.Context(root)
    for word in words:
        if word.startswith("-"):
            assert any(word in option.opts for option in command.params), (where, word)
            continue
        assert isinstance(command, click.Group), (where, words)
        found = command.get_command(context, word)
        assert found is not None, (where, word)
        command = found


def test_files_name_no_place_to_download_from() -> None:
    for path in FILES:
        images = re.findall(r"^\s*(?:FROM|image:)\s+(\S+)", path.read_text(), re.MULTILINE)
        assert not [image for image in images if "/" in image], path.name
