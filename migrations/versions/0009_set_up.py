"""Setting a campaign up in the browser: uploads, invitations, second factors; changes of targets, census tables; photos."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

EVERYTHING = "(SELECT scope_is_everything())"
AREAS = "(SELECT scope_areas())"
PERSON = "(SELECT scope_person())"

ROWS = {
    "target_change": f"in_areas(area_id, {AREAS})",
    # a table is its reader's; what was confirmed of it serves everybody of the area
    "census_table": f"""person_id = {PERSON} OR EXISTS (
        SELECT 1 FROM census_row r WHERE r.table_id = census_table.id AND r.confirmed_at IS NOT NULL)""",
    "census_row": f"area_id IS NULL OR in_areas(area_id, {AREAS})",
    "upload": f"person_id = {PERSON}",
    # a photo belongs to its visits
    "visit_photo": "EXISTS (SELECT 1 FROM visit v WHERE v.instance_id = visit_photo.instance_id)",
    "photo": "EXISTS (SELECT 1 FROM visit_photo p WHERE p.sha256 = photo.sha256)",
}
# who changed a target or confirmed a row, to those who see it
NAMED = """EXISTS (SELECT 1 FROM target_change t WHERE t.person_id = person.id)
    OR EXISTS (SELECT 1 FROM census_row r WHERE r.confirmed_by = person.id)"""


def upgrade() -> None:
    op.create_table('photo',
        sa.Column('sha256', sa.Text(), nullable=False),
        sa.Column('shown_sha256', sa.Text(), nullable=False),
        sa.Column('size_bytes', sa.Integer(), nullable=False),
        sa.Column('width', sa.Integer(), nullable=False),
        sa.Column('height', sa.Integer(), nullable=False),
        sa.Column('camera', sa.Text(), nullable=True),
        sa.Column('taken_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('gps_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lon', sa.Float(), nullable=True),
        sa.Column('lat', sa.Float(), nullable=True),
        sa.Column('phash', postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column('dhash', postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint('(lon IS NULL) = (lat IS NULL)', name=op.f('photo_position_whole_check')),
        sa.CheckConstraint('cardinality(phash) = cardinality(dhash)', name=op.f('photo_hashes_paired_check')),
        sa.PrimaryKeyConstraint('sha256', name=op.f('photo_pkey'))
    )
    op.create_table('census_table',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('level', sa.Text(), nullable=False),
        sa.Column('vintage', sa.Date(), nullable=False),
        sa.Column('figure', sa.Text(), nullable=False),
        sa.Column('year', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('read_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint("figure IN ('under_five','population')", name=op.f('census_table_figure_known_check')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('census_table_person_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('census_table_pkey'))
    )
    op.create_table('invitation',
        sa.Column('secret_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('purpose', sa.Text(), nullable=False),
        sa.Column('created_by', sa.Integer(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose IN ('invite','reset')", name=op.f('invitation_purpose_known_check')),
        sa.ForeignKeyConstraint(['created_by'], ['person.id'], name=op.f('invitation_created_by_fkey')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('invitation_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('secret_sha256', name=op.f('invitation_pkey'))
    )
    op.create_index(op.f('invitation_person_id_idx'), 'invitation', ['person_id'], unique=False)
    op.create_table('target_change',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('old_target', sa.Integer(), nullable=False),
        sa.Column('new_target', sa.Integer(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('changed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('batch', postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column('undoes', postgresql.UUID(as_uuid=True), nullable=True),
        sa.CheckConstraint('length(btrim(reason)) > 0', name=op.f('target_change_reason_given_check')),
        sa.CheckConstraint('old_target >= 0 AND new_target >= 0', name=op.f('target_change_targets_not_negative_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('target_change_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('target_change_person_id_fkey')),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('target_change_settlement_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('target_change_pkey'))
    )
    op.create_index(op.f('target_change_batch_idx'), 'target_change', ['batch'], unique=False)
    op.create_index(op.f('target_change_campaign_id_settlement_id_idx'), 'target_change', ['campaign_id', 'settlement_id'], unique=False)
    op.create_table('upload',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=True),
        sa.Column('file_name', sa.Text(), nullable=False),
        sa.Column('sha256', sa.Text(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('sent_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('columns', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('sample', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('row_count', sa.Integer(), nullable=False),
        sa.Column('choice', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
        sa.Column('tried', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('done', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('back', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('job_id', sa.BigInteger(), nullable=True),
        sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('areas','settlements','teams','microplan','visits','targets')", name=op.f('upload_kind_known_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('upload_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('upload_person_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('upload_pkey'))
    )
    op.create_index(op.f('upload_campaign_id_idx'), 'upload', ['campaign_id'], unique=False)
    op.create_table('visit_photo',
        sa.Column('instance_id', postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column('sha256', sa.Text(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('visit_photo_person_id_fkey')),
        sa.ForeignKeyConstraint(['sha256'], ['photo.sha256'], name=op.f('visit_photo_sha256_fkey')),
        sa.PrimaryKeyConstraint('instance_id', 'sha256', name=op.f('visit_photo_pkey'))
    )
    op.create_index(op.f('visit_photo_campaign_id_team_id_idx'), 'visit_photo', ['campaign_id', 'team_id'], unique=False)
    op.create_index(op.f('visit_photo_sha256_idx'), 'visit_photo', ['sha256'], unique=False)
    op.create_table('census_row',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('table_id', sa.Integer(), nullable=False),
        sa.Column('row_no', sa.Integer(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('parent_name', sa.Text(), nullable=True),
        sa.Column('code', sa.Text(), nullable=True),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('how', sa.Text(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=True),
        sa.Column('score', sa.Integer(), nullable=True),
        sa.Column('confirmed_by', sa.Integer(), nullable=True),
        sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("how IN ('code','same_name','proposed','left')", name=op.f('census_row_how_known_check')),
        sa.CheckConstraint('confirmed_at IS NULL OR area_id IS NOT NULL', name=op.f('census_row_confirmed_has_area_check')),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('census_row_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['confirmed_by'], ['person.id'], name=op.f('census_row_confirmed_by_fkey')),
        sa.ForeignKeyConstraint(['table_id'], ['census_table.id'], name=op.f('census_row_table_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('census_row_pkey'))
    )
    op.create_index('census_row_one_per_area', 'census_row', ['table_id', 'area_id'], unique=True, postgresql_where=sa.text('confirmed_at IS NOT NULL'))
    op.create_index(op.f('census_row_table_id_idx'), 'census_row', ['table_id'], unique=False)
    op.add_column('campaign', sa.Column('practice', sa.Boolean(), server_default='false', nullable=False))
    op.add_column('person', sa.Column('totp_secret', sa.Text(), nullable=True))
    op.add_column('person', sa.Column('totp_since', sa.DateTime(timezone=True), nullable=True))
    op.add_column('person', sa.Column('totp_step', sa.BigInteger(), nullable=True))
    for table, rows in ROWS.items():
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web USING ({EVERYTHING} OR {rows})")
    op.execute(f"CREATE POLICY named ON person FOR SELECT TO rasai_web USING ({NAMED})")


def downgrade() -> None:
    op.execute("DROP POLICY named ON person")
    for table in ROWS:
        op.execute(f"DROP POLICY scope ON {table}")
    op.drop_column('person', 'totp_step')
    op.drop_column('person', 'totp_since')
    op.drop_column('person', 'totp_secret')
    op.drop_column('campaign', 'practice')
    op.drop_index(op.f('census_row_table_id_idx'), table_name='census_row')
    op.drop_index('census_row_one_per_area', table_name='census_row', postgresql_where=sa.text('confirmed_at IS NOT NULL'))
    op.drop_table('census_row')
    op.drop_index(op.f('visit_photo_sha256_idx'), table_name='visit_photo')
    op.drop_index(op.f('visit_photo_campaign_id_team_id_idx'), table_name='visit_photo')
    op.drop_table('visit_photo')
    op.drop_index(op.f('upload_campaign_id_idx'), table_name='upload')
    op.drop_table('upload')
    op.drop_index(op.f('target_change_campaign_id_settlement_id_idx'), table_name='target_change')
    op.drop_index(op.f('target_change_batch_idx'), table_name='target_change')
    op.drop_table('target_change')
    op.drop_index(op.f('invitation_person_id_idx'), table_name='invitation')
    op.drop_table('invitation')
    op.drop_table('census_table')
    op.drop_table('photo')
