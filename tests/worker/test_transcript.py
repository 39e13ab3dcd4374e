"""Bytes to lines to events: nothing a harness prints grows without bound, nothing small is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mogplex.worker.transcript import MAX_LINE_BYTES, RAW_HEAD_BYTES, RAW_TAIL_BYTES, Lines, RawLog


@given(st.lists(st.binary(max_size=40)))
def test_lines_do_not_depend_on_how_they_were_cut(chunks: list[bytes]) -> None:
    lines = Lines()
    found = [line for chunk in chunks for line in lines.feed(chunk)] + list(lines.close())
    whole = b"".join(chunks).split(b"\n")
    assert found == (whole[:-1] if whole[-1] == b"" else whole)


def test_a_line_without_end_comes_in_pieces() -> None:
    lines = Lines()
    pieces = [piece for _ in range(100) for piece in lines.feed(b"x" * 65536)] + list(lines.close())
    assert sum(map(len, pieces)) == 6553600
    assert max(map(len, pieces)) <= MAX_LINE_BYTES + 65536


@given(st.lists(st.integers(1, 20_000), max_size=40))
def test_the_raw_log_keeps_head_and_tail(sizes: list[int]) -> None:
    log = RawLog()
    whole = b""
    for number, size in enumerate(sizes):
        chunk = bytes([97 + number % 26]) * size
        whole += chunk
        log.add(chunk)
    text = log.text().encode()
    assert len(text) <= RAW_HEAD_BYTES + RAW_TAIL_BYTES + 20_000 + 100
    if len(whole) <= RAW_HEAD_BYTES + RAW_TAIL_BYTES:
        assert text == whole
    else:
        assert text.startswith(whole[:RAW_HEAD_BYTES])
        assert text.endswith(whole[-RAW_TAIL_BYTES:])
