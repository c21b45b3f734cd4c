"""The migrations make exactly the tables that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine

from tracker import tables


def test_models_and_migrations_agree(database):
    with create_engine(database).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_object": lambda thing, name, kind, reflected, other: (
                    not (kind == "table" and reflected and name not in tables.metadata.tables)
                    and alembic_helpers.include_object(thing, name, kind, reflected, other)
                ),
            },
        )

        differences = compare_metadata(context, tables.metadata)

    assert differences == []
