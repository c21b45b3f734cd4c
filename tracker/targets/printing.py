"""A plan on A4 paper: our own page of sheets, printed by Chromium, which shapes Urdu and Pashto as browsers do.

Chromium is needed only here. Pages are printed so many at a time that memory stays small; the parts are one file.
"""

import base64
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign, Microplan
from tracker.errors import RasaiError, WrongRequest
from tracker.request_cycle import LANGUAGES
from tracker.targets.reading import Wanted
from tracker.targets.sheets import Sheet, sheets_of

PROJECT = Path(__file__).resolve().parent.parent.parent
STATIC = PROJECT / "tracker" / "static"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 300
MOST_TEAM_DAYS = 400  # in one file: a district's day
FONTS = (  # family, file, letters
    ("Inter Variable", "inter-latin-wght-normal.woff2", "U+0000-05FF, U+1E00-2BFF"),
    ("Noto Naskh Arabic Variable", "noto-naskh-arabic-arabic-wght-normal.woff2", "U+0600-08FF, U+FB50-FEFF"),
)


class ChromiumMissing(RasaiError):
    """PDF needs a browser to print with."""

    message = _l("PDF is printed by Chromium, and none is installed here. Install it or choose another format.")
    status = 503


class PrintingFailed(RasaiError):
    message = _l("Chromium did not print the sheets: {why}")
    status = 503


def print_sheets(
    session: Session, campaign: Campaign, plan: Microplan, wanted: Wanted, out: Path, *, scope: Scope, language: str,
    today: date | None = None, printed_by: str = "flask",
) -> int:  # fmt: skip
    """Write the sheets of what is wanted as one PDF; give the number of team-days. Raises ChromiumMissing."""
    program = chromium()
    with force_locale(language):
        sheets = sheets_of(session, campaign, plan, wanted, scope=scope, language=language, today=today)
        if len(sheets) > MOST_TEAM_DAYS:
            why = _("%(n)s team-days are too many for one file, at most %(most)s. Choose a day, an area or a team.",
                    n=len(sheets), most=MOST_TEAM_DAYS)  # fmt: skip
            raise WrongRequest(field="date", why=why)
        page = sheets_page(session, campaign, plan, sheets, language, printed_by)
    _print(program, page, out)
    return len(sheets)


def sheets_page(
    session: Session, campaign: Campaign, plan: Microplan, sheets: list[Sheet], language: str, printed_by: str
) -> str:
    """The HTML of all sheets, complete in itself: fonts inside, nothing fetched."""
    now = datetime.now(UTC).astimezone(ZoneInfo(campaign.timezone))
    sheet = current_app.jinja_env.get_template("targets/sheet.html")  # commands have no request
    return str(sheet.render(
        sheets=sheets, campaign=campaign, version=plan.version, language=language,
        direction=LANGUAGES[language], fonts=_fonts(), style=(PROJECT / "templates/targets/sheet.css").read_text(),
        printed_at=now.strftime("%Y-%m-%d %H:%M"), printed_by=printed_by,
        travel_words=_("Ways are straight lines and a third more."),
    ))  # fmt: skip


def chromium() -> str:
    """The program to print with. Raises ChromiumMissing."""
    found = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        raise ChromiumMissing
    return found


def _fonts() -> str:
    rules = []
    for family, name, letters in FONTS:
        file = STATIC / "vendor" / "fonts" / name
        if file.exists():
            data = base64.b64encode(file.read_bytes()).decode()
            source = f"url(data:font/woff2;base64,{data})"
            rules.append(f"@font-face{{font-family:'{family}';src:{source};font-weight:100 900;"
                         f"unicode-range:{letters}}}")  # fmt: skip
    return "".join(rules)


def _print(program: str, page: str, out: Path) -> None:
    """In a profile of its own that is thrown away; the page forbids scripts and addresses, and no name resolves."""
    with tempfile.TemporaryDirectory(prefix="rasai-print-") as folder:
        source, target = Path(folder) / "sheets.html", Path(folder) / "sheets.pdf"
        source.write_text(page, encoding="utf-8")
        command = [
            program, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []), source.as_uri(),
        ]  # fmt: skip
        try:
            ended = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
        except subprocess.TimeoutExpired:
            raise PrintingFailed(why=_("it took over %(s)s seconds", s=PATIENCE_S)) from None
        if not target.exists() or not target.read_bytes().startswith(b"%PDF"):
            raise PrintingFailed(why=ended.stderr.decode(errors="replace").strip()[-300:] or str(ended.returncode))
        shutil.copyfile(target, out)
