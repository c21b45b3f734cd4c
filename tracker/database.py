"""The database: one engine per process, a session per unit of work, and the base of all tables.

Verbs receive a session and never commit; doors open `transaction()` around them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated

from sqlalchemy import BigInteger, Date, DateTime, Engine, Integer, MetaData, SmallInteger, Text, create_engine, text
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from tracker import settings

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

NOW = text("now()")  # as text(): a quoted default would be frozen when the table is made

# plain column types; a geometry column gets its own Geometry(...), never a shared one
Key = Annotated[int, mapped_column(Integer, primary_key=True)]
BigKey = Annotated[int, mapped_column(BigInteger, primary_key=True)]
Code = Annotated[str, mapped_column(Text)]
Words = Annotated[str, mapped_column(Text)]
Whole = Annotated[int, mapped_column(Integer)]
Small = Annotated[int, mapped_column(SmallInteger)]
Sum = Annotated[int, mapped_column(Integer, server_default="0")]
Day = Annotated[date, mapped_column(Date)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]


class Base(DeclarativeBase):
    """All tables; constraint names are fixed so that migrations and errors can name them."""

    metadata = MetaData(naming_convention=NAMES)


def database_url() -> str:
    """SQLAlchemy address of the database in use: DATABASE_URL, else the embedded cluster (which must be running)."""
    from_env = settings.from_environment()
    if from_env.database_url:
        return from_env.database_url
    from tracker.embedded_postgres import EmbeddedPostgres

    return EmbeddedPostgres(from_env).url


@lru_cache(maxsize=4)
def engine_for(url: str) -> Engine:
    """One pool per address and process. One connection per thread at most, hence the generous overflow."""
    return create_engine(url, pool_size=16, max_overflow=16, pool_pre_ping=False, pool_use_lifo=True)


@lru_cache(maxsize=4)
def _engine_chosen(_database_url: str | None, _local_dir: str | None) -> Engine:
    """Reading the settings takes longer than a short statement: once per environment is enough."""
    return engine_for(database_url())


def engine() -> Engine:
    return _engine_chosen(os.environ.get("DATABASE_URL"), os.environ.get("RASAI_LOCAL_DIR"))


@contextmanager
def transaction() -> Iterator[Session]:
    """A unit of work: committed when the block ends, rolled back when it raises."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session
