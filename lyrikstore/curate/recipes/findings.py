"""What the steps of a recipe find in one record, before it is known what became of earlier ones.

Findings cross between machines as JSON; :mod:`lyrikstore.curate.recipes.engine` makes and settles
them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.curate.recipes.filters.contract import Drop, FieldChange


class Keyed(NamedTuple):
    """A step that looks at earlier records needs this of the record.

    Attributes:
        step: 1-based number of the step.
        key: What :meth:`OrderedFilter.key` gave.
    """

    step: int
    key: bytes


class Dropped(NamedTuple):
    """A step drops the record.

    Attributes:
        step: 1-based number of the step.
        drop: Why.
    """

    step: int
    drop: Drop


class Changed(NamedTuple):
    """A step changes the record.

    Attributes:
        step: 1-based number of the step.
        changes: What, at least one.
    """

    step: int
    changes: tuple[FieldChange, ...]


class Kept(NamedTuple):
    """The record got through all steps, if those that look at earlier records keep it.

    Attributes:
        part: The part it goes to, if a step split.
        step: 1-based number of that step.
        blob: The blob it is now.
        bytes: Its length.
        meta: Its metadata now.
        rewritten: Whether its text changed.
    """

    part: str | None
    step: int | None
    blob: Digest
    bytes: int
    meta: Mapping[str, str] | None
    rewritten: bool


class Failed(NamedTuple):
    """A step cannot take the record.

    Attributes:
        error: Why.
    """

    error: InvalidInputError


Finding = Keyed | Dropped | Changed | Kept | Failed


def finding_to_json(finding: Finding) -> list[Any]:
    """Return what :func:`finding_from_json` makes the same finding of."""
    match finding:
        case Keyed(step, key):
            return ["keyed", step, key.hex()]
        case Dropped(step, drop):
            return ["dropped", step, drop.reason, drop.detail]
        case Changed(step, changes):
            return ["changed", step, [_change_to_json(change) for change in changes]]
        case Kept(part, step, blob, size, meta, rewritten):
            return ["kept", part, step, blob.hex, size, dict(meta) if meta else None, rewritten]
        case Failed(error):
            return ["failed", error.kind, error.message, error.hint, error.details]


def finding_from_json(value: list[Any]) -> Finding:
    """Return the finding that ``value`` describes.

    Raises:
        FormatError: (``bad-answer``) it describes none.
    """
    try:
        match value:
            case ["keyed", int(step), str(key)]:
                return Keyed(step, bytes.fromhex(key))
            case ["dropped", int(step), str(reason), str(detail)]:
                return Dropped(step, Drop(reason, detail))
            case ["changed", int(step), [*changes]]:
                return Changed(step, tuple(_change_from_json(change) for change in changes))
            case ["kept", part, step, str(blob), int(size), meta, bool(rewritten)]:
                return Kept(part, step, Digest.parse_hex(blob), size, meta, rewritten)
            case ["failed", str(kind), str(message), hint, details]:
                return Failed(InvalidInputError(kind, message, hint=hint, details=details))
    except (ValueError, TypeError):
        pass
    raise FormatError("bad-answer", "a worker answered with no finding")


def _change_to_json(change: FieldChange) -> list[Any]:
    before = change.before.hex if change.before is not None else None
    return [change.field, change.reason, change.count, [list(s) for s in change.spans], before]


def _change_from_json(value: list[Any]) -> FieldChange:
    field, reason, count, spans, before = value
    return FieldChange(
        field,
        reason,
        count,
        tuple((start, end) for start, end in spans),
        None if before is None else Digest.parse_hex(before),
    )
