"""The audit trail: nothing in it can be changed unseen."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tracker.accounts import audit
from tracker.accounts.scope import SERVER, Scope
from tracker.database import transaction


def three_acts(session) -> None:
    for n, facts in enumerate([{"old": 64, "new": 71}, {"نام": "پشاور", "share": 0.95}, {"large": 1e22, "none": None}]):
        audit.record(session, Scope("admin", address="10.0.0.1"), "change", "target", f"S{n}", facts)


def test_the_trail_is_whole_after_any_facts(session):
    three_acts(session)

    trail = audit.verify(session)

    assert (trail.entries, trail.broken) == (3, [])
    assert len(trail.end) == 64


def test_an_empty_trail_is_whole(session):
    assert audit.verify(session) == audit.Trail(0, None, [])


@pytest.mark.parametrize(
    "change", ["UPDATE audit_entry SET thing = 'S9'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
def test_entries_are_neither_changed_nor_removed(session, change):
    three_acts(session)

    with pytest.raises(IntegrityError, match="append-only"), session.begin_nested():
        session.execute(text(change))

    assert audit.verify(session).entries == 3


@pytest.mark.parametrize(("change", "broken"), [
    ("UPDATE audit_entry SET facts = '{\"old\": 64, \"new\": 7}' WHERE thing = 'S0'", ["S0"]),
    ("UPDATE audit_entry SET address = NULL WHERE thing = 'S1'", ["S1"]),
    ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE thing = 'S2'", ["S2"]),
    ("DELETE FROM audit_entry WHERE thing = 'S1'", ["S2"]),
    ("UPDATE audit_entry SET facts = '{}', sha256 = '\\x00' WHERE thing = 'S1'", ["S1", "S2"]),
])  # fmt: skip
def test_what_the_owner_of_the_tables_changes_by_force_shows(session, change, broken):
    three_acts(session)

    session.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only"))
    session.execute(text(change))

    things = dict(session.execute(text("SELECT id, thing FROM audit_entry")).all())
    assert [things[n] for n in audit.verify(session).broken] == broken


def test_acts_of_several_people_at_once_make_one_chain(database):
    def act(name: str) -> None:
        for n in range(10):
            with transaction() as session:
                audit.record(session, SERVER, "change", "target", f"{name}{n}", {"n": n})

    together = [threading.Thread(target=act, args=(name,)) for name in "ABCD"]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()

    with transaction() as session:
        trail = audit.verify(session)
    assert (trail.entries, trail.broken) == (40, [])


def test_the_command_says_how_long_and_where_it_ends(app):
    with transaction() as session:
        three_acts(session)

    said = app.test_cli_runner().invoke(args=["users", "audit", "--json"])

    assert said.exit_code == 0
    assert '"entries": 3' in said.stdout
