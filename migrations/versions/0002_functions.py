"""What the tables cannot say themselves: functions and triggers, one block per capability."""
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

APPEND_ONLY = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: what was written there stays', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END $$;
    CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();"""

# Coverage: settlements seen from afar. What an INSERT, UPDATE or DELETE of settlements in a campaign adds or takes is
# added to the grids of all far zooms, so that they equal a sum over the settlements at every moment.
SETTLEMENT_GRID = """
    CREATE FUNCTION follow_in_settlement_grid() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        changes text := CASE TG_OP
            WHEN 'INSERT' THEN 'SELECT 1 AS sign, * FROM come'
            WHEN 'DELETE' THEN 'SELECT -1 AS sign, * FROM gone'
            ELSE 'SELECT 1 AS sign, * FROM come UNION ALL SELECT -1, * FROM gone' END;
    BEGIN
        EXECUTE format($sql$
            WITH changed AS (
                SELECT campaign_id, tile_key, area_id, target < 10 AS small, sum(sign) AS settlements,
                       sum(sign * target) AS target, sum(sign * greatest(0, target - vaccinated_confirmed)) AS unreached,
                       sum(sign * vaccinated_confirmed) AS vaccinated_confirmed,
                       sum(sign * round(ST_X(point) * 1e6)) AS lon_e6, sum(sign * round(ST_Y(point) * 1e6)) AS lat_e6
                FROM (%s) c GROUP BY 1, 2, 3, 4
            )
            INSERT INTO settlement_grid AS g
                (campaign_id, zoom, cell, area_id, small, settlements, target, unreached, vaccinated_confirmed, lon_e6, lat_e6)
            SELECT campaign_id, zoom, tile_key >> 2 * (14 - zoom), area_id, small, sum(settlements), sum(target),
                   sum(unreached), sum(vaccinated_confirmed), sum(lon_e6), sum(lat_e6)
            FROM changed CROSS JOIN generate_series(0, 8) AS zoom
            WHERE (settlements, target, unreached, vaccinated_confirmed, lon_e6, lat_e6) <> (0, 0, 0, 0, 0, 0)
            GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5      -- one order for all: no two wait for each other
            ON CONFLICT (campaign_id, zoom, cell, area_id, small) DO UPDATE
            SET settlements = g.settlements + excluded.settlements, target = g.target + excluded.target,
                unreached = g.unreached + excluded.unreached,
                vaccinated_confirmed = g.vaccinated_confirmed + excluded.vaccinated_confirmed,
                lon_e6 = g.lon_e6 + excluded.lon_e6, lat_e6 = g.lat_e6 + excluded.lat_e6
        $sql$, changes);
        RETURN NULL;
    END $$;
    CREATE TRIGGER campaign_settlement_came AFTER INSERT ON campaign_settlement
        REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION follow_in_settlement_grid();
    CREATE TRIGGER campaign_settlement_changed AFTER UPDATE ON campaign_settlement
        REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION follow_in_settlement_grid();
    CREATE TRIGGER campaign_settlement_went AFTER DELETE ON campaign_settlement
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION follow_in_settlement_grid();"""


def upgrade() -> None:
    op.execute(APPEND_ONLY)
    op.execute(SETTLEMENT_GRID)


def downgrade() -> None:
    op.execute("DROP FUNCTION follow_in_settlement_grid() CASCADE")
    op.execute("DROP TRIGGER audit_entry_append_only ON audit_entry")
    op.execute("DROP FUNCTION refuse_change()")
