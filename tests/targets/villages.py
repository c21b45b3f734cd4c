"""A round in Peshawar with villages to plan, for tests of target areas."""

from tests.builders import IN_PESHAWAR, a_hamlet, a_round, a_settlement, a_team, metres_east_of, the_ground


def a_round_to_plan(session, *, teams: int = 2):
    """Twelve hamlets and a town within a few kilometres; mobile teams of Peshawar."""
    ground = the_ground(session)
    for k in range(12):
        a_hamlet(session, f"KILI{k:02d}", metres_east_of(IN_PESHAWAR, 700 * k), under_five=12)
    a_settlement(session, "TOWN", metres_east_of(IN_PESHAWAR, -2_000), type="urban", under_five=120, name_ur="شہر")
    campaign = a_round(session, areas=[ground.peshawar])
    its = [a_team(session, campaign, f"T{k + 1}", ground.peshawar, supervisor="S1") for k in range(teams)]
    return ground, campaign, its
