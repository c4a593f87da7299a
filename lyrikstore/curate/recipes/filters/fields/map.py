"""``map/1``: changes what fields hold and what they are called (spec §12.5.16)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import is_
from typing import Any, ClassVar, Self

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import WHITE_SPACE
from lyrikstore.curate.readers.fields import DOCUMENT_TEXT, ROLES, FieldRoles
from lyrikstore.curate.readers.rows import as_text, has_value
from lyrikstore.curate.recipes.filters.contract import (
    Change,
    FieldChange,
    Filter,
    FilterRecord,
    Keep,
    Outcome,
    reads_field,
)
from lyrikstore.curate.recipes.filters.fields.template import Template
from lyrikstore.curate.recipes.filters.parameters import Parameter


@dataclass(frozen=True, slots=True)
class MapFields(Filter):
    """Trims, maps, combines, renames, sets and drops fields, in this order.

    Attributes:
        trim: Fields whose white space at both ends goes; None: all.
        values: Field → value as text → value.
        keep_unmapped: Whether a value of such a field that is not in its map stays.
        combine: New field → what it holds.
        rename: Field → its new name.
        constants: Field → value.
        drop: Fields that go.
    """

    USE: ClassVar[str] = "map/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "trim",
            "columns",
            "fields whose white space at both ends is removed",
            default=[],
        ),
        Parameter(
            "values", "value-maps", "for each field: value, and what takes its place", default={}
        ),
        Parameter(
            "unmapped",
            "string",
            "what happens to values that are not in the map of their field",
            default="keep",
            choices=("keep", "drop"),
        ),
        Parameter(
            "combine", "texts", "new field, and the text it holds: {field} is a value", default={}
        ),
        Parameter("rename", "texts", "field, and its new name", default={}),
        Parameter("set", "constants", "field, and its value in every record", default={}),
        Parameter("drop", "strings", "fields that are left out", optional=True),
    )

    trim: frozenset[str] | None
    values: Mapping[str, Mapping[str, JSON]]
    keep_unmapped: bool
    combine: Mapping[str, Template]
    rename: Mapping[str, str]
    constants: Mapping[str, JSON]
    drop: frozenset[str]

    @classmethod
    def configure(cls, values: Mapping[str, Any]) -> Self:
        """Return the step.

        Raises:
            InvalidInputError: (``bad-recipe``) nothing to do, a template that is none, a field
                that would get two values, or is renamed and dropped.
        """
        made = {
            name: Template.parse(text, f"map/1: combine.{name}")
            for name, text in values["combine"].items()
        }
        rename, drop = values["rename"], frozenset(values.get("drop", ()))
        if not (values["trim"] or values["values"] or made or rename or values["set"] or drop):
            raise _bad("map/1 changes nothing", "say what to rename, combine, trim, map, set, drop")
        targets = [*rename.values(), *made, *values["set"]]
        for name in targets:
            if targets.count(name) > 1:
                raise _bad(f"map/1: {name!r} would get two values", "write two steps")
        for name in rename:
            if name in drop:
                raise _bad(f"map/1: {name!r} is renamed and dropped", "leave one of them out")
        return cls(
            None if values["trim"] == "*" else frozenset(values["trim"]),
            values["values"],
            values["unmapped"] == "keep",
            made,
            rename,
            values["set"],
            drop,
        )

    def reads(self) -> tuple[str, ...]:
        """Return that the step reads the fields it changes or combines."""
        names = {*self.values, *self.rename, *self.drop, *(self.trim or ())}
        names.update(name for one in self.combine.values() for name in one.names)
        everything = ("meta:*",) if self.trim is None else ()
        return (*everything, *(reads_field(name) for name in sorted(names)))

    @property
    def copies(self) -> frozenset[str]:
        """The fields that get another name, or are put together to a new one."""
        return copied(self.rename, self.combine)

    @property
    def _targets(self) -> tuple[str, ...]:
        return (*self.rename.values(), *self.combine, *self.constants)

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields under their new names, with the new and without the dropped ones."""
        return (before - self.drop - frozenset(self.rename)).union(self._targets)

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return the roles: they follow a field to its new name, and end with it."""
        now = self.name_after
        found = {role: now(getattr(before, role)) for role in ROLES}
        return FieldRoles(text=tuple(filter(None, map(now, before.text))), **found)

    def name_after(self, name: str) -> str:
        """Return the new name of a field; empty if it is dropped."""
        if name in self.drop and name not in self._targets:
            return ""
        return self.rename.get(name, name)

    def name_before(self, name: str) -> str:
        """Return the old name of a field; empty if it is combined, or has a constant value."""
        was = {new: old for old, new in self.rename.items()}
        return was.get(name, "" if name in self._targets else name)

    def may_part(self, name: str) -> bool:
        """Return whether values of a field that the map of values lacks are left out."""
        return name in self.values and not self.keep_unmapped

    def decide(self, record: FilterRecord) -> Outcome:
        """Return what becomes of a record."""
        edits = _FieldEdits(record)
        if self.trim is None:
            text = DOCUMENT_TEXT if record.is_document else None
            trim = [name for name in record.fields if name != text]
        else:
            trim = [record.name_of(name) for name in self.trim]
        for name in sorted(trim, key=str.encode):
            edits.put(name, _trimmed(edits.fields.get(name)), "mapped-trimmed")
        for given, values in self.values.items():
            name = record.name_of(given)
            new, left = self._mapped(values, edits.fields.get(name))
            edits.put(name, new, "mapped-dropped" if left else "mapped-value")
        combined = {name: one.fill(edits.value) for name, one in self.combine.items()}
        for name in sorted(self.drop, key=str.encode):
            edits.take(name, "mapped-dropped")
        edits.rename(self.rename)
        for name, text in combined.items():
            if text is not None:
                edits.put(record.name_of(name), text, "mapped-combined")
        for name, value in self.constants.items():
            edits.put(record.name_of(name), value, "mapped-set")
        return Change(edits.fields, tuple(edits.changes)) if edits.changes else Keep()

    def _mapped(self, values: Mapping[str, JSON], value: JSON) -> tuple[JSON, bool]:
        """Return a value after its map, and whether something in it was left out."""
        if not isinstance(value, list):
            text = as_text(value)
            if text is None or (self.keep_unmapped and text not in values):
                return value, False
            return values.get(text), text not in values
        found: dict[str | None, JSON] = {}
        left = False
        for one in value:
            new, gone = self._mapped(values, one)
            left |= gone
            if not gone:
                found.setdefault(as_text(new), new)  # those that have become one stand once
        made = list(found.values())
        is_same = len(made) == len(value) and all(map(is_, made, value))
        return (value if is_same else made), left


def copied(rename: Mapping[str, str], combine: Mapping[str, Template]) -> frozenset[str]:
    """Return the fields whose values stand under other names afterwards."""
    return frozenset(rename).union(*(one.names for one in combine.values()))


class _FieldEdits:
    """The new fields of one record, and what changed in them."""

    def __init__(self, record: FilterRecord) -> None:
        self._record = record
        self.fields = dict(record.fields)
        self.changes: list[FieldChange] = []

    def value(self, name: str) -> str | None:
        """Return a field as text."""
        return as_text(self.fields.get(self._record.name_of(name)))

    def put(self, name: str, value: JSON, reason: str) -> None:
        """Give a field a value, and take it away if that is None; nothing, if it has that one."""
        old = self.fields.get(name)
        if self._record.is_document and name != DOCUMENT_TEXT:
            value = as_text(value)  # a sheet has no other values
        if _spelt(value) == _spelt(old):
            return
        if value is None and name == DOCUMENT_TEXT:
            raise self._no_text()
        if value is None:
            self.fields.pop(name, None)
        else:
            self.fields[name] = value
        self._add_change(name, reason)

    def take(self, name: str, reason: str, detail: str | None = None) -> JSON:
        """Take a field away and return its value."""
        if self._record.name_of(name) == DOCUMENT_TEXT:
            raise self._no_text()
        if name not in self.fields:
            return None
        self._add_change(name, reason, detail=detail)
        return self.fields.pop(name)

    def rename(self, names: Mapping[str, str]) -> None:
        """Give fields new names, all at once, so that two can change theirs."""
        moved = {
            new: self.take(old, "mapped-renamed", f"now {new!r}")
            for old, new in names.items()
            if old in self.fields or self._record.name_of(old) == DOCUMENT_TEXT
        }
        for new, value in moved.items():
            if has_value(self.fields.get(self._record.name_of(new))):
                raise self._refused(
                    "field-taken",
                    f"a field is to be called {new!r}, and another one is",
                    "drop or rename that one in the same step",
                )
            self.fields[new] = value

    def _add_change(self, name: str, reason: str, *, detail: str | None = None) -> None:
        self.changes.append(FieldChange(self._record.called(name), reason, 1, detail))

    def _no_text(self) -> InvalidInputError:
        return self._refused(
            "not-a-field",
            "the text of a document can be neither renamed nor dropped",
            'put a step with use = "extract-text/1" first, which makes rows of documents',
        )

    def _refused(self, kind: str, message: str, hint: str) -> InvalidInputError:
        record = self._record
        place = record.path
        if not record.is_document:
            place += f" record {record.position + 1}"
        return InvalidInputError(
            kind, f"{place}: map/1: {message}", hint=hint, details={"path": record.path}
        )


def _spelt(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)  # to Python, 1 and true are equal


def _trimmed(value: JSON) -> JSON:
    if isinstance(value, str):
        return value.strip(WHITE_SPACE)
    if isinstance(value, list):
        found = [one.strip(WHITE_SPACE) if isinstance(one, str) else one for one in value]
        return value if found == value else found
    return value


def _bad(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-recipe", message, hint=hint)
