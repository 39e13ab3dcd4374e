"""What all tables share: one collection of them, names for constraints, and two kinds of columns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Double

from mogplex.store.columns import JsonText

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def time_column(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, Double(), nullable=nullable)


def json_column(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JsonText(), nullable=nullable)
