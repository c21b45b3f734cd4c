"""Background jobs: procrastinate's own tables, in the database of the data that the jobs are about; and what people see.

The schema is that of the pinned procrastinate. A later version brings migrations of its own: add them as one of ours.
"""
import sqlalchemy as sa
from alembic import op
from procrastinate import App
from procrastinate.testing import InMemoryConnector
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

THEIRS = """
    DO $$
    DECLARE it record;
    BEGIN
        FOR it IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                  WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate\\_%'
        LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', it.name); END LOOP;
        FOR it IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'public' AND c.relname LIKE 'procrastinate\\_%' AND c.relkind = 'r'
        LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', it.name); END LOOP;
        FOR it IN SELECT t.oid::regtype AS name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                  WHERE n.nspname = 'public' AND t.typname LIKE 'procrastinate\\_%' AND t.typtype IN ('e', 'c')
        LOOP EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', it.name); END LOOP;
    END $$"""


def upgrade() -> None:
    schema = App(connector=InMemoryConnector()).schema_manager.get_schema()
    op.get_bind().exec_driver_sql(schema.replace("%", "%%"))
    op.create_table('job',
        sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column('task', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('campaign_id', sa.Integer(), nullable=True),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('queued_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('done', sa.Integer(), server_default='0', nullable=False),
        sa.Column('total', sa.Integer(), nullable=True),
        sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column('error', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], name=op.f('job_campaign_id_fkey')),
        sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('job_person_id_fkey')),
        sa.PrimaryKeyConstraint('id', name=op.f('job_pkey'))
    )
    op.create_index(op.f('job_task_subject_idx'), 'job', ['task', 'subject'], unique=False)


def downgrade() -> None:
    op.drop_table('job')
    op.execute(THEIRS)
