"""Measure recipes: numbers about a dataset that every receiver can measure again (spec §19.5).

All are counts, or shares of counts with six decimals, over bytes, records and metadata; none
depends on a model, a tokenizer or a locale. Each file is read once; memory does not grow with the
data, except 32 bytes a record if duplicates are counted.
"""

from array import array
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, BinaryIO, ClassVar

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import JSON, encode, parse
from lyrikstore.canon.text import pluralize, unknown_word
from lyrikstore.curate.readers import DOCUMENT, iter_records
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.readers.records import ROWS
from lyrikstore.curate.terms.row_meter import RowMeter
from lyrikstore.history.records.order_root import document_id
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.objects.pack.digest_set import sort_digests
from lyrikstore.verify.datasets.body import stats_of
from lyrikstore.verify.datasets.licences import licence_field
from lyrikstore.verify.delivery.quality import Measured

MAX_VALUES = 100
"""Largest number of values of a column whose shares are measured without naming the values."""

_READ_BYTES = 1 << 20
_BLANK = b" \t\n\r\x0b\x0c"


class _Meter:
    """A running measure of one number; records are added one after another."""

    PARAMETERS: ClassVar[tuple[str, ...]] = ()
    READS_TEXT: ClassVar[bool] = False
    READS_FIELDS: ClassVar[bool] = False
    SHARE: ClassVar[bool] = True

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self.parameters = parameters
        self.hits = 0
        self.total = 0

    def file(self, entry: TreeEntry) -> None:
        """Add a file's metadata."""

    def text(self, part: bytes) -> None:
        """Add a part of a record's text."""

    def fields(self, record: Mapping[str, Any]) -> None:
        """Add the members of a record that is a JSON object."""

    def identity(self, record: Digest) -> None:
        """Add a record's id."""

    def end(self) -> None:
        """Mark the end of a record."""

    def value(self) -> Fraction:
        """Return the measured number."""
        if not self.SHARE:
            return Fraction(self.hits)
        return Fraction(self.hits, self.total) if self.total else Fraction(0)


class _RecordCount(_Meter):
    SHARE = False

    def end(self) -> None:
        self.hits += 1


class _ExactDuplicateRate(_Meter):
    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__(parameters)
        self._ids = bytearray()

    def identity(self, record: Digest) -> None:
        self._ids += record.raw

    def value(self) -> Fraction:
        self.total = len(self._ids) // 32
        distinct = sum(1 for _ in sort_digests(bytes(self._ids))[0].iter()) if self.total else 0
        self.hits = self.total - distinct
        return super().value()


class _EmptyRate(_Meter):
    READS_TEXT = True
    _full = False

    def text(self, part: bytes) -> None:
        self._full = self._full or bool(part.strip(_BLANK))

    def end(self) -> None:
        self.total += 1
        self.hits += not self._full
        self._full = False


class _WordCount(_Meter):
    SHARE = False
    READS_TEXT = True
    _inside = False

    def text(self, part: bytes) -> None:
        if part:
            joined = self._inside and part[0] not in _BLANK  # a word continues in the next part
            self.hits += len(part.split()) - joined
            self._inside = part[-1] not in _BLANK

    def end(self) -> None:
        self._inside = False


class _CharacterCount(_Meter):
    SHARE = False
    READS_TEXT = True

    def __init__(self, parameters: Mapping[str, str]) -> None:
        super().__init__(parameters)
        self._decoder = getincrementaldecoder("utf-8")()

    def text(self, part: bytes) -> None:
        self.hits += len(self._decoder.decode(part))

    def end(self) -> None:
        self._decoder.decode(b"", final=True)


class _MissingMetadataRate(_Meter):
    PARAMETERS = ("column",)

    def file(self, entry: TreeEntry) -> None:
        self.total += 1
        self.hits += self.parameters["column"] not in (entry.meta or {})


class _MetadataShare(_Meter):
    PARAMETERS = ("column", "value")

    def file(self, entry: TreeEntry) -> None:
        self.total += 1
        found = (entry.meta or {}).get(self.parameters["column"])
        self.hits += found == self.parameters["value"]


class _MissingFieldRate(_Meter):
    PARAMETERS = ("field",)
    READS_FIELDS = True

    def fields(self, record: Mapping[str, Any]) -> None:
        self.total += 1
        self.hits += record.get(self.parameters["field"]) in (None, "")


