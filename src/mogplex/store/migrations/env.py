"""Run by Alembic for every command; the connection comes from `upgrade`, which began the transaction."""

from __future__ import annotations

from alembic import context

from mogplex.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="schema_version",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
