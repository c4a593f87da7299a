"""Roles of fields: which field of a record is its text, its label, its id (spec §12.8.1)."""

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
"""The name under which a record that is a document holds its text: no column can be called so."""

ROLES = ("label", "id", "group", "split", "licence")
"""Roles that one field has; ``text`` may have several."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "label": ("label", "labels"),
    "id": ("id",),
    "split": ("split",),
    "licence": ("licence", "license"),
}
"""Role → names that mean it where nobody says which field has it."""

MAX_TEXT_FIELDS = 64


def say_which(option: str) -> str:
    """Return the hint for data of which nobody said which field has a role.

    Data of others is never committed again: it would lose their terms.
    """
    return f"say which: commit {option}, or of what others published import DELIVERY {option}"


class FieldRoles(Struct, frozen=True):
    """Which field has which role; empty where none has.

    Attributes:
        text: What is read, searched and trained on: texts, or lists of texts.
        label: What a model is to tell: a text, or a list of texts.
        id: What names the record, once in a dataset.
        group: What keeps records together in a split: a patient, a matter.
        split: The part that the publisher put it into.
        licence: The licence of the record.
        label_separator: What stands between several labels in one string; empty: nothing does.
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
        """Return them as a manifest's body holds them."""
        found: dict[str, Any] = {role: name for role in ROLES if (name := getattr(self, role))}
        if self.text:
            found["text"] = list(self.text)
        if self.label and self.label_separator:
            found["labelSeparator"] = self.label_separator
        return found

    def texts(self, fields: Mapping[str, JSON], name: str) -> list[str]:
        """Return the texts in a field, each of several; of the label's as labels are."""
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
        """Return what is wrong with the values of a row for their roles; empty if nothing is."""
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
        """Return if every field that has a role exists.

        Raises:
            InvalidInputError: (``unknown-column``) one does not; near matches named.
        """
        names = frozenset(known)
        for name in self.names:
            if name not in names:
                raise unknown_word("unknown-column", f"field of {where}:", name, names)


def fits(role: str, found: "FieldValues") -> bool:
    """Return whether values of a field may have a role; a name has to be one."""
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
"""Types that any role takes, and those that a text takes; of others each value is looked at."""


def _refuses(role: str, value: JSON) -> bool:
    if value is None:
        return False
    if role == "text":
        return not is_text(value)
    if role == "label" and isinstance(value, list):
        return any(one is None or isinstance(one, dict | list) for one in value)
    return isinstance(value, dict | list) or (isinstance(value, float) and role != "label")


def check_given(text: tuple[str, ...]) -> None:
    """Return if no more fields are the text than a manifest can name, each once and by a name.

    Raises:
        InvalidInputError: (``bad-fields``) they cannot.
    """
    if len(text) > MAX_TEXT_FIELDS or len(set(text)) != len(text) or not all(text):
        raise InvalidInputError(
            "bad-fields",
            f"--text names a field twice, one without a name, or more than {MAX_TEXT_FIELDS}",
        )
