"""Credentials whose bits are at one place of a status list, drawn in two clones (spec §10.6)."""

from collections.abc import Iterable

from lyrikstore.canon.errors import ConflictError
from lyrikstore.publish.status.status_registry import Issued, StatusRegistry


def shared_places(registry: StatusRegistry, issuers: Iterable[str]) -> list[list[Issued]]:
    """Return the credentials in force that cannot be taken back without each other.

    Args:
        registry: What the log of a store says.
        issuers: Whose.

    Returns:
        Groups of two or more, each oldest first.
    """
    there: dict[tuple[str, str, int], dict[str, Issued]] = {}
    wanted = frozenset(issuers)
    for one in _in_force(registry):
        for entry in one.entries if one.issuer in wanted else ():
            # One that is logged again, in another spelling, is itself.
            there.setdefault((one.issuer, entry.url, entry.index), {}).setdefault(one.name, one)
    groups = {tuple(group): list(group.values()) for group in there.values() if len(group) > 1}
    return list(groups.values())


def check_alone(registry: StatusRegistry, one: Issued) -> None:
    """Return if no other credential in force stands or falls with ``one``.

    Raises:
        ConflictError: (``shared-place``) one does.
    """
    places = {(entry.url, entry.index) for entry in one.entries}
    others = {
        other.name: other.id.short
        for other in _in_force(registry)
        if other.issuer == one.issuer
        and other.name != one.name
        and any((entry.url, entry.index) in places for entry in other.entries)
    }
    if others:
        named = " and ".join(others.values())
        raise ConflictError(
            "shared-place",
            f"credential {one.id.short} has its place in the status lists together with {named}, "
            "drawn in another clone: what becomes of one becomes of both",
            hint=f"first issue {named} again, with --supersedes, and hand that over; or go on "
            "with --yes",
        )


def _in_force(registry: StatusRegistry) -> list[Issued]:
    # Whose bit is set already is not, and neither is what another one supersedes.
    gone = {one.supersedes for one in registry.issued} | set(registry.revoked())
    return [one for one in registry.issued if one.id not in gone]
