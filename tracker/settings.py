"""Every setting of Rasai, typed, read once from the environment.

Everything that is written at run time lies below `local_dir`; two instances with two folders run side by side.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import SettingMissing

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """What an installation can choose; `from_environment` reads it."""

    environment: str  # RASAI_ENV: "production" demands an explicit SECRET_KEY and https-only cookies
    local_dir: Path  # RASAI_LOCAL_DIR: the one folder that is written to
    database_url: str | None  # DATABASE_URL; None: the embedded cluster below local_dir
    host: str  # HOST: address that the web server binds
    port: int  # PORT
    secret_key: str  # SECRET_KEY: signs CSRF tokens and cursors
    web_threads: int  # RASAI_WEB_THREADS: requests answered at once by one web process
    web_processes: int  # RASAI_WEB_PROCESSES
    mail_server: str | None  # RASAI_MAIL_SERVER: smtp://USER:PASSWORD@HOST:PORT or smtps://; None: nothing is mailed
    mail_from: str  # RASAI_MAIL_FROM: whose name stands on mails
    proxies: int  # RASAI_PROXIES: how many proxies of ours stand before us; their X-Forwarded-For is believed

    stac_api: str | None = None  # RASAI_STAC_API: where `flask scenes search` asks; None: nowhere

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def postgres_dir(self) -> Path:
        return self.local_dir / "postgres"

    @property
    def run_dir(self) -> Path:
        return self.local_dir / "run"

    @property
    def data_dir(self) -> Path:
        return self.local_dir / "data"

    @property
    def log_dir(self) -> Path:
        return self.local_dir / "log"


def from_environment(environ: dict[str, str] | None = None) -> Settings:
    """Read the settings; a missing secret is made once and kept below the local folder, except in production."""
    env = dict(os.environ) if environ is None else environ
    local_dir = Path(env.get("RASAI_LOCAL_DIR") or PROJECT / ".local").expanduser().absolute()
    environment = env.get("RASAI_ENV", "development")
    return Settings(
        environment=environment,
        local_dir=local_dir,
        database_url=_with_driver(env["DATABASE_URL"]) if env.get("DATABASE_URL") else None,
        host=env.get("HOST") or "127.0.0.1",
        port=_whole_number(env, "PORT", 8000),
        secret_key=env.get("SECRET_KEY") or _kept_secret(local_dir, environment),
        web_threads=_whole_number(env, "RASAI_WEB_THREADS", 16),
        web_processes=_whole_number(env, "RASAI_WEB_PROCESSES", 1),
        mail_server=env.get("RASAI_MAIL_SERVER") or None,
        mail_from=env.get("RASAI_MAIL_FROM") or "rasai@localhost",
        proxies=_whole_number(env, "RASAI_PROXIES", 0),
        stac_api=env.get("RASAI_STAC_API") or None,
    )


def _with_driver(url: str) -> str:
    """Name the driver: SQLAlchemy 2.1 would read a bare postgresql:// as psycopg 3."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in ("postgres", "postgresql") else url


def _whole_number(env: dict[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not value.isdecimal():
        raise SettingMissing(name=name, why=f"{value!r} is not a whole number")
    return int(value)


def _kept_secret(local_dir: Path, environment: str) -> str:
    if environment == "production":
        raise SettingMissing(name="SECRET_KEY", why="production needs a secret of its own; set it in the environment")
    kept = local_dir / "secret-key"
    if not kept.exists():
        local_dir.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass  # another process of this installation was quicker; read what it made
    return kept.read_text().strip()
