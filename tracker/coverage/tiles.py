"""Vector tiles."""
from apiflask import APIBlueprint

tiles = APIBlueprint("coverage_tiles", __name__, enable_openapi=False)
