"""Git folders made by hand: no template, so no hooks, and a configuration of which every line is ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

BARE_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"


def create_store(
    directory: Path,
    *,
    config: str,
    head: str,
    alternates: Iterable[str],
    refs: Mapping[str, str],
    shallow: bytes = b"",
) -> list[Path]:
    """Make an empty git folder at `directory`, which must not exist. Returns every path made, outermost first.

    `head` is the full name of the branch that HEAD is on; `alternates` are folders of objects to borrow from.
    """
    folders = [
        directory / name for name in ("", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "info")
    ]
    # Whatever this process's umask is: the runner reads some of these folders as another user.
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o755)
    # Packed refs take any branch name without making its folders. Without a header git assumes no order.
    packed = "".join(f"{object_id} {name}\n" for name, object_id in refs.items())
    contents = {
        "config": config.encode(),
        "HEAD": f"ref: {head}\n".encode(),
        "objects/info/alternates": "".join(f"{path}\n" for path in alternates).encode(),
        "packed-refs": packed.encode("utf-8", "surrogateescape"),
    }
    if shallow:
        contents["shallow"] = shallow
    for name, content in contents.items():
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o644)
    return [*folders, *(directory / name for name in contents)]
