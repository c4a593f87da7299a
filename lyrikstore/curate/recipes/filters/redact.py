"""``redact/1``: replaces personal data by typed placeholders (spec §12.5.5)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.curate.personal.holders import find_holders, find_repeats
from lyrikstore.curate.recipes.filters.contacts import Span, find_emails, find_phones, find_urls
from lyrikstore.curate.recipes.filters.contract import (
    TEXT,
    Change,
    FieldChange,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter

MASK = "<REDACTED>"

FINDERS: Mapping[str, tuple[str, Callable[[str], Iterator[Span]]]] = {
    "url": ("<URL>", find_urls),
    "email": ("<EMAIL>", find_emails),
    "phone": ("<PHONE>", find_phones),
    "copyright": ("<COPYRIGHT-HOLDER>", find_holders),
}
"""Pattern → placeholder and search function, in order of precedence at equal starts."""


class Replacement(Struct, frozen=True):
    """A part of a text to replace.

    Attributes:
        start: The first code point.
        end: The code point after the last.
        pattern: A key of :data:`FINDERS`.
    """

    start: int
    end: int
    pattern: str


@dataclass(frozen=True, slots=True)
class Redact(Filter):
    """Filter that replaces matches of patterns by placeholders, in the text and in sheet columns.

    Attributes:
        patterns: Keys of :data:`FINDERS`, in its order.
        repeats: Whether to replace other mentions of a copyright holder, too.
        text: Whether to search the text.
        columns: The columns to search; ``None``: all.
        mask: The columns whose whole value becomes ``<REDACTED>``; ``None``: all.
    """

    USE: ClassVar[str] = "redact/1"
    REDACTS: ClassVar[bool] = True
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "patterns",
            "strings",
            "what to look for",
            default=["email", "phone", "url", "copyright"],
            choices=("email", "phone", "url", "copyright"),
        ),
        Parameter(
            "repeats",
            "boolean",
            "whether a holder named on a copyright line is replaced wherever the same text or cell "
            "mentions it again",
            default=True,
        ),
        Parameter("text", "boolean", "whether to search the document's text", default=True),
        Parameter("columns", "columns", "the sheet columns to search", default="*"),
        Parameter(
            "mask",
            "columns",
            "sheet columns whose whole value is replaced, for names no pattern can know",
            default=[],
        ),
    )

    patterns: tuple[str, ...]
    repeats: bool
    text: bool
    columns: frozenset[str] | None
    mask: frozenset[str] | None

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the step would neither search nor mask anything.
        """
        if not values["text"] and values["columns"] == [] and values["mask"] == []:
            raise InvalidInputError(
                "bad-recipe",
                "redact/1 searches neither the text nor a column",
                hint="omit text = false, or name columns",
            )
        return cls(
            tuple(name for name in FINDERS if name in values["patterns"]),
            values["repeats"],
            values["text"],
            None if values["columns"] == "*" else frozenset(values["columns"]),
            None if values["mask"] == "*" else frozenset(values["mask"]),
        )

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text, and its columns or all columns."""
        fields = [TEXT] if self.text else []
        if self.columns is None or self.mask is None:
            return (*fields, "meta:*")
        return (*fields, *(f"meta:{name}" for name in sorted(self.columns | self.mask)))

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        changes: list[FieldChange] = []
        fields = dict(record.fields)
        if self.text:
            record.require_text(self.USE)
            for name in record.text_fields:
                if self.mask is None or name not in self.mask:
                    self._search(record, name, fields, changes)
        named = [name for name in record.text_fields if name in (self.mask or ())]
        for name in (*named, *record.others()):
            if name not in fields:
                continue
            if self.mask is None or name in self.mask:
                if fields[name] is not None and fields[name] != MASK:
                    fields[name] = MASK
                    changes.append(FieldChange(record.called(name), "masked", 1))
            elif self.columns is None or name in self.columns:
                self._search(record, name, fields, changes)
        return Change(fields, tuple(changes)) if changes else Keep()

    def _search(
        self,
        record: FilterRecord,
        name: str,
        fields: dict[str, JSON],
        changes: list[FieldChange],
    ) -> None:
        """Redact one field; in a list, each text."""
        value = fields.get(name)
        redacted: list[JSON] = []
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                new, replaced = redact(text, self.patterns, repeats=self.repeats)
                if replaced:
                    changes += _describe(record.called(name), replaced)
                    redacted.append(new)
                    continue
            redacted.append(text)
        before_all = value if isinstance(value, list) else [value]
        if any(new is not old for new, old in zip(redacted, before_all, strict=True)):
            fields[name] = redacted if isinstance(value, list) else redacted[0]


def redact(
    text: str, patterns: Iterable[str], *, repeats: bool = False
) -> tuple[str, list[Replacement]]:
    """Return the text with placeholders, and the replaced parts, in order.

    Args:
        text: Any text.
        patterns: Keys of :data:`FINDERS`. Overlapping matches are replaced together, by the
            placeholder of the match that begins first (at equal starts, the longest), so that no
            rest of a match stays.
        repeats: Whether to replace other mentions in this text of a copyright holder, too.

    Cost: O(length) per pattern.
    """
    order = {name: index for index, name in enumerate(FINDERS)}
    found = [
        Replacement(start, end, name)
        for name in patterns
        for start, end in FINDERS[name][1](text)
        if end > start
    ]
    if repeats:
        holders = [(item.start, item.end) for item in found if item.pattern == "copyright"]
        found += [Replacement(*span, "copyright") for span in find_repeats(text, holders)]
    found.sort(key=lambda item: (item.start, -item.end, order[item.pattern]))
    merged: list[Replacement] = []
    for item in found:
        if merged and item.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Replacement(last.start, max(last.end, item.end), last.pattern)
        else:
            merged.append(item)
    parts: list[str] = []
    place = 0
    for item in merged:
        parts += (text[place : item.start], FINDERS[item.pattern][0])
        place = item.end
    parts.append(text[place:])
    return "".join(parts), merged


def _describe(field: str, found: list[Replacement]) -> list[FieldChange]:
    counts = Counter(item.pattern for item in found)
    return [
        FieldChange(field, f"redacted-{name}", counts[name]) for name in FINDERS if name in counts
    ]
