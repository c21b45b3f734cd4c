"""Is the process up, is the installation ready, and what do its figures say?"""

from apiflask import APIFlask

from tracker.accounts.identity import public


def attach(app: APIFlask) -> None:
    @app.get("/healthz")
    @public
    def healthz() -> dict[str, str]:
        return {"status": "up"}
