"""Point reads: frequent reads of at most one row, such as polls.

SQLAlchemy compiles each statement once. The driver executes the text, because SQLAlchemy's layers
would take more time than the read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, Row, Select, String, bindparam, func
from sqlalchemy.engine import result_tuple

AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class PointRead:
    """Read of at most one row by parameters that are texts."""

    one: Select[*tuple[Any, ...]]
    """Statement with a parameter of each name."""
    many: Select[*tuple[Any, ...]]
    """Statement of Postgres with an array of each name, whose rows begin with the position in the
    arrays, counted from 1."""

    @classmethod
    def of(
        cls,
        build: Callable[[Sequence[ColumnElement[str]]], Select[*tuple[Any, ...]]],
        *names: str,
    ) -> PointRead:
        """Return the read whose statement `build` makes from its parameters, given by name."""
        arrays = func.unnest(*(bindparam(name, type_=ARRAY(String)) for name in names))
        wanted = arrays.table_valued(
            *names, with_ordinality="position", name="wanted"
        ).render_derived()
        many = build([wanted.c[name] for name in names])
        return cls(
            one=build([bindparam(name, type_=String) for name in names]),
            many=many.with_only_columns(wanted.c.position, *many.selected_columns),
        )


class Prepared:
    """Statement in the text of a driver, and the conversion of its rows.

    Args:
        statement: Statement whose only parameters are texts or arrays of texts.
        dialect: Dialect of the database.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._dialect = dialect
        self._columns = list(statement.selected_columns)
        self._row = result_tuple(statement.selected_columns.keys())
        self._convert: Sequence[tuple[int, Callable[[Any], Any]]] | None = None

    def execute(self, connection: Any, parameters: Mapping[str, Any]) -> list[AnyRow]:
        """Return the rows that a connection of the driver reads."""
        given = [parameters[name] for name in self._order] if self._order else parameters
        cursor = connection.execute(self._text, given)
        rows = cursor.fetchall()
        if not rows:
            return []
        if self._convert is None:
            self._convert = self._conversions(cursor.description)
        return [self._row(self._converted(row)) for row in rows]

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        if not self._convert:
            return row
        values = list(row)
        for place, convert in self._convert:
            values[place] = convert(values[place])
        return values

    def _conversions(self, description: Any) -> Sequence[tuple[int, Callable[[Any], Any]]]:
        """Return the conversions of SQLAlchemy's types, by the places of their columns."""
        found = []
        for place, (column, described) in enumerate(zip(self._columns, description, strict=True)):
            kind = column.type.dialect_impl(self._dialect)
            if convert := kind.result_processor(self._dialect, described[1]):
                found.append((place, convert))
        return found
