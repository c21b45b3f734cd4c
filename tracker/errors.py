"""What can go wrong, in the domain's words, and the one place where it becomes an HTTP answer.

A domain error keeps the facts; its sentence is translated where it is shown. Commands print the same sentence.
"""
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


class RasaiError(Exception):
    """Something that a person can act on. Subclasses give `message`, a sentence with {facts}."""

    message: Any = _l("Something went wrong.")
    status = 400        # how errors.py answers over HTTP
    exit_code = 1       # how a command ends

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(facts)

    def __str__(self) -> str:
        return str(self.message).format(**self.facts)


class SettingMissing(RasaiError):
    message = _l("Setting {name}: {why}.")
    exit_code = 2


class NotFound(RasaiError):
    """It does not exist, or lies outside the areas of the person asking: the two are not told apart."""

    message = _l("Not found, or not in your areas.")
    status = 404


class NotSignedIn(RasaiError):
    message = _l("Sign in first.")
    status = 401


class NotAllowed(RasaiError):
    message = _l("Your role may not do this. Ask a coordinator of your area.")
    status = 403


class CampaignClosed(RasaiError):
    message = _l("Campaign {code} is closed. Ask a coordinator to reopen it.")
    status = 422


class WrongRequest(RasaiError):
    """The question itself cannot be understood: `field` of the request, and why."""

    message = _l("{field}: {why}")
    status = 422
    exit_code = 2


@dataclass(frozen=True)
class RowError:
    """Why one row of an upload was refused. `row`: 1 is the first data row; 0 the whole document."""

    row: int
    field: str
    rule: str           # short and stable, for programs
    message: str        # for people: what was read, and what to change

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class RowsRefused(RasaiError):
    """An all-or-nothing upload in which at least one row cannot be taken."""

    message = _l("{count} rows cannot be taken; nothing was written.")
    status = 422

    def __init__(self, errors: list[RowError], **facts: Any) -> None:
        self.errors = errors
        super().__init__(count=len(errors), **facts)


def attach(app: Any) -> None:
    """Domain errors become problem documents (API) or pages."""
