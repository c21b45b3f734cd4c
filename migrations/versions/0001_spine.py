"""The tables of the spine: areas, settlements, campaigns, visits, counts, people.

What PostgreSQL alone can express (row-level security, append-only triggers, functions) stands in later migrations.
"""
from alembic import op
import sqlalchemy as sa
from geoalchemy2 import Geography
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_geospatial_table('area',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('vintage', sa.Date(), nullable=False),
        sa.Column('level', sa.Text(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('name_en', sa.Text(), nullable=False),
        sa.Column('name_ur', sa.Text(), nullable=True),
        sa.Column('name_ps', sa.Text(), nullable=True),
        sa.Column('parent_id', sa.Integer(), nullable=True),
        sa.Column('boundary', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('area_km2', sa.Double(), nullable=False),
        sa.Column('population', sa.Integer(), nullable=True),
        sa.Column('population_year', sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("level IN ('province','division','district','tehsil','union_council','zone')", name=op.f('area_level_known_check')),
        sa.ForeignKeyConstraint(['parent_id'], ['area.id'], name=op.f('area_parent_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('area_pkey')),
        sa.UniqueConstraint('vintage', 'code', name=op.f('area_vintage_code_key'))
    )
    op.create_index(op.f('area_parent_id_idx'), 'area', ['parent_id'], unique=False)
    op.create_geospatial_index('idx_area_boundary', 'area', ['boundary'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_table('campaign',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('starts_on', sa.Date(), nullable=False),
        sa.Column('ends_on', sa.Date(), nullable=False),
        sa.Column('catch_up', postgresql.ARRAY(sa.Date()), server_default='{}', nullable=False),
        sa.Column('timezone', sa.Text(), nullable=False),
        sa.Column('vintage', sa.Date(), nullable=False),
        sa.Column('thresholds', postgresql.JSONB(astext_type=sa.Text()), server_default='{}', nullable=False),
        sa.Column('state', sa.Text(), server_default='open', nullable=False),
        sa.Column('illustration', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('microplan_id', sa.Integer(), nullable=True),
        sa.Column('revision', sa.Integer(), server_default='0', nullable=False),
        sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.CheckConstraint("kind IN ('vaccination','plantation','inspection')", name=op.f('campaign_kind_known_check')),
        sa.CheckConstraint("state IN ('open','closed')", name=op.f('campaign_state_known_check')),
        sa.CheckConstraint('ends_on >= starts_on', name=op.f('campaign_days_in_order_check')),
        sa.PrimaryKeyConstraint('id', name=op.f('campaign_pkey')),
        sa.UniqueConstraint('code', name=op.f('campaign_code_key'))
    )
    op.create_table('coverage_count',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('unit_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('reached', postgresql.BIT(varying=True), nullable=True),
        sa.Column('west', sa.Float(), nullable=True),
        sa.Column('south', sa.Float(), nullable=True),
        sa.Column('east', sa.Float(), nullable=True),
        sa.Column('north', sa.Float(), nullable=True),
        sa.Column('visits', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_valid', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_doubtful', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_rejected', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('eligible', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated_confirmed', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated_rejected', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('guests', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('zero_dose', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_absent', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_refused', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_other', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('recovered', sa.BigInteger(), server_default='0', nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'unit_id', 'day', 'team_id', name=op.f('coverage_count_pkey'))
    )
    op.create_index(op.f('coverage_count_campaign_id_team_id_idx'), 'coverage_count', ['campaign_id', 'team_id'], unique=False)
    op.create_index('coverage_count_no_settlement_idx', 'coverage_count', ['campaign_id'], unique=False, postgresql_where=sa.text('reached IS NULL'))
    op.create_table('flag',
        sa.Column('instance_id', sa.UUID(), nullable=False),
        sa.Column('rule', sa.Text(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('severity', sa.Text(), nullable=False),
        sa.Column('numbers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint('instance_id', 'rule', name=op.f('flag_pkey'))
    )
    op.create_index(op.f('flag_campaign_id_rule_instance_id_idx'), 'flag', ['campaign_id', 'rule', 'instance_id'], unique=False)
    op.create_geospatial_table('settlement',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('name_en', sa.Text(), nullable=False),
        sa.Column('name_ur', sa.Text(), nullable=True),
        sa.Column('name_ps', sa.Text(), nullable=True),
        sa.Column('type', sa.Text(), nullable=False),
        sa.Column('population', sa.Integer(), nullable=True),
        sa.Column('under_five', sa.Integer(), nullable=True),
        sa.Column('high_risk', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('compound', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('centre', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('extent', Geometry(srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
        sa.Column('radius_m', sa.Double(), nullable=False),
        sa.Column('utm_epsg', sa.Integer(), nullable=False),
        sa.Column('cell_m', sa.SmallInteger(), nullable=True),
        sa.Column('cell_east_m', postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column('cell_north_m', postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column('tile_key', sa.BigInteger(), nullable=False),
        sa.Column('cells', sa.Integer(), sa.Computed('cardinality(cell_east_m)', persisted=True), nullable=False),
        sa.CheckConstraint('cardinality(cell_east_m) = cardinality(cell_north_m) AND cardinality(cell_east_m) > 0', name=op.f('settlement_cells_paired_check')),
        sa.CheckConstraint('population >= 0 AND under_five >= 0', name=op.f('settlement_people_not_negative_check')),
        sa.PrimaryKeyConstraint('id', name=op.f('settlement_pkey')),
        sa.UniqueConstraint('code', name=op.f('settlement_code_key'))
    )
    op.create_geospatial_index('idx_settlement_centre', 'settlement', ['centre'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_geospatial_index('idx_settlement_extent', 'settlement', ['extent'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_table('sign_in_failure',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('account_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('address', postgresql.INET(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('sign_in_failure_pkey'))
    )
    op.create_index(op.f('sign_in_failure_account_sha256_at_idx'), 'sign_in_failure', ['account_sha256', 'at'], unique=False)
    op.create_index(op.f('sign_in_failure_address_at_idx'), 'sign_in_failure', ['address', 'at'], unique=False)
    op.create_table('team_day',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('visits', sa.Integer(), nullable=False),
        sa.Column('digit_chi2', sa.Double(), nullable=True),
        sa.Column('gap_variation', sa.Double(), nullable=True),
        sa.Column('eligible', sa.Integer(), nullable=False),
        sa.Column('missed', sa.Integer(), nullable=False),
        sa.Column('unlike_real_work', sa.Boolean(), server_default='false', nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'team_id', 'day', name=op.f('team_day_pkey'))
    )
    op.create_table('team_flags',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('rule', sa.Text(), nullable=False),
        sa.Column('visits', sa.Integer(), nullable=False),
        sa.Column('undecided', sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'team_id', 'rule', name=op.f('team_flags_pkey'))
    )
    op.create_table('visit',
        sa.Column('instance_id', sa.UUID(), nullable=False),
        sa.Column('submission_id', sa.BigInteger(), nullable=False),
        sa.Column('visited_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('received_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('lon', sa.Double(), nullable=True),
        sa.Column('lat', sa.Double(), nullable=True),
        sa.Column('accuracy_m', sa.Double(), nullable=True),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=True),
        sa.Column('unit_id', sa.Integer(), nullable=True),
        sa.Column('area_id', sa.Integer(), nullable=True),
        sa.Column('row_no', sa.Integer(), nullable=False),
        sa.Column('children_eligible', sa.Integer(), nullable=False),
        sa.Column('vaccinated', sa.Integer(), nullable=False),
        sa.Column('absent', sa.Integer(), nullable=False),
        sa.Column('refused', sa.Integer(), nullable=False),
        sa.Column('other_missed', sa.Integer(), nullable=False),
        sa.Column('guests_vaccinated', sa.Integer(), server_default='0', nullable=False),
        sa.Column('zero_dose', sa.Integer(), server_default='0', nullable=False),
        sa.Column('finger_marked', sa.Integer(), server_default='0', nullable=False),
        sa.Column('flags', sa.Integer(), server_default='0', nullable=False),
        sa.Column('flags_digest', sa.Integer(), server_default='0', nullable=False),
        sa.Column('standing', sa.SmallInteger(), server_default='1', nullable=False),
        sa.Column('decided', sa.SmallInteger(), nullable=True),
        sa.Column('is_revisit', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('mock_location', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('replaces', sa.UUID(), nullable=True),
        sa.Column('replaces_team_id', sa.Integer(), nullable=True),
        sa.Column('note', sa.Text(), nullable=True),
        sa.CheckConstraint('(lon IS NULL) = (lat IS NULL)', name=op.f('visit_position_whole_check')),
        sa.CheckConstraint('accuracy_m >= 0', name=op.f('visit_accuracy_not_negative_check')),
        sa.CheckConstraint('least(children_eligible, vaccinated, absent, refused, other_missed, guests_vaccinated, zero_dose, finger_marked) >= 0', name=op.f('visit_counts_not_negative_check')),
        sa.CheckConstraint('lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90', name=op.f('visit_position_on_earth_check')),
        sa.PrimaryKeyConstraint('instance_id', name=op.f('visit_pkey')),
    postgresql_with={'fillfactor': '85'}
    )
    op.create_index(op.f('visit_campaign_id_team_id_visited_at_idx'), 'visit', ['campaign_id', 'team_id', 'visited_at'], unique=False)
    op.create_index('visit_replaces_idx', 'visit', ['campaign_id', 'replaces'], unique=False, postgresql_where=sa.text('replaces IS NOT NULL'))
    op.create_table('waiting',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('submission_id', sa.BigInteger(), nullable=True),
        sa.Column('team_ids', postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column('since', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('waiting_pkey'))
    )
    op.create_index(op.f('waiting_campaign_id_idx'), 'waiting', ['campaign_id'], unique=False)
    op.create_table('walked_cell',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('cell', sa.BigInteger(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'cell', 'team_id', 'day', name=op.f('walked_cell_pkey'))
    )
    op.create_table('heartbeat',
        sa.Column('worker', sa.Text(), nullable=False),
        sa.Column('beat_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('worker', name=op.f('heartbeat_pkey'))
    )
    op.create_geospatial_table('area_piece',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('piece', Geography(geometry_type='POLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeogFromText', name='geography', nullable=False), nullable=False),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('area_piece_area_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('area_piece_pkey'))
    )
    op.create_index(op.f('area_piece_area_id_idx'), 'area_piece', ['area_id'], unique=False)
    op.create_geospatial_index('idx_area_piece_piece', 'area_piece', ['piece'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_table('area_within',
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('ancestor_id', sa.Integer(), nullable=False),
        sa.Column('ancestor_level', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['ancestor_id'], ['area.id'], name=op.f('area_within_ancestor_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('area_within_area_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('area_id', 'ancestor_id', name=op.f('area_within_pkey'))
    )
    op.create_index(op.f('area_within_ancestor_id_area_id_idx'), 'area_within', ['ancestor_id', 'area_id'], unique=False)
    op.create_table('campaign_area',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('campaign_area_area_id_fkey')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('campaign_area_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('campaign_id', 'area_id', name=op.f('campaign_area_pkey'))
    )
    op.create_index(op.f('campaign_area_area_id_idx'), 'campaign_area', ['area_id'], unique=False)
    op.create_geospatial_table('campaign_settlement',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=True),
        sa.Column('target', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('target_fixed', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('first_day', sa.Date(), nullable=False),
        sa.Column('last_day', sa.Date(), nullable=False),
        sa.Column('tile_key', sa.BigInteger(), nullable=False),
        sa.Column('point', Geometry(geometry_type='POINT', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('name_en', sa.Text(), nullable=False),
        sa.Column('name_ur', sa.Text(), nullable=True),
        sa.Column('cells', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('cells_reached', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_valid', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_doubtful', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('visits_rejected', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('eligible', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated_confirmed', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated_rejected', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('guests', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('zero_dose', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_absent', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_refused', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('missed_other', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('recovered', sa.BigInteger(), server_default='0', nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('campaign_settlement_campaign_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('campaign_settlement_settlement_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('campaign_id', 'settlement_id', name=op.f('campaign_settlement_pkey')),
    postgresql_with={'fillfactor': '70'}
    )
    op.create_index(op.f('campaign_settlement_campaign_id_area_id_idx'), 'campaign_settlement', ['campaign_id', 'area_id'], unique=False)
    op.create_index(op.f('campaign_settlement_campaign_id_tile_key_idx'), 'campaign_settlement', ['campaign_id', 'tile_key'], unique=False)
    op.create_table('settlement_grid',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('zoom', sa.SmallInteger(), nullable=False),
        sa.Column('cell', sa.BigInteger(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('small', sa.Boolean(), nullable=False),
        sa.Column('settlements', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('target', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('unreached', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('vaccinated_confirmed', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('lon_e6', sa.BigInteger(), server_default='0', nullable=False),
        sa.Column('lat_e6', sa.BigInteger(), server_default='0', nullable=False),
        sa.PrimaryKeyConstraint('campaign_id', 'zoom', 'cell', 'area_id', 'small', name=op.f('settlement_grid_pkey'))
    )
    op.create_table('microplan',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('microplan_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('microplan_pkey')),
        sa.UniqueConstraint('campaign_id', 'version', name=op.f('microplan_campaign_id_version_key'))
    )
    op.create_table('settlement_place',
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('vintage', sa.Date(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('settlement_place_area_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('settlement_place_settlement_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('settlement_id', 'vintage', name=op.f('settlement_place_pkey'))
    )
    op.create_index(op.f('settlement_place_area_id_idx'), 'settlement_place', ['area_id'], unique=False)
    op.create_table('team',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('type', sa.Text(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=True),
        sa.Column('supervisor', sa.Text(), nullable=True),
        sa.Column('heard_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("type IN ('mobile','fixed','transit','nomadic')", name=op.f('team_type_known_check')),
        sa.ForeignKeyConstraint(['area_id'], ['area.id'], name=op.f('team_area_id_fkey')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('team_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('team_pkey')),
        sa.UniqueConstraint('campaign_id', 'code', name=op.f('team_campaign_id_code_key'))
    )
    op.create_index(op.f('team_area_id_idx'), 'team', ['area_id'], unique=False)
    op.create_table('person',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('email', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('password_hash', sa.String(), nullable=True),
        sa.Column('team_id', sa.Integer(), nullable=True),
        sa.Column('language', sa.Text(), nullable=True),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role = 'team' OR team_id IS NULL", name=op.f('person_only_team_users_have_a_team_check')),
        sa.CheckConstraint("role IN ('admin','coordinator','supervisor','verifier','team','observer')", name=op.f('person_role_known_check')),
        sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('person_team_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('person_pkey'))
    )
    op.create_index('person_email_key', 'person', [sa.literal_column('lower(email)')], unique=True)
    op.create_table('plan_stop',
        sa.Column('microplan_id', sa.Integer(), nullable=False),
        sa.Column('settlement_id', sa.Integer(), nullable=False),
        sa.Column('team_id', sa.Integer(), nullable=False),
        sa.Column('on_date', sa.Date(), nullable=False),
        sa.Column('target_children', sa.Integer(), nullable=False),
        sa.CheckConstraint('target_children >= 0', name=op.f('plan_stop_target_not_negative_check')),
        sa.ForeignKeyConstraint(['microplan_id'], ['microplan.id'], name=op.f('plan_stop_microplan_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['settlement_id'], ['settlement.id'], name=op.f('plan_stop_settlement_id_fkey')),
        sa.ForeignKeyConstraint(['team_id'], ['team.id'], name=op.f('plan_stop_team_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('microplan_id', 'settlement_id', 'team_id', 'on_date', name=op.f('plan_stop_pkey'))
    )
    op.create_index(op.f('plan_stop_team_id_idx'), 'plan_stop', ['team_id'], unique=False)
    op.create_table('api_token',
        sa.Column('secret_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('label', sa.Text(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('api_token_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('secret_sha256', name=op.f('api_token_pkey'))
    )
    op.create_index(op.f('api_token_person_id_idx'), 'api_token', ['person_id'], unique=False)
    op.create_table('audit_entry',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('thing', sa.Text(), nullable=False),
        sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('address', postgresql.INET(), nullable=True),
        sa.Column('previous_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('sha256', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('audit_entry_person_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('audit_entry_pkey')),
        sa.UniqueConstraint('previous_sha256', name=op.f('audit_entry_previous_sha256_key'))
    )
    op.create_index(op.f('audit_entry_kind_thing_idx'), 'audit_entry', ['kind', 'thing'], unique=False)
    op.create_table('decision',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('instance_id', sa.UUID(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('action', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('batch', sa.UUID(), nullable=False),
        sa.Column('undoes', sa.UUID(), nullable=True),
        sa.CheckConstraint("action IN ('keep','set_aside','undo')", name=op.f('decision_action_known_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('decision_campaign_id_fkey')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('decision_person_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('decision_pkey'))
    )
    op.create_index(op.f('decision_person_id_idx'), 'decision', ['person_id'], unique=False)
    op.create_index(op.f('decision_instance_id_decided_at_idx'), 'decision', ['instance_id', 'decided_at'], unique=False)
    op.create_table('person_area',
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('area_code', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('person_area_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('person_id', 'area_code', name=op.f('person_area_pkey'))
    )
    op.create_table('submission',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('sha256', sa.LargeBinary(), nullable=False),
        sa.Column('media_type', sa.Text(), nullable=False),
        sa.Column('body', sa.LargeBinary(), nullable=True),
        sa.Column('file_name', sa.Text(), nullable=True),
        sa.Column('submitter_id', sa.Integer(), nullable=True),
        sa.CheckConstraint('(body IS NULL) <> (file_name IS NULL)', name=op.f('submission_body_or_file_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('submission_campaign_id_fkey')),
        sa.ForeignKeyConstraint(['submitter_id'], ['person.id'], name=op.f('submission_submitter_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('submission_pkey'))
    )
    op.create_table('web_session',
        sa.Column('secret_sha256', sa.LargeBinary(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('seen_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('address', postgresql.INET(), nullable=True),
        sa.Column('agent', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('web_session_person_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('secret_sha256', name=op.f('web_session_pkey'))
    )
    op.create_index(op.f('web_session_person_id_idx'), 'web_session', ['person_id'], unique=False)
    op.create_foreign_key("campaign_microplan_id_fkey", "campaign", "microplan", ["microplan_id"], ["id"])


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the database instead")
