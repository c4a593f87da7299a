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
"""Most seconds for the records of a batch."""

_INTEGERS = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True)
class Where(BatchFilter):
    """Filter that drops records for which a predicate is false or NULL.

    Attributes:
        sql: The predicate.
        names: The fields that it names.

    Cost: some 200,000 records a second on one core.
    """

    USE: ClassVar[str] = "where/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "sql",
            "string",
            "SQL expression that is true for the records to keep",
            limits={"maxLength": MAX_BYTES},
        ),
    )

    sql: str
    names: tuple[str, ...]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            LyrikstoreError: As :func:`parse_predicate`.
        """
        with connect() as connection:
            return cls(values["sql"], parse_predicate(connection, values["sql"]))

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the fields in the predicate."""
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
        # A column has one type, and a field has none: records are grouped by the types of their
        # values, so that no decision depends on other records.
        alike: dict[tuple[str, ...], list[int]] = {}
        values: list[list[JSON]] = []
        for at, record in enumerate(records):
            row = [record.fields.get(record.name_of(name)) for name in self.names]
            values.append(row)
            alike.setdefault(tuple(map(_type_of, row)), []).append(at)
        outcomes: list[Outcome | InvalidInputError] = [Keep()] * len(records)
        for types, places in alike.items():
            answers = self._answers(connection, types, [values[at] for at in places])
            for at, answer in zip(places, answers, strict=False):
                outcomes[at] = self._outcome(answer, values[at])
            if len(answers) < len(places):
                first = places[len(answers)]
                error = self._failure(connection, types, records[first], values[first])
                for at in places[len(answers) :]:  # the engine reports the first of them
                    outcomes[at] = error
        return outcomes

    def _outcome(self, answer: bool | None, values: Sequence[JSON]) -> Outcome:
        if answer:
            return Keep()
        if answer is False:
            return Drop("where-false")
        absent = [name for name, value in zip(self.names, values, strict=True) if value is None]
        return Drop("where-null", f"no value in {', '.join(absent)}" if absent else "")

    def _answers(
        self,
        connection: "duckdb.DuckDBPyConnection",
        types: Sequence[str],
        rows: Sequence[Sequence[JSON]],
    ) -> list[bool | None]:
        """Return the predicate's value for each row, up to the first row for which it fails."""
        import duckdb

        try:
            return self._run(connection, types, rows)
        except duckdb.Error:
            if len(rows) == 1:
                return []
        half = len(rows) // 2
        answers = self._answers(connection, types, rows[:half])
        if len(answers) == half:
            answers += self._answers(connection, types, rows[half:])
        return answers

    def _failure(
        self,
        connection: "duckdb.DuckDBPyConnection",
        types: Sequence[str],
        record: FilterRecord,
        values: Sequence[JSON],
    ) -> InvalidInputError:
        import duckdb

        cause = "it takes too long"
        try:
            self._run(connection, types, [values])
        except duckdb.InterruptException:
            pass
        except duckdb.Error as error:
            cause = str(error).splitlines()[0]
        shown = ", ".join(
            f"{name} is {'missing' if value is None else f'{kind_of(value)} {str(value)[:40]!r}'}"
            for name, value in zip(self.names, values, strict=True)
        )
        place = record.path
        if not record.is_document:
            place += f" record {record.position + 1}"
        return InvalidInputError(
            "bad-value",
            f"{place}: where/1 cannot evaluate the predicate: {cause} ({shown})",
            hint="cast the field, such as TRY_CAST(pages AS BIGINT) > 3, which is NULL for a value "
            "that is not a number",
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
                raise duckdb.BinderException(f"its value is {relation.types[0]}, not true or false")
            answers: list[bool | None] = relation.to_arrow_table().column(0).to_pylist()
            return answers
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
