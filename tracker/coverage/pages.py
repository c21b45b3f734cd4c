"""The coverage page and its panels."""
from apiflask import APIBlueprint

pages = APIBlueprint("coverage_pages", __name__, enable_openapi=False)