class _FieldShare(_Meter):
    PARAMETERS = ("field", "value")
    READS_FIELDS = True

    def fields(self, record: Mapping[str, Any]) -> None:
        self.total += 1
        self.hits += record.get(self.parameters["field"]) == self.parameters["value"]


RECIPES: Mapping[str, type[_Meter]] = {
    "recordCount/1": _RecordCount,
    "exactDuplicateRate/1": _ExactDuplicateRate,
    "emptyRate/1": _EmptyRate,
    "wordCount/1": _WordCount,
    "characterCount/1": _CharacterCount,
    "missingMetadataRate/1": _MissingMetadataRate,
    "metadataShare/1": _MetadataShare,
    "missingFieldRate/1": _MissingFieldRate,
    "fieldShare/1": _FieldShare,
}
"""All recipes, by name and version."""


class Measurement:
    """Measures a dataset while its records are read, once, in storage order.

    Args:
        recipes: ``{use, parameters?}``, as credentials have them; an unknown recipe, or one with
            wrong parameters, results in a problem instead of a number.
        body: The body of the dataset's manifest, to measure the statistics of rows, too; None: they
            are not measured.

    Attributes:
        counts: Records of each file, in the order in which the files came.
    """

    def __init__(
        self, recipes: Iterable[Mapping[str, Any]], body: Mapping[str, Any] | None = None
    ) -> None:
        self._rows: RowMeter | None = None
        if body is not None and body["reader"] in ROWS and "fields" in stats_of(body):
            self._rows = RowMeter(FieldRoles.of_body(body))
        self._meters: list[_Meter | None] = []
        self._problems: list[str] = []
        self.counts = array("q")
        for recipe in recipes:
            kind = RECIPES.get(str(recipe.get("use")))
            parameters = recipe.get("parameters", {})
            fits = kind is not None and parameters.keys() == set(kind.PARAMETERS)
            if kind is None or not fits or not all(isinstance(v, str) for v in parameters.values()):
                self._meters.append(None)
                self._problems.append("no recipe of this name, version and parameters is known")
            else:
                self._meters.append(kind(parameters))
                self._problems.append("")

    @property
    def reads_documents(self) -> bool:
        """Whether documents must be read, not only hashed."""
        return any(meter is not None and meter.READS_TEXT for meter in self._meters)

    def record_ids(
        self, reader: str, entry: TreeEntry, stream: BinaryIO | None
    ) -> Iterator[Digest]:
        """Yield the record ids of one file, and measure its records.

        Args:
            reader: Id and version of the reader.
            entry: The file, with its metadata.
            stream: Its bytes; None for a document that need not be read.

        Raises:
            InvalidInputError: (``no-reader``, ``bad-record``) its records cannot be read.
        """
        self._each(lambda meter: meter.file(entry))
        count = 0
        if reader == DOCUMENT:
            while stream is not None and (part := stream.read(_READ_BYTES)):
                self._text(part)
            identity = document_id(entry.blake3)
            self._end(identity, None)
            count = 1
            yield identity
        elif stream is not None:
            for record in iter_records(reader, entry.path, stream):
                if self._rows is not None:
                    self._rows.add(record.data)
                self._text(_text_of(reader, record.data))
                self._end(record.id, record.data)
                count += 1
                yield record.id
        self.counts.append(count)

    def add_documents(self, tree: Tree) -> None:
        """Measure documents that need not be read."""
        for entry in tree.entries:
            for _ in self.record_ids(DOCUMENT, entry, None):
                pass

    def values(self) -> list[Measured]:
        """Return the measured numbers, or problems, in the order of the recipes."""
        return [
            Measured(None, False, problem)
            if problem or meter is None
            else Measured(meter.value(), meter.SHARE, "")
            for meter, problem in zip(self._meters, self._problems, strict=True)
        ]

    def statistics(self) -> Mapping[str, Any]:
        """Return the members of the descriptor's ``stats`` for rows; empty for documents.

        Raises:
            InvalidInputError: (``bad-record``) a row is malformed.
        """
        return {} if self._rows is None else self._rows.to_json()

    def _text(self, part: bytes) -> None:
        self._each(lambda meter: meter.text(part) if meter.READS_TEXT else None)

    def _end(self, identity: Digest, data: bytes | None) -> None:
        if any(meter is not None and meter.READS_FIELDS for meter in self._meters):
            members = _members(data)
            for at, meter in enumerate(self._meters):
                if meter is None or not meter.READS_FIELDS:
                    continue
                if members is None:
                    self._fail(at, "a record is not a line with one JSON object")
                else:
                    meter.fields(members)
        self._each(lambda meter: meter.identity(identity))
        self._each(lambda meter: meter.end())

    def _each(self, look: Callable[[_Meter], None]) -> None:
        for at, meter in enumerate(self._meters):
            if meter is not None:
                try:
                    look(meter)
                except UnicodeDecodeError:
                    self._fail(at, "a record is not UTF-8")

    def _fail(self, at: int, problem: str) -> None:
        self._meters[at], self._problems[at] = None, problem


