"""Campaigns, quality, finding and signing in, as people with different eyes, hands, scripts and screens use them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, NARROWEST, PHONE, VISITS_TO_CHECK

QUALITY = "/campaigns/NOV/quality"
PAGES = ("/campaigns", QUALITY, f"{QUALITY}?rule=no_position&standing=any", f"{QUALITY}/decide-all?verdict=keep",
         "/campaigns/NOV/find?q=tor", "/nowhere")  # fmt: skip


def sideways(page: Page) -> int:
    """By how many px the page is wider than the screen."""
    return page.evaluate("document.scrollingElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("en", "dark"), ("ur", "light"), ("ps", "light")])
def test_every_page_can_be_used_by_everybody(site, axe, lang, scheme):
    page = site.open("/campaigns", lang=lang, color_scheme=scheme)
    for path in PAGES:
        site.go(page, path, lang)

        assert page.locator("html").get_attribute("dir") == ("ltr" if lang == "en" else "rtl")
        assert axe(page) == [], path
    assert [t for t in site.troubles if "404" not in t] == []


@pytest.mark.parametrize("lang", ["en", "ur"])
@pytest.mark.parametrize("size", [PHONE, NARROWEST])
def test_nothing_is_wider_than_a_phone(site, axe, lang, size):
    page = site.open("/campaigns", lang=lang, size=size)
    for path in PAGES:
        site.go(page, path, lang)

        assert sideways(page) == 0, path
        assert axe(page) == [], path
    assert sideways(site.open("/login", None, lang=lang, size=size)) == 0


def test_signing_in_is_in_everybodys_language_and_shows_the_password_on_wish(site, axe):
    page = site.open("/login", None)
    page.get_by_role("link", name="اردو").click()
    expect(page.locator("html")).to_have_attribute("lang", "ur")
    assert axe(page) == []

    page.locator("#password").fill("my words")
    page.get_by_role("button", name="دکھائیں").click()

    expect(page.locator("#password")).to_have_attribute("type", "text")


def test_a_visit_is_kept_and_undone_in_the_browser(site):
    page = site.open(QUALITY)
    expect(page.locator(".hero")).to_have_text(str(VISITS_TO_CHECK))
    first = page.locator(".visit").first
    kept = first.get_attribute("id")

    first.get_by_role("textbox").fill("Asked the team")
    first.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("1 visit is kept")
    expect(page.locator(f"#{kept}")).to_have_count(0)
    page.locator(".toast").get_by_role("button", name="Undo").click()

    expect(page.locator(f"#{kept}")).to_have_count(1)


def test_the_offer_to_undo_stays_ten_seconds(site):
    page = site.open(QUALITY)
    page.clock.install()
    first = page.locator(".visit").first
    first.get_by_role("textbox").fill("Asked the team")
    first.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".toast")).to_be_visible()

    page.mouse.move(5, 400)
    page.clock.run_for(9_500)
    expect(page.locator(".toast")).to_be_visible()
    page.clock.run_for(1_000)
    expect(page.locator(".toast")).to_be_hidden()


def test_everything_works_without_script(site):
    page = site.open(QUALITY, java_script_enabled=False)
    page.get_by_label("Question").select_option("no_position")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Set all aside…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Set {VISITS_TO_CHECK} visits aside")

    page.get_by_label("Why?").fill("The day was made up; the team said so")
    page.get_by_role("button", name=f"Set {VISITS_TO_CHECK} visits aside").click()
    expect(page.locator(".flash")).to_contain_text(f"{VISITS_TO_CHECK} visits are set aside")
    page.locator(".flash").get_by_role("button", name="Undo").click()

    expect(page.locator(".flash")).to_contain_text(f"{VISITS_TO_CHECK} visits are as before")


def test_pages_of_the_list_follow_each_other(site):
    page = site.open(QUALITY)
    shown = page.locator(".visit").count()

    page.get_by_role("link", name="Next page").click()

    expect(page.locator(".visit")).to_have_count(VISITS_TO_CHECK - shown)


def test_a_filter_stands_in_the_address(site):
    page = site.open(QUALITY)

    page.get_by_label("Standing").select_option("any")

    expect(page).to_have_url(re.compile(r"standing=any"))
    page.reload()
    expect(page.get_by_label("Standing")).to_have_value("any")


def test_slash_finds_a_place_by_its_urdu_name(site):
    page = site.open(QUALITY)

    page.keyboard.press("/")
    page.keyboard.type("تور")
    expect(page.locator(".suggestions")).to_contain_text("Tor Kili")
    page.keyboard.press("ArrowDown")

    expect(page.locator(".suggestions a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".suggestions")).to_be_hidden()


def test_g_and_a_letter_go_to_another_page_but_not_while_writing(site):
    page = site.open(QUALITY)
    page.locator(".visit input[name=reason]").first.click()
    page.keyboard.type("ga")
    expect(page).to_have_url(re.compile("quality"))

    page.locator("main").focus()
    page.keyboard.press("g")
    page.keyboard.press("a")

    expect(page).to_have_url(re.compile(r"/campaigns$"))


def test_dark_is_chosen_at_once_and_stays(site):
    page = site.open("/campaigns", color_scheme="light")
    paper, night = "rgb(251, 250, 247)", "rgb(21, 25, 28)"
    expect(page.locator("html")).to_have_css("background-color", paper)

    page.locator(".person").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_css("background-color", night)
    page.reload()

    expect(page.locator("html")).to_have_css("background-color", night)


def test_the_first_tab_skips_to_the_content(site):
    page = site.open(QUALITY)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()


def test_the_illustration_is_said_on_every_page(site):
    for path in ("/campaigns", QUALITY, "/campaigns/NOV/find"):
        expect(site.open(path).locator(".foot")).to_contain_text("drawn for illustration")


def test_an_observer_has_no_quality_page_and_somebody_without_areas_an_empty_list(site):
    observer = site.open("/campaigns", "Oman")
    expect(observer.get_by_role("link", name="Quality")).to_have_count(0)

    nobody = site.open("/campaigns", "Nobody")
    expect(nobody.locator("main")).to_contain_text("No campaign touches your areas yet.")


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_signing_out_is_two_steps_away(site, size):
    page = site.open("/campaigns", size=size)

    page.locator(".person").click()
    page.get_by_role("button", name="Sign out", exact=True).click()

    expect(page).to_have_url(re.compile("/login"))
