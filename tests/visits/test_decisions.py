"""A person's word over the flags: who may, what it changes, and how it is taken back."""

import uuid

import pytest
from sqlalchemy import text

from tests.builders import a_hamlet, a_person, a_round, a_team, a_visit, the_ground
from tests.visits.judged import asked, judge_what_waits, standing
from tracker.accounts.scope import scope_of
from tracker.errors import NotAllowed, NotFound, WrongRequest
from tracker.visits.decisions import DecidedMeanwhile, decide, undo

AT_A_DOOR = (71.50012, 34.00013)


class Peshawar:
    """A doubtful visit of Bilal's team, Amina who coordinates there, Dawar from elsewhere."""

    def __init__(self, session):
        ground = the_ground(session)
        a_hamlet(session)
        self.session, self.campaign = session, a_round(session)
        self.team = a_team(session, self.campaign, "T1", ground.peshawar_tehsil)
        self.visit = a_visit(session, self.team, at=AT_A_DOOR, mock_location=True)
        judge_what_waits(session, self.campaign)
        self.amina = scope_of(session, a_person(session, "Amina", "coordinator", ground.peshawar))
        self.dawar = scope_of(session, a_person(session, "Dawar", "coordinator", ground.bannu))
        self.bilal = scope_of(session, a_person(session, "Bilal", "team", team=self.team))

    def decide(self, who, action="keep", reason="I was there", ids=None):
        batch = decide(self.session, self.campaign, who, ids or [self.visit.instance_id], action, reason)
        judge_what_waits(self.session, self.campaign)
        return batch

    def undo(self, who, batch):
        count = undo(self.session, self.campaign, who, batch)
        judge_what_waits(self.session, self.campaign)
        return count


@pytest.fixture
def peshawar(session) -> Peshawar:
    return Peshawar(session)


def test_dawar_from_elsewhere_decides_nothing_here(peshawar):
    with pytest.raises(NotFound):
        peshawar.decide(peshawar.dawar)
    batch = peshawar.decide(peshawar.amina)
    with pytest.raises(NotFound):
        peshawar.undo(peshawar.dawar, batch)

    assert standing(peshawar.visit) == "valid"


def test_a_team_does_not_overrule_its_own_flags(peshawar):
    with pytest.raises(NotAllowed):
        peshawar.decide(peshawar.bilal)


@pytest.mark.parametrize(("action", "then"), [("keep", "valid"), ("set_aside", "rejected")])
def test_aminas_word_overrules_the_flags_and_the_flags_stay(peshawar, action, then):
    assert standing(peshawar.visit) == "doubtful"

    peshawar.decide(peshawar.amina, action)

    assert standing(peshawar.visit) == then
    assert asked(peshawar.session, peshawar.visit) == {"mock_location": "doubt"}


def test_undone_the_flags_decide_again(peshawar):
    batch = peshawar.decide(peshawar.amina)

    assert peshawar.undo(peshawar.amina, batch) == 1
    assert standing(peshawar.visit) == "doubtful"
    with pytest.raises(DecidedMeanwhile):
        peshawar.undo(peshawar.amina, batch)


def test_undoing_the_second_word_brings_back_the_first(peshawar):
    peshawar.decide(peshawar.amina, "set_aside")
    second = peshawar.decide(peshawar.amina, "keep")

    peshawar.undo(peshawar.amina, second)

    assert standing(peshawar.visit) == "rejected"


def test_words_taken_back_one_after_the_other_leave_the_first_in_force(peshawar):
    first = peshawar.decide(peshawar.amina, "keep")
    peshawar.undo(peshawar.amina, peshawar.decide(peshawar.amina, "set_aside"))
    third = peshawar.decide(peshawar.amina, "set_aside")

    peshawar.undo(peshawar.amina, third)

    assert standing(peshawar.visit) == "valid"
    with pytest.raises(DecidedMeanwhile):
        peshawar.undo(peshawar.amina, third)
    peshawar.undo(peshawar.amina, first)
    assert standing(peshawar.visit) == "doubtful"


def test_what_was_decided_since_is_not_undone(peshawar):
    other = a_visit(peshawar.session, peshawar.team, at=AT_A_DOOR, mock_location=True)
    judge_what_waits(peshawar.session, peshawar.campaign)
    many = peshawar.decide(peshawar.amina, "set_aside", ids=[peshawar.visit.instance_id, other.instance_id])
    peshawar.decide(peshawar.amina, "keep")

    assert peshawar.undo(peshawar.amina, many) == 1
    assert (standing(peshawar.visit), standing(other)) == ("valid", "doubtful")


@pytest.mark.parametrize(("action", "reason"), [("forgive", "why not"), ("keep", "  "), ("keep", "x" * 2_001)])
def test_a_word_without_sense_is_refused(peshawar, action, reason):
    with pytest.raises(WrongRequest):
        peshawar.decide(peshawar.amina, action, reason)


def test_one_unknown_visit_and_nothing_is_decided(peshawar):
    with pytest.raises(NotFound):
        peshawar.decide(peshawar.amina, ids=[peshawar.visit.instance_id, uuid.uuid4()])

    assert standing(peshawar.visit) == "doubtful"


def test_every_act_is_on_record_with_its_reason(peshawar):
    batch = peshawar.decide(peshawar.amina, reason="I was there")
    peshawar.undo(peshawar.amina, batch)

    told = peshawar.session.execute(text("SELECT action, reason, person_id FROM decision ORDER BY id")).all()
    trail = peshawar.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")).all()
    assert [tuple(row) for row in told] == [
        ("keep", "I was there", peshawar.amina.person_id),
        ("undo", "undone", peshawar.amina.person_id),
    ]
    assert list(trail)[-2:] == ["decide", "undo"]
