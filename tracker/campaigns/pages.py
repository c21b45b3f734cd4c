"""The list of campaigns."""
from apiflask import APIBlueprint

pages = APIBlueprint("campaigns_pages", __name__, enable_openapi=False)
