"""Alembic's environment: the project's own engine and tables; PostGIS' own tables are left alone."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, pool

from tracker import tables
from tracker.database import database_url


def is_ours(thing, name, kind, reflected, compared_with):
    """Leave out what belongs to extensions and to the job queue, and what only PostgreSQL can express."""
    if kind == "table" and reflected and name not in tables.metadata.tables:
        return False
    return alembic_helpers.include_object(thing, name, kind, reflected, compared_with)


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    url = context.config.get_main_option("sqlalchemy.url") or database_url()
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        migrate(connection)


def migrate(connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.metadata,
        include_object=is_ours,
        compare_type=True,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
