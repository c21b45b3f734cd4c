"""What is the state of a settlement? First that fits; shares are compared as whole numbers, so that 95 % is 95 %.

Not stored: it follows from the counts and the date. `x` is a settlement's row in the campaign (or has its columns),
`:over_before` the first local day that is not over yet.
"""

STATUSES = ("missed", "partly", "doubtful", "covered", "not_started")  # the order in which they are shown everywhere

COVERED_PER_CENT = 95  # the programme's own line (independent monitoring: 95 % and more is good)
CELLS_PER_CENT = 80  # of the inhabited cells, where there are several; our choice
CLAIM_AHEAD_PER_CENT = 20  # points between claim and confirmed that make a covered place doubtful; our choice
MISSED_BELOW_PER_CENT = 50  # of the target, once the day is over; our choice

STATUS = f"""CASE
    WHEN x.visits = x.visits_rejected
    THEN CASE WHEN x.last_day < CAST(:over_before AS date) THEN 'missed' ELSE 'not_started' END
    WHEN x.target = 0 THEN 'covered'
    WHEN x.vaccinated_confirmed * 100 >= {COVERED_PER_CENT} * x.target
         AND (x.cells <= 1 OR x.cells_reached * 100 >= {CELLS_PER_CENT} * x.cells) THEN 'covered'
    WHEN x.vaccinated * 100 >= {COVERED_PER_CENT} * x.target
         AND ((x.vaccinated - x.vaccinated_confirmed) * 100 > {CLAIM_AHEAD_PER_CENT} * x.target
              OR x.cells_reached * 100 < {CELLS_PER_CENT} * x.cells) THEN 'doubtful'
    WHEN x.last_day < CAST(:over_before AS date) AND x.vaccinated * 100 < {MISSED_BELOW_PER_CENT} * x.target
    THEN 'missed'
    ELSE 'partly' END"""
