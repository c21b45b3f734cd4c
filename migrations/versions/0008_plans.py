"""Plans of daily target areas: versions, team-days, stops in walking order, changes by hand, links to share.

A published version cannot change: a trigger holds that. Who reads what: coordinators and supervisors the stops of their
areas and teams; a team its own day, of the published plan, on that day; everybody else nothing, since tomorrow's route
is nobody's business.
"""
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

TABLES = """
    CREATE TABLE target_plan (
        microplan_id INTEGER NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        made_by INTEGER,
        made_from INTEGER,
        from_day DATE,
        area_ids INTEGER[] NOT NULL,
        parameters JSONB NOT NULL,
        travel TEXT NOT NULL,
        measures JSONB NOT NULL,
        short_of JSONB NOT NULL,
        CONSTRAINT target_plan_pkey PRIMARY KEY (microplan_id),
        CONSTRAINT target_plan_microplan_id_fkey FOREIGN KEY(microplan_id) REFERENCES microplan (id) ON DELETE CASCADE,
        CONSTRAINT target_plan_made_by_fkey FOREIGN KEY(made_by) REFERENCES person (id)
    );
    CREATE TABLE target_day (
        microplan_id INTEGER NOT NULL,
        team_id INTEGER NOT NULL,
        on_date DATE NOT NULL,
        stops INTEGER NOT NULL,
        children INTEGER NOT NULL,
        minutes DOUBLE PRECISION NOT NULL,
        walk_km DOUBLE PRECISION NOT NULL,
        is_connected BOOLEAN NOT NULL,
        is_fixed BOOLEAN DEFAULT 'false' NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT target_day_pkey PRIMARY KEY (microplan_id, team_id, on_date),
        CONSTRAINT target_day_microplan_id_fkey FOREIGN KEY(microplan_id) REFERENCES microplan (id) ON DELETE CASCADE,
        CONSTRAINT target_day_team_id_fkey FOREIGN KEY(team_id) REFERENCES team (id) ON DELETE CASCADE
    );
    CREATE INDEX target_day_team_id_idx ON target_day (team_id);
    CREATE TABLE target_stop (
        microplan_id INTEGER NOT NULL,
        settlement_id INTEGER NOT NULL,
        block SMALLINT NOT NULL,
        again SMALLINT NOT NULL,
        team_id INTEGER NOT NULL,
        on_date DATE NOT NULL,
        position SMALLINT NOT NULL,
        children INTEGER NOT NULL,
        minutes DOUBLE PRECISION NOT NULL,
        lon DOUBLE PRECISION NOT NULL,
        lat DOUBLE PRECISION NOT NULL,
        box FLOAT[],
        walk_km DOUBLE PRECISION NOT NULL,
        walk_minutes DOUBLE PRECISION NOT NULL,
        arrive_minute INTEGER NOT NULL,
        zone INTEGER NOT NULL,
        is_priority BOOLEAN NOT NULL,
        needs TEXT[] NOT NULL,
        is_fixed BOOLEAN DEFAULT 'false' NOT NULL,
        CONSTRAINT target_stop_pkey PRIMARY KEY (microplan_id, settlement_id, block, again),
        CONSTRAINT target_stop_microplan_id_fkey FOREIGN KEY(microplan_id, team_id, on_date) REFERENCES target_day (microplan_id, team_id, on_date) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT target_stop_numbers_not_negative_check CHECK (children >= 0 AND minutes >= 0 AND block >= 0 AND position > 0),
        CONSTRAINT target_stop_settlement_id_fkey FOREIGN KEY(settlement_id) REFERENCES settlement (id)
    );
    CREATE INDEX target_stop_microplan_id_team_id_on_date_idx ON target_stop (microplan_id, team_id, on_date);
    CREATE INDEX target_stop_settlement_id_idx ON target_stop (settlement_id);
    CREATE TABLE plan_change (
        id BIGSERIAL NOT NULL,
        microplan_id INTEGER NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        person_id INTEGER,
        what TEXT NOT NULL,
        settlement_id INTEGER,
        block INTEGER DEFAULT '0' NOT NULL,
        from_team_id INTEGER,
        from_date DATE,
        to_team_id INTEGER,
        to_date DATE,
        CONSTRAINT plan_change_pkey PRIMARY KEY (id),
        CONSTRAINT plan_change_microplan_id_fkey FOREIGN KEY(microplan_id) REFERENCES microplan (id) ON DELETE CASCADE,
        CONSTRAINT plan_change_person_id_fkey FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT plan_change_settlement_id_fkey FOREIGN KEY(settlement_id) REFERENCES settlement (id),
        CONSTRAINT plan_change_from_team_id_fkey FOREIGN KEY(from_team_id) REFERENCES team (id) ON DELETE CASCADE,
        CONSTRAINT plan_change_to_team_id_fkey FOREIGN KEY(to_team_id) REFERENCES team (id) ON DELETE CASCADE
    );
    CREATE INDEX plan_change_microplan_id_idx ON plan_change (microplan_id);
    CREATE TABLE plan_place (
        campaign_id INTEGER NOT NULL,
        settlement_id INTEGER NOT NULL,
        needs TEXT[] DEFAULT '{}' NOT NULL,
        is_priority BOOLEAN DEFAULT 'false' NOT NULL,
        households INTEGER,
        landmark TEXT,
        CONSTRAINT plan_place_pkey PRIMARY KEY (campaign_id, settlement_id),
        CONSTRAINT plan_place_campaign_id_fkey FOREIGN KEY(campaign_id) REFERENCES campaign (id) ON DELETE CASCADE,
        CONSTRAINT plan_place_settlement_id_fkey FOREIGN KEY(settlement_id) REFERENCES settlement (id) ON DELETE CASCADE
    );
    CREATE TABLE plan_team (
        team_id INTEGER NOT NULL,
        abilities TEXT[] DEFAULT '{}' NOT NULL,
        supervisor_phone TEXT,
        CONSTRAINT plan_team_pkey PRIMARY KEY (team_id),
        CONSTRAINT plan_team_team_id_fkey FOREIGN KEY(team_id) REFERENCES team (id) ON DELETE CASCADE
    );
    CREATE TABLE plan_rules (
        campaign_id INTEGER NOT NULL,
        rules JSONB NOT NULL,
        CONSTRAINT plan_rules_pkey PRIMARY KEY (campaign_id),
        CONSTRAINT plan_rules_campaign_id_fkey FOREIGN KEY(campaign_id) REFERENCES campaign (id) ON DELETE CASCADE
    );"""

