"""The values of many rows, by field, from which statistics are computed (spec §12.4.2)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Self

import msgspec
from msgspec import UNSET

from lyrikstore.canon.json import JSON
from lyrikstore.canon.limits import MAX_JSON_DEPTH
from lyrikstore.curate.readers.rows import RowError, quotes_in, quotes_of

MAX_NAMES = 64
"""Most fields for which rows are decoded together; with more, decoding one by one is faster."""

FEW_BYTES = 32 << 10
"""Bytes of a batch below which decoding rows one by one is faster."""

_NESTED = (dict, list)
_MISSING = type(UNSET)


class FieldValues:
    """The values that some rows have in one field.

    Attributes:
        values: The values, in row order; rows without the field are left out.
        kinds: Python type → number of values of this type.
    """

    def __init__(self, values: list[JSON]) -> None:
        kinds = set(map(type, values))
        if _MISSING in kinds:
            values = [one for one in values if one is not UNSET]
            kinds.discard(_MISSING)
        self.values = values
        self.kinds: Mapping[type, int] = (
            Counter(map(type, values)) if len(kinds) > 1 else dict.fromkeys(kinds, len(values))
        )

    @property
    def count(self) -> int:
        """Number of rows that have the field."""
        return len(self.values)

    @cached_property
    def texts(self) -> Mapping[str, int]:
        """The strings among the values → number of occurrences."""
        if self.of(str):
            return Counter(self.values)
        return Counter([one for one in self.values if type(one) is str])

    def lengths(self) -> Mapping[int, int]:
        """Return length → number of values: characters of strings, items of lists."""
        if not self.of(str):
            return Counter([len(one) for one in self.values if isinstance(one, str | list)])
        if 4 * len(vars(self).get("texts", self.values)) > len(self.values):
            return Counter(map(len, self.values))
        found: dict[int, int] = {}
        for text, count in self.texts.items():
            found[len(text)] = found.get(len(text), 0) + count
        return found

    def of(self, *kinds: type) -> bool:
        """Return whether every value is of one of these types."""
        return self.kinds.keys() <= set(kinds)


class RowValues:
    """The values of some rows.

    Attributes:
        records: Number of rows.
        fields: Name → values; only fields that some row has.
    """

    __slots__ = ("fields", "records")

    def __init__(self, records: int, fields: dict[str, FieldValues]) -> None:
        self.records = records
        self.fields = fields

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, JSON]]) -> Self:
        """Return the values of parsed rows."""
        names = dict.fromkeys(chain.from_iterable(rows))
        fields = {name: FieldValues([row[name] for row in rows if name in row]) for name in names}
        return cls(len(rows), fields)


class RowValuesReader:
    """Parses a batch of rows in one call, with the results of :func:`parse_row`."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def read(self, rows: Sequence[bytes]) -> RowValues | None:
        """Return the values of some rows, or None if they must be parsed one by one.

        Returns:
            None if one of them is, or may be, malformed, which :func:`parse_row` decides; or if
            they are so few that loading numpy takes longer.

        Cost: some 400 MB/s if the rows have the same fields.
        """
        whole = b"\n".join(rows)
        if len(whole) < FEW_BYTES:
            return None
        import numpy as np

        characters = np.frombuffer(whole, np.uint8)
        if not _is_a_line_each(characters, rows):
            return None
        try:
            found = self._by_name(whole, len(rows))
            if found is None:
                found = self._by_row(whole, len(rows))
            quotes = _quotes(found)
        except (msgspec.MsgspecError, RowError, ValueError, RecursionError):
            return None
        # ATTACK: a repeated member, as in a single row. Without one, the bytes have as many quotes
        # as the values; a repeated member adds quotes, and nothing can remove them elsewhere.
        if b"\\" in whole:
            return found if quotes == quotes_in(whole) else None
        return found if quotes == np.count_nonzero(characters == ord('"')) else None

    def _by_name(self, whole: bytes, count: int) -> RowValues | None:
        reader = _reader(tuple(self._names)) if 0 < len(self._names) <= MAX_NAMES else None
        if reader is None:
            return None
        try:
            found = reader.decode_lines(whole)
        except msgspec.ValidationError:  # another field, or not an object
            return None
        if len(found) != count:
            raise RowError("not-json", "several on a line")
        fields = {
            name: FieldValues(list(map(attrgetter(_place(at)), found)))
            for at, name in enumerate(self._names)
        }
        return RowValues(count, {name: one for name, one in fields.items() if one.values})

    def _by_row(self, whole: bytes, count: int) -> RowValues:
        found = _ANY.decode_lines(whole)
        if len(found) != count or set(map(type, found)) != {dict}:
            raise RowError("not-json", "several on a line")
        values = RowValues.of(found)
        if len(self._names) <= MAX_NAMES:
            self._names.update(dict.fromkeys(values.fields))
        return values


_ANY = msgspec.json.Decoder()


def _is_a_line_each(characters: Any, rows: Sequence[bytes]) -> bool:
    """Return whether each row begins and ends like an object, and is one line.

    ATTACK: a parser of many texts reads ``{"a":`` and ``1}`` on two lines as one object. Strings
    have no line feeds, and members are separated by commas. So a line feed after ``}`` and before
    ``{`` always separates two texts; if there are as many texts as lines, each line has one.
    """
    import numpy as np

    if not all(rows) or np.count_nonzero(characters == ord("\n")) != len(rows) - 1:
        return False
    after = np.cumsum(np.fromiter(map(len, rows), np.int64, len(rows)) + 1)
    last, first = characters[after - 2], characters[after[:-1]]
    whole = characters[0] == ord("{") and (last == ord("}")).all() and (first == ord("{")).all()
    return bool(whole)


def _quotes(found: RowValues) -> int:
    quotes = 0
    for one in found.fields.values():
        quotes += 2 * (len(one.values) + one.kinds.get(str, 0))
        if not one.kinds.keys().isdisjoint(_NESTED):
            nested = (value for value in one.values if type(value) in _NESTED)
            quotes += sum(quotes_of(value, MAX_JSON_DEPTH - 1) for value in nested)
    return quotes


@lru_cache(maxsize=8)
def _reader(names: tuple[str, ...]) -> "msgspec.json.Decoder[Any] | None":
    """Return a decoder of objects with some of these members and no others."""
    places = [_place(at) for at in range(len(names))]
    try:
        kind = msgspec.defstruct(
            "Row",
            [(place, Any, UNSET) for place in places],
            rename=dict(zip(places, names, strict=True)),
            forbid_unknown_fields=True,
            gc=False,
        )
    except ValueError:  # a name that would have to be escaped
        return None
    return msgspec.json.Decoder(kind)


def _place(at: int) -> str:
    return f"f{at}"
