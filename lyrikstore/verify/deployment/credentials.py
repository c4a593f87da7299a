"""Which credentials lie in a deployed folder, and which are left out of it (spec §14.7.5)."""

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Manifest


def credentials_of(run: Manifest) -> list[Digest]:
    """Return the ids of the credentials and grants that the rights of a run rest on, each once."""
    named = [
        Digest.parse(right[member])
        for right in run.body["rights"]
        for member in ("credential", "grant")
        if member in right
    ]
    return list(dict.fromkeys(named))


def left_out(deployment: Manifest) -> frozenset[Digest]:
    """Return the credentials that a deployment says are not in its folder, since they name data."""
    return frozenset(map(Digest.parse, deployment.body.get("credentialsLeftOut", ())))
