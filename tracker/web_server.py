"""The web server: gunicorn with threads, told everything by our settings and nothing by files or arguments."""

import gc
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from tracker import create_app
from tracker.settings import Settings

KEEP_ALIVE_S = 75  # longer than what stands before us keeps a connection, so that we are never the one who closes
STUCK_S = 120  # a worker that has not stirred for so long is started anew
GRACE_S = 5  # for requests at hand when we stop


class PlainLog(Logger):  # type: ignore[misc]
    """gunicorn's own words take the same way as ours; requests are counted by `operations`, not logged one by one."""

    def setup(self, cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel("INFO")
        self.access_log.disabled = True


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn's arbiter and workers; `run` returns when it has been told to stop."""

    def __init__(self, chosen: Settings) -> None:
        self.chosen = chosen
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self.chosen.host}]" if ":" in self.chosen.host else self.chosen.host
        for name, value in {
            "bind": f"{host}:{self.chosen.port}",
            "worker_class": "gthread",
            "workers": self.chosen.web_processes,
            "threads": self.chosen.web_threads,
            "keepalive": KEEP_ALIVE_S,
            "timeout": STUCK_S,
            "graceful_timeout": GRACE_S,
            "worker_tmp_dir": str(self.chosen.run_dir),
            "control_socket_disable": True,
            "logger_class": PlainLog,
            "post_worker_init": _settle,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        app: Flask = create_app()
        return app


def _settle(_worker: Any) -> None:
    """What was made so far stays for ever: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
