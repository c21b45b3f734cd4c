"""The quality page: flags, the visits behind them, decisions."""
from apiflask import APIBlueprint

pages = APIBlueprint("visits_pages", __name__, enable_openapi=False)
