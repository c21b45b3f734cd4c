"""Rasai: a tracker for field campaigns. Read `create_app` to see the whole system.

Each folder is a capability. Inside: models (tables), verbs (what it does), and doors (pages, api, commands) that only
translate.
"""
from apiflask import APIFlask

from tracker import api_description, database_commands, errors, figures, operations, page_frame, request_cycle, settings
from tracker.accounts import commands as accounts_commands
from tracker.accounts import pages as accounts_pages
from tracker.areas import api as areas_api
from tracker.areas import commands as areas_commands
from tracker.campaigns import api as campaigns_api
from tracker.campaigns import commands as campaigns_commands
from tracker.campaigns import pages as campaigns_pages
from tracker.coverage import api as coverage_api
from tracker.coverage import commands as coverage_commands
from tracker.coverage import pages as coverage_pages
from tracker.coverage import tiles as coverage_tiles
from tracker.demo import commands as demo_commands
from tracker.visits import api as visits_api
from tracker.visits import commands as visits_commands
from tracker.visits import pages as visits_pages

PAGES = (accounts_pages, campaigns_pages, coverage_pages, visits_pages)
APIS = (areas_api, campaigns_api, coverage_api, visits_api)
COMMANDS = (
    database_commands.database, accounts_commands.users, areas_commands.areas, areas_commands.settlements,
    campaigns_commands.campaigns, campaigns_commands.teams, campaigns_commands.targets,
    visits_commands.visits, coverage_commands.coverage, demo_commands.demo,
)


def create_app() -> APIFlask:
    """The web application and the command line, made of the capabilities listed above."""
    chosen = settings.from_environment()
    app = APIFlask(__name__, title="Rasai", version="1", spec_path="/api/openapi.json", docs_path=None,
                   template_folder="../templates", static_folder="static")
    app.config.from_mapping(SECRET_KEY=chosen.secret_key, RASAI=chosen)
    request_cycle.attach(app)       # who asks, in which language, under which headers
    errors.attach(app)              # domain errors become answers
    figures.attach(app)             # how numbers, codes and days are written
    page_frame.attach(app)          # what stands around every page
    api_description.attach(app)     # /api/openapi.json
    operations.attach(app)          # /healthz, /readyz, /metrics
    for door in PAGES:
        app.register_blueprint(door.pages)
    for door in APIS:
        app.register_blueprint(door.api, url_prefix="/api/v1")
    app.register_blueprint(coverage_tiles.tiles)
    for group in COMMANDS:
        app.cli.add_command(group)
    return app
