"""A repo with everything at once that a checkout can stumble over."""

from __future__ import annotations

import os

from tests.acceptance.house import SUCCESS, House, assert_truthful, git


def test_an_odd_repo_is_worked_on_and_its_traps_stay_shut(house: House) -> None:
    repo = house.add_repo("odd/one", checks=["python -m pytest -q"])
    folder = house.folder("odd/one")
    trap = house.root / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {house.root}/sprung-$(basename $0)\n")
    trap.chmod(0o755)
    with open(os.fsencode(folder) + b"/caf\xe9.txt", "w") as file:
        file.write("a name that is no UTF-8\n")
    git(folder, "add", "-A")
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{git(folder, 'rev-parse', 'HEAD')},sub")
    git(folder, "commit", "-qm", "odd")
    for name in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "diff.external"):
        git(folder, "config", name, str(trap))
    for name in ("post-checkout", "pre-commit", "pre-push", "post-index-change", "fsmonitor-watchman"):
        (folder / ".git" / "hooks").mkdir(exist_ok=True)
        (folder / ".git" / "hooks" / name).write_bytes(trap.read_bytes())
        (folder / ".git" / "hooks" / name).chmod(0o755)
    script = f"test -e caf?.txt && test -d sub || exit 3\nsed -i '5s/value/high/' clamp.py\n{SUCCESS}"
    started = house.run_script(repo["id"], script)
    house.wait(started["runId"])
    run = assert_truthful(house, started["runId"])
    assert (run["status"], run["verdict"]) == ("success", "verified"), run["error"]
    assert run["changes"]["paths"] == ["clamp.py"]
    assert not list(house.root.glob("sprung-*"))
