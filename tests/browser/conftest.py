"""Pages in a real Chromium, served by a real server from a database of their own.

`site` is a served round with Amina's signed-in browser; `browser` is one Chromium for all tests of the process.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from tests.builders import (
    IN_BANNU,
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_cookie,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker import create_app
from tracker.coverage.following import follow
from tracker.database import transaction

PROJECT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
AXE_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}
DESKTOP, PHONE, NARROWEST = (1440, 900), (360, 740), (320, 640)
VISITS_TO_CHECK = 24  # more than a page of the list holds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: make test installs it")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@dataclass
class Site:
    """A served instance; `open` gives a page of somebody's browser."""

    origin: str
    browser: Browser
    cookies: dict[str, tuple[str, str]]
    contexts: list[BrowserContext] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)  # what the browser complained of, and what was asked elsewhere

    def open(
        self, path: str, who: str | None = "Amina", *, size: tuple[int, int] = DESKTOP, lang: str = "en", **more: Any
    ) -> Page:
        width, height = size
        context = self.browser.new_context(
            base_url=self.origin, viewport={"width": width, "height": height}, reduced_motion="reduce", **more
        )
        self.contexts.append(context)
        if who:
            name, value = self.cookies[who]
            context.add_cookies([{"name": name, "value": value, "url": self.origin}])
        page = context.new_page()
        page.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", self._note_origin)
        self.go(page, path, lang)
        return page

    def go(self, page: Page, path: str, lang: str = "en") -> None:
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        page.evaluate("document.fonts.ready")

    def _note_origin(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:", "blob:")):
            self.troubles.append(f"asked elsewhere: {request.url}")


@pytest.fixture
def site(database: str, browser: Browser) -> Iterator[Site]:
    """Peshawar and Bannu in a round; Bilal's team has visits to check."""
    with transaction() as session:
        ground = the_ground(session)
        hamlets = [
            a_hamlet(session, f"KILI{n}", place, name=f"Tor Kili {n}", name_ur=f"تور کلے {n}")
            for n, place in enumerate(metres_east_of(IN_PESHAWAR, 500 * n) for n in range(4))
        ]
        campaign = a_round(session, areas=[ground.peshawar, ground.bannu], illustration=True)
        team, other = a_team(session, campaign, "T1", ground.peshawar), a_team(session, campaign, "T2", ground.bannu)
        a_plan(session, campaign, *((team, campaign.starts_on, place, 40) for place in hamlets))
        for n in range(VISITS_TO_CHECK):
            at = NINE_IN_THE_MORNING + timedelta(minutes=5 * n)
            counts = {"eligible": 3, "vaccinated": 2, "note": "کوئی گھر پر نہ تھا"}
            a_visit(session, team, hamlets[n % 3], at=None, visited_at=at, **counts)
        a_visit(session, other, a_hamlet(session, "BANDA", IN_BANNU), at=IN_BANNU)
        people = [
            a_person(session, "Amina", "coordinator", ground.peshawar),
            a_person(session, "Bilal", "team", team=team),
            a_person(session, "Oman", "observer", ground.peshawar),
            a_person(session, "Nobody", "coordinator"),
        ]
        cookies = {person.name: a_cookie(session, person) for person in people}
        campaign_id = campaign.id
    follow(campaign_id)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served = Site(f"http://127.0.0.1:{server.server_port}", browser, cookies)
    yield served
    for context in served.contexts:
        context.close()
    server.shutdown()


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """What axe-core finds wrong with a page, as words; empty when nothing."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs it")

    def looked_at(page: Page) -> list[str]:
        page.evaluate(AXE.read_text())  # not a script element: the page's own policy would rightly refuse it
        found = page.evaluate("rules => window.axe.run(document, rules)", AXE_RULES)
        firsts = [(violation["id"], violation["nodes"][0]) for violation in found["violations"]]
        return [f"{rule}: {node['target']} {node.get('failureSummary')}" for rule, node in firsts]

    return looked_at
