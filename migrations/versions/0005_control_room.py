"""The control room: orders to teams, reasons why nobody could work, questions, the evening pack, shares of areas."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

EVERYTHING = "(SELECT scope_is_everything())"
AREAS = "(SELECT scope_areas())"
SETTLEMENTS = "((SELECT scope_settlements())::int[])"
TEAM = "(SELECT scope_team())"
OWN_TEAMS = "(SELECT t FROM scope_teams() t)"
PERSON = "(SELECT scope_person())"
ASKS = "(SELECT scope_role()) IN ('admin', 'coordinator', 'supervisor')"

ROWS = {
    "field_order": f"in_areas(area_id, {AREAS}) OR team_id = {TEAM}",
    "closure": f"in_areas(area_id, {AREAS}) OR settlement_id = ANY {SETTLEMENTS}",
    # a question goes to those who answer for the team, and comes back to who asked
    "question": f"{ASKS} AND (in_areas(area_id, {AREAS}) OR team_id IN {OWN_TEAMS} OR asked_by = {PERSON})",
    "question_visit": "EXISTS (SELECT 1 FROM question q WHERE q.id = question_id)",
    "pack_wish": f"person_id = {PERSON}",
    "evening_pack": f"person_id = {PERSON}",
    "watch": f"person_id = {PERSON}",
    "notice": f"person_id = {PERSON}",
    "area_share": "true",       # follows from outlines, which are no secret
}
# a team sees the place that it is sent to, also where its plan does not have it
ORDERED = f"""{TEAM} IS NOT NULL AND EXISTS (
    SELECT 1 FROM field_order o WHERE o.settlement_id = settlement.id AND o.team_id = {TEAM} AND o.withdrawn_at IS NULL)"""
# who gave an order, noted a reason, asked or answered, to those who see it
IN_THE_ROOM = """EXISTS (SELECT 1 FROM field_order o WHERE person.id IN (o.given_by, o.withdrawn_by))
    OR EXISTS (SELECT 1 FROM closure c WHERE person.id IN (c.person_id, c.ended_by))
    OR EXISTS (SELECT 1 FROM question q WHERE person.id IN (q.asked_by, q.answered_by))"""


def upgrade() -> None:
    op.create_table('area_share',
        sa.Column('from_area_id', sa.Integer(), nullable=False),
        sa.Column('to_area_id', sa.Integer(), nullable=False),
        sa.Column('share', sa.Float(), nullable=False),
        sa.CheckConstraint('share > 0 AND share <= 1', name=op.f('area_share_share_is_part_check')),
        sa.ForeignKeyConstraint(['from_area_id'], ['area.id'], name=op.f('area_share_from_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['to_area_id'], ['area.id'], name=op.f('area_share_to_area_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('from_area_id', 'to_area_id', name=op.f('area_share_pkey'))
    )
    op.create_index(op.f('area_share_to_area_id_idx'), 'area_share', ['to_area_id'], unique=False)
    op.create_table('closure',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('said_by', sa.Text(), nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('until', sa.Date(), nullable=True),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('ended_by', sa.Integer(), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reason IN ('snow','flood','insecurity','boycott','no_vaccine','team_absent','moved_away','empty')", name=op.f('closure_reason_known_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('closure_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['ended_by'], ['person.id'], name=op.f('closure_ended_by_fkey')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('closure_person_id_fkey')),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('closure_settlement_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('closure_pkey'))
    )
    op.create_index('closure_standing_idx', 'closure', ['campaign_id', 'settlement_id'], unique=True, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_table('evening_pack',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('language', sa.Text(), nullable=False),
        sa.Column('file_name', sa.Text(), nullable=False),
        sa.Column('made_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('trouble', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('evening_pack_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('evening_pack_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('evening_pack_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('evening_pack_pkey'))
    )
    op.create_index(op.f('evening_pack_person_id_campaign_id_idx'), 'evening_pack', ['person_id', 'campaign_id'], unique=False)
    op.create_table('field_order',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('on_date', sa.Date(), nullable=False),
        sa.Column('children', sa.Integer(), nullable=False),
        sa.Column('visits_before', sa.Integer(), server_default='0', nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('batch', postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column('given_by', sa.Integer(), nullable=True),
        sa.Column('given_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('withdrawn_by', sa.Integer(), nullable=True),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('field_order_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['given_by'], ['person.id'], name=op.f('field_order_given_by_fkey')),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('field_order_settlement_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('field_order_team_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['withdrawn_by'], ['person.id'], name=op.f('field_order_withdrawn_by_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('field_order_pkey'))
    )
    op.create_index(op.f('field_order_batch_idx'), 'field_order', ['batch'], unique=False)
    op.create_index(op.f('field_order_campaign_id_on_date_idx'), 'field_order', ['campaign_id', 'on_date'], unique=False)
    op.create_index('field_order_standing_idx', 'field_order', ['campaign_id', 'settlement_id', 'team_id', 'on_date'], unique=True, postgresql_where=sa.text('withdrawn_at IS NULL'))
    op.create_index(op.f('field_order_team_id_idx'), 'field_order', ['team_id'], unique=False)
    op.create_table('pack_wish',
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('language', sa.Text(), nullable=False),
        sa.Column('at_minute', sa.SmallInteger(), server_default='1140', nullable=False),
        sa.Column('made_for', sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('pack_wish_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('pack_wish_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('pack_wish_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('person_id', 'campaign_id', 'area_id', name=op.f('pack_wish_pkey'))
    )
    op.create_table('question',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=True),
        sa.Column('rule', sa.Text(), nullable=True),
        sa.Column('day', sa.Date(), nullable=True),
        sa.Column('visits', sa.Integer(), nullable=False),
        sa.Column('words', sa.Text(), nullable=False),
        sa.Column('asked_by', sa.Integer(), nullable=True),
        sa.Column('asked_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('answer', sa.Text(), nullable=True),
        sa.Column('answered_by', sa.Integer(), nullable=True),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('decided', postgresql.UUID(as_uuid=True), nullable=True),
        sa.ForeignKeyConstraint(['answered_by'], ['person.id'], name=op.f('question_answered_by_fkey')),
        sa.ForeignKeyConstraint(['asked_by'], ['person.id'], name=op.f('question_asked_by_fkey')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('question_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('question_team_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('question_pkey'))
    )
    op.create_index(op.f('question_campaign_id_answered_at_idx'), 'question', ['campaign_id', 'answered_at'], unique=False)
    op.create_index(op.f('question_team_id_idx'), 'question', ['team_id'], unique=False)
    op.create_table('watch',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('at_least', sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('silent_team','below_due','refusals')", name=op.f('watch_kind_known_check')),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('watch_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('watch_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('watch_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('watch_pkey'))
    )
    op.create_index('watch_wish_idx', 'watch', ['person_id', 'campaign_id', 'area_id', 'kind'], unique=True)
    op.create_table('notice',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('watch_id', sa.BigInteger(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('thing', sa.Text(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('mailed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('notice_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('notice_person_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['watch_id'], ['watch.id'], name=op.f('notice_watch_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('notice_pkey'))
    )
    op.create_index('notice_once_idx', 'notice', ['watch_id', 'thing', 'day'], unique=True)
    op.create_index(op.f('notice_person_id_seen_at_idx'), 'notice', ['person_id', 'seen_at'], unique=False)
    op.create_table('question_visit',
        sa.Column('question_id', sa.BigInteger(), nullable=False),
        sa.Column('instance_id', postgresql.UUID(as_uuid=True), nullable=False),
        sa.ForeignKeyConstraint(['question_id'], ['question.id'], name=op.f('question_visit_question_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('question_id', 'instance_id', name=op.f('question_visit_pkey'))
    )
    op.create_index(op.f('question_visit_instance_id_idx'), 'question_visit', ['instance_id'], unique=False)

    for table, rows in ROWS.items():
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web USING ({EVERYTHING} OR ({rows}))")
    op.execute(f"CREATE POLICY ordered ON settlement FOR SELECT TO rasai_web USING ({ORDERED})")
    op.execute(f"CREATE POLICY in_the_room ON person FOR SELECT TO rasai_web USING ({IN_THE_ROOM})")


def downgrade() -> None:
    op.execute("DROP POLICY in_the_room ON person")
    op.execute("DROP POLICY ordered ON settlement")
    for table in ("question_visit", "notice", "watch", "question", "pack_wish", "field_order", "evening_pack", "closure",
                  "area_share"):
        op.drop_table(table)
