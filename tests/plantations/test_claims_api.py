"""Claims over HTTP, on pages and in reports: each sees their areas', nobody else's, and no input breaks anything."""

import io
import re
from dataclasses import dataclass

import pytest
import shapely
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import a_cookie, a_person, a_round, a_team, a_token, the_ground
from tests.plantations.claims_made import AS_OF, HONEST, a_claim, found, ground, trees
from tracker import create_app
from tracker.accounts.scope import SERVER, reading, scope_of
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.plantations.reading import campaign_report

LIST, API = "/campaigns/TREES/claims", "/api/v1/campaigns/TREES/claims"
ROLES = ("admin", "coordinator", "supervisor", "verifier", "observer", "team")


@dataclass
class Story:
    """A campaign over the province: PESH-1 in Peshawar overlaps PESH-2, and crosses nothing of BANNU-1."""

    client: FlaskClient
    tokens: dict[str, dict[str, str]]
    browsers: dict[str, FlaskClient]

    def get(self, who: str, path: str, **more: object):
        return self.client.get(path, headers=self.tokens[who], **more)

    def post(self, who: str, body: object, path: str = API):
        return self.client.post(path, headers=self.tokens[who], json=body)

    def send(self, who: str, **form: object):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.browsers[who].get("/campaigns").text)
        assert token
        return self.browsers[who].post(
            "/campaigns/TREES/register-claim", data={"csrf_token": token[1], **form}, follow_redirects=True
        )


@pytest.fixture
def story(database) -> Story:
    app = create_app()
    tokens, browsers = {}, {}
    with transaction() as session:
        land = the_ground(session)
        campaign = trees(session, areas=(land.province,))
        a_claim(session, campaign, "PESH-1")
        a_claim(session, campaign, "PESH-2", ground(east_m=60))
        a_claim(session, campaign, "BANNU-1", shapely.transform(ground(), lambda xy: xy - 1))
        assert found(session, campaign, "PESH-1")["overlap"] == "reject"
        a_round(session, areas=[land.peshawar])
        team = a_team(session, campaign, area=land.peshawar)
        people = {role: a_person(session, role.title(), role, land.peshawar) for role in ROLES if role != "team"}
        people["team"] = a_person(session, "Bilal", "team", team=team)
        people["Dawar"] = a_person(session, "Dawar", "coordinator", land.bannu)
        for who, person in people.items():
            tokens[who] = a_token(session, person)
            browsers[who] = app.test_client()
            name, value = a_cookie(session, person)
            browsers[who].set_cookie(name, value)
    return Story(app.test_client(), tokens, browsers)


def feature(code: str = "NEW", shape: shapely.Geometry | None = None, **facts: object) -> dict[str, object]:
    geometry = shapely.geometry.mapping(ground(north_m=900) if shape is None else shape)
    return {"type": "Feature", "properties": {"claim": code, **HONEST, **facts}, "geometry": geometry}


def test_dawar_sees_neither_claim_nor_that_it_is_there(story):
    codes = [row["claim"] for row in story.get("Dawar", API).json["rows"]]
    assert codes == ["BANNU-1"]
    for path in (f"{API}/PESH-1", f"{LIST}/PESH-1", f"{API}/NOWHERE"):
        assert story.get("Dawar", path).status_code == 404
    assert "PESH" not in story.get("Dawar", LIST).text
    assert story.get("Dawar", f"{LIST}?q=PESH").status_code == 200


def test_a_pair_with_a_claim_elsewhere_does_not_tell_its_code(story):
    with transaction() as session:
        campaign = session.query(Campaign).filter_by(code="TREES").one()
        a_claim(session, campaign, "BANNU-2", shapely.transform(ground(east_m=50), lambda xy: xy - 1))
        found(session, campaign)
        session.execute(text("UPDATE claim SET area_id = 0 WHERE code = 'BANNU-2'"))

    findings = story.get("Dawar", f"{API}/BANNU-1").json["properties"]["findings"]

    assert [f["numbers"]["other"] for f in findings if f["rule"] == "overlap"] == [None]
    assert "outside your areas" in findings[0]["message"]


@pytest.mark.parametrize(("who", "status"), [*((role, 200) for role in ROLES if role != "team"), ("team", 403)])
def test_who_may_see_claims(story, who, status):
    for path in (API, f"{API}/PESH-1", LIST, f"{LIST}/PESH-1"):
        assert story.get(who, path).status_code == status


@pytest.mark.parametrize(
    ("who", "status"),
    [("admin", 201), ("coordinator", 201), ("supervisor", 201), ("team", 201), ("verifier", 403), ("observer", 403)],
)
def test_who_may_register(story, who, status):
    assert story.post(who, feature()).status_code == status
    assert story.get(who, "/campaigns/TREES/register-claim").status_code == (200 if status == 201 else 403)


def test_a_claim_sent_again_corrected_and_sent_wrongly(story):
    assert story.post("coordinator", feature()).json == {"status": "created"}
    assert story.post("coordinator", feature()).json == {"status": "unchanged"}
    assert story.post("coordinator", feature(stems=7)).json == {"status": "updated"}

    refused = story.post("coordinator", feature(stems=-7, kind="jungle"))
    assert refused.status_code == 422
    assert {(e["row"], e["field"], e["rule"]) for e in refused.json["errors"]} == {
        (1, "stems", "not_a_count"), (1, "kind", "unknown_kind"),
    }  # fmt: skip


