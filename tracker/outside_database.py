"""Can the database that DATABASE_URL names carry Rasai? Asked before anything is served or migrated."""

import re

from flask_babel import lazy_gettext as _l
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from tracker.errors import RasaiError

OLDEST_POSTGIS = (3, 3)
PATIENCE_S = 5

POSTGIS = text("""
    SELECT (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS installed,
           (SELECT default_version FROM pg_available_extensions WHERE name = 'postgis') AS available,
           has_database_privilege(current_user, current_database(), 'CREATE') AS may_create""")


class OutsideDatabaseUnfit(RasaiError):
    """DATABASE_URL leads to no database, or to one that cannot hold maps."""

    message = _l("DATABASE_URL: {why}")
    status = 503


def check_outside_database(url: str) -> None:
    """Raise OutsideDatabaseUnfit unless the address answers and PostGIS is there or can be."""
    try:
        where = make_url(url)
        engine = create_engine(where, poolclass=NullPool, connect_args={"connect_timeout": PATIENCE_S})
    except (ArgumentError, ValueError, ImportError):
        raise OutsideDatabaseUnfit(
            why="it cannot be read as an address. Write postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        ) from None
    try:
        with engine.connect() as connection:
            _check_postgis(connection)
    except OperationalError as error:
        said = re.sub(r"\s+", " ", str(error.orig)).strip()
        raise OutsideDatabaseUnfit(
            why=f"{where.host or 'this machine'} does not let us in ({said}). Start that database or correct the"
            " address; without DATABASE_URL Rasai runs a private one."
        ) from None


def _check_postgis(connection: Connection) -> None:
    found = connection.execute(POSTGIS).one()
    version = found.installed or found.available
    if version is None:
        raise OutsideDatabaseUnfit(
            why="that server has no PostGIS. Install it there (Debian: postgresql-15-postgis-3), or unset DATABASE_URL."
        )
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_POSTGIS:
        raise OutsideDatabaseUnfit(why=f"that server has PostGIS {version}; Rasai needs 3.3 or newer.")
    if found.installed is None and not found.may_create:
        raise OutsideDatabaseUnfit(
            why="PostGIS is not set up in that database and this user may not do it. Have its owner run:"
            " CREATE EXTENSION postgis"
        )
