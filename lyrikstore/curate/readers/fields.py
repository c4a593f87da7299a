"""Roles of fields: the field of a record that is its text, its label, its id (spec §12.8.1)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import unknown_word
from lyrikstore.curate.readers.rows import as_text, as_texts

if TYPE_CHECKING:
    from lyrikstore.curate.readers.row_values import FieldValues, RowValues

DOCUMENT_TEXT = ""
"""The field name for the text of a document; no column of a sheet can have this name."""

ROLES = ("label", "id", "group", "split", "licence")
"""Roles that one field has; ``text`` may have several."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "label": ("label", "labels"),
    "id": ("id",),
    "split": ("split",),
    "licence": ("licence", "license"),
}
"""Role → usual field names, used if the user does not name the field of a role."""

MAX_TEXT_FIELDS = 64


def say_which(option: str) -> str:
    """Return the hint for data without a field for a role.

    It names ``import`` for data of other publishers: a new commit would lose their terms.
    """
    return f"name the field: commit {option}, or import DELIVERY {option} for published data"


class FieldRoles(Struct, frozen=True):
    """The field of each role; empty for a role that no field has.

    Attributes:
        text: Fields that are searched and trained on: texts, or lists of texts.
        label: Field that a model is to predict: a text, or a list of texts.
        id: Field that identifies the record; unique in a dataset.
        group: Field whose value keeps records together in a split, such as a patient.
        split: Field with the part that the publisher put the record into.
        licence: Field with the licence of the record.
        label_separator: Separator of several labels in one string; empty: strings are not split.
    """

    text: tuple[str, ...] = ()
    label: str = ""
    id: str = ""
    group: str = ""
    split: str = ""
    licence: str = ""
    label_separator: str = ""

    @classmethod
    def of_body(cls, body: Mapping[str, Any]) -> Self:
        """Return the roles that the body of a dataset's manifest names."""
        stated = body.get("fields", {})
        return cls(
            text=tuple(stated.get("text", ())),
            label_separator=stated.get("labelSeparator", ""),
            **{role: stated.get(role, "") for role in ROLES},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the roles as JSON, as a manifest's body has them."""
        found: dict[str, Any] = {role: name for role in ROLES if (name := getattr(self, role))}
        if self.text:
            found["text"] = list(self.text)
        if self.label and self.label_separator:
            found["labelSeparator"] = self.label_separator
        return found

    def texts(self, fields: Mapping[str, JSON], name: str) -> list[str]:
        """Return the texts in a field; a string in the label's field is split by the separator."""
        return as_texts(fields.get(name), self.label_separator if name == self.label else "")

    def labels(self, fields: Mapping[str, JSON]) -> list[str]:
        """Return the labels of a record."""
        return self.texts(fields, self.label) if self.label else []

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that have a role, each once."""
        given = (*self.text, *(getattr(self, role) for role in ROLES))
        return tuple(dict.fromkeys(name for name in given if name))

    def problem(self, fields: Mapping[str, JSON]) -> str:
        """Return why the values of a row do not fit their roles; empty if they do."""
        for role, name in self._given:
            value = fields.get(name)
            if _refuses(role, value):
                if role == "label" and isinstance(value, list):
                    return f"{name!r} is to be the label and holds something else than texts"
                return f"{name!r} is to be the {role} and is {kind_of(value)}"
        if self.id and as_text(fields.get(self.id)) is None:
            return f"{self.id!r} is to be the id and is missing"
        return ""

    def fit(self, rows: "RowValues") -> bool:
        """Return whether no row has a :meth:`problem`."""
        if self.id and (self.id not in rows.fields or rows.fields[self.id].count < rows.records):
            return False
        return all(
            name not in rows.fields or fits(role, rows.fields[name]) for role, name in self._given
        )

    @property
    def _given(self) -> list[tuple[str, str]]:
        others = ((role, getattr(self, role)) for role in ROLES)
        return [*(("text", name) for name in self.text), *(one for one in others if one[1])]

    def check(self, known: Iterable[str], where: str) -> None:
        """Raise `unknown-column` unless every field that has a role exists.

        Raises:
            InvalidInputError: (``unknown-column``) a field is not in ``known``; the message names
                similar ones.
        """
        names = frozenset(known)
        for name in self.names:
            if name not in names:
                raise unknown_word("unknown-column", f"field of {where}:", name, names)


def fits(role: str, found: "FieldValues") -> bool:
    """Return whether the values of a field fit a role."""
    if not found.of(*_PLAIN[role == "text"]) and any(_refuses(role, one) for one in found.values):
        return False
    return role != "id" or all(as_text(one) is not None for one in found.values)


def is_text(value: JSON) -> bool:
    """Return whether a value is a text, or a list of texts."""
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )


def kind_of(value: JSON) -> str:
    """Return the JSON type of a value, as statistics name it."""
    return _KINDS[type(value)]


_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "list",
    dict: "object",
    type(None): "null",
}


_PLAIN = ((str, int, bool, type(None)), (str, type(None)))
"""Types that fit every role, and types that fit a text; for other types each value is checked."""


def _refuses(role: str, value: JSON) -> bool:
    if value is None:
        return False
    if role == "text":
        return not is_text(value)
    if role == "label" and isinstance(value, list):
        return any(one is None or isinstance(one, dict | list) for one in value)
    return isinstance(value, dict | list) or (isinstance(value, float) and role != "label")


def check_given(text: tuple[str, ...]) -> None:
    """Raise `bad-fields` unless the text fields have names, are distinct and are not too many.

    Raises:
        InvalidInputError: (``bad-fields``) a name is empty or repeated, or there are more than a
            manifest can hold.
    """
    if len(text) > MAX_TEXT_FIELDS or len(set(text)) != len(text) or not all(text):
        raise InvalidInputError(
            "bad-fields",
            f"--text names a field twice, one without a name, or more than {MAX_TEXT_FIELDS}",
        )
