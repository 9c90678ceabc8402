"""What the migration tool runs first: it works on the connection, and in the transaction, of its caller."""

from alembic import context

from ioruntime.stores.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
