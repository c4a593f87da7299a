"""The dataset descriptor: known facts about a dataset, by field, each with its basis.

Every field is a value with a basis, ``unknown`` with a reason, or ``not-applicable``; none is left
out silently (docs/descriptor.md). Facts that only a person can know come from a TOML file; facts
that can be measured are measured.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.json import encode
from lyrikstore.canon.text import unknown_word
from lyrikstore.canon.toml import parse_toml

FIELDS: Mapping[str, str] = {
    "about": "what it contains, why it was made, its scope",
    "agreements": "data use, business associate and sharing agreements",
    "annotation": "who labelled it, how, how many, with what agreement",
    "biases": "known biases",
    "classification": "personal, health, financial data: present, absent or not evaluated",
    "collectedDuring": "start and end of collection",
    "collectionMethod": "how it was collected",
    "confidentiality": "clear, green, amber or red",
    "consents": "consents and lawful basis",
    "deidentification": "none, pseudonymised, expert determination and the residual risk",
    "derivedFrom": "the datasets it was made from",
    "formats": "file formats by suffix",
    "generatedBy": "the filter that made it, with counts",
    "intellectualProperty": "copyright, patent and trade mark notices",
    "licence": "what the licence means: commercial use, training, redistribution",
    "limitations": "known limitations and representativeness",
    "modalities": "text, images, tables",
    "name": "its title",
    "origin": "the organisation it comes from, if not the issuer",
    "originGeography": "where it comes from, ISO 3166",
    "processing": "places where it may or may not be processed",
    "prohibitedUses": "uses it must not be put to",
    "purposes": "uses it is meant for",
    "quality": "duplicate rate, language, noise",
    "retention": "until when it may be kept, and how it is deleted",
    "stats": "files, bytes, records, columns",
    "storage": "places where it may or may not be stored",
    "synthetic": "share of synthetic records and what made them",
    "tdmReservation": "reservations against text and data mining",
}
"""Field -> meaning. Identity, issuer, dates and review are in the manifest and the credential."""

MEASURED = frozenset({"derivedFrom", "formats", "generatedBy", "stats"})
"""Fields that only lyrikstore sets."""

MAX_BYTES = 256 << 10
_NOT_STATED = "not stated by the publisher"

Field = dict[str, Any]
Descriptor = dict[str, Field]


def load_descriptor(path: Path) -> Descriptor:
    """Return the descriptor fields of a ``--describe`` file; only those that the file states.

    Args:
        path: A TOML file. ``field = VALUE`` states a value on human basis; the full form is
            ``[field]`` with ``state`` (``unknown`` or ``not-applicable``) and ``reason``, or with
            ``value`` and ``basis``.

    Raises:
        InvalidInputError: (``bad-descriptor``) it is not TOML, or has an unknown field (similar
            names are listed), a measured field or a contradiction.
        LyrikstoreError: See :func:`read_at_most`.
    """
    try:
        table = parse_toml(read_at_most(path, MAX_BYTES + 1), max_bytes=MAX_BYTES)
    except FormatError as error:
        raise _bad(f"{path.name}: {error.message}") from None
    return parse_descriptor(table)


def parse_descriptor(table: Mapping[str, Any]) -> Descriptor:
    """Return the fields a descriptor table states.

    Raises:
        InvalidInputError: (``bad-descriptor``) see :func:`load_descriptor`.
    """
    found: Descriptor = {}
    for name, given in table.items():
        if name not in FIELDS:
            raise unknown_word("bad-descriptor", "descriptor field", name, FIELDS)
        if name in MEASURED:
            raise _bad(f"{name!r} is measured and cannot be stated; omit it")
        found[name] = _field(name, given)
    return found


def describe(
    stated: Mapping[str, Field],
    measured: Mapping[str, Any],
    *,
    inherited: Mapping[str, Field] | None = None,
) -> Descriptor:
    """Return the whole descriptor: every field of :data:`FIELDS`, each with a state.

    Args:
        stated: The fields from :func:`load_descriptor`, which take precedence.
        measured: Field -> measured value.
        inherited: The source dataset's descriptor, for derived datasets.
    """
    result: Descriptor = {}
    for name in FIELDS:
        if name in measured:
            result[name] = {"state": "value", "value": measured[name], "basis": "measured"}
        elif name in stated:
            result[name] = dict(stated[name])
        elif inherited is not None and name in inherited and name not in MEASURED:
            result[name] = dict(inherited[name])
        elif name in ("derivedFrom", "generatedBy"):
            result[name] = {"state": "not-applicable", "reason": "committed from files"}
        else:
            result[name] = {"state": "unknown", "reason": _NOT_STATED}
    return result


def stated_in(descriptor: Mapping[str, Field]) -> list[str]:
    """Return the fields of a whole descriptor that the publisher stated, even as unknown."""
    silent = describe({}, {})
    return [
        name
        for name, field in descriptor.items()
        if name not in MEASURED and field != silent.get(name)
    ]


def template() -> str:
    """Return a TOML file to fill in: every field that a person can state, as a comment."""
    lines = ["# What only you know about the dataset. Uncomment what you can state.", ""]
    for name, meaning in FIELDS.items():
        if name not in MEASURED:
            lines += [f"# {name}: {meaning}", f'# {name} = ""', ""]
    lines += ["# [consents]", '# state = "not-applicable"', '# reason = "no personal data"', ""]
    return "\n".join(lines)


def _field(name: str, given: Any) -> Field:
    if not isinstance(given, dict) or not ({"state", "basis", "value"} & given.keys()):
        return {"state": "value", "value": _value(name, given), "basis": "human-asserted"}
    for key in given:
        if key not in ("state", "value", "reason", "basis"):
            raise unknown_word(
                "bad-descriptor", f"key in {name!r}", key, ("state", "value", "reason", "basis")
            )
    state = given.get("state", "value")
    if state == "value":
        basis = given.get("basis", "human-asserted")
        if "value" not in given or basis not in ("human-asserted", "tool-asserted"):
            raise _bad(f"{name!r}: a value needs value, and basis human- or tool-asserted")
        field = {"state": "value", "value": _value(name, given["value"]), "basis": basis}
    elif state in ("unknown", "not-applicable"):
        if "value" in given or "basis" in given:
            raise _bad(f"{name!r} is {state}, so it cannot have a value or a basis")
        if state == "unknown" and not given.get("reason"):
            raise _bad(f"{name!r} is unknown without a reason")
        field = {"state": state}
    else:
        raise unknown_word(
            "bad-descriptor",
            f"state of {name!r}",
            str(state),
            ("value", "unknown", "not-applicable"),
        )
    reason = given.get("reason")
    if reason is not None:
        if not isinstance(reason, str) or not reason:
            raise _bad(f"the reason of {name!r} is not a text")
        field["reason"] = reason
    return field


def _value(name: str, value: Any) -> Any:
    if value in ("", [], {}):
        raise _bad(f"{name!r} is empty; omit it, or state it as unknown with a reason")
    plain = _plain(value)
    encode(plain)  # refuses values that signed documents cannot have
    return plain


def _plain(value: Any) -> Any:
    match value:
        case dict():
            for key in value:
                if not key.isascii() or key.startswith("@"):
                    raise _bad(
                        f"{key!r} cannot name a member: such names are ASCII, without @ in front"
                    )
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Decimal():
            return format(value, "f")
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(
        "bad-descriptor", message, hint="docs/descriptor.md lists the fields and their forms"
    )