def test_of_many_each_has_its_own_answer(story):
    many = {
        "type": "FeatureCollection",
        "features": [feature(), feature("BAD", stems="x"), feature("DAWARS", ground(east_m=-95_000))],
    }

    answer = story.post("coordinator", many)

    assert answer.status_code == 200
    assert (answer.json["created"], answer.json["rejected"]) == (1, 2)
    assert [r["status"] for r in answer.json["results"]] == ["created", "rejected", "rejected"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"5", b'{"type": "Feature"}', b'{"type": "FeatureCollection", "features": 5}', b"\xff\xfe",
        b'{"type": "FeatureCollection", "features": [5, null]}', b"[" * 100_000,
        b'{"type": "Feature", "properties": 5, "geometry": {"type": "Polygon", "coordinates": [[[1e999, 0]]]}}',
        b'{"type": "Feature", "properties": {"claim": {"a": 1}}, "geometry": {"type": "Nonsense"}}',
    ],
)  # fmt: skip
def test_no_body_breaks_the_answer(story, body):
    answer = story.client.post(API, headers=story.tokens["coordinator"], data=body, content_type="application/json")

    assert answer.status_code in (200, 422)
    assert answer.json.get("errors") or answer.json.get("rejected")


def test_other_media_and_other_campaigns_are_refused(story):
    headers = story.tokens["coordinator"]
    assert story.client.post(API, headers=headers, data=b"x", content_type="text/csv").status_code == 415
    assert story.post("coordinator", feature(), "/api/v1/campaigns/NOV/claims").status_code == 422
    assert story.post("Dawar", feature(), "/api/v1/campaigns/NOV/claims").status_code == 404


def test_the_list_goes_on_page_by_page_and_can_be_narrowed(story):
    codes, cursor = [], ""
    for _ in range(2):
        page = story.get("admin", f"{API}?limit=2&cursor={cursor}").json
        codes += [row["claim"] for row in page["rows"]]
        cursor = page["next"]
    assert sorted(codes) == ["BANNU-1", "PESH-1", "PESH-2"]
    assert cursor is None
    for query, wanted in (
        ("rule=overlap", 2),
        ("kind=enclosure", 0),
        ("q=bannu", 1),
        ("gain=supports", 0),
        ("q=%25", 0),
    ):
        assert len(story.get("admin", f"{API}?{query}").json["rows"]) == wanted, query
    assert story.get("admin", f"{API}?cursor=made-up").status_code == 422


def test_the_page_of_a_claim_shows_what_was_found_and_draws_it(story):
    page = story.get("observer", f"{LIST}/PESH-1").text

    assert "PESH-2" in page
    assert re.search(r'<path class="reject" d="M[\d.]+ ', page)
    assert "Not measured yet." in page


@pytest.mark.parametrize("language", ["en", "ur", "ps"])
def test_every_page_reads_in_every_language(story, language):
    for path in (LIST, f"{LIST}/PESH-1", "/campaigns/TREES/register-claim"):
        page = story.get("coordinator", f"{path}?lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text


def test_the_form_registers_one_pasted_claim_and_has_it_checked(story):
    page = story.send("coordinator", claim="FORM-1", outline=ground(north_m=900).wkt, stems="100", kind="block")

    assert "FORM-1" in page.text
    with transaction() as session:
        raw = session.execute(text("SELECT channel, body FROM submission ORDER BY id DESC LIMIT 1")).one()
        assert (raw.channel, b"claim=FORM-1" in bytes(raw.body)) == ("form", True)
        assert session.scalar(text("SELECT count(*) FROM job WHERE task = 'check_claims'")) == 1


def test_what_is_wrong_in_the_form_is_said_beside_its_field_and_nothing_typed_is_lost(story):
    page = story.send("coordinator", claim="FORM-1", outline="POLYGON ((", stems="many", implementer="Zarghun & Sons")

    assert page.status_code == 200
    assert "many" in page.text
    assert "Zarghun &amp; Sons" in page.text
    assert page.text.count('aria-invalid="true"') == 2


def test_a_file_is_taken_and_a_strange_one_is_refused_in_words(story):
    good = f'claim,wkt\nFILE-1,"{ground(north_m=900).wkt}"\nFILE-2,"{ground(north_m=1500).wkt}"\n'.encode()

    assert "FILE-2" in story.send("supervisor", file=(io.BytesIO(good), "claims.csv")).text
    strange = story.send("supervisor", file=(io.BytesIO(b"\x00\x01" * 99), "../../etc/claims.gpkg"))
    assert strange.status_code == 200
    assert "claims.gpkg is of no known format" in strange.text


def test_the_report_of_a_scope_adds_nothing_from_elsewhere_and_groups_stay_apart(story):
    with transaction() as session:
        campaign = session.query(Campaign).filter_by(code="TREES").one()
        a_claim(session, campaign, "FENCE", ground(north_m=900), kind="enclosure", stems=None, species=None)
        from tracker.accounts.models import Person

        dawar = scope_of(session, session.query(Person).filter_by(name="Dawar").one())
        everything = campaign_report(session, campaign, SERVER)
    with reading(dawar) as session:
        own = campaign_report(session, session.query(Campaign).filter_by(code="TREES").one(), dawar)

    assert own["totals"]["claims"] == 1
    assert everything["totals"]["claims"] == 4
    assert (everything["groups"]["planting"]["claims"], everything["groups"]["regeneration"]["claims"]) == (3, 1)
    assert AS_OF


def test_the_database_itself_shows_dawar_nothing_of_peshawar(story):
    with transaction() as session:
        from tracker.accounts.models import Person

        scopes = {p.name: scope_of(session, p) for p in session.query(Person)}
    tables = ("claim", "finding", "claim_version", "evidence", "claim_track", "survival_survey")

    def rows(who: str) -> list[int]:
        with reading(scopes[who]) as session:
            return [session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables]

    assert rows("Dawar")[:2] == [1, 0]
    assert rows("Observer")[:2] == [2, 2]
    assert rows("Bilal") == [0] * len(tables)
    assert rows("Admin")[0] == 3
