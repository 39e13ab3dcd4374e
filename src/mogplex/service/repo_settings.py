"""Reading the settings of a repo from their wire names: every fault is told, unknown names included."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from mogplex.domain.branch import branch_fault, clean_root_directory, root_directory_fault
from mogplex.domain.errors import BadRequest, Detail
from mogplex.domain.fields import ENVIRONMENT_NAME, is_storable, kind_of, read_budget, read_commands, read_pairs, show
from mogplex.domain.forge import ForgeSettings
from mogplex.domain.hook import HookSettings
from mogplex.domain.repo import full_name_fault, image_fault, python_fault
from mogplex.domain.request import MAX_TIMEOUT_SECONDS
from mogplex.domain.run import CheckPolicy
from mogplex.domain.seating import MAX_CONCURRENCY
from mogplex.service.forge_settings import read_forge
from mogplex.service.hook_settings import read_hooks

MAX_CLONE_URL_CHARACTERS = 2000
_SCP_LIKE = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!//)[^\s]+\Z")
_URL = re.compile(r"(https?|ssh|git|file)://[^\s/]*/[^\s]+\Z")
_PASSWORD = re.compile(r"[a-z]+://[^/@\s]*:[^/@\s]*@")
_HOST_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(\*\.)?({_HOST_LABEL}\.)*{_HOST_LABEL}(:[0-9]{{1,5}})?\Z")
_PATTERN_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")


def read_settings(body: Mapping[str, Any], harness_names: Collection[str], *, creating: bool) -> dict[str, Any]:
    """The fields of a `Repo` that `body` gives, by their names there; null puts a setting back to its default.

    Raises BadRequest with one detail for each fault.
    """
    reader = _Reader(body, harness_names)
    for name in body:
        if name not in _READERS or (name == "cloneUrl" and not creating):
            reader.fault(str(name), "is not a known field" if name not in _READERS else "can't be changed")
    if creating and body.get("cloneUrl") is None:
        reader.fault("cloneUrl", "is required: a URL, or the absolute path of a local repository")
    values: dict[str, Any] = {}
    for name, (attribute, default, read) in _READERS.items():
        if name in body:
            value = body[name]
            values[attribute] = default if value is None else read(reader, name, value)
    if reader.faults:
        listed = "; ".join(f"{each.field} {each.reason}" for each in reader.faults)
        raise BadRequest(f"Invalid repo: {listed}", reader.faults)
    return values


class _Reader:
    def __init__(self, body: Mapping[str, Any], harness_names: Collection[str]) -> None:
        self.body = body
        self.harness_names = harness_names
        self.faults: list[Detail] = []

    def fault(self, field_name: str, reason: str) -> None:
        self.faults.append(Detail(field_name[:100], reason))

    def text(self, name: str, value: Any, limit: int) -> str:
        if not isinstance(value, str):
            self.fault(name, f"must be a string, not {kind_of(value)}")
            return ""
        cleaned = value.strip()
        if len(cleaned) > limit or not is_storable(cleaned):
            self.fault(name, f"must be text of at most {limit:,} characters")
            return ""
        return cleaned

    def checked(self, name: str, value: Any, fault_of: Callable[[str], str | None]) -> str:
        before = len(self.faults)
        text = self.text(name, value, 1000)
        fault = fault_of(text) if len(self.faults) == before else None
        if fault is not None:
            self.fault(name, f"{text[:200]!r} {fault}")
        return text

    def clone_url(self, name: str, value: Any) -> str:
        text = self.text(name, value, MAX_CLONE_URL_CHARACTERS)
        if not text:
            if isinstance(value, str) and not value.strip():
                self.fault(name, "may not be blank")
            return text
        if text.startswith("/"):
            if ".." in PurePosixPath(text).parts:
                self.fault(name, "may not hold '..'")
            return str(PurePosixPath(text))
        if _PASSWORD.match(text):
            self.fault(
                name, "holds a password, which everybody who lists repos would see; let git's credentials give it"
            )
            return ""
        if _URL.match(text) or _SCP_LIKE.match(text):
            return text.rstrip("/")
        self.fault(name, f"{text[:200]!r} is neither a URL (https, ssh, git, file) nor an absolute path")
        return ""

    def strings(self, name: str, value: Any, accept: Callable[[str], bool], what: str) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > 100:
            self.fault(name, f"must be a list of at most 100 {what}s, not {kind_of(value)}")
            return ()
        for index, each in enumerate(value):
            if not isinstance(each, str) or not accept(each.strip()):
                self.fault(f"{name}[{index}]", f"{show(each)} is no {what}")
        return tuple(each.strip() for each in value if isinstance(each, str))

    def harness(self, name: str, value: Any) -> str:
        text = self.text(name, value, 100)
        if text not in self.harness_names:
            self.fault(name, f"{text!r} is not known; known are {', '.join(sorted(self.harness_names))}")
        return text

    def policy(self, name: str, value: Any) -> CheckPolicy:
        if value not in list(CheckPolicy):
            self.fault(name, f"must be one of {', '.join(CheckPolicy)}, not {show(value)}")
            return CheckPolicy.STRICT
        return CheckPolicy(value)

    def flag(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {kind_of(value)}")
        return value is True

    def timeout(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= MAX_TIMEOUT_SECONDS:
            self.fault(name, f"must be a number from 1 to {MAX_TIMEOUT_SECONDS:g}, not {show(value)}")
            return 1.0
        return float(value)

    def whole(self, name: str, value: Any, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            self.fault(name, f"must be a whole number from 1 to {most:,}, not {show(value)}")
            return 1
        return value

    def budget(self, name: str, value: Any) -> Any:
        if not isinstance(value, Mapping):
            self.fault(name, f"must be an object, not {kind_of(value)}")
            value = {}
        return read_budget(value, self.fault)


def _branch_fault(name: str) -> str | None:
    fault = branch_fault(name)
    return None if fault is None else f"is no branch name: it {fault}"


def _is_pattern(text: str) -> bool:
    return 0 < len(text) <= 244 and not _PATTERN_SPACE.search(text) and is_storable(text)


_NO_FORGE = ForgeSettings()
_DEFAULT_BUDGET = read_budget({}, lambda field_name, reason: None)
_Read = Callable[[_Reader, str, Any], Any]

# Wire name -> the field of Repo, what null means, and how to read it. None as the meaning of null: found out anew.
_READERS: dict[str, tuple[str, Any, _Read]] = {
    "name": ("full_name", None, lambda r, n, v: r.checked(n, v, full_name_fault)),
    "cloneUrl": ("clone_url", None, lambda r, n, v: r.clone_url(n, v)),
    "defaultBranch": ("default_branch", None, lambda r, n, v: r.checked(n, v, _branch_fault)),
    "rootDirectory": (
        "root_directory",
        "",
        lambda r, n, v: clean_root_directory(r.checked(n, v, root_directory_fault)),
    ),
    "setup": ("setup", (), lambda r, n, v: read_commands(n, v, r.fault)),
    "python": ("python", None, lambda r, n, v: r.checked(n, v, python_fault)),
    "checks": ("checks", (), lambda r, n, v: read_commands(n, v, r.fault)),
    "checkPolicy": ("check_policy", CheckPolicy.STRICT, lambda r, n, v: r.policy(n, v)),
    "checkFiles": ("check_files", (), lambda r, n, v: r.strings(n, v, _is_pattern, "file pattern")),
    "protectTests": ("protect_tests", None, lambda r, n, v: r.flag(n, v)),
    "image": ("image", "", lambda r, n, v: r.checked(n, v, image_fault)),
    "env": ("environment", {}, lambda r, n, v: read_pairs(n, v, ENVIRONMENT_NAME, 100, 8192, r.fault)),
    "allowHosts": ("allow_hosts", (), lambda r, n, v: r.strings(n, v, lambda t: bool(_HOST.match(t)), "host name")),
    "pushBranches": ("push_branches", None, lambda r, n, v: r.strings(n, v, _is_pattern, "branch pattern")),
    "harness": ("default_harness", None, lambda r, n, v: r.harness(n, v)),
    "budget": ("budget", _DEFAULT_BUDGET, lambda r, n, v: r.budget(n, v)),
    "timeoutSeconds": ("timeout_seconds", None, lambda r, n, v: r.timeout(n, v)),
    "concurrency": ("concurrency", None, lambda r, n, v: r.whole(n, v, MAX_CONCURRENCY)),
    "hooks": ("hooks", HookSettings(), lambda r, n, v: read_hooks(n, v, r.fault)),
    "forge": ("forge", _NO_FORGE, lambda r, n, v: read_forge(n, v, r.fault)),
}
