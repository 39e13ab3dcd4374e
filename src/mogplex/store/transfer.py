"""Every row of every table, out of one database and into another: values as they are stored, without their meaning."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mogplex.domain.errors import BadRequest
from mogplex.store.columns import JsonText
from mogplex.store.database import Transaction
from mogplex.store.schema import metadata

BATCH_ROWS = 500
BATCH_CHARACTERS = 4 * 1024 * 1024
Row = Sequence[Any]


def table_names() -> list[str]:
    """Of all tables, those first that others refer to."""
    return [table.name for table in metadata.sorted_tables]


def column_names(table: str) -> list[str]:
    return [column.name for column in metadata.tables[table].columns]


def dump_rows(tx: Transaction, table: str) -> Iterator[list[Any]]:
    """The rows of a table by its primary key, each a list of what JSON can hold; bytes as {"base64": …}."""
    plain = _plain(table)
    order = [plain.c[column.name] for column in metadata.tables[table].primary_key]
    rows = tx.execute(sa.select(plain).order_by(*order).execution_options(yield_per=BATCH_ROWS))
    for row in rows:
        yield [_encode(value) for value in row]


class Loader:
    """Takes the rows of one table in, in batches. Call `flush` at the end."""

    def __init__(self, tx: Transaction, table: str, columns: Sequence[str]) -> None:
        """`columns`: what stands where in each row. Raises BadRequest when they are not this version's."""
        if table not in metadata.tables or sorted(columns) != sorted(column_names(table)):
            raise BadRequest(f"The file has a table {table!r} with columns that this version does not know.")
        self._tx = tx
        self._table = table
        self._columns = list(columns)
        self._insert = _plain(table).insert()
        self._waiting: list[dict[str, Any]] = []
        self._waiting_characters = 0

    def add(self, row: Row, size_characters: int) -> None:
        """`size_characters`: about how much it is. Raises BadRequest for a row of another length."""
        if len(row) != len(self._columns):
            raise BadRequest(f"A row of {self._table} in the file has {len(row)} values, not {len(self._columns)}.")
        self._waiting.append({name: _decode(value) for name, value in zip(self._columns, row, strict=True)})
        self._waiting_characters += size_characters
        if len(self._waiting) >= BATCH_ROWS or self._waiting_characters >= BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            self._tx.execute(self._insert, self._waiting)
        self._waiting = []
        self._waiting_characters = 0


def count_rows(tx: Transaction) -> dict[str, int]:
    """By table."""
    return {
        name: int(tx.execute(sa.select(sa.func.count()).select_from(metadata.tables[name])).scalar_one())
        for name in table_names()
    }


def find_full(tx: Transaction) -> list[str]:
    """The tables that hold any row."""
    return [
        name
        for name in table_names()
        if tx.execute(sa.select(sa.literal(1)).select_from(metadata.tables[name]).limit(1)).first() is not None
    ]


def set_counters(tx: Transaction) -> None:
    """Let the numbers that the database gives go on after those that were taken in. SQLite does so by itself."""
    if tx.is_sqlite:
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or not isinstance(column.type, sa.Integer):
            continue
        sequence = tx.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))).scalar_one()
        newest = tx.execute(sa.select(sa.func.max(column))).scalar_one()
        if sequence is not None and newest is not None:
            tx.execute(sa.select(sa.func.setval(sequence, newest)))


def _plain(table: str) -> sa.Table:
    """The same table with JSON as the text that it is."""
    kept = [
        sa.Column(column.name, sa.Text() if isinstance(column.type, JsonText) else column.type)
        for column in metadata.tables[table].columns
    ]
    return sa.Table(table, sa.MetaData(), *kept)


def _encode(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return base64.b64decode(value["base64"], validate=True)
    return value
