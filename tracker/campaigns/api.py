"""Campaigns over HTTP."""
from apiflask import APIBlueprint

api = APIBlueprint("campaigns_api", __name__)
