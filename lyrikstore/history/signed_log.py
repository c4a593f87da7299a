"""What readers of signed objects need of a store: its log, and the objects that the log names.

A :class:`~lyrikstore.history.repository.repository.Repository` has it, and so has an audit file
(spec chapter 22): what is judged from it is judged in both by the same code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.history.log.checkpoint import EntryType
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.refs import RefState

T = TypeVar("T")


class SignedLog(Protocol):
    """A log, and the manifests and credentials that it names."""

    @property
    def policy(self) -> Policy:
        """The policy in force after the last entry."""

    @property
    def refs(self) -> Mapping[str, RefState]:
        """Name → its state after the last entry."""

    def entries(self) -> Sequence[LoggedEntry]:
        """Return every entry, in order."""

    def is_logged(self, identity: Digest, kind: EntryType | None = None) -> bool:
        """Return whether an entry of a type, or of any, has an id."""

    def index_of(self, identity: Digest, kind: EntryType = "manifest") -> int:
        """Return the index of the first entry of a type with an id, or raise."""

    def manifest(self, identity: Digest) -> Manifest:
        """Return a logged manifest, verified, or raise."""

    def all_manifests(self) -> Iterator[tuple[LoggedEntry, Manifest]]:
        """Yield every manifest that is valid, in log order."""

    def credential(self, identity: Digest) -> bytes:
        """Return the bytes of a logged credential, or raise."""

    def signing_key(self, data: bytes) -> PublicKey | None:
        """Return the key whose signature on a credential verifies, or None."""

    def policy_before(self, index: int | None) -> Policy:
        """Return the policy in force for the entry at an index."""

    def derived(self, make: Callable[[Any], T]) -> T:
        """Return the result of ``make`` for this log, computed once."""
