"""A real PostGIS for every test: one cluster per local folder, a migrated template, a clone for whoever commits.

`session` rolls back when the test ends; `database` is a fresh database of its own, for tests that commit or start
servers.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

import geo.vector_files  # noqa: F401  first: it decides which drivers pyogrio may register
from tracker import settings
from tracker.database import engine_for
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.errors import RasaiError

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def local_dir() -> Path:
    """The folder of the tests' own instance; RASAI_LOCAL_DIR points there from now on."""
    folder = settings.from_environment().local_dir
    if folder.name != "test":
        folder = folder / "test"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["RASAI_LOCAL_DIR"] = str(folder)
    os.environ.pop("DATABASE_URL", None)
    return folder


@pytest.fixture(scope="session")
def cluster(local_dir: Path) -> Iterator[str]:
    """Address of the tests' cluster, database name left open as {name}. The last process out stops it."""
    postgres = EmbeddedPostgres(settings.from_environment())
    with postgres.in_use():
        yield f"postgresql+psycopg2://rasai@/{{name}}?host={postgres.sockets}"


@pytest.fixture
def own_place(local_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A local folder for one test alone, with no cluster yet; what is started there is ended with the test."""
    folder = Path(tempfile.mkdtemp(prefix="own-", dir=local_dir))
    folder.chmod(0o755)  # the user who runs PostgreSQL must get in
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(folder))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    yield folder
    with suppress(RasaiError):
        EmbeddedPostgres(settings.from_environment({"RASAI_LOCAL_DIR": str(folder)})).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: str, local_dir: Path) -> str:
    """Name of a migrated, empty database; made once per state of the migrations, under a lock."""
    migrations = sorted((PROJECT / "migrations").rglob("*.py"))
    name = "template_" + hashlib.sha256(b"".join(f.read_bytes() for f in migrations)).hexdigest()[:12]
    with open(local_dir / "template.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _administration(cluster) as connection:
            if connection.scalar(text("SELECT datistemplate FROM pg_database WHERE datname = :name"), {"name": name}):
                return name
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}"'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
            config = Config(PROJECT / "alembic.ini")
            config.set_main_option("sqlalchemy.url", cluster.format(name=name))
            command.upgrade(config, "head")
            connection.execute(text(f'ALTER DATABASE "{name}" IS_TEMPLATE true'))
    return name


def _administration(cluster: str):
    return create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT", poolclass=None).connect()


@contextmanager
def a_database(cluster: str, template: str, kind: str) -> Iterator[str]:
    """A fresh database while the block runs; its address."""
    name = f"{kind}_{uuid.uuid4().hex[:12]}"
    with _administration(cluster) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        url = cluster.format(name=name)
        try:
            yield url
        finally:
            engine_for(url).dispose()
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def database(cluster: str, template: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh database for one test; DATABASE_URL names it, for this process and those it starts."""
    with a_database(cluster, template, "test") as url:
        monkeypatch.setenv("DATABASE_URL", url)
        yield url


@pytest.fixture(scope="session")
def shared_database(cluster: str, template: str) -> Iterator[str]:
    """One database for all tests of this process that roll back."""
    with a_database(cluster, template, "shared") as url:
        yield url


@pytest.fixture
def session(shared_database: str) -> Iterator[Session]:
    """A session whose work is undone when the test ends; verbs may commit inside it."""
    with engine_for(shared_database).connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as opened:
            yield opened
        outer.rollback()


@pytest.fixture
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data beside the checkout is absent")
    return SHARED_DATA
