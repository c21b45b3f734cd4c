"""Census tables are joined to areas by name: proposed, confirmed by a person, never guessed."""

import csv
import io
import re

import pytest
from sqlalchemy import text

from geo.vector_files import read_features
from tests.builders import VINTAGE, a_person, a_token, the_ground
from tracker import create_app
from tracker.accounts.scope import SERVER, scope_of
from tracker.areas.importing import AreaFields, import_areas
from tracker.database import transaction
from tracker.denominators.census import About, Reading, census_of, confirm, find_table, list_rows, read_census
from tracker.denominators.matching import Named, Place, plain_name, propose
from tracker.errors import NotFound, RowsRefused, WrongRequest
from tracker.sheets import Sheet, read_sheet

PLACES = [
    Place(1, "A", "Lalqila", "Lower Dir"),
    Place(2, "B", "Matta Kharirai", "Swat"),
    Place(3, "C", "Matta Sebujni", "Swat"),
]


@pytest.mark.parametrize(
    ("name", "parent", "how", "area"),
    [
        ("LAL QILA SUB-DIVISION", "LOWER DIR", "same_name", 1), ("Lal Quila", "LOWER DIR", "proposed", 1),
        ("MATTA TEHSIL", "SWAT", "left", None), ("LAL QILA", "KOHAT", "same_name", 1),
        ("Peshawar", "Peshawar", "left", None),
        ("", "SWAT", "left", None),
    ],
)  # fmt: skip
def test_what_is_proposed(name, parent, how, area):
    (proposal,) = propose([Named(name, parent)], PLACES)

    assert (proposal.how, proposal.area_id) == (how, area)


def test_two_rows_of_one_name_are_left_to_a_person_unless_their_parents_tell():
    twice = [Place(1, "A", "Khar", "Bajaur"), Place(2, "B", "Khar", "Mohmand")]

    told = propose([Named("KHAR", "BAJAUR"), Named("KHAR", "MOHMAND")], twice)
    untold = propose([Named("KHAR"), Named("KHAR")], twice)

    assert [p.area_id for p in told] == [1, 2]
    assert [p.how for p in untold] == ["left", "left"]


@pytest.mark.parametrize("name", ["CHARSADDA TEHSIL", "Charsadda", " charsadda (tehsil) ", "CHÁRSADDA"])
def test_a_plain_name(name):
    assert plain_name(name) == "CHARSADDA"


@pytest.fixture
def real(session, shared_data):
    """(session, tehsils of the official boundaries loaded, the census of 2017 as read)."""
    path = shared_data / "admin" / "kp_cod_ab_2022.gpkg"
    for layer, level, parent in (("adm2", "district", None), ("adm3", "tehsil", "admin2Pcode")):
        fields = AreaFields(f"admin{layer[-1]}Pcode", f"admin{layer[-1]}Name_en", parent=parent)
        summary = import_areas(session, read_features(path, layer), fields, level, VINTAGE)
        assert not summary.errors
    return session, read_sheet(shared_data / "tables" / "census2017_final_kp_fata_district_tehsil.csv")


def test_the_real_census_joins_89_tehsils_by_name_and_none_wrongly(real):
    session, sheet = real
    tehsils = [{**row} for row in sheet.rows if row["adm_lvl_4"] != "NA"]
    reading = Reading("area_name", "total_pop", "adm_lvl_3", only=(("area_type", "TOTAL"),))
    about = About("census 2017", "tehsil", VINTAGE, "population", 2017)

    table = read_census(session, SERVER, Sheet(sheet.columns, tehsils, 2), reading, about)

    rows = list_rows(session, SERVER, table)
    found = {how: [r for r in rows if r.how == how] for how in ("same_name", "proposed", "left")}
    assert {how: len(those) for how, those in found.items()} == {"same_name": 89, "proposed": 13, "left": 17}
    squeezed = [re.sub(r"[^A-Z]", "", re.sub("TEHSIL|SUB-DIVISION", "", r.name.upper())) for r in found["same_name"]]
    assert squeezed == [re.sub(r"[^A-Z]", "", r.area_name.upper()) for r in found["same_name"]]
    looked_at = {r.name: r.area_name for r in found["proposed"]}  # by eye, one by one: each is the same place
    assert looked_at["BEHRAIN TEHSIL"] == "Bahrain"
    assert looked_at["TEMERGARA SUB-DIVISION"] == "Timergara"
    assert {"MATTA TEHSIL", "PESHAWAR TEHSIL", "TRIBAL AREA ADJ. BANNU DISTRICT"} <= {r.name for r in found["left"]}
    assert census_of(session, [r.area_id for r in rows if r.area_id]) == {}  # nothing counts before a person looked