UNCHANGED = """
    CREATE FUNCTION target_plan_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM microplan WHERE id = coalesce(OLD.microplan_id, NEW.microplan_id)
                   AND published_at IS NOT NULL) THEN
            RAISE EXCEPTION 'a published plan does not change' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN coalesce(NEW, OLD);
    END $$;
    CREATE TRIGGER unchanged_when_published BEFORE INSERT OR UPDATE OR DELETE ON target_stop
        FOR EACH ROW EXECUTE FUNCTION target_plan_is_published();
    CREATE TRIGGER unchanged_when_published BEFORE INSERT OR UPDATE OR DELETE ON target_day
        FOR EACH ROW EXECUTE FUNCTION target_plan_is_published();"""

# the day is the campaign's own; as the owner of the tables, whose rows the policies below do not hide
TODAY = """
    CREATE FUNCTION scope_walks_today(plan int, day date) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
        $$ SELECT EXISTS (SELECT 1 FROM campaign c WHERE c.microplan_id = plan
                          AND (now() AT TIME ZONE c.timezone)::date = day) $$;
    CREATE FUNCTION scope_plans() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(scope_role() IN ('admin', 'coordinator', 'supervisor'), false) $$;
    REVOKE EXECUTE ON FUNCTION scope_walks_today(int, date) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION scope_walks_today(int, date) TO rasai_web;"""

EVERYTHING = "(SELECT scope_is_everything())"
PLANS = "(SELECT scope_plans())"
OWN_TEAMS = "(SELECT t FROM scope_teams() t)"
PLACED = """EXISTS (SELECT 1 FROM settlement_place p WHERE p.settlement_id = {table}.settlement_id
    AND in_areas(p.area_id, (SELECT scope_areas())))"""
OWN_DAY = "(team_id = (SELECT scope_team()) AND scope_walks_today(microplan_id, on_date))"

ROWS = {
    "target_day": f"""({PLANS} AND (team_id IN {OWN_TEAMS} OR EXISTS (
        SELECT 1 FROM target_stop s WHERE s.microplan_id = target_day.microplan_id AND s.team_id = target_day.team_id
        AND s.on_date = target_day.on_date))) OR {OWN_DAY}""",
    "target_stop": f"({PLANS} AND (team_id IN {OWN_TEAMS} OR {PLACED.format(table='target_stop')})) OR {OWN_DAY}",
    "plan_change": f"""({PLANS} AND (from_team_id IN {OWN_TEAMS} OR to_team_id IN {OWN_TEAMS}
        OR {PLACED.format(table='plan_change')})) OR (
        (from_team_id = (SELECT scope_team()) AND scope_walks_today(microplan_id, from_date))
        OR (to_team_id = (SELECT scope_team()) AND scope_walks_today(microplan_id, to_date)))""",
    "plan_place": f"{PLANS} AND {PLACED.format(table='plan_place')}",
    "plan_team": f"team_id = (SELECT scope_team()) OR ({PLANS} AND team_id IN {OWN_TEAMS})",
}
OPEN_TO_PLANNERS = ("target_plan", "plan_rules")
DROPPED = ("target_stop", "plan_change", "target_day", "target_plan", "plan_place", "plan_team",
           "plan_rules")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(UNCHANGED)
    op.execute(TODAY)
    for table, rows in ROWS.items():
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web USING ({EVERYTHING} OR {rows})")
    for table in OPEN_TO_PLANNERS:
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web USING ({EVERYTHING} OR {PLANS})")


def downgrade() -> None:
    for table in DROPPED:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION scope_walks_today(int, date)")
    op.execute("DROP FUNCTION scope_plans()")
    op.execute("DROP FUNCTION target_plan_is_published()")