def recipes_for(stated: Sequence[Mapping[str, Any]], tree: Tree) -> list[dict[str, JSON]]:
    """Return the recipes that a terms file requests, each once, as credentials have them.

    Args:
        stated: ``{use, parameters?}``; a ``metadataShare/1`` without ``value`` stands for one
            recipe per value of the column.
        tree: The dataset's tree.

    Raises:
        InvalidInputError: (``bad-recipe``) an unknown recipe (similar names are listed), wrong
            parameters, or a column with more values than :data:`MAX_VALUES`.
    """
    found: list[dict[str, JSON]] = []
    for recipe in stated:
        use, parameters = str(recipe["use"]), dict(recipe.get("parameters", {}))
        kind = RECIPES.get(use)
        if kind is None:
            raise unknown_word("bad-recipe", "recipe", use, RECIPES)
        if use == "metadataShare/1" and parameters.keys() == {"column"}:
            found += [_recipe(use, {**parameters, "value": v}) for v in _values(tree, parameters)]
            continue
        if parameters.keys() != set(kind.PARAMETERS):
            wanted = ", ".join(kind.PARAMETERS) or "no parameters"
            raise InvalidInputError("bad-recipe", f"{use} takes {wanted}")
        found.append(_recipe(use, parameters))
    return list({encode(recipe): recipe for recipe in found}.values())


def licence_recipe(body: Mapping[str, Any]) -> dict[str, JSON] | None:
    """Return the recipe that measures the share of records without a licence (spec §14.2).

    Args:
        body: The body of the dataset's manifest.

    Returns:
        None if records have no field for the licence, or no recipe can read it.
    """
    field = licence_field(body)
    if field is None:
        return None
    if body["reader"] == DOCUMENT:
        return _recipe("missingMetadataRate/1", {"column": field})
    return _recipe("missingFieldRate/1", {"field": field}) if body["reader"] in ROWS else None


def claims_of(
    recipes: Sequence[Mapping[str, JSON]], values: Sequence[Measured]
) -> list[dict[str, JSON]]:
    """Return measured claims for a credential.

    Raises:
        InvalidInputError: (``not-measurable``) a recipe cannot measure these records.
    """
    claims: list[dict[str, JSON]] = []
    for recipe, measured in zip(recipes, values, strict=True):
        if measured.value is None:
            raise InvalidInputError("not-measurable", f"{recipe['use']}: {measured.problem}")
        claims.append(
            {
                "type": "QualityMeasurement",
                "metric": str(recipe["use"]).partition("/")[0],
                "value": measured.text,
                "basis": "measured",
                "recipe": dict(recipe),
            }
        )
    return claims


def _recipe(use: str, parameters: Mapping[str, JSON]) -> dict[str, JSON]:
    recipe: dict[str, JSON] = {"type": "MeasurementRecipe", "use": use}
    return {**recipe, "parameters": dict(parameters)} if parameters else recipe


def _values(tree: Tree, parameters: Mapping[str, Any]) -> list[str]:
    column = parameters["column"]
    values = sorted({meta[column] for meta in tree.metas.values() if column in meta})
    if not values:
        columns = {name for meta in tree.metas.values() for name in meta}
        raise unknown_word("bad-recipe", "column to measure:", column, columns)
    if len(values) > MAX_VALUES:
        raise InvalidInputError(
            "bad-recipe",
            f"column {column!r} has {pluralize(len(values), 'value')}",
            hint=f"name the value, or a column with at most {MAX_VALUES}",
        )
    return values


def _text_of(reader: str, data: bytes) -> bytes:
    if not reader.startswith("csv/"):
        return data
    row = parse(data, max_bytes=len(data))
    return " ".join(row.values() if isinstance(row, dict) else row).encode()


def _members(data: bytes | None) -> Mapping[str, Any] | None:
    try:
        found = None if data is None else parse(data, max_bytes=len(data), floats=True, nulls=True)
    except FormatError:
        return None
    return found if isinstance(found, dict) else None
