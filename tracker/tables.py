"""All tables of all capabilities, listed by hand: what migrations compare with the database."""

from tracker import jobs
from tracker.accounts import models as accounts
from tracker.areas import models as areas
from tracker.campaigns import models as campaigns
from tracker.coverage import models as coverage
from tracker.database import Base
from tracker.plantations import models as plantations
from tracker.visits import models as visits

CAPABILITIES = (accounts, areas, campaigns, visits, coverage, plantations, jobs)
metadata = Base.metadata
