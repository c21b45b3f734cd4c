"""The control room's own bad day: no server, no session, a shared computer, two people at one thing."""

import re

from playwright.sync_api import expect
from sqlalchemy import text

from tracker.database import transaction

PLACE = "/campaigns/NOV/gaps/KILI3"


def write_reason(page, words="snow to the roof"):
    page.get_by_label("Snow").check()
    page.get_by_label("Who said so").fill("village elder")
    page.locator("#closed textarea[name=note]").fill(words)


def test_what_is_typed_survives_a_server_that_is_gone_and_goes_out_when_it_is_back(site):
    page = site.open(PLACE)
    write_reason(page)

    page.context.set_offline(True)
    page.get_by_role("button", name="Note the reason").click()
    expect(page.get_by_text("Your text is kept here. Trying again")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("The server answers again")).to_be_visible(timeout=15_000)
    expect(page.locator("#closed textarea[name=note]")).to_have_value("snow to the roof")
    page.get_by_role("button", name="Note the reason").click()

    expect(page.get_by_text("until further notice").first).to_be_visible()
    site.go(page, PLACE)
    expect(page.get_by_text("What you wrote before is here again.")).to_have_count(0)


def test_it_survives_a_closed_page_and_can_be_thrown_away(site):
    page = site.open(PLACE)
    write_reason(page)

    site.go(page, "/campaigns")
    site.go(page, PLACE)
    expect(page.get_by_text("What you wrote before is here again.")).to_be_visible()
    expect(page.locator("#closed textarea[name=note]")).to_have_value("snow to the roof")
    page.get_by_role("button", name="Throw it away").click()

    expect(page.locator("#closed textarea[name=note]")).to_have_value("")


def test_it_survives_a_lost_session(site):
    page = site.open(PLACE)
    write_reason(page)
    with transaction() as session:
        session.execute(text("DELETE FROM web_session"))

    page.get_by_role("button", name="Note the reason").click()

    expect(page.get_by_text("You are signed out here.")).to_be_visible()
    page.get_by_role("button", name="Sign in again").click()
    page.wait_for_url(re.compile("/login.next=.*KILI3"))
    site.troubles[:] = [t for t in site.troubles if "401" not in t]


def test_a_shared_computer_is_locked_with_two_keys(site):
    page = site.open(PLACE)

    page.keyboard.press("g")
    page.keyboard.press("k")
    page.wait_for_url(re.compile("/login.next=.*KILI3"))

    expect(page.get_by_text("Locked. Sign in to go on where you were.")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("amina@example.org")
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM web_session w JOIN person p ON p.id = w.person_id"
                                   " WHERE p.name = 'Amina'")) == 0  # fmt: skip
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_last_figures_stay_and_are_stamped_while_the_server_is_gone(site):
    page = site.open("/campaigns/NOV/gaps")
    page.clock.install()
    site.go(page, "/campaigns/NOV/gaps")
    figure = page.locator("[data-number=children]").inner_text()

    page.context.set_offline(True)
    page.clock.run_for(90_000)

    expect(page.locator("#stale")).to_be_visible()
    expect(page.locator("[data-number=children]")).to_have_text(figure)
    page.context.set_offline(False)
    page.clock.run_for(90_000)
    expect(page.locator("#stale")).to_be_hidden()
    site.troubles.clear()


def test_ticks_add_up_and_stay_when_counts_change(site):
    page = site.open("/campaigns/NOV/gaps")
    boxes = page.locator("input[name=settlement]")

    boxes.first.check()
    expect(page.locator("[data-ticked]")).to_contain_text("1 settlements")
    page.locator("[data-tick-all]").check()
    expect(page.locator("[data-ticked]")).to_contain_text(f"{boxes.count()} settlements")
    page.get_by_role("button", name="Give order").click()

    expect(page.get_by_text("orders given.")).to_be_visible()
    expect(page.locator(".order-state.open").first).to_be_visible()
    assert not [t for t in site.troubles if "WebGL" not in t and "GPU" not in t]
