"""Statements that PostgreSQL plans once per connection: for short answers that are asked often, where planning under
row security would cost more than the answer.

The plan belongs to the role that asks: PostgreSQL plans anew when another one does. It has to suit all values alike,
since PostgreSQL is told to keep it; by itself it would go on planning for each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

NAMED = re.compile(r"(?<!:):([a-z]\w*)")


@dataclass(frozen=True)
class Prepared:
    """A statement with :named parameters; `types` gives the SQL type of each."""

    name: str  # unique in the application
    statement: str
    types: Mapping[str, str]

    @cached_property
    def _parameters(self) -> list[str]:
        """In the order of their numbers."""
        return sorted(set(NAMED.findall(self.statement)))

    @cached_property
    def _prepare(self) -> str:
        number = {name: f"${n}" for n, name in enumerate(self._parameters, 1)}
        types = ", ".join(self.types[name] for name in self._parameters)
        numbered = NAMED.sub(lambda match: number[match[1]], self.statement)
        return f"PREPARE {self.name} ({types}) AS {numbered}"

    @cached_property
    def _execute(self) -> Any:
        values = ", ".join(f":{name}" for name in self._parameters)
        return text(f"SET LOCAL plan_cache_mode = force_generic_plan; EXECUTE {self.name} ({values})")

    def scalar(self, session: Session, values: Mapping[str, Any]) -> Any:
        """The first column of the first row."""
        connection = session.connection()
        if self.name not in connection.info:
            connection.exec_driver_sql(self._prepare)
            connection.info[self.name] = True
        return session.scalar(self._execute, {name: values[name] for name in self._parameters})
