"""A web application on a database of its own, and people who sign in to it."""

import re
from collections.abc import Callable

import pytest
from apiflask import APIFlask
from flask import render_template_string
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tracker import create_app
from tracker.accounts.identity import DECIDE, may, public, signed_in

PASSWORD = "seven grey herons by the canal"


@pytest.fixture
def app(database: str) -> APIFlask:
    """The application with a few doors of the test's own: what is tested here is not what stands behind them."""
    app = create_app()

    @app.get("/who")
    def who() -> dict[str, str]:
        return {"email": signed_in().email}

    @app.get("/form")
    def form() -> str:
        return render_template_string('<form><input name="csrf_token" value="{{ csrf_token() }}"></form>')

    @app.post("/api/v1/act")
    @may(DECIDE)
    def act() -> dict[str, str]:
        return {"done": "yes"}

    @app.get("/api/v1/fault")
    def fault() -> str:
        raise RuntimeError("secret detail")

    @app.get("/open")
    @public
    def open_door() -> dict[str, str]:
        return {"open": "yes"}

    return app


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    return app.test_client()


def csrf_token(client: FlaskClient, path: str = "/login") -> str:
    """The token of the form on that page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found, f"{path} has no form with a token"
    return found[1]


@pytest.fixture
def sign_in(client: FlaskClient) -> Callable[..., TestResponse]:
    """Sign in by the form, as a person does."""

    def signing_in(email: str, password: str = PASSWORD, address: str = "127.0.0.1", **more: str) -> TestResponse:
        form = {"email": email, "password": password, "csrf_token": csrf_token(client), **more}
        return client.post("/login", data=form, environ_base={"REMOTE_ADDR": address})

    return signing_in
