"""``redact/2``: replaces personal data by typed, numbered placeholders (spec §12.5.13)."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lyrikstore.curate.personal.found import Found, join_overlapping
from lyrikstore.curate.personal.kinds import KINDS
from lyrikstore.curate.recipes.filters.contract import (
    Change,
    FieldChange,
    FilterRecord,
    Keep,
    Outcome,
)
from lyrikstore.curate.recipes.filters.parameters import Parameter
from lyrikstore.curate.recipes.filters.personal.search import (
    PersonalFilter,
    map_strings,
    strings,
)
from lyrikstore.curate.recipes.filters.personal.words import VALUES, compile_values
from lyrikstore.curate.recipes.filters.redact import MASK
from lyrikstore.curate.text import normalise

DENIED = "denied"
_NAMES = {kind.placeholder for kind in KINDS.values()} | {"DENIED"}
_SIGNS = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
_PLACEHOLDER = re.compile(
    rf"<(?P<name>{'|'.join(sorted(map(re.escape, _NAMES), key=len, reverse=True))})"
    r"(?:-(?P<number>\d{1,6})|-\d{3}xx)?>"
)


@dataclass(frozen=True, slots=True)
class RedactTyped(PersonalFilter):
    """Filter that replaces personal data by placeholders; equal values of a record share one.

    Attributes:
        mask: Fields whose whole value becomes ``<REDACTED>``; None: all.
        keep: Values that are not replaced.
        deny: Values that are always replaced, even if no detector finds them.
        zip3: Whether the first three digits of ZIP codes stay.
    """

    USE: ClassVar[str] = "redact/2"
    REDACTS: ClassVar[bool] = True
    GIVES_AWAY: ClassVar[str] = "redacted values in the names of files and attachments"
    SUCCESSOR: ClassVar[str] = "redact/3"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        *PersonalFilter.SEARCHES,
        Parameter(
            "mask",
            "columns",
            "fields whose whole value is replaced, for names that detectors cannot find",
            default=[],
        ),
        Parameter(
            "keep",
            "strings",
            "values that stay: literal words, with `*` for the rest of a word. They are visible in "
            "the recipe, which is signed and may be published",
            optional=True,
            limits=VALUES,
        ),
        Parameter(
            "deny",
            "strings",
            "values that are always replaced; written like those of `keep`, and as visible",
            optional=True,
            limits=VALUES,
        ),
        Parameter(
            "zip3", "boolean", "whether the first three digits of a ZIP code stay", default=False
        ),
    )

    mask: frozenset[str] | None
    keep: re.Pattern[str] | None
    deny: re.Pattern[str] | None
    zip3: bool

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the step would neither search nor mask anything; a
                listed value cannot be searched for.
        """
        return cls(
            **cls.searched(values, other=values["mask"] != []),
            mask=None if values["mask"] == "*" else frozenset(values["mask"]),
            keep=compile_values(values.get("keep", ()), f"{cls.USE}: keep"),
            deny=compile_values(values.get("deny", ()), f"{cls.USE}: deny"),
            zip3=values["zip3"],
        )

    def reads(self) -> tuple[str, ...]:
        """Return the inputs of the step: the text, and its columns or all fields."""
        searched = super(RedactTyped, self).reads()
        if "meta:*" in searched:
            return searched
        if self.mask is None:
            return (*(name for name in searched if not name.startswith("meta:")), "meta:*")
        masked = (f"meta:{name}" for name in sorted(self.mask))
        return tuple(dict.fromkeys((*searched, *masked)))

    def find(self, text: str) -> list[Found]:
        """Return the parts of a text to replace; placeholders within them are left out."""
        return self.refine(text, super(RedactTyped, self).find(text))

    def refine(self, text: str, found: list[Found]) -> list[Found]:
        """Apply ``keep``, ``deny`` and placeholders to finds that do not overlap."""
        if self.keep is not None:
            keep = self.keep
            found = [item for item in found if not keep.fullmatch(text, item.start, item.end)]
        if self.deny is not None:
            denied = (match.span() for match in self.deny.finditer(text))
            found = _join_denied(found, [Found(*span, "person", DENIED) for span in denied])
        # ATTACK: a text may contain <EMAIL-1> next to a name; the name must still be replaced.
        placed = [match.span() for match in _PLACEHOLDER.finditer(text)] if "<" in text else []
        return list(_outside_placeholders(text, found, placed)) if placed else found

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the record with placeholders, or `Keep` if nothing is replaced."""
        changes: list[FieldChange] = []
        fields = dict(record.fields)
        masked = record.others() if self.mask is None else sorted(self.mask & fields.keys())
        numbers = Numbers(record, zip3=self.zip3)
        for name, _ in self.names(record):
            if name in masked:
                continue

            def replace(text: str, name: str = name) -> str:
                found = self.find(text)
                if not found:
                    return text
                changes.extend(described(record.called(name), found))
                return numbers.replace(text, found)

            fields[name] = map_strings(fields[name], replace)
        for name in masked:
            if fields[name] not in (None, MASK):
                fields[name] = MASK
                changes.append(FieldChange(record.called(name), "masked", 1))
        return Change(fields, tuple(changes)) if changes else Keep()


class Numbers:
    """The placeholders of one record: equal values of a kind have the same number.

    Args:
        record: The record; numbers of placeholders that it already contains are not reused.
        zip3: Whether the first three digits of a ZIP code stay.
    """

    def __init__(self, record: FilterRecord, *, zip3: bool) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}
        self._zip3 = zip3
        self._parts: dict[tuple[str, str], str] = {}
        for value in record.fields.values():
            for text in strings(value):
                for match in _PLACEHOLDER.finditer(text) if "<" in text else ():
                    number = int(match["number"] or 0)
                    self._last[match["name"]] = max(self._last.get(match["name"], 0), number)

    def replace(self, text: str, found: Iterable[Found]) -> str:
        """Return the text with placeholders in place of the finds."""
        parts: list[str] = []
        place = 0
        for item in found:
            parts += (text[place : item.start], self.placeholder_of(text, item))
            place = item.end
        return "".join((*parts, text[place:]))

    def placeholder_of(self, text: str, item: Found) -> str:
        """Return the placeholder of a find in a text."""
        return self.placeholder(_kind(item), text[item.start : item.end])

    def count_as(self, kind: str, part: str, whole: str) -> None:
        """Use the number of a whole value for a part of it, such as a family name."""
        self._parts.setdefault((KINDS[kind].placeholder, normalise(part)), normalise(whole))

    def placeholder(self, kind: str, value: str) -> str:
        """Return the placeholder of a value; equal values have the same one."""
        name = "DENIED" if kind == DENIED else KINDS[kind].placeholder
        if kind == "zip" and self._zip3 and len(value) >= 5 and value[:5].isdecimal():
            return f"<{name}-{value[:3]}xx>"
        normal = normalise(value)
        key = (name, self._parts.get((name, normal), normal))
        if key not in self._numbers:
            self._last[name] = self._numbers[key] = self._last.get(name, 0) + 1
        return f"<{name}-{self._numbers[key]}>"


def described(field: str, found: Iterable[Found]) -> Iterator[FieldChange]:
    """Yield a change for each kind of the replaced finds in a field."""
    counts = Counter(map(_kind, found))
    for kind in (*KINDS, DENIED):
        if kind in counts:
            yield FieldChange(field, f"redacted-{kind}", counts[kind])


def _kind(item: Found) -> str:
    return DENIED if item.detector == DENIED else item.kind


def _outside_placeholders(
    text: str, found: list[Found], placed: list[tuple[int, int]]
) -> Iterator[Found]:
    """Yield the parts of finds outside of placeholders, trimmed to letters and digits."""
    ends = [end for _, end in placed]
    for item in found:
        start = item.start
        at = bisect_right(ends, start)
        pieces = []
        while at < len(placed) and placed[at][0] < item.end:
            pieces.append((start, placed[at][0]))
            start = placed[at][1]
            at += 1
        for begin, end in (*pieces, (start, item.end)):
            inside = _SIGNS.search(text, begin, end) if pieces else None
            if inside is not None:
                yield Found(*inside.span(), item.kind, item.detector, item.score)
            elif not pieces:
                yield item


def _join_denied(found: list[Found], denied: list[Found]) -> list[Found]:
    """Return both lists, overlaps joined; a find that contains a denied value counts as denied."""
    starts = sorted(item.start for item in denied)

    def holds_denied(item: Found) -> bool:
        place = bisect_left(starts, item.start)
        return place < len(starts) and starts[place] < item.end

    return [
        Found(item.start, item.end, item.kind, DENIED) if holds_denied(item) else item
        for item in join_overlapping([*found, *denied])
    ]
