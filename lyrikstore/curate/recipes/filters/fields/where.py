"""``where/1``: keeps the records for which a predicate is true (spec §12.5.17)."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.readers.fields import kind_of
from lyrikstore.curate.readers.rows import as_text
from lyrikstore.curate.recipes.filters.contract import (
    BatchFilter,
    DecideAll,
    Drop,
    FilterRecord,
    Keep,
    Outcome,
    reads_field,
)
from lyrikstore.curate.recipes.filters.fields.predicate import (
    HEAD,
    MAX_BYTES,
    connect,
    parse_predicate,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter

if TYPE_CHECKING:
    import duckdb

MAX_SECONDS = 60
"""How long the records of a batch may take."""

_INTEGERS = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Where(BatchFilter):
    """Drops records for which a predicate is false, or not known.

    Attributes:
        sql: The predicate.
        names: The fields that it names.

    Cost: some 200,000 records a second and core.
    """

    USE: ClassVar[str] = "where/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "sql",
            "string",
            "what is true of the records that stay, as an SQL expression",
            limits={"maxLength": MAX_BYTES},
        ),
    )

    sql: str
    names: tuple[str, ...]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            LyrikstoreError: As :func:`parse_predicate`.
        """
        with connect() as connection:
            return cls(values["sql"], parse_predicate(connection, values["sql"]))

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the fields in the predicate."""
        return tuple(map(reads_field, self.names))

    def libraries(self) -> Mapping[str, str]:
        """Return the version of DuckDB."""
        import duckdb

        return {"duckdb": duckdb.__version__}

    def start_batch(self) -> DecideAll:
        """Return the decision function."""
        connection = connect()
        return lambda records: self._decide(connection, records)

    def _decide(
        self, connection: "duckdb.DuckDBPyConnection", records: Sequence[FilterRecord]
    ) -> Sequence[Outcome | InvalidInputError]:
        # A column has one type, and a field none: records of the same types go together, so that
        # what is said of one does not depend on the others.
        alike: dict[tuple[str, ...], list[int]] = {}
        values: list[list[JSON]] = []
        for at, record in enumerate(records):
            row = [record.fields.get(record.name_of(name)) for name in self.names]
            values.append(row)
            alike.setdefault(tuple(map(_type_of, row)), []).append(at)
        found: list[Outcome | InvalidInputError] = [Keep()] * len(records)
        for types, places in alike.items():
            answers = self._answer(connection, types, [values[at] for at in places])
            for at, answer in zip(places, answers, strict=False):
                found[at] = self._outcome(answer, values[at])
            if len(answers) < len(places):
                first = places[len(answers)]
                error = self._why_not(connection, types, records[first], values[first])
                for at in places[len(answers) :]:  # of which the first is told
                    found[at] = error
        return found

    def _outcome(self, answer: bool | None, values: Sequence[JSON]) -> Outcome:
        if answer:
            return Keep()
        if answer is False:
            return Drop("where-false")
        absent = [name for name, value in zip(self.names, values, strict=True) if value is None]
        return Drop("where-null", f"no value in {', '.join(absent)}" if absent else "")

    def _answer(
        self,
        connection: "duckdb.DuckDBPyConnection",
        types: Sequence[str],
        rows: Sequence[Sequence[JSON]],
    ) -> list[bool | None]:
        """Return what is true of each row, up to the first for which it cannot be said."""
        import duckdb

        try:
            return self._run(connection, types, rows)
        except duckdb.Error:
            if len(rows) == 1:
                return []
        half = len(rows) // 2
        found = self._answer(connection, types, rows[:half])
        if len(found) == half:
            found += self._answer(connection, types, rows[half:])
        return found

    def _why_not(
        self,
        connection: "duckdb.DuckDBPyConnection",
        types: Sequence[str],
        record: FilterRecord,
        values: Sequence[JSON],
    ) -> InvalidInputError:
        import duckdb

        said = "it takes too long"
        try:
            self._run(connection, types, [values])
        except duckdb.InterruptException:
            pass
        except duckdb.Error as error:
            said = str(error).splitlines()[0]
        shown = ", ".join(
            f"{name} is {'missing' if value is None else f'{kind_of(value)} {str(value)[:40]!r}'}"
            for name, value in zip(self.names, values, strict=True)
        )
        place = record.path
        if not record.is_document:
            place += f" record {record.position + 1}"
        return InvalidInputError(
            "bad-value",
            f"{place}: where/1 cannot tell whether the predicate is true: {said} ({shown})",
            hint="say what the field is to be, such as TRY_CAST(pages AS BIGINT) > 3, which is "
            "NULL where it is no number",
            details={"path": record.path, "position": record.position},
        )

    def _run(
        self,
        connection: "duckdb.DuckDBPyConnection",
        types: Sequence[str],
        rows: Sequence[Sequence[JSON]],
    ) -> list[bool | None]:
        import duckdb
        import pyarrow as pa

        table = pa.table(
            {
                name: pa.array(map(_MAKE[kind], column), _arrow(kind), size=len(rows))
                for name, kind, column in zip(
                    self.names, types, zip(*rows, strict=True), strict=True
                )
            }
        )
        connection.register("records", table)
        timer = threading.Timer(MAX_SECONDS, connection.interrupt)
        timer.start()
        try:
            relation = connection.sql(f"{HEAD}{self.sql}\n) FROM records")
            if str(relation.types[0]) not in ("BOOLEAN", '"NULL"', "NULL"):
                raise duckdb.BinderException(
                    f"it gives {relation.types[0]}, and neither true nor false"
                )
            found: list[bool | None] = relation.to_arrow_table().column(0).to_pylist()
            return found
        finally:
            timer.cancel()
            connection.unregister("records")


def _type_of(value: JSON) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "strings"
    if type(value) is int and value not in _INTEGERS:
        return "number"
    return kind_of(value)


def _arrow(kind: str) -> Any:
    import pyarrow as pa

    return {
        "null": pa.null(),
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "strings": pa.list_(pa.string()),
    }.get(kind, pa.string())


def _same(value: Any) -> Any:
    return value


_MAKE: Mapping[str, Any] = {
    "null": _same,
    "boolean": _same,
    "integer": _same,
    "string": _same,
    "strings": _same,
    "number": float,
    "list": as_text,
    "object": as_text,
}
