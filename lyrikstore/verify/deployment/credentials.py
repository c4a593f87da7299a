"""The credentials in a deployed folder, and those that are left out of it (spec §14.7.5)."""

from collections.abc import Iterable

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest


def credentials_of(run: Manifest, renewed: Iterable[Digest] = ()) -> list[Digest]:
    """Return the ids of the credentials and grants that the rights to data rest on, each once.

    Args:
        run: The run, which names the credentials and grants that it relied on.
        renewed: Credentials and grants that renewed ended rights.
    """
    named = [
        Digest.parse(right[member])
        for right in run.body["rights"]
        for member in ("credential", "grant")
        if member in right
    ]
    return list(dict.fromkeys((*named, *renewed)))


def renewed_by(deployment: Manifest) -> tuple[Digest, ...]:
    """Return the credentials and grants that renewed rights before a deployment was made."""
    return tuple(map(Digest.parse, deployment.body["rights"].get("renewedBy", ())))


def left_out(deployment: Manifest) -> frozenset[Digest]:
    """Return the credentials that a deployment states as left out, because they name data."""
    return frozenset(map(Digest.parse, deployment.body.get("credentialsLeftOut", ())))
