"""``map/1``: changes values and names of fields (spec §12.5.16)."""

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
    """Filter that trims, maps, combines, drops, renames and sets fields, in this order.

    Attributes:
        trim: Fields to strip of white space at both ends; None: all.
        values: Field → value as text → new value.
        keep_unmapped: Whether to keep values of these fields that their map lacks.
        combine: New field → template of its value.
        rename: Field → its new name.
        constants: Field → its value in every record.
        drop: Fields to drop.
    """

    USE: ClassVar[str] = "map/1"
    PARAMETERS: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "trim",
            "columns",
            "fields to strip of white space at both ends",
            default=[],
        ),
        Parameter("values", "value-maps", "for each field: value, and its new value", default={}),
        Parameter(
            "unmapped",
            "string",
            "what to do with values that the map of their field lacks",
            default="keep",
            choices=("keep", "drop"),
        ),
        Parameter(
            "combine", "texts", "new field, and a template of its text with {field}", default={}
        ),
        Parameter("rename", "texts", "field, and its new name", default={}),
        Parameter("set", "constants", "field, and its value in every record", default={}),
        Parameter("drop", "strings", "fields to drop", optional=True),
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
        """Return the configured step.

        Raises:
            InvalidInputError: (``bad-recipe``) the step would change nothing, a template is
                invalid, or a field would get two values, or be renamed and dropped.
        """
        made = {
            name: Template.parse(text, f"map/1: combine.{name}")
            for name, text in values["combine"].items()
        }
        rename, drop = values["rename"], frozenset(values.get("drop", ()))
        if not (values["trim"] or values["values"] or made or rename or values["set"] or drop):
            raise _bad(
                "the map/1 step changes nothing",
                "add at least one of: trim, values, combine, rename, set, drop",
            )
        targets = [*rename.values(), *made, *values["set"]]
        for name in targets:
            if targets.count(name) > 1:
                raise _bad(f"map/1: {name!r} would get two values", "use two map/1 steps")
        for name in rename:
            if name in drop:
                raise _bad(
                    f"map/1: {name!r} is renamed and dropped", "remove it from rename or drop"
                )
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
        """Return the inputs of the step: the fields that it changes or combines."""
        names = {*self.values, *self.rename, *self.drop, *(self.trim or ())}
        names.update(name for template in self.combine.values() for name in template.names)
        everything = ("meta:*",) if self.trim is None else ()
        return (*everything, *(reads_field(name) for name in sorted(names)))

    @property
    def copies(self) -> frozenset[str]:
        """The fields that are renamed, or combined into a new field."""
        return copied(self.rename, self.combine)

    @property
    def _targets(self) -> tuple[str, ...]:
        return (*self.rename.values(), *self.combine, *self.constants)

    def fields_after(self, before: frozenset[str]) -> frozenset[str]:
        """Return the fields after the step: renamed, with new ones and without dropped ones."""
        return (before - self.drop - frozenset(self.rename)).union(self._targets)

    def roles(self, before: FieldRoles) -> FieldRoles:
        """Return the roles: a renamed field keeps its roles, a dropped one loses them."""
        now = self.name_after
        roles = {role: now(getattr(before, role)) for role in ROLES}
        return FieldRoles(text=tuple(filter(None, map(now, before.text))), **roles)

    def name_after(self, name: str) -> str:
        """Return the new name of a field; empty if it is dropped."""
        if name in self.drop and name not in self._targets:
            return ""
        return self.rename.get(name, name)

    def name_before(self, name: str) -> str:
        """Return the old name of a field; empty if the step combines or sets it."""
        was = {new: old for old, new in self.rename.items()}
        return was.get(name, "" if name in self._targets else name)

    def may_part(self, name: str) -> bool:
        """Return whether the step drops values of the field that its map lacks."""
        return name in self.values and not self.keep_unmapped

    def decide(self, record: FilterRecord) -> Outcome:
        """Return the decision on a record."""
        edits = _FieldEdits(record)
        if self.trim is None:
            text = DOCUMENT_TEXT if record.is_document else None
            trim = [name for name in record.fields if name != text]
        else:
            trim = [record.name_of(name) for name in self.trim]
        for name in sorted(trim, key=str.encode):
            edits.put(name, _trimmed(edits.fields.get(name)), "mapped-trimmed")
        for field, values in self.values.items():
            name = record.name_of(field)
            new, left = self._mapped(values, edits.fields.get(name))
            edits.put(name, new, "mapped-dropped" if left else "mapped-value")
        combined = {name: template.fill(edits.value) for name, template in self.combine.items()}
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
        """Return a mapped value, and whether it, or an item of it, was dropped."""
        if not isinstance(value, list):
            text = as_text(value)
            if text is None or (self.keep_unmapped and text not in values):
                return value, False
            return values.get(text), text not in values
        items: dict[str | None, JSON] = {}
        left = False
        for item in value:
            new, gone = self._mapped(values, item)
            left |= gone
            if not gone:
                items.setdefault(as_text(new), new)  # items with the same new value become one
        mapped = list(items.values())
        is_same = len(mapped) == len(value) and all(map(is_, mapped, value))
        return (value if is_same else mapped), left


def copied(rename: Mapping[str, str], combine: Mapping[str, Template]) -> frozenset[str]:
    """Return the fields whose values are copied or renamed to other fields."""
    return frozenset(rename).union(*(template.names for template in combine.values()))


class _FieldEdits:
    """The new fields of one record, and what changed in them."""

    def __init__(self, record: FilterRecord) -> None:
        self._record = record
        self.fields = dict(record.fields)
        self.changes: list[FieldChange] = []

    def value(self, name: str) -> str | None:
        """Return the value of a field as text."""
        return as_text(self.fields.get(self._record.name_of(name)))

    def put(self, name: str, value: JSON, reason: str) -> None:
        """Set a field, or remove it if the value is None; an equal value is no change."""
        old = self.fields.get(name)
        if self._record.is_document and name != DOCUMENT_TEXT:
            value = as_text(value)  # a sheet contains texts only
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
        """Remove a field and return its value."""
        if self._record.name_of(name) == DOCUMENT_TEXT:
            raise self._no_text()
        if name not in self.fields:
            return None
        self._add_change(name, reason, detail=detail)
        return self.fields.pop(name)

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename fields, all at once, so that two fields can swap names."""
        moved = {
            new: self.take(old, "mapped-renamed", f"now {new!r}")
            for old, new in names.items()
            if old in self.fields or self._record.name_of(old) == DOCUMENT_TEXT
        }
        for new, value in moved.items():
            if has_value(self.fields.get(self._record.name_of(new))):
                raise self._refused(
                    "field-taken",
                    f"a field cannot be renamed to {new!r}: the record has a field with that name",
                    "drop or rename that field in the same step",
                )
            self.fields[new] = value

    def _add_change(self, name: str, reason: str, *, detail: str | None = None) -> None:
        self.changes.append(FieldChange(self._record.called(name), reason, 1, detail))

    def _no_text(self) -> InvalidInputError:
        return self._refused(
            "not-a-field",
            "the text of a document can be neither renamed nor dropped",
            'put a step with use = "extract-text/2" first, which makes rows of documents',
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
        items = [item.strip(WHITE_SPACE) if isinstance(item, str) else item for item in value]
        return value if items == value else items
    return value


def _bad(message: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-recipe", message, hint=hint)
