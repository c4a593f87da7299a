"""Key statements: the policies and log proofs by which others judge a store's keys (spec §11.4)."""

from lyrikstore.canon.errors import LyrikstoreError, PolicyError
from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
from lyrikstore.credentials.model.credential import ATTESTATION, GRANT
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.log_heads import consistency_for_keys

MAX_PROOFS = 16
"""Number of log proofs written with statements, the newest; a verifier reads 64 files in all."""


def share_said(repository: Repository) -> float:
    """Return the size of a store's policies as a share of the verifiers' limit (spec §11.4).

    Args:
        repository: The store.

    Returns:
        The share; above 1, verifiers refuse them.

    Cost: reads every policy.
    """
    history = repository.refs[GENESIS_NAME].history
    size = sum(len(repository.manifest(identity).encode()) for identity in history)
    return max((len(history) - 1) / MAX_POLICIES, size / MAX_RULES_BYTES)


def check_few_statements(repository: Repository) -> None:
    """Raise ``too-many-policies`` if a store has more policies than verifiers read.

    Args:
        repository: The store.

    Raises:
        PolicyError: (``too-many-policies``) verifiers refuse its key statements (spec §11.4).
    """
    if share_said(repository) > 1:
        changes = len(repository.refs[GENESIS_NAME].history) - 1
        raise PolicyError(
            "too-many-policies",
            f"this store has changed its keys {changes} times, which is more than a verifier "
            f"reads ({MAX_POLICIES} changes, {MAX_RULES_BYTES >> 20} MiB): its credentials could "
            "not be verified",
            hint="found a new store, lyrikstore init, import the data there and issue from it; "
            "credentials issued before stay valid",
        )


def key_statements(repository: Repository) -> dict[str, bytes]:
    """Return every policy after the first, and its log proof: file name → bytes.

    Verifiers find them by content, so they can be put next to any delivery of the store, also an
    earlier one. Policies that are not pushed yet are omitted, as they cannot be verified.

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
    """Return the founding manifest of a store, and its :func:`key_statements`.

    Args:
        repository: The store.

    Returns:
        File name → bytes, under names that no other store's statements have.
    """
    files = {"genesis.json": repository.genesis.encode(), **key_statements(repository)}
    return {_name(repository, name): data for name, data in files.items()}


def statements_for_others(repository: Repository) -> dict[str, bytes]:
    """Return :func:`store_statements`, and the proofs to verify other deliveries with them.

    The consistency file proves that an earlier delivery is from this log, and what a compromised
    key signed before it was compromised. Log proofs of attestations and grants by retired keys
    prove that these were logged before the key was retired.

    Args:
        repository: The store.

    Returns:
        File name → bytes, under names that no other store's statements have.
    """
    files = store_statements(repository)
    for name, data in consistency_for_keys(repository).items():
        files[_name(repository, name)] = data
    current, proofs = repository.policy.keys, 0
    for entry in reversed(repository.entries()[: repository.checkpoint.size]):
        if entry.type != "credential" or proofs == MAX_PROOFS:
            continue
        try:
            credential = logged_credential(repository, entry.id)
        except LyrikstoreError:
            continue  # `verify` reports it
        if credential.kind in {ATTESTATION, GRANT} and credential.signer not in current:
            proof = repository.proof_for(entry.index)
            name = f"credential-{entry.id.short}.tlog-proof"
            files[_name(repository, name)] = proof.encode()
            proofs += 1
    return files


def credential_proof(repository: Repository, index: int) -> bytes | None:
    """Return the log proof of a credential, or None if it is not pushed yet.

    Args:
        repository: The store.
        index: The credential's log index.
    """
    if index >= repository.checkpoint.size:
        return None
    return repository.proof_for(index).encode()


def _name(repository: Repository, name: str) -> str:
    return f"store-{repository.store_id.short}-{name}"
