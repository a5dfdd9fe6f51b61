"""How Alembic reaches the database: on the connection that studio/store/database.py has opened, never on its own."""

from alembic import context

from studio.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
