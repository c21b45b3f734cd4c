"""Areas over HTTP."""

from apiflask import APIBlueprint

api = APIBlueprint("areas_api", __name__)
