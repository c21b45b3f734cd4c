"""Row-level security: the net beneath every page, API answer, tile and export.

The application reads as the role `rasai_web`, which may only SELECT and sees only the rows of the scope that the
transaction announces in `rasai.*` settings (tracker/accounts/scope.py, `reading`). The owner of the tables, who takes
in, judges and counts, is not held by these policies. Settings are read inside scalar subqueries, once per query: bare,
they would be parsed for every row.
"""
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

# roles belong to the whole cluster: another database of it may have made this one already
ROLE = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rasai_web') THEN
            CREATE ROLE rasai_web NOLOGIN;
        END IF;
        IF NOT pg_has_role(current_user, 'rasai_web', 'MEMBER') THEN
            EXECUTE format('GRANT rasai_web TO %I', current_user);
        END IF;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;    -- made at this very moment by another migration
        WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'The database user % may not create roles, and needs the role rasai_web.', current_user
            USING HINT = format('As an administrator run: CREATE ROLE rasai_web NOLOGIN; GRANT rasai_web TO %I;', current_user);
    END $$"""

# everybody who has signed in may read these whole: names and outlines of areas, and what campaigns there are
OPEN = ("area", "area_within", "area_piece", "campaign", "campaign_area", "microplan")

# an unset setting shows nothing
FUNCTIONS = """
    -- as a function, not as the operator <@, which the planner takes to be true for one row in a thousand
    CREATE FUNCTION in_areas(area_id int, areas int4multirange) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
        $$ SELECT elem_contained_by_multirange($1, $2) $$;
    CREATE FUNCTION scope_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT current_setting('rasai.role', true) $$;
    CREATE FUNCTION scope_person() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT nullif(current_setting('rasai.person', true), '')::int $$;
    CREATE FUNCTION scope_team() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT nullif(current_setting('rasai.team', true), '')::int $$;
    CREATE FUNCTION scope_areas() RETURNS int4multirange LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(nullif(current_setting('rasai.areas', true), ''), '{}')::int4multirange $$;
    CREATE FUNCTION scope_settlements() RETURNS int[] LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(nullif(current_setting('rasai.settlements', true), ''), '{}')::int[] $$;
    CREATE FUNCTION scope_is_everything() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT scope_areas() = '{(,)}'::int4multirange $$;
    CREATE FUNCTION scope_sees_visits() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT coalesce(scope_role() IN ('admin', 'coordinator', 'supervisor', 'team'), false) $$;
    -- the teams of the person's own areas; as the owner of the tables, so that team's policy may ask others in turn
    CREATE FUNCTION scope_teams() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
        $$ SELECT id FROM team WHERE in_areas(area_id, scope_areas()) OR id = scope_team() $$;
    REVOKE EXECUTE ON FUNCTION scope_teams() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION scope_teams() TO rasai_web;"""

EVERYTHING = "(SELECT scope_is_everything())"
AREAS = "(SELECT scope_areas())"
SETTLEMENTS = "((SELECT scope_settlements())::int[])"      # the cast keeps ANY from reading it as a subquery of ints
TEAM = "(SELECT scope_team())"
OWN_TEAMS = "(SELECT t FROM scope_teams() t)"
PLACED = "EXISTS (SELECT 1 FROM settlement_place p WHERE p.settlement_id = {settlement} AND in_areas(p.area_id, " + AREAS + "))"
VISIT_SEEN = "(SELECT scope_sees_visits()) AND EXISTS (SELECT 1 FROM visit v WHERE v.instance_id = {table}.instance_id)"

ROWS = {
    "settlement_place": f"in_areas(area_id, {AREAS}) OR settlement_id = ANY {SETTLEMENTS}",
    "settlement": f"id = ANY {SETTLEMENTS} OR {PLACED.format(settlement='settlement.id')}",
    "campaign_settlement": f"in_areas(area_id, {AREAS}) OR settlement_id = ANY {SETTLEMENTS}",
    "settlement_grid": f"in_areas(area_id, {AREAS})",
    "plan_stop": f"team_id = {TEAM} OR {PLACED.format(settlement='plan_stop.settlement_id')}",
    # what lies in no area belongs to those who answer for the team
    "coverage_count": f"""in_areas(area_id, {AREAS}) OR unit_id = ANY {SETTLEMENTS} OR team_id = {TEAM}
        OR (area_id = 0 AND team_id IN {OWN_TEAMS})""",
    # a team from elsewhere shows where it works in the person's areas
    "team": f"""id = {TEAM} OR in_areas(area_id, {AREAS})
        OR EXISTS (SELECT 1 FROM coverage_count c
                   WHERE c.campaign_id = team.campaign_id AND c.team_id = team.id AND in_areas(c.area_id, {AREAS}))
        OR EXISTS (SELECT 1 FROM plan_stop s WHERE s.team_id = team.id AND {PLACED.format(settlement='s.settlement_id')})""",
    "team_day": f"(SELECT scope_sees_visits()) AND team_id IN {OWN_TEAMS}",
    "team_flags": f"(SELECT scope_sees_visits()) AND team_id IN {OWN_TEAMS}",
    "visit": f"""(SELECT scope_sees_visits()) AND (team_id = {TEAM} OR in_areas(area_id, {AREAS})
        OR (coalesce(area_id, 0) = 0 AND team_id IN {OWN_TEAMS}))""",
    "flag": VISIT_SEEN.format(table="flag"),
    "decision": VISIT_SEEN.format(table="decision"),
    # a raw body may hold rows of many teams: only its sender sees it whole
    "submission": "submitter_id = (SELECT scope_person())",
    "waiting": f"team_ids && ARRAY{OWN_TEAMS} OR team_ids IS NULL",
    # oneself, and who decided on something that one may see
    "person": """id = (SELECT scope_person()) OR EXISTS (SELECT 1 FROM decision d WHERE d.person_id = person.id)""",
}
COLUMNS = {"person": "(id, name, role, team_id)"}       # never an e-mail or a password's hash


def upgrade() -> None:
    op.execute(ROLE)
    op.execute("GRANT USAGE ON SCHEMA public TO rasai_web")
    op.execute(FUNCTIONS)
    for table in OPEN:
        op.execute(f"GRANT SELECT ON {table} TO rasai_web")
    for table, rows in ROWS.items():
        op.execute(f"GRANT SELECT {COLUMNS.get(table, '')} ON {table} TO rasai_web")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON {table} FOR SELECT TO rasai_web USING ({EVERYTHING} OR {rows})")


def downgrade() -> None:
    for table in ROWS:
        op.execute(f"DROP POLICY scope ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP OWNED BY rasai_web")       # grants in this database; the role may serve another one
    for name in ("teams", "sees_visits", "is_everything", "settlements", "areas", "team", "person", "role"):
        op.execute(f"DROP FUNCTION scope_{name}()")
    op.execute("DROP FUNCTION in_areas(int, int4multirange)")
