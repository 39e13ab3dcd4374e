"""Why a test failed and where, out of an exception or one of pytest's reports."""

from __future__ import annotations

import os
import types
from pathlib import Path
from typing import Any

import pytest

MAX_FRAMES = 60
MAX_MESSAGE = 2000  # characters


def traceback_frames(error: BaseException | None) -> list[list[Any]]:
    """(file, line) of every frame an exception (and what it came from) passed, outermost first."""
    frames: list[list[Any]] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        trace: types.TracebackType | None = error.__traceback__
        while trace is not None:
            frames.append([os.path.realpath(trace.tb_frame.f_code.co_filename), trace.tb_lineno])
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return frames if len(frames) <= MAX_FRAMES else frames[:10] + frames[10 - MAX_FRAMES :]


def message_of(error: BaseException) -> str:
    """What pytest's report would say: `file.py:line: Error: why`; the place is the last that isn't a test library's."""
    traces = []
    trace = error.__traceback__
    while trace is not None:
        traces.append(trace)
        trace = trace.tb_next
    shown = [one for one in traces if not _is_hidden(one.tb_frame)] or traces[-1:]
    where = f"{Path(shown[-1].tb_frame.f_code.co_filename).name}:{shown[-1].tb_lineno}: " if shown else ""
    trace = error.__traceback__
    told = (
        pytest.ExceptionInfo.from_exc_info((type(error), error, trace)).exconly(tryshort=True) if trace else repr(error)
    )
    return where + told[:MAX_MESSAGE]


def _is_hidden(frame: types.FrameType) -> bool:
    """Whether pytest would leave this frame out, for it asks so or belongs to unittest."""
    return any(
        name in names for names in (frame.f_locals, frame.f_globals) for name in ("__tracebackhide__", "__unittest")
    )


def crash_message(report: Any) -> str:
    """`file.py:line: Error: why` of a report on a failure."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    where = f"{Path(crash.path).name}:{crash.lineno}: " if crash is not None else ""
    return where + str(text)[:MAX_MESSAGE]
