"""All tables of all capabilities, listed by hand: what migrations compare with the database."""

from tracker import jobs
from tracker.accounts import models as accounts
from tracker.areas import models as areas
from tracker.campaigns import models as campaigns
from tracker.coverage import models as coverage
from tracker.database import Base
from tracker.denominators import models as denominators
from tracker.evening import models as evening
from tracker.imagery import models as imagery
from tracker.orders import models as orders
from tracker.photos import models as photos
from tracker.plantations import models as plantations
from tracker.questions import models as questions
from tracker.rounds import models as rounds
from tracker.set_up import models as set_up
from tracker.targets import models as targets
from tracker.visits import models as visits

CAPABILITIES = (
    accounts, areas, campaigns, visits, coverage, plantations, imagery, jobs, orders, questions, evening, rounds,
    denominators, set_up, photos, targets,
)  # fmt: skip
metadata = Base.metadata
