"""Is the process up, is the installation ready, and what do its figures say?"""
from apiflask import APIFlask


def attach(app: APIFlask) -> None:
    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "up"}
