"""Names that reach git: branches and root directories. Refused here, before anything is written."""

from __future__ import annotations

import hashlib
import re

MAX_BRANCH_CHARACTERS = 244  # leaves room for refs/heads/ and .lock in a 255-byte file name
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")


def branch_fault(name: str) -> str | None:
    """Why git (`git check-ref-format --branch`) or we would refuse `name`; None when it is fine.

    The rules are those of git-check-ref-format(1), plus two of ours: no leading dash, and a length that a loose ref
    can have on disk.
    """
    if not name:
        return "is empty"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BRANCH_CHARACTERS:
        return f"is longer than {MAX_BRANCH_CHARACTERS} bytes"
    if name.startswith("-"):
        return "begins with '-'"
    if name in ("@", "HEAD"):
        return f"may not be {name!r}"
    found = _FORBIDDEN.search(name)
    if found:
        return f"holds {found.group()!r}, which git does not allow"
    for part in ("..", "@{", "//"):
        if part in name:
            return f"holds {part!r}"
    if name.startswith("/") or name.endswith("/"):
        return "begins or ends with '/'"
    if name.endswith("."):
        return "ends with '.'"
    for component in name.split("/"):
        if component.startswith("."):
            return f"has a component that begins with '.': {component!r}"
        if component.endswith(".lock"):
            return f"has a component that ends with '.lock': {component!r}"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return None


def root_directory_fault(path: str) -> str | None:
    """Why `path` cannot be a folder inside a repo; None when it may be (that it exists is seen in the commit)."""
    if "\x00" in path:
        return "holds a NUL character"
    if len(path) > 1024:
        return "is longer than 1,024 characters"
    if path.startswith("/"):
        return "is absolute; give it relative to the root of the repo"
    if ".." in path.split("/"):
        return "holds '..'; it must stay inside the repo"
    if ".git" in (part.lower() for part in path.split("/")):
        return "leads into '.git'"
    if "\\" in path:
        return "holds a backslash; separate folders with '/'"
    return None


def clean_root_directory(path: str) -> str:
    """`./a//b/` → `a/b`; the root of the repo is the empty string."""
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def generate_working_branch(idempotency_key: str, canonical_body: str) -> str:
    """A name that depends on the request alone, so that a start that is sent twice can't make two branches."""
    key = hashlib.sha256(idempotency_key.encode()).hexdigest()[:8]
    body = hashlib.sha256(canonical_body.encode()).hexdigest()[:8]
    return f"mogplex/run/{key}-{body}"
