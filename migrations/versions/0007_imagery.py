"""Satellite scenes. Everybody who has signed in may read the catalogue; only commands write it."""
from alembic import op
import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_geospatial_table('scene',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('taken_on', sa.Date(), nullable=False),
        sa.Column('sensor', sa.Text(), nullable=False),
        sa.Column('status', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.Column('footprint', Geometry(geometry_type='POLYGON', srid=4326, dimension=2, spatial_index=False, from_text='ST_GeomFromEWKT', name='geometry', nullable=False), nullable=False),
        sa.Column('sha256', postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column('digest', sa.Text(), nullable=False),
        sa.Column('folder', sa.Text(), nullable=False),
        sa.Column('item', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('added_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('decided_by', sa.Integer(), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('usable','suspect','shown')", name=op.f('scene_status_known_check')),
        sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('scene_decided_by_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('scene_pkey')),
        sa.UniqueConstraint('digest', name=op.f('scene_digest_key')),
        sa.UniqueConstraint('name', name=op.f('scene_name_key')),
    )
    op.create_geospatial_index('idx_scene_footprint', 'scene', ['footprint'], unique=False, postgresql_using='gist', postgresql_ops={})
    op.create_index(op.f('scene_taken_on_idx'), 'scene', ['taken_on'], unique=False)
    op.execute("GRANT SELECT ON scene TO rasai_web")


def downgrade() -> None:
    op.drop_geospatial_table('scene')
