"""News between processes on one PostgreSQL, by NOTIFY: one listening connection a process, whoever wants to hear in it.

News are hints to look sooner and no more: they may come late, twice or not at all, so who waits looks by clock too.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import sqlalchemy as sa

CHANNEL = "mogplex_news"
GAP_SECONDS = 0.01  # between two notifications of one process: what comes meanwhile goes along
PROOF_SECONDS = 5.0  # how often a process rings to itself, to know that it hears
DEAF_SECONDS = 12.0  # without a proof for so long it does not (a pooler in between passes no notifications, for one)
MOST_WAITING = 10_000  # topics that are kept while the database is away
_LONGEST_BYTES = 7900  # PostgreSQL takes 8,000
_AGAIN_SECONDS = 1.0
_KEEP_ALIVE = "connect_timeout=5&keepalives_idle=5&keepalives_interval=2&keepalives_count=3"
_log = logging.getLogger(__name__)


class Bell:
    """`on_ring(topic, number)` is called for news of other processes, `on_doubt()` when some may have been missed."""

    def __init__(self, url: sa.URL, on_ring: Callable[[str, int], None], on_doubt: Callable[[], None]) -> None:
        address = url.set(drivername="postgresql").update_query_string(_KEEP_ALIVE)
        self._address = address.render_as_string(hide_password=False)
        self._on_ring = on_ring
        self._on_doubt = on_doubt
        self._me = secrets.token_hex(8)  # a process hears itself too; that proves the line and is no news
        self._waiting: dict[str, int] = {}
        self._change = threading.Condition()
        self._closing = False
        self._proved_at: float | None = None
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"mogplex-bell-{name}", daemon=True)
            for name, work in (("listen", self._listen), ("ring", self._send))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def is_heard(self) -> bool:
        """Whether news of others arrive, as far as can be known: our own did lately."""
        return self._proved_at is not None and time.monotonic() - self._proved_at < DEAF_SECONDS

    def ring(self, topic: str, number: int) -> None:
        """Tell the others. Returns at once; of one topic the last number counts."""
        with self._change:
            if len(self._waiting) < MOST_WAITING or topic in self._waiting:
                self._waiting[topic] = number
            self._change.notify_all()

    def close(self) -> None:
        with self._change:
            self._closing = True
            self._change.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)

    def _keep(self, work: Callable[[psycopg.Connection[tuple[object, ...]]], None]) -> None:
        """`work` on a connection, and on another one whenever that breaks."""
        while not self._closing:
            try:
                with closing(psycopg.connect(self._address, autocommit=True)) as connection:
                    work(connection)
            except psycopg.Error as fault:
                _log.warning("news of other processes are not heard for now: %s", type(fault).__name__)
                self._proved_at = None
                self._on_doubt()
                with self._change:
                    self._change.wait_for(lambda: self._closing, timeout=_AGAIN_SECONDS)

    def _listen(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute(f"LISTEN {CHANNEL}")
        self._on_doubt()  # whatever was told before this moment was not heard
        while not self._closing:
            for notice in connection.notifies(timeout=1.0):
                self._hear(notice.payload)
                if self._closing:
                    return

    def _hear(self, payload: str) -> None:
        sender, _, news = payload.partition(" ")
        if sender == self._me:
            self._proved_at = time.monotonic()
            return
        for each in news.split(","):
            topic, _, number = each.rpartition(":")
            if topic and number.isdecimal():
                self._on_ring(topic, int(number))

    def _send(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closing, timeout=PROOF_SECONDS)
                if self._closing and not self._waiting:
                    return
                news = dict(self._waiting)
            for payload in self._payloads(news):
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
            with self._change:  # only now: what could not be sent is sent later
                for topic, number in news.items():
                    if self._waiting.get(topic) == number:
                        del self._waiting[topic]
            time.sleep(GAP_SECONDS)

    def _payloads(self, news: dict[str, int]) -> Iterator[str]:
        """At least one, as a proof."""
        line = f"{self._me} "
        for topic, number in news.items():
            each = f"{topic}:{number},"
            if len(line) + len(each) > _LONGEST_BYTES:
                yield line
                line = f"{self._me} "
            line += each
        yield line
