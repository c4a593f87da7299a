"""What a buyer needs to judge a publisher's keys: the policies of a store, each with its proof."""

from lyrikstore.history.kinds import GENESIS_NAME
from lyrikstore.history.repository import Repository


def key_statements(repository: Repository) -> dict[str, bytes]:
    """Return file name → bytes of every policy after the first, and of its log proof.

    They are found by what they are, so they can be laid beside any delivery of the store, also one
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


def credential_proof(repository: Repository, index: int) -> dict[str, bytes]:
    """Return the file that shows where a credential is logged; none while it waits locally.

    Args:
        repository: The store.
        index: The credential's log index.
    """
    if index >= repository.checkpoint.size:
        return {}
    return {"credential.tlog-proof": repository.proof_for(index).encode()}
