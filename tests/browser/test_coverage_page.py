"""The coverage page, as people with different eyes, hands, scripts and screens use it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, NARROWEST, PHONE
from tests.builders import IN_PESHAWAR, NINE_IN_THE_MORNING, a_visit, metres_east_of
from tracker.accounts.models import Person
from tracker.accounts.scope import scope_of
from tracker.areas.models import Settlement
from tracker.campaigns.models import Campaign, Team
from tracker.coverage.following import follow
from tracker.coverage.report import coverage_report
from tracker.database import transaction

PAGE = "/campaigns/NOV/coverage"
SOON_MS = 5000  # a new visit appears within that, without a hand laid on the page
DRIVER_NOTES = re.compile("GL Driver Message|GPU stall")  # of the software renderer, about speed


def ready(page: Page) -> Page:
    page.wait_for_selector("rasai-map[data-ready]", state="attached", timeout=60_000)
    return page


@pytest.fixture
def coverage(site):
    return lambda query="", who="Amina", **more: ready(site.open(f"{PAGE}{query}", who, **more))


def complaints(site):
    return [words for words in site.troubles if not DRIVER_NOTES.search(words)]


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-number={name}]").first.inner_text().replace(",", "")


def eventually(page: Page, truth: str, tries: int = 50) -> bool:
    """Asked again and again: the page's own policy would refuse to evaluate words inside it."""
    for _ in range(tries):
        if page.evaluate(truth):
            return True
        page.wait_for_timeout(100)
    return False


def reported(who: str, level: str):
    with transaction() as session:
        scope = scope_of(session, session.query(Person).filter_by(name=who).one())
        campaign = session.query(Campaign).one()
        return coverage_report(session, campaign, scope, level, now=datetime.now(UTC))


# what it says


def test_a_coordinator_without_areas_in_the_round_finds_nothing(site):
    page = site.open(PAGE, "Nobody")

    expect(page.locator("main")).to_contain_text("Not found, or not in your areas.")


def test_the_page_says_what_the_report_says(coverage):
    page = coverage()

    total = reported("Amina", "tehsil")["total"]
    assert figure(page, "unreached") == str(total["unreached"])
    assert f"of {total['target']} under five" in page.locator(".base").inner_text()
    chips = page.locator("[data-part=chips] .count").all_inner_texts()
    assert [int(count) for count in chips] == [
        total["by_status"][key] for key in ("missed", "partly", "doubtful", "covered", "not_started")
    ]
    assert page.locator(".key-figures small").all_inner_texts() == [
        str(total["vaccinated_confirmed"]), str(total["vaccinated"] - total["vaccinated_confirmed"]),
        str(total["vaccinated"]),
    ]  # fmt: skip


@pytest.mark.parametrize("who", ["Amina", "Bilal", "Oman"])
def test_the_page_without_script_is_whole(site, who):
    page = site.open(PAGE, who, java_script_enabled=False)

    expect(page.locator(".hero")).to_be_visible()
    page.locator(".places .row-link").first.click()
    expect(page.locator("#panel-head")).to_be_visible()


def test_every_figure_says_how_it_is_counted(coverage):
    page = coverage()

    for button in page.locator(".how:visible").all():
        button.click()
        box = page.locator(":popover-open")
        expect(box).to_have_count(1)
        assert len(box.inner_text()) > 40
        page.keyboard.press("Escape")


def test_an_observer_sees_numbers_and_no_visit(coverage):
    page = coverage("?settlement=KILI0", "Oman")

    expect(page.locator("#panel-head")).to_have_text(re.compile("Tor Kili 0"))
    expect(page.locator(".visits-here")).to_have_count(0)
    expect(page.locator(".panel")).to_contain_text("Single visits are shown to those who supervise the teams.")


# going down, and the address


def test_a_row_opens_its_place_and_the_address_keeps_it(coverage, site):
    page = coverage()

    page.get_by_role("link", name="Tor Kili 0").first.click()
    expect(page.locator("#panel-head")).to_have_text(re.compile("Tor Kili 0"))
    assert "settlement=KILI0" in page.url
    expect(page.locator("tr[aria-current=true]")).to_contain_text("Tor Kili 0")
    page.reload()
    expect(page.locator("#panel-head")).to_have_text(re.compile("Tor Kili 0"))
    page.go_back()
    expect(page.locator("#panel-head")).to_have_count(0)
    assert complaints(site) == []


def test_a_row_selects_on_the_map(coverage):
    page = coverage()

    page.get_by_role("link", name="Tor Kili 1").first.click()
    assert eventually(page, "document.querySelector('rasai-map').data.settlement?.code === 'KILI1'")
    if page.evaluate("document.querySelector('rasai-map').map !== null"):
        assert eventually(page, "!!document.querySelector('rasai-map').map.getLayer('chosen-settlement')")


