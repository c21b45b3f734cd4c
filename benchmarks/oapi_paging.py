"""What does it cost to read all settlements with their status through /oapi, page by page, as a round grows?

The whole way of a request, by token and under row security, with pages of 1,000: from the first page to the last, for
growing rounds. Cost is linear when the time for a page stays the same however many lie before it: shown are the first
and the last tenth of the pages. Floor, in the same run: the same rows read by one statement and written as JSON.
"""

import time
from datetime import UTC, datetime

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.measure import installation, show_table
from tracker import create_app
from tracker.accounts.people import create_person, issue_token
from tracker.accounts.scope import SERVER, reading, scope_of
from tracker.campaigns.models import Campaign
from tracker.coverage.settlement_stream import Wanted, settlement_batches
from tracker.database import transaction

SIZES = (10_000, 50_000, 200_000)
A_PAGE = 1_000
CODE = "PAGES"

AREA = text("""
    WITH made AS (
        INSERT INTO area (vintage, level, code, name_en, boundary, area_km2)
        VALUES ('2026-01-01', 'district', 'B1', 'Bench', ST_Multi(ST_MakeEnvelope(70, 33, 73, 36, 4326)), 80000)
        RETURNING id)
    INSERT INTO area_within (area_id, ancestor_id, ancestor_level) SELECT id, id, 'district' FROM made""")
CAMPAIGN = text("""
    WITH made AS (
        INSERT INTO campaign (code, kind, name, starts_on, ends_on, timezone, vintage)
        VALUES (:code, 'vaccination', 'Bench', '2026-01-05', '2026-01-07', 'Asia/Karachi', '2026-01-01') RETURNING id)
    INSERT INTO campaign_area (campaign_id, area_id) SELECT made.id, area.id FROM made, area""")
SETTLEMENTS = text("""
    WITH made AS (
        INSERT INTO settlement (code, name_en, type, under_five, centre, radius_m, utm_epsg, cell_east_m, cell_north_m,
                                tile_key)
        SELECT 'S' || n, 'Settlement ' || n, 'hamlet', 20 + n % 60,
               ST_SetSRID(ST_MakePoint(70.01 + (n % 500) * 0.0059, 33.01 + n / 500 * 0.0059), 4326), 100, 32642, '{0}',
               '{0}', n
        FROM generate_series(:first, :last) n RETURNING id, under_five, centre, code, name_en, tile_key
    ), placed AS (
        INSERT INTO settlement_place (settlement_id, vintage, area_id)
        SELECT made.id, a.vintage, a.id FROM made, area a)
    INSERT INTO campaign_settlement (campaign_id, settlement_id, area_id, target, target_fixed, first_day, last_day,
                                     tile_key, point, code, name_en, cells)
    SELECT c.id, made.id, a.id, under_five, under_five, c.starts_on, c.ends_on, tile_key, centre, made.code,
           made.name_en, 1
    FROM made, campaign c, area a WHERE c.code = :code""")


def main() -> None:
    with installation("oapi_paging") as place:
        with transaction() as session:
            session.execute(AREA)
            session.execute(CAMPAIGN, {"code": CODE})
            person = create_person(session, SERVER, "bench@example.org", "coordinator", area_codes=["B1"])
            token, _expires = issue_token(session, SERVER, person.email, days=1)
        client, rows, there = create_app().test_client(), [], 0
        for size in SIZES:
            with transaction() as session:
                session.execute(SETTLEMENTS, {"first": there, "last": size - 1, "code": CODE})
            there = size
            with place.connect() as connection, connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            rows.append(_measured(client, token, size))
    head = ("settlements", "pages", "all, s", "first tenth, ms a page", "last tenth, ms a page", "floor, s", "÷ floor")
    show_table("Reading a collection page by page", head, rows)


def _measured(client: object, token: str, size: int) -> tuple[object, ...]:
    path, each, seen = f"/oapi/collections/settlements_{CODE}/items?limit={A_PAGE}", [], 0
    while path:
        began = time.perf_counter()
        answer = client.get(path, headers={"Authorization": f"Bearer {token}"})  # type: ignore[attr-defined]
        each.append(time.perf_counter() - began)
        document = orjson.loads(answer.data)
        seen += document["numberReturned"]
        path = next((link["href"].partition("/oapi")[2] for link in document["links"] if link["rel"] == "next"), "")
        path = path and f"/oapi{path}"
    assert seen == size, (seen, size)
    tenth = max(1, len(each) // 10)
    first, last = sum(each[1 : tenth + 1]) / tenth, sum(each[-tenth:]) / tenth  # the first page also counts all
    floor = _floor()
    return (f"{size:,}", len(each), f"{sum(each):.1f}", f"{first * 1000:.0f}", f"{last * 1000:.0f}", f"{floor:.1f}",
            f"{sum(each) / floor:.2f}")  # fmt: skip


def _floor() -> float:
    """One statement, one document."""
    with transaction() as session:
        person_scope = scope_of(session, _person(session))
    began = time.perf_counter()
    with reading(person_scope) as session:
        campaign = session.query(Campaign).filter_by(code=CODE).one()
        for batch in settlement_batches(session, campaign, person_scope, Wanted(), now=datetime.now(UTC)):
            orjson.dumps(batch)
    return time.perf_counter() - began


def _person(session: Session):  # type: ignore[no-untyped-def]
    from tracker.accounts.models import Person

    return session.query(Person).filter_by(email="bench@example.org").one()


if __name__ == "__main__":
    main()
