"""Rasai: a tracker for field campaigns. Read `create_app` to see the whole system.

Each folder is a capability. Inside: models (tables), verbs (what it does), and doors (pages, api, commands) that only
translate.
"""

from apiflask import APIFlask

from tracker import api_description, errors, figures, operations, page_frame, request_cycle, settings
from tracker.accounts import pages as accounts_pages
from tracker.accounts import people_pages
from tracker.areas import api as areas_api
from tracker.campaigns import api as campaigns_api
from tracker.campaigns import pages as campaigns_pages
from tracker.command_line import LateGroup
from tracker.coverage import api as coverage_api
from tracker.coverage import pages as coverage_pages
from tracker.coverage import tiles as coverage_tiles
from tracker.denominators import pages as denominators_pages
from tracker.evening import pages as evening_pages
from tracker.exports import pages as exports_pages
from tracker.limits import pages as limits_pages
from tracker.ogc import api as ogc_api
from tracker.orders import pages as orders_pages
from tracker.photos import api as photos_api
from tracker.plantations import api as plantations_api
from tracker.plantations import pages as plantations_pages
from tracker.questions import pages as questions_pages
from tracker.rounds import pages as rounds_pages
from tracker.set_up import pages as set_up_pages
from tracker.visits import api as visits_api
from tracker.visits import pages as visits_pages

PAGES = (
    accounts_pages, people_pages, campaigns_pages, coverage_pages, visits_pages, orders_pages, questions_pages,
    evening_pages, exports_pages, denominators_pages, set_up_pages, plantations_pages,
    limits_pages,
    rounds_pages,
)  # fmt: skip
APIS = (areas_api, campaigns_api, coverage_api, visits_api, photos_api, plantations_api)
COMMANDS = {  # imported when they are used: GDAL and Arrow are large, and a page or a judgement needs neither
    "database": "tracker.database_commands:database",
    "users": "tracker.accounts.commands:users",
    "areas": "tracker.areas.commands:areas",
    "settlements": "tracker.areas.commands:settlements",
    "campaigns": "tracker.campaigns.commands:campaigns",
    "teams": "tracker.campaigns.commands:teams",
    "targets": "tracker.campaigns.commands:targets",
    "visits": "tracker.visits.commands:visits",
    "coverage": "tracker.coverage.commands:coverage",
    "scenes": "tracker.imagery.commands:scenes",
    "plantations": "tracker.plantations.commands:plantations",
    "dhis2": "tracker.exports.commands:dhis2",
    "demo": "tracker.demo.commands:demo",
}


def create_app() -> APIFlask:
    """The web application and the command line, made of the capabilities listed above."""
    chosen = settings.from_environment()
    app = APIFlask(
        __name__,
        title="Rasai",
        version="1",
        spec_path="/api/openapi.json",
        docs_path=None,
        template_folder="../templates",
        static_folder="static",
    )
    app.config.from_mapping(SECRET_KEY=chosen.secret_key, RASAI=chosen)
    request_cycle.attach(app)  # who asks, in which language, under which headers
    errors.attach(app)  # domain errors become answers
    figures.attach(app)  # how numbers, codes and days are written
    page_frame.attach(app)  # what stands around every page
    api_description.attach(app)  # /api/openapi.json
    operations.attach(app)  # /healthz, /readyz, /metrics
    for door in PAGES:
        app.register_blueprint(door.pages)
    for door in APIS:
        app.register_blueprint(door.api, url_prefix="/api/v1")
    app.register_blueprint(coverage_tiles.tiles)
    app.register_blueprint(ogc_api.api)
    app.cli = LateGroup(elsewhere=COMMANDS)
    return app
