"""People, roles, tokens, and the record of what people did."""

import json
import sys

import click

from tracker.accounts import audit, people
from tracker.accounts.models import ROLES
from tracker.accounts.scope import SERVER
from tracker.command_line import Group, json_option, say
from tracker.database import transaction

email_argument = click.argument("email")
password_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group("users", cls=Group)
def users() -> None:
    """People: create, list, disable, enable; their passwords and tokens; the audit trail."""


@users.command("create")
@email_argument
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--name", default="", help="Default: the e-mail address up to the @.")
@click.option("--area", "area_codes", multiple=True, help="P-code that the person answers for, with all below it.")
@click.option("--campaign", help="Role team: the campaign of the team.")
@click.option("--team", help="Role team: the code of the team.")
@password_option
@json_option
def create_command(
    email: str, role: str, name: str, area_codes: tuple[str, ...], campaign: str | None, team: str | None,
    password_stdin: bool, as_json: bool,
) -> None:  # fmt: skip
    """Add somebody. Without a password they cannot sign in by the page, only send with a token."""
    if (campaign is None) != (team is None):
        raise click.UsageError("--campaign and --team go together.")
    password = _password() if password_stdin else None
    with transaction() as session:
        person = people.create_person(
            session, SERVER, email, role, name=name, area_codes=area_codes,
            team=(campaign, team) if campaign and team else None, password=password,
        )  # fmt: skip
    if role not in ("admin", "team") and not area_codes:
        click.echo(f"{email} answers for no area yet and will see nothing: give --area.", err=True)
    if role == "team" and not team:
        click.echo(f"{email} belongs to no team yet and will see nothing: give --campaign and --team.", err=True)
    say({"email": person.email, "role": role, "name": person.name, "areas": list(area_codes)}, as_json)


@users.command("token")
@email_argument
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--label", default="", help="What it is for, such as the phone's name.")
@json_option
def token_command(email: str, days: int, label: str, as_json: bool) -> None:
    """Make a bearer token. It is shown once; only its hash is kept."""
    with transaction() as session:
        token, expires_at = people.issue_token(session, SERVER, email, days=days, label=label)
    click.echo(f"Good until {expires_at:%Y-%m-%d %H:%M} UTC; it cannot be shown again.", err=True)
    expires = expires_at.isoformat(timespec="seconds")
    click.echo(json.dumps({"token": token, "expires": expires}) if as_json else token)


@users.command("password")
@email_argument
@password_option
@json_option
def password_command(email: str, password_stdin: bool, as_json: bool) -> None:
    """Set a new password; whoever is signed in with the old one is signed out."""
    password = _password() if password_stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with transaction() as session:
        person = people.set_password(session, SERVER, email, password)
    say({"email": person.email, "password": "set"}, as_json)


@users.command("disable")
@email_argument
@json_option
def disable_command(email: str, as_json: bool) -> None:
    """Shut somebody out at once: their sessions and tokens end."""
    with transaction() as session:
        person = people.shut_out(session, SERVER, email)
    say({"email": person.email, "disabled": True}, as_json)


@users.command("enable")
@email_argument
@json_option
def enable_command(email: str, as_json: bool) -> None:
    """Let somebody in again; their tokens have to be made anew."""
    with transaction() as session:
        person = people.let_in(session, SERVER, email)
    say({"email": person.email, "disabled": False}, as_json)


@users.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """Who there is, with role and areas."""
    with transaction() as session:
        rows = people.list_people(session)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        where = " ".join(row["areas"]) or " ".join(str(row[k]) for k in ("campaign", "team") if row[k])
        click.echo(f"{row['role']:<12} {row['email']:<36} {where}{'  (shut out)' if row['disabled'] else ''}")


@users.command("audit")
@json_option
def audit_command(as_json: bool) -> None:
    """Check the audit trail from its first entry to its last; exit 1 when an entry does not follow from the one before.

    Keep the printed hash of the end elsewhere: with it, rows cut off later show as well.
    """
    with transaction() as session:
        trail = audit.verify(session)
    say({"entries": trail.entries, "end": trail.end, "broken": trail.broken}, as_json)
    if not trail.is_whole:
        click.echo(f"The trail is broken at entry {trail.broken[0]}: it was changed from outside.", err=True)
        sys.exit(1)


def _password() -> str:
    """The first line of standard input, without its line break."""
    return sys.stdin.readline().rstrip("\r\n")