@pytest.fixture
def joined(session):
    """(session, ground, table of two districts)"""
    ground = the_ground(session)
    sheet = Sheet(["n", "u5"], [{"n": "Peshawar", "u5": "۱,۲۰۰"}, {"n": "Banu", "u5": "800"}, {"n": "X", "u5": "5"}], 2)
    about = About("census", "district", VINTAGE, "under_five", 2017)
    return session, ground, read_census(session, SERVER, sheet, Reading("n", "u5"), about)


def test_dawar_neither_sees_nor_confirms_a_row_of_peshawar(joined):
    session, ground, table = joined
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", ground.bannu))
    table.person_id = dawar.person_id
    peshawar = next(r for r in list_rows(session, SERVER, table) if r.name == "Peshawar")

    assert "Peshawar" not in {r.name for r in list_rows(session, dawar, table)}
    assert confirm(session, dawar, table, {peshawar.id: peshawar.area_id}) == 0


def test_only_what_a_person_confirmed_counts(joined):
    session, ground, table = joined
    rows = {r.name: r for r in list_rows(session, SERVER, table)}

    assert confirm(session, SERVER, table, {rows["Peshawar"].id: ground.peshawar.id}) == 1

    known = census_of(session, [ground.peshawar.id, ground.bannu.id])
    assert {area: (row.number, row.year) for area, row in known.items()} == {ground.peshawar.id: (1200, 2017)}


def test_an_area_has_one_row_of_a_table(joined):
    session, ground, table = joined
    rows = {r.name: r for r in list_rows(session, SERVER, table)}
    confirm(session, SERVER, table, {rows["Peshawar"].id: ground.peshawar.id})

    with pytest.raises(RowsRefused):
        confirm(session, SERVER, table, {rows["X"].id: ground.peshawar.id})


def test_a_number_that_is_none_is_refused_by_row(session):
    the_ground(session)
    sheet = Sheet(["n", "u5"], [{"n": "Peshawar", "u5": "many"}], 2)

    with pytest.raises(RowsRefused) as refused:
        read_census(session, SERVER, sheet, Reading("n", "u5"), About("c", "district", VINTAGE, "under_five", 2017))
    with pytest.raises(WrongRequest):
        read_census(session, SERVER, sheet, Reading("m", "u5"), About("c", "district", VINTAGE, "under_five", 2017))

    assert [(e.row, e.field) for e in refused.value.errors] == [(1, "u5")]


def test_somebody_elses_table_is_not_found(joined):
    session, ground, table = joined
    amina = scope_of(session, a_person(session, "Amina", "coordinator", ground.peshawar))

    with pytest.raises(NotFound):
        find_table(session, amina, table.id)


def test_from_the_file_to_the_page(database, tmp_path):
    with transaction() as session:
        ground = the_ground(session)
        amina = a_token(session, a_person(session, "Amina", "coordinator", ground.peshawar))
        farid = a_token(session, a_person(session, "Farid", "observer", ground.peshawar))
    client = create_app().test_client()
    words = io.StringIO()
    csv.writer(words).writerows([["area_name", "under_five"], ["PESHAWAR DISTRICT", "1200"], ["BANNU DISTRICT", "900"]])

    def sent(headers):
        file = {"file": (io.BytesIO(words.getvalue().encode()), "census.csv")}
        return client.post("/census", data=file, headers=headers)

    assert sent(farid).status_code == 403
    columns = sent(amina).headers["Location"]
    assert "under_five" in client.get(columns, headers=amina).text
    form = {"name": "census.csv", "name_column": "area_name", "number_column": "under_five", "level": "district",
            "figure": "under_five", "year": "2017"}  # fmt: skip
    place = client.post(columns.partition("?")[0], data=form, headers=amina).headers["Location"]
    shown = client.get(place, headers=amina).text
    assert "PESHAWAR DISTRICT" in shown
    assert "BANNU DISTRICT" not in shown
    with transaction() as session:
        row, area = session.execute(text("SELECT id, area_id FROM census_row WHERE name LIKE 'PESH%'")).one()
    done = client.post(place, data={"row": [str(row)], f"area_{row}": str(area)}, headers=amina)
    assert done.status_code == 303
    assert client.post(place, data={"row": ["x"], "area_x": "y"}, headers=amina).status_code == 404
