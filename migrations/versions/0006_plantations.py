"""Plantation claims, their versions, findings and evidence, and what they are measured against."""
from alembic import op
import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

# who may see claims sees those of their areas; what lies in no area only those who see everything
SEEN = "(SELECT scope_sees_claims()) AND in_areas(area_id, (SELECT scope_areas()))"
OF_CLAIM = "EXISTS (SELECT 1 FROM claim c WHERE c.id = {table}.claim_id)"       # held by claim's own policy
ROWS = {
    "claim": SEEN,
    "claim_version": OF_CLAIM.format(table="claim_version"),
    "finding": OF_CLAIM.format(table="finding"),
    "evidence": OF_CLAIM.format(table="evidence"),
    "claim_track": OF_CLAIM.format(table="claim_track"),
    "survival_survey": OF_CLAIM.format(table="survival_survey"),
}
OPEN = ("land_layer", "land_piece", "species_limit")
FUNCTION = """
    CREATE FUNCTION scope_sees_claims() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(scope_role() IN ('admin', 'coordinator', 'supervisor', 'verifier', 'observer'), false) $$"""


def upgrade() -> None:
    op.create_table('land_layer',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('dated', sa.Date(), nullable=True),
        sa.Column('loaded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('sha256', sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('water','built_up','glacier','cliff','cropland')", name=op.f('land_layer_kind_known_check')),
        sa.PrimaryKeyConstraint('id', name=op.f('land_layer_pkey')),
        sa.UniqueConstraint('code', name=op.f('land_layer_code_key'))
    )
    op.create_geospatial_table('claim',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('code', sa.Text(), nullable=False),
        sa.Column('version', sa.Integer(), server_default='1', nullable=False),
        sa.Column('submission_id', sa.BigInteger(), nullable=False),
        sa.Column('row_no', sa.Integer(), nullable=False),
        sa.Column('registered_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('claimed_ha', sa.Double(), nullable=True),
        sa.Column('kind', sa.Text(), nullable=True),
        sa.Column('species', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
        sa.Column('species_share', postgresql.ARRAY(sa.Float()), server_default='{}', nullable=False),
        sa.Column('stems', sa.BigInteger(), nullable=True),
        sa.Column('planted_on', sa.Date(), nullable=True),
        sa.Column('implementer', sa.Text(), nullable=True),
        sa.Column('tenure', sa.Text(), nullable=True),
        sa.Column('boundary', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('drawn', Geometry(srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
        sa.Column('ring_was_open', sa.Boolean(), server_default='false', nullable=False),
        sa.Column('crs', sa.Text(), nullable=False),
        sa.Column('measured_ha', sa.Double(), nullable=False),
        sa.Column('utm_epsg', sa.Integer(), nullable=False),
        sa.Column('area_id', sa.Integer(), nullable=False),
        sa.Column('altitude_m', sa.Double(), nullable=True),
        sa.Column('risk', sa.SmallInteger(), nullable=True),
        sa.Column('risk_parts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('decision', sa.Text(), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("decision IN ('accepted','rejected')", name=op.f('claim_decision_known_check')),
        sa.CheckConstraint("kind IN ('block','enclosure','farm_forestry','linear','nursery')", name=op.f('claim_kind_known_check')),
        sa.CheckConstraint('cardinality(species) = cardinality(species_share)', name=op.f('claim_species_paired_check')),
        sa.CheckConstraint('claimed_ha >= 0 AND stems >= 0', name=op.f('claim_amounts_not_negative_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('claim_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('claim_pkey')),
        sa.UniqueConstraint('campaign_id', 'code', name=op.f('claim_campaign_id_code_key'))
    )
    op.create_index(op.f('claim_area_id_idx'), 'claim', ['area_id'], unique=False)
    op.create_index(op.f('claim_campaign_id_risk_idx'), 'claim', ['campaign_id', 'risk'], unique=False)
    op.create_index(op.f('claim_implementer_idx'), 'claim', ['implementer'], unique=False)
    op.create_geospatial_index('idx_claim_boundary', 'claim', ['boundary'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_geospatial_table('land_piece',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('layer_id', sa.Integer(), nullable=False),
        sa.Column('piece', Geometry(geometry_type='POLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.ForeignKeyConstraint(['layer_id'], ['land_layer.id'], name=op.f('land_piece_layer_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('land_piece_pkey'))
    )
    op.create_geospatial_index('idx_land_piece_piece', 'land_piece', ['piece'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_index(op.f('land_piece_layer_id_idx'), 'land_piece', ['layer_id'], unique=False)
    op.create_table('nursery_stock',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('nursery', sa.Text(), nullable=False),
        sa.Column('issued_on', sa.Date(), nullable=False),
        sa.Column('stems', sa.BigInteger(), nullable=False),
        sa.CheckConstraint('stems >= 0', name=op.f('nursery_stock_stems_not_negative_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('nursery_stock_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('nursery_stock_pkey'))
    )
    op.create_index(op.f('nursery_stock_campaign_id_idx'), 'nursery_stock', ['campaign_id'], unique=False)
    op.create_table('species_limit',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('species', sa.Text(), nullable=False),
        sa.Column('lowest_m', sa.Double(), nullable=True),
        sa.Column('highest_m', sa.Double(), nullable=True),
        sa.Column('cap_share', sa.Double(), nullable=True),
        sa.CheckConstraint('cap_share > 0 AND cap_share <= 1', name=op.f('species_limit_cap_is_share_check')),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('species_limit_campaign_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('campaign_id', 'species', name=op.f('species_limit_pkey'))
    )
    op.create_geospatial_table('claim_track',
        sa.Column('claim_id', sa.Integer(), nullable=False),
        sa.Column('path', Geometry(geometry_type='MULTILINESTRING', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('claim_track_claim_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('claim_id', name=op.f('claim_track_pkey'))
    )
    op.create_geospatial_table('claim_version',
        sa.Column('claim_id', sa.Integer(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('submission_id', sa.BigInteger(), nullable=False),
        sa.Column('row_no', sa.Integer(), nullable=False),
        sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('superseded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('claimed_ha', sa.Double(), nullable=True),
        sa.Column('kind', sa.Text(), nullable=True),
        sa.Column('species', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('species_share', postgresql.ARRAY(sa.Float()), nullable=False),
        sa.Column('stems', sa.BigInteger(), nullable=True),
        sa.Column('planted_on', sa.Date(), nullable=True),
        sa.Column('implementer', sa.Text(), nullable=True),
        sa.Column('tenure', sa.Text(), nullable=True),
        sa.Column('boundary', Geometry(geometry_type='MULTIPOLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('drawn', Geometry(srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
        sa.Column('crs', sa.Text(), nullable=False),
        sa.Column('measured_ha', sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('claim_version_claim_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('claim_id', 'version', name=op.f('claim_version_pkey'))
    )
    op.create_table('evidence',
        sa.Column('claim_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('claim_version', sa.Integer(), nullable=False),
        sa.Column('as_of', sa.Date(), nullable=False),
        sa.Column('key', sa.LargeBinary(), nullable=False),
        sa.Column('record', sa.Text(), nullable=False),
        sa.Column('questions', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('computed_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('evidence_claim_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('claim_id', name=op.f('evidence_pkey'))
    )
    op.create_index(op.f('evidence_campaign_id_idx'), 'evidence', ['campaign_id'], unique=False)
    op.create_geospatial_table('finding',
        sa.Column('id', sa.BigInteger(), nullable=False),
        sa.Column('claim_id', sa.Integer(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('rule', sa.Text(), nullable=False),
        sa.Column('severity', sa.Text(), nullable=False),
        sa.Column('numbers', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('other_claim_id', sa.Integer(), nullable=True),
        sa.Column('shows', Geometry(srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry'), nullable=True),
        sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('finding_claim_id_fkey'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['other_claim_id'], ['claim.id'], name=op.f('finding_other_claim_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('finding_pkey'))
    )
    op.create_index(op.f('finding_campaign_id_rule_idx'), 'finding', ['campaign_id', 'rule'], unique=False)
    op.create_index(op.f('finding_claim_id_idx'), 'finding', ['claim_id'], unique=False)
    op.create_index(op.f('finding_other_claim_id_idx'), 'finding', ['other_claim_id'], unique=False, postgresql_where=sa.text('other_claim_id IS NOT NULL'))
    op.create_table('survival_survey',
        sa.Column('claim_id', sa.Integer(), nullable=False),
        sa.Column('surveyed_on', sa.Date(), nullable=False),
        sa.Column('survival', sa.Double(), nullable=False),
        sa.Column('replanted', sa.Boolean(), server_default='false', nullable=False),
        sa.CheckConstraint('survival BETWEEN 0 AND 1', name=op.f('survival_survey_survival_is_share_check')),
        sa.ForeignKeyConstraint(['claim_id'], ['claim.id'], name=op.f('survival_survey_claim_id_fkey'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('claim_id', 'surveyed_on', name=op.f('survival_survey_pkey'))
    )
    op.execute(FUNCTION)
    for table in OPEN:
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
    for table, rows in ROWS.items():
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web"
                   f" USING ((SELECT scope_is_everything()) OR ({rows}))")


def downgrade() -> None:
    op.drop_table('survival_survey')
    op.drop_index(op.f('finding_other_claim_id_idx'), table_name='finding', postgresql_where=sa.text('other_claim_id IS NOT NULL'))
    op.drop_index(op.f('finding_claim_id_idx'), table_name='finding')
    op.drop_index(op.f('finding_campaign_id_rule_idx'), table_name='finding')
    op.drop_geospatial_table('finding')
    op.drop_index(op.f('evidence_campaign_id_idx'), table_name='evidence')
    op.drop_table('evidence')
    op.drop_geospatial_table('claim_version')
    op.drop_geospatial_table('claim_track')
    op.drop_table('species_limit')
    op.drop_index(op.f('nursery_stock_campaign_id_idx'), table_name='nursery_stock')
    op.drop_table('nursery_stock')
    op.drop_index(op.f('land_piece_layer_id_idx'), table_name='land_piece')
    op.drop_geospatial_index('idx_land_piece_piece', table_name='land_piece', postgresql_using='gist', column_name='piece')
    op.drop_geospatial_table('land_piece')
    op.drop_geospatial_index('idx_claim_boundary', table_name='claim', postgresql_using='gist', column_name='boundary')
    op.drop_index(op.f('claim_implementer_idx'), table_name='claim')
    op.drop_index(op.f('claim_campaign_id_risk_idx'), table_name='claim')
    op.drop_index(op.f('claim_area_id_idx'), table_name='claim')
    op.drop_geospatial_table('claim')
    op.drop_table('land_layer')
    op.execute("DROP FUNCTION scope_sees_claims()")
