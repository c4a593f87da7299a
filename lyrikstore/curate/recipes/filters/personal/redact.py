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
    """Replaces what is found by placeholders; in a record the same value gets the same one.

    Attributes:
        mask: Fields whose whole value becomes ``<REDACTED>``.
        keep: Values that stay.
        deny: Values that go, whatever the detectors say.
        zip3: Whether the first three digits of ZIP codes stay.
    """

    USE: ClassVar[str] = "redact/2"
    REDACTS: ClassVar[bool] = True
    GIVES_AWAY: ClassVar[str] = "names of files and attachments that hold what was redacted"
    SUCCESSOR: ClassVar[str] = "redact/3"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        *PersonalFilter.SEARCHES,
        Parameter(
            "mask",
            "columns",
            "fields whose whole value is replaced, for names nobody can know",
            default=[],
        ),
        Parameter(
            "keep",
            "strings",
            "values that stay: literal words, `*` for the rest of one. They stand in the recipe, "
            "which is signed and may be handed on",
            optional=True,
            limits=VALUES,
        ),
        Parameter(
            "deny",
            "strings",
            "values that go in any case, written as those of `keep` and as visible",
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
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) nothing to search and nothing to mask; a value of a
                list that cannot be looked for.
        """
        return cls(
            **cls.searched(values, other=values["mask"] != []),
            mask=None if values["mask"] == "*" else frozenset(values["mask"]),
            keep=compile_values(values.get("keep", ()), f"{cls.USE}: keep"),
            deny=compile_values(values.get("deny", ()), f"{cls.USE}: deny"),
            zip3=values["zip3"],
        )

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the text, its columns, or all fields."""
        searched = super(RedactTyped, self).reads()
        if "meta:*" in searched:
            return searched
        if self.mask is None:
            return (*(name for name in searched if not name.startswith("meta:")), "meta:*")
        masked = (f"meta:{name}" for name in sorted(self.mask))
        return tuple(dict.fromkeys((*searched, *masked)))

    def find(self, text: str) -> list[Found]:
        """Return what is to be replaced: of a find that holds a placeholder what lies beside it."""
        return self.refine(text, super(RedactTyped, self).find(text))

    def refine(self, text: str, found: list[Found]) -> list[Found]:
        """Return what is to be replaced of what was found; ``found`` overlaps nowhere."""
        if self.keep is not None:
            keep = self.keep
            found = [item for item in found if not keep.fullmatch(text, item.start, item.end)]
        if self.deny is not None:
            denied = (one.span() for one in self.deny.finditer(text))
            found = _join_denied(found, [Found(*span, "person", DENIED) for span in denied])
        # ATTACK: anybody can write <EMAIL-1> beside a name; a find must not be lost for it.
        placed = [one.span() for one in _PLACEHOLDER.finditer(text)] if "<" in text else []
        return list(_beside(text, found, placed)) if placed else found

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the record with placeholders."""
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
    """The placeholders of one record: the same value of a kind has the same number.

    Args:
        record: The record; numbers that placeholders in it already have are not given again.
        zip3: Whether a ZIP code leaves its first three digits.
    """

    def __init__(self, record: FilterRecord, *, zip3: bool) -> None:
        self._given: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}
        self._zip3 = zip3
        self._parts: dict[tuple[str, str], str] = {}
        for value in record.fields.values():
            for text in strings(value):
                for one in _PLACEHOLDER.finditer(text) if "<" in text else ():
                    number = int(one["number"] or 0)
                    self._last[one["name"]] = max(self._last.get(one["name"], 0), number)

    def replace(self, text: str, found: Iterable[Found]) -> str:
        """Return the text with placeholders."""
        parts: list[str] = []
        place = 0
        for item in found:
            parts += (text[place : item.start], self.placeholder_of(text, item))
            place = item.end
        return "".join((*parts, text[place:]))

    def placeholder_of(self, text: str, item: Found) -> str:
        """Return the placeholder of what was found in a text."""
        return self.placeholder(_kind(item), text[item.start : item.end])

    def count_as(self, kind: str, part: str, whole: str) -> None:
        """Give a part of a value, such as a family name, the number of the whole one."""
        self._parts.setdefault((KINDS[kind].placeholder, normalise(part)), normalise(whole))

    def placeholder(self, kind: str, value: str) -> str:
        """Return the placeholder of a value; of the same one always the same."""
        name = "DENIED" if kind == DENIED else KINDS[kind].placeholder
        if kind == "zip" and self._zip3 and len(value) >= 5 and value[:5].isdecimal():
            return f"<{name}-{value[:3]}xx>"
        normal = normalise(value)
        key = (name, self._parts.get((name, normal), normal))
        if key not in self._given:
            self._last[name] = self._given[key] = self._last.get(name, 0) + 1
        return f"<{name}-{self._given[key]}>"


def described(field: str, found: Iterable[Found]) -> Iterator[FieldChange]:
    """Yield what was replaced in a field, by kind."""
    counts = Counter(map(_kind, found))
    for kind in (*KINDS, DENIED):
        if kind in counts:
            yield FieldChange(field, f"redacted-{kind}", counts[kind])


def _kind(item: Found) -> str:
    return DENIED if item.detector == DENIED else item.kind


def _beside(text: str, found: list[Found], placed: list[tuple[int, int]]) -> Iterator[Found]:
    """Yield the parts of finds outside of placeholders, from the first letter or digit on."""
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
    """Return both, joined where they overlap: of a find that holds a denied value, all goes."""
    starts = sorted(item.start for item in denied)

    def holds_denied(item: Found) -> bool:
        place = bisect_left(starts, item.start)
        return place < len(starts) and starts[place] < item.end

    return [
        Found(item.start, item.end, item.kind, DENIED) if holds_denied(item) else item
        for item in join_overlapping([*found, *denied])
    ]
