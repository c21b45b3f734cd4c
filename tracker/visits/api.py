"""Visits over HTTP: sending and reading."""
from apiflask import APIBlueprint

api = APIBlueprint("visits_api", __name__)
