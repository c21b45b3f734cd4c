"""Coverage, gaps and settlements over HTTP."""
from apiflask import APIBlueprint

api = APIBlueprint("coverage_api", __name__)