def test_chips_filter_and_a_second_press_takes_the_filter_away(coverage):
    page = coverage()

    page.locator(".chip", has_text="Covered").click()
    expect(page.locator(".chip", has_text="Covered")).to_have_attribute("aria-current", "true")
    assert "status=covered" in page.url
    expect(page.locator("[data-part=list]")).to_contain_text("No settlement fits: Covered.")
    page.locator(".chip", has_text="Covered").click()
    page.wait_for_url(lambda url: "status" not in url)


def test_days_count_back(coverage):
    page = coverage()

    page.locator(".days a").first.click()
    page.wait_for_url(re.compile("until=2025-11-10"))
    expect(page.locator(".until")).to_contain_text("Until the end of Mon 10 Nov")


def test_a_settlement_tells_its_visits_and_what_they_are_asked(coverage):
    page = coverage("?settlement=KILI0")

    visits = page.locator(".visits-here > li")
    expect(visits).to_have_count(8)
    expect(visits.first).to_contain_text("no position")
    expect(visits.first.locator(".asks")).not_to_have_count(0)
    expect(page.locator(".list-head .note")).to_contain_text("8 without a position, not on the map")


# alive


def test_a_new_visit_appears_by_itself(coverage, site):
    page = coverage("?settlement=KILI3")
    before = int(figure(page, "panel"))

    with transaction() as session:
        team = session.query(Team).filter_by(code="T1").one()
        kili = session.query(Settlement).filter_by(code="KILI3").one()
        a_visit(
            session, team, kili, at=metres_east_of(IN_PESHAWAR, 1500), eligible=4, vaccinated=4,
            visited_at=NINE_IN_THE_MORNING + timedelta(hours=5),
        )  # fmt: skip
        campaign_id = team.campaign_id
    follow(campaign_id)

    expect(page.locator(".visits-here > li")).to_have_count(1, timeout=SOON_MS)
    expect(page.locator("[data-number=panel]")).not_to_have_text(str(before))
    assert complaints(site) == []


def test_it_says_when_the_server_is_silent_and_goes_on(coverage):
    page = coverage()
    page.clock.install()
    page.reload()
    ready(page)

    def minutes_pass(minutes):
        for _ in range(6 * minutes):
            page.clock.run_for(10_000)
            page.wait_for_timeout(50)

    page.route("**/coverage/parts*", lambda route: route.abort())
    minutes_pass(2)
    expect(page.locator("#stale")).to_be_visible()
    page.unroute("**/coverage/parts*")
    minutes_pass(2)
    expect(page.locator("#stale")).to_be_hidden()


# for everybody


def test_without_webgl_the_list_does_the_whole_job(site):
    context = site.browser.new_context()
    context.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    name, value = site.cookies["Amina"]
    context.add_cookies([{"name": name, "value": value, "url": site.origin}])
    page = context.new_page()
    page.on("pageerror", lambda error: site.troubles.append(str(error)))
    page.goto(f"{site.origin}{PAGE}?lang=en")
    ready(page)

    expect(page.locator(".no-map")).to_contain_text("The list holds everything")
    page.get_by_role("link", name="Tor Kili 0").first.click()
    expect(page.locator("#panel-head")).to_have_text(re.compile("Tor Kili 0"))
    context.close()
    assert complaints(site) == []


def test_the_keyboard_alone_goes_down_and_back(coverage):
    page = coverage()

    page.locator(".places .row-link").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-head")).to_be_focused()
    expect(page.locator("[data-says]")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#panel-head")).to_have_count(0)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("ur", "dark")])
@pytest.mark.parametrize("query", ["", "?settlement=KILI0", "?status=missed"])
def test_the_page_is_sound(site, coverage, axe, size, lang, scheme, query):
    page = coverage(query, size=size, lang=lang, color_scheme=scheme)

    assert axe(page) == []
    assert page.evaluate("getComputedStyle(document.documentElement).direction") == ("rtl" if lang == "ur" else "ltr")
    assert complaints(site) == []


@pytest.mark.parametrize("size", [PHONE, NARROWEST])
def test_nothing_sticks_out_sideways(coverage, size):
    page = coverage(size=size)

    assert page.evaluate("document.scrollingElement.scrollWidth - innerWidth") <= 0


def test_the_list_is_pulled_up_by_a_button_too(coverage):
    page = coverage(size=PHONE)
    sheet, handle = page.locator(".left .sheet"), page.locator(".left .sheet-handle")
    low = sheet.bounding_box()["height"]

    handle.press("Enter")
    expect(handle).to_have_attribute("aria-expanded", "true")
    page.wait_for_timeout(300)
    assert sheet.bounding_box()["height"] > low * 2


def test_the_map_to_take_along_is_one_file(site, coverage):
    page = coverage()

    with page.expect_download() as download:
        page.get_by_role("link", name="Map to take along").first.click()
    assert download.value.suggested_filename.startswith("NOV-")
    assert "<html" in download.value.path().read_text()
