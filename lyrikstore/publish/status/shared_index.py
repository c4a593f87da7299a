"""Credentials that share one index of a status list, drawn in two clones (spec §10.6)."""

from collections.abc import Iterable

from lyrikstore.canon.errors import ConflictError
from lyrikstore.publish.status.status_registry import Issued, StatusRegistry


def shared_places(registry: StatusRegistry, issuers: Iterable[str]) -> list[list[Issued]]:
    """Return the groups of credentials in force that can only be revoked together.

    Args:
        registry: The status registry of a store.
        issuers: The issuers whose credentials count.

    Returns:
        Groups of two or more credentials, each oldest first.
    """
    sharing: dict[tuple[str, str, int], dict[str, Issued]] = {}
    wanted = frozenset(issuers)
    for issued in _in_force(registry):
        for entry in issued.entries if issued.issuer in wanted else ():
            # A credential that is logged again in another spelling counts once.
            group = sharing.setdefault((issued.issuer, entry.url, entry.index), {})
            group.setdefault(issued.name, issued)
    groups = {tuple(group): list(group.values()) for group in sharing.values() if len(group) > 1}
    return list(groups.values())


def check_alone(registry: StatusRegistry, one: Issued) -> None:
    """Raise ``shared-place`` if a status bit of ``one`` is that of another credential in force.

    Raises:
        ConflictError: (``shared-place``) another credential in force has the same index.
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
            f"credential {one.id.short} shares its index in the status lists with {named}, "
            "issued in another clone: revoking or suspending one does so to the other",
            hint=f"first issue {named} again, with --supersedes, and hand the new one over; or "
            "change both with --yes",
        )


def _in_force(registry: StatusRegistry) -> list[Issued]:
    # Revoked and superseded credentials are not in force.
    ended = {issued.supersedes for issued in registry.issued} | set(registry.revoked())
    return [issued for issued in registry.issued if issued.id not in ended]
