"""A million visits of a file: taken in, judged by every rule and counted. Beside it the least that could be done.

The floor: COPY into a bare table with the same columns, find the area of each position (areas outside, a GiST index
over the visits inside: each area is prepared once), group and count. No identity, no refusals, no rules, nothing kept.
Goal: at most 1.5 times its CPU, importer and checker each below 300 MB. `--size 20000` for a first look.
"""

from pathlib import Path
from typing import Any

from benchmarks.made_round import CAMPAIGN, Round, load_ground, make_round
from benchmarks.measure import Cost, Installation, installation, say, show_costs, show_table, size_from_words

FLOOR_TABLE = """
    DROP TABLE IF EXISTS floor_visit;
    CREATE TABLE floor_visit (
        instance_id uuid, team text, visited_at timestamptz, lon float8, lat float8, accuracy_m float8, settlement text,
        children_eligible integer, vaccinated integer, absent integer, refused integer, other_missed integer,
        guests_vaccinated integer, zero_dose integer, finger_marked integer, is_revisit boolean, mock_location boolean,
        note text)"""
FLOOR_COPY = "COPY floor_visit FROM STDIN (FORMAT csv, HEADER)"
POSITION = "ST_SetSRID(ST_MakePoint(v.lon, v.lat), 4326)"
COUNT = f"""
    SELECT a.id, v.settlement, v.visited_at::date, count(*), sum(v.vaccinated)
    FROM lowest_area a JOIN floor_visit v ON ST_Covers(a.boundary, {POSITION}) GROUP BY 1, 2, 3"""
LOWEST_AREAS = """
    CREATE TEMP TABLE lowest_area AS SELECT id, boundary FROM area WHERE level = 'tehsil'"""
FAST_PLAN = "CREATE INDEX floor_position ON floor_visit USING gist (ST_SetSRID(ST_MakePoint(lon, lat), 4326))"
SLOW_PLAN = "CREATE INDEX lowest_area_boundary ON lowest_area USING gist (boundary)"


def main() -> None:
    size = size_from_words(1_000_000, "visits, in a hundredth as many settlements")
    with installation("import") as place:
        made = make_round(place.settings.data_dir / "round", size, size / 100)
        load_ground(place, made)
        fast = floor(place, made.visits, FAST_PLAN)
        found, costs = import_and_check(place, made)
        fast_again = floor(place, made.visits, FAST_PLAN)
        slow = floor(place, made.visits, SLOW_PLAN)
    best = min(fast, fast_again, key=lambda c: c.cpu_s)
    show_costs(
        f"{made.visit_count:,} visits in a CSV file",
        [("floor, areas outside (before)", fast), ("floor, areas outside (after)", fast_again),
         ("floor, visits outside (the planner's choice)", slow), *costs],
        beside=best,
    )  # fmt: skip
    show_table("What was found", ("", "visits"), found.items())


def import_and_check(place: Installation, made: Round) -> tuple[dict[str, Any], list[tuple[str, Cost]]]:
    """Through the commands that people use; what they said, and what each cost."""
    say("importing")
    taken, importing = place.measured_flask(
        "visits", "import", made.visits, "--campaign", CAMPAIGN, "--json", may_refuse=True
    )
    say("judging and counting")
    judged, checking = place.measured_flask("visits", "check", "--campaign", CAMPAIGN, "--json")
    say("recounting")
    recount = place.flask("coverage", "recount", "--campaign", CAMPAIGN, "--json")
    taken["refused"] = taken.pop("rejected")
    taken.pop("seconds")
    recounted = {"cells recounted": recount["cells"], "of these different": recount["different"]}
    found = taken | judged["standing"] | judged["flags"] | recounted
    return found, [("visits import", importing), ("visits check", checking), ("both", importing + checking)]


def floor(place: Installation, visits: Path, index: str) -> Cost:
    """COPY, locate and count, with the index that makes PostgreSQL take one plan or the other."""
    say(f"floor: {index.split(' USING')[0].removeprefix('CREATE INDEX ')}")
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute(FLOOR_TABLE)
        cursor.execute(LOWEST_AREAS)

        def work() -> None:
            with visits.open("rb") as file:
                cursor.copy_expert(FLOOR_COPY, file)
            cursor.execute(index)
            cursor.execute("ANALYZE floor_visit; ANALYZE lowest_area")
            cursor.execute(COUNT)
            cursor.fetchall()

        _, cost = place.measured(work)
        cursor.execute("DROP TABLE floor_visit, lowest_area")
    return cost


if __name__ == "__main__":
    main()
