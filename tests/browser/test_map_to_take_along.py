"""The map to take along opens from a memory stick, in a browser without any network."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask_babel import force_locale
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, NARROWEST
from tests.builders import FIRST_DAY, IN_PESHAWAR, a_hamlet, a_plan, a_round, a_team, metres_east_of, the_ground
from tests.coverage.counted import a_count
from tracker import create_app
from tracker.accounts.scope import SERVER
from tracker.coverage.shareable_map import LEAFLET, shareable_map

MARKUP = "<img src=x onerror=alert(1)>"
AFTERWARDS = datetime(2025, 12, 1, tzinfo=UTC)
STATES = ((0, 0), (40, 40), (25, 25), (40, 20), (10, 10), (0, 0), (39, 39))  # vaccinated, confirmed of 40

Opener = Callable[..., Page]


@pytest.fixture
def opened(session, shared_database, monkeypatch, browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """A page on the file of a level; whatever the browser asks for or complains of fails the test."""
    if not (LEAFLET / "leaflet.js").is_file():
        pytest.skip("make setup has not installed Leaflet")
    monkeypatch.setenv("DATABASE_URL", shared_database)
    ground = the_ground(session)
    places = [
        a_hamlet(session, f"KILI{n}", place, under_five=40, name=f"Kili {n} {MARKUP}", name_ur="کلی")
        for n, place in enumerate(metres_east_of(IN_PESHAWAR, 2500 * n) for n in range(len(STATES)))
    ]
    november = a_round(session, name="Polio round 3", illustration=True)
    team = a_team(session, november, "T1", ground.peshawar_tehsil)
    a_plan(session, november, *((team, FIRST_DAY, place, 40) for place in places[:-2]))
    for place, (claimed, confirmed) in zip(places, STATES, strict=True):
        if claimed:
            a_count(session, november, team, place, vaccinated=claimed, vaccinated_confirmed=confirmed)
    context = browser.new_context(offline=True)
    troubles: list[str] = []

    def open_file(level: str, *, size: tuple[int, int] = DESKTOP, lang: str = "en") -> Page:
        file = tmp_path / f"{level}-{lang}.html"
        with create_app().app_context(), force_locale(lang):
            words = shareable_map(session, november, SERVER, level, now=AFTERWARDS, made_by="Amina")
        file.write_text(words, encoding="utf-8")
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else troubles.append(request.url),
        )
        page.goto(file.as_uri())
        return page

    yield open_file
    context.close()
    assert troubles == []


@pytest.mark.parametrize("level", ["district", "settlement"])
@pytest.mark.parametrize("lang", ["en", "ur"])
def test_it_opens_without_network_and_says_who_made_it(opened, level, lang):
    page = opened(level, lang=lang)

    expect(page.locator("#face")).to_contain_text("Amina")
    expect(page.locator("html")).to_have_attribute("dir", "ltr" if lang == "en" else "rtl")
    expect(page.locator(".leaflet-container canvas").first).to_be_visible()


def test_a_click_tells_a_places_numbers_and_its_name_stays_text(opened):
    page = opened("settlement")
    middle = page.evaluate("""() => {
        const map = Object.values(window).find((thing) => thing instanceof L.Map);
        const spot = Object.values(map._layers).find((layer) => layer.options.status === "missed");
        return map.latLngToContainerPoint(spot.getLatLng());
    }""")
    page.mouse.click(middle["x"], middle["y"])

    popup = page.locator(".leaflet-popup")
    expect(popup).to_contain_text(MARKUP)
    expect(popup).to_contain_text("children not yet reached")
    assert popup.locator("img").count() == 0


def test_children_not_reached_are_numbered_circles_on_coloured_areas(opened):
    page = opened("district")

    expect(page.locator(".unreached").first).to_be_visible()
    expect(page.locator("#face .legend")).to_contain_text("Confirmed coverage")


@pytest.mark.parametrize("level", ["district", "settlement"])
def test_on_a_phone_the_face_leaves_the_map_in_sight(opened, level):
    page = opened(level, size=NARROWEST)

    box = page.locator("#face").bounding_box()
    assert box is not None
    assert box["width"] <= NARROWEST[0]
    assert box["height"] < NARROWEST[1] / 2
    expect(page.locator("#face")).to_contain_text("Amina")  # who made it stays in sight
