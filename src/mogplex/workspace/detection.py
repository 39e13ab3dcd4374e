"""What setup a repo's files ask for at one commit: read from its mirror, without a checkout."""

from __future__ import annotations

from collections.abc import Iterable

from mogplex.domain.setup import READ, Step, find_steps
from mogplex.workspace.mirror import Entry, Mirror


async def detect_steps(mirror: Mirror, commit: str, folder: str) -> tuple[Step, ...]:
    """The steps that the files in `folder` ("" for the top) ask for, whatever programs there are to do them."""
    return await steps_from(mirror, await mirror.list_folder(commit, folder))


async def steps_from(mirror: Mirror, entries: Iterable[Entry]) -> tuple[Step, ...]:
    """The same for a folder that was listed before."""
    files = {each.path: each for each in entries if each.mode.startswith("100")}
    texts = {name: await mirror.read_text(files[name].object_id) if READ.match(name) else None for name in files}
    return find_steps(texts)
