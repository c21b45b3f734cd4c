"""Write what the rules found: findings of the claims looked at are replaced, others stay."""

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import shapely
from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.plantations.rules.rule import Asked
from tracker.rule_limits import SEVERITY_NAMES

DECIMALS = 6  # of every number kept

FORGET = text("DELETE FROM finding WHERE claim_id = ANY(:ids) AND rule = ANY(:rules)")
FORGET_PAIRS = text("""
    DELETE FROM finding WHERE claim_id = ANY(:ids) AND other_claim_id = ANY(:others) AND rule = ANY(:rules)""")
ADD = """
    INSERT INTO finding (claim_id, campaign_id, rule, severity, numbers, other_claim_id, shows)
    SELECT n.claim_id, c.campaign_id, n.rule, n.severity, n.numbers::jsonb, n.other_claim_id, n.shows::geometry
    FROM (VALUES %s) AS n (claim_id, rule, severity, numbers, other_claim_id, shows)
    JOIN claim c ON c.id = n.claim_id"""
AS_VALUES = "(%s, %s, %s, %s, %s::integer, %s)"


def forget(session: Session, ids: np.ndarray, rules: Iterable[str]) -> None:
    session.execute(FORGET, {"ids": ids.tolist(), "rules": list(rules)})


def forget_pairs(session: Session, ids: np.ndarray, others: np.ndarray, rules: Iterable[str]) -> None:
    """Findings of `ids` that are about one of `others`."""
    session.execute(FORGET_PAIRS, {"ids": ids.tolist(), "others": others.tolist(), "rules": list(rules)})


def write_findings(session: Session, ids: np.ndarray, rule: str, asked: Asked) -> int:
    """Add what a rule found; `ids`: the claims that its rows count. Gives how many findings."""
    rows = list(_rows(ids, rule, asked))
    if rows:
        execute_values(session.connection().connection.cursor(), ADD, rows, template=AS_VALUES, page_size=500)
    return len(rows)


def _rows(ids: np.ndarray, rule: str, asked: Asked) -> Iterator[tuple[Any, ...]]:
    for k, row in enumerate(asked.rows.tolist()):
        numbers = {name: told(values[k]) for name, values in asked.numbers.items()}
        other = None if asked.other_id is None else int(asked.other_id[k])
        shows = None if asked.shows is None else _ewkb(asked.shows[k])
        severity = SEVERITY_NAMES[int(asked.severity[k])]
        yield int(ids[row]), rule, severity, json.dumps(numbers, ensure_ascii=False), other, shows


def told(value: Any) -> Any:
    """A number as it is kept: whole, or rounded; None for what is none. Words stay words."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None
    return value


def _ewkb(shape: shapely.Geometry | None) -> str | None:
    if shape is None or shapely.is_empty(shape):
        return None
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))
