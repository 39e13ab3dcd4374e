"""PostgreSQL through psycopg 3."""

from __future__ import annotations

import sqlalchemy as sa

CLOCK = sa.text("SELECT extract(epoch FROM clock_timestamp())::double precision")
ALLOW_PAUSES = sa.text("SET LOCAL idle_in_transaction_session_timeout = 0")
NOT_DURABLE = sa.text("SET LOCAL synchronous_commit = off")
# The first number tells our turns from anybody else's advisory locks in the same database.
TAKE_TURN = sa.text("SELECT pg_advisory_xact_lock(1836020592, CAST(CAST(:key AS bigint) - 2147483648 AS integer))")


def make_engine(url: sa.URL, pool_size: int, busy_timeout_seconds: float) -> sa.Engine:
    """A pool that tests a connection before it is used, so that a restarted server costs no caller an error."""
    milliseconds = int(busy_timeout_seconds * 1000)
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=busy_timeout_seconds,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            # Who is cut off from the network must notice: the system would wait for hours.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            # And so must the server: the locks of one that is cut off amid a transaction would keep all others out, and
            # its death from being noticed. Longer than a lock is waited for it would be of no use.
            "options": f"-c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}",
            "application_name": "mogplex",
        },
    )
