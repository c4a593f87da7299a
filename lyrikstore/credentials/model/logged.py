"""The credentials that a store has logged, each opened once for whoever works on one view of it."""

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.history.repository.repository import Repository


class _Opened(dict[Digest, OpenedCredential]):
    def __init__(self, _: Repository) -> None:
        super().__init__()


def logged_credential(repository: Repository, identity: Digest) -> OpenedCredential:
    """Return a logged credential; of one view of a store it is read and verified once.

    Raises:
        NotFoundError, IncompleteError, VerificationError: As :meth:`Repository.credential`.
    """
    opened = repository.derived(_Opened)
    if identity not in opened:
        data = repository.credential(identity)
        opened[identity] = OpenedCredential(data, repository.signing_key)
    return opened[identity]
