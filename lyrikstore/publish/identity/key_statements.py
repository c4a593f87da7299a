"""What others need to judge a store's keys: its policies, and where it logged what they signed."""

from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
from lyrikstore.credentials.model.credential import ATTESTATION, GRANT
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.log_heads import consistency_for_keys

MAX_PROOFS = 16
"""Log proofs written with statements, the newest: a verifier looks at 64 files in all."""


def share_said(repository: Repository) -> float:
    """Return how much of what verifiers read of one store (spec §11.4) its policies take.

    Args:
        repository: The store.

    Returns:
        Above 1 where nobody reads them any more.

    Cost: reads every policy.
    """
    history = repository.refs[GENESIS_NAME].history
    size = sum(len(repository.manifest(identity).encode()) for identity in history)
    return max((len(history) - 1) / MAX_POLICIES, size / MAX_RULES_BYTES)


def check_few_statements(repository: Repository) -> None:
    """Return if verifiers read what a store says of its keys, and so what is issued there.

    Args:
        repository: The store.

    Raises:
        PolicyError: (``too-many-policies``) they refuse it (spec §11.4).
    """
    if share_said(repository) > 1:
        changes = len(repository.refs[GENESIS_NAME].history) - 1
        raise PolicyError(
            "too-many-policies",
            f"this store has changed its keys {changes} times, which is more than a verifier "
            f"reads ({MAX_POLICIES} changes, {MAX_RULES_BYTES >> 20} MiB): nobody could check what "
            "it issues",
            hint="found another store, lyrikstore init, and issue from there what you import into "
            "it; what was issued before stays good",
        )


def key_statements(repository: Repository) -> dict[str, bytes]:
    """Return file name → bytes of every policy after the first, and of its log proof.

    They are found by what they are, so they can be laid next to any delivery of the store, also one
    that was made before. What waits in a local log is left out: nobody could check it.

    Args:
        repository: The store.
    """
    files: dict[str, bytes] = {}
    for identity in reversed(repository.refs[GENESIS_NAME].history[:-1]):
        index = repository.index_of(identity)
        if index >= repository.checkpoint.size:
            break
        manifest = repository.manifest(identity)
        name = f"policy-{manifest.body['policy']['version']}"
        files[f"{name}.json"] = manifest.encode()
        files[f"{name}.tlog-proof"] = repository.proof_for(index).encode()
    return files


def store_statements(repository: Repository) -> dict[str, bytes]:
    """Return the founding manifest, and :func:`key_statements`.

    Args:
        repository: The store.

    Returns:
        File name → bytes, under names that no other store's statements have.
    """
    files = {"genesis.json": repository.genesis.encode(), **key_statements(repository)}
    return {_name(repository, name): data for name, data in files.items()}


def statements_for_others(repository: Repository) -> dict[str, bytes]:
    """Return :func:`store_statements`, and what makes them good next to another delivery.

    That is what shows that an earlier delivery is of this very log, and what a compromised key
    signed before it was; and log proofs of the attestations and grants by keys that are current no
    more: without them nothing shows that these came first.

    Args:
        repository: The store.

    Returns:
        File name → bytes, under names that no other store's statements have.
    """
    files = store_statements(repository)
    for name, data in consistency_for_keys(repository).items():
        files[_name(repository, name)] = data
    current, found = repository.policy.keys, 0
    for entry in reversed(repository.entries()[: repository.checkpoint.size]):
        if entry.type != "credential" or found == MAX_PROOFS:
            continue
        try:
            one = logged_credential(repository, entry.id)
        except LyrikstoreError:
            continue  # verify names it
        if one.kind in {ATTESTATION, GRANT} and one.signer not in current:
            proof = repository.proof_for(entry.index)
            name = f"credential-{entry.id.short}.tlog-proof"
            files[_name(repository, name)] = proof.encode()
            found += 1
    return files


def credential_proof(repository: Repository, index: int) -> bytes | None:
    """Return what shows where a credential is logged; None while it waits in a local log.

    Args:
        repository: The store.
        index: The credential's log index.
    """
    if index >= repository.checkpoint.size:
        return None
    return repository.proof_for(index).encode()


def _name(repository: Repository, name: str) -> str:
    return f"store-{repository.store_id.short}-{name}"
