"""Sign-in, sign-out, people."""
from apiflask import APIBlueprint

pages = APIBlueprint("accounts_pages", __name__, enable_openapi=False)
