"""What the coverage page asks for, in a small round and in a large one: the same, because it reads kept counts.

Two rounds over the same 2,000 settlements and areas: one has a hundredth of the visits of the other, all else is equal.
Asked in turns, best of many: the verb behind the page (`coverage_report`, districts) and the API's request as an admin
and as a coordinator. Goal: the large round at most 1.3 times the small one. The floor is the same report by counting
the visits themselves. `--size 60000` for a first look.
"""

import csv
import http.client
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.intake_api import sender_token
from benchmarks.made_round import CAMPAIGN, Round, create_campaign, load_ground, make_round
from benchmarks.measure import Installation, installation, say, show_table, size_from_words
from benchmarks.web import serving
from tracker.accounts.scope import SERVER, campaign_in_scope, reading
from tracker.coverage.report import coverage_report

SMALL = "SMALL"  # the campaign with the few visits
SETTLEMENTS = 10_000
REPEATS = 40

BY_COUNTING_VISITS = """
    SELECT w.ancestor_id, count(*), sum(v.vaccinated) FILTER (WHERE v.standing <= 2)
    FROM visit v JOIN campaign c ON c.id = v.campaign_id AND c.code = %s
    JOIN area_within w ON w.area_id = v.area_id AND w.ancestor_level = 'district' GROUP BY 1"""


def main() -> None:
    size = size_from_words(1_000_000, "visits in the large round")
    with installation("coverage") as place:
        made = make_round(place.settings.data_dir / "round", size, SETTLEMENTS)
        load_ground(place, made)
        load_small(place, made)
        for code, visits in ((CAMPAIGN, made.visits), (SMALL, small_file(made))):
            say(f"importing and judging {code}")
            place.flask("visits", "import", visits, "--campaign", code, "--json", may_refuse=True)
            place.flask("visits", "check", "--campaign", code, "--json")
        token = sender_token(place)
        with place.connect() as connection, connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            by_visits = compare(lambda code: lambda: cursor.execute(BY_COUNTING_VISITS, (code,)), 3)
        with serving(place) as web:
            line = http.client.HTTPConnection("127.0.0.1", web.port)
            rows = [
                ("coverage_report, districts", *compare(report, REPEATS)),
                ("API, as a coordinator", *compare(lambda code: request(line, code, token), REPEATS)),
                ("counting the visits instead", *by_visits),
            ]
    head = ("", f"{made.visit_count // 100:,} visits, ms", f"{made.visit_count:,} visits, ms", "large ÷ small")
    show_table("The coverage page's data", head, rows)


def load_small(place: Installation, made: Round) -> None:
    """The same teams, plan and settlements once more."""
    create_campaign(place, SMALL, made.files.days)
    place.flask("teams", "import", made.files.teams, "--campaign", SMALL)
    place.flask("targets", "import", made.files.microplan, "--campaign", SMALL)


def small_file(made: Round) -> Path:
    """Every hundredth visit, under ids of its own: over all settlements, as early in a round."""
    path = made.visits.with_name("small.csv")
    with made.visits.open(encoding="utf-8", newline="") as source, path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.reader(source)
        writer = csv.writer(out)
        writer.writerow(next(rows))
        for number, (instance_id, *row) in enumerate(itertools.islice(rows, 0, None, 100)):
            writer.writerow([f"{number:08x}{instance_id[8:]}", *row])
    return path


def report(code: str) -> Callable[[], object]:
    def ask() -> object:
        with reading(SERVER) as session:
            campaign = campaign_in_scope(session, code, SERVER)
            return coverage_report(session, campaign, SERVER, "district", now=datetime.now(UTC))

    return ask


def request(line: http.client.HTTPConnection, code: str, token: str) -> Callable[[], object]:
    def ask() -> object:
        line.request(
            "GET", f"/api/v1/campaigns/{code}/coverage?level=district", headers={"Authorization": f"Bearer {token}"}
        )
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return body

    return ask


def compare(question: Callable[[str], Callable[[], object]], repeats: int) -> tuple[str, str, str]:
    """Milliseconds of the small and the large round (lower quartile: others use the machine too), and their ratio."""
    small, large = question(SMALL), question(CAMPAIGN)
    small_ms, large_ms = [], []
    for _ in range(repeats):
        small_ms.append(_milliseconds(small))
        large_ms.append(_milliseconds(large))
    few, many = (sorted(ms)[len(ms) // 4] for ms in (small_ms, large_ms))
    return f"{few:.1f}", f"{many:.1f}", f"{many / few:.2f}"


def _milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
