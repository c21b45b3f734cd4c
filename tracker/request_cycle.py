"""What happens around every request: who asks, in which language, and which headers every answer carries."""
from apiflask import APIFlask
from flask_babel import Babel


def attach(app: APIFlask) -> None:
    Babel(app)
