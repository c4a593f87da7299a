"""Logged credentials of a store, each opened once per view of the store."""

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.history.signed_log import SignedLog


class _Opened(dict[Digest, OpenedCredential]):
    def __init__(self, _: SignedLog) -> None:
        super().__init__()


def logged_credential(repository: SignedLog, identity: Digest) -> OpenedCredential:
    """Return a logged credential; each view of a store reads and verifies it once.

    Raises:
        NotFoundError, IncompleteError, VerificationError: As :meth:`SignedLog.credential`.
    """
    opened = repository.derived(_Opened)
    if identity not in opened:
        data = repository.credential(identity)
        opened[identity] = OpenedCredential(data, repository.signing_key)
    return opened[identity]
