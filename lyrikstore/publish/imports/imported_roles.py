"""Roles of fields that an importer adds to those of the publisher (spec §20.7)."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.curate.readers.fields import ROLES, FieldRoles
from lyrikstore.verify.datasets.body import OF_ROWS, stats_of
from lyrikstore.verify.datasets.reading import MeasuredRecords

_OF_FIELDS = ("fields", *OF_ROWS)
"""Members of ``stats`` that depend on rows and roles."""


def add_roles(stated: FieldRoles, given: FieldRoles, *, name: str) -> FieldRoles:
    """Return the roles that a publisher states, with those that an importer adds.

    Args:
        stated: Roles that the publisher states.
        given: Roles that the importer adds.
        name: Name of the dataset, for the message.

    Raises:
        InvalidInputError: (``stated-role``) the publisher states another field for that role.
    """
    changes: dict[str, Any] = {}
    for role in ("text", *ROLES):
        theirs, ours = getattr(stated, role), getattr(given, role)
        if theirs and ours and theirs != ours:
            field = ", ".join(theirs) if role == "text" else theirs
            raise InvalidInputError(
                "stated-role",
                f"the publisher of {name} states that {field} is the {role}",
                hint="omit that option; a filter with map/1 can rename or drop fields, with their "
                "roles",
            )
        changes |= {role: theirs or ours}
    if not stated.label:
        changes |= {"label_separator": given.label_separator}
    elif given.label_separator not in {"", stated.label_separator}:
        raise InvalidInputError(
            "stated-role", f"the publisher of {name} states another separator between labels"
        )
    return replace(stated, **changes)


def said_before(stated: FieldRoles, given: FieldRoles, before: FieldRoles) -> FieldRoles:
    """Return the roles that an importer gives now, with earlier ones that are not given now.

    Args:
        stated: Roles that the publisher states.
        given: Roles that the importer gives now.
        before: Roles of the import so far.
    """
    kept = {
        role: getattr(before, role)
        for role in ("text", *ROLES)
        if not getattr(stated, role) and not getattr(given, role)
    }
    if "label" in kept:
        kept |= {"label_separator": given.label_separator or before.label_separator}
    return replace(given, **kept)


def with_roles(
    body: Mapping[str, Any],
    roles: FieldRoles,
    measure: Callable[[Mapping[str, Any]], MeasuredRecords],
) -> dict[str, Any]:
    """Return the body of an import with other roles than its publisher states.

    Statistics that depend on the roles, such as the count of each label, are measured again.

    Args:
        body: The body as the publisher states it.
        roles: All roles.
        measure: Measures the data by a body.

    Raises:
        InvalidInputError: (``unknown-column``) the data has no such field; (``bad-record``) a row
            does not fit its roles; (``duplicate-ids``) several rows have the same id.

    Cost: one read of the rows.
    """
    changed = {**body, "fields": roles.to_json()}
    measured, stats = measure(changed), stats_of(body)
    if "metadata" in body:
        roles.check(body["metadata"]["columns"], "this sheet")
    elif "fields" in measured.stats and "fieldsAbove" not in measured.stats:
        roles.check((one["field"] for one in measured.stats["fields"]), "these rows")
    if measured.repeats:
        raise InvalidInputError(
            "duplicate-ids",
            f"{roles.id} cannot be the id: several rows have the same value in it",
            hint="omit --id, or name another field",
        )
    if measured.stats:
        kept = {name: value for name, value in stats.items() if name not in _OF_FIELDS}
        anew = {name: measured.stats[name] for name in _OF_FIELDS if name in measured.stats}
        field = {**body["descriptor"]["stats"], "value": {**kept, **anew}}
        changed["descriptor"] = {**body["descriptor"], "stats": field}
    return changed
