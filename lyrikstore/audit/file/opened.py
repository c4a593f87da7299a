"""Evidence whose objects are read, and applied in the order of the log (spec §22.4)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self, TypeVar, get_args

from lyrikstore.audit.file.evidence import AuditEvidence
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    KeyMaterialError,
    NotFoundError,
    VerificationError,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.proofs.eddsa_jcs import signing_key
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.checkpoint import EntryType
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.refs import RefState, RefTable

T = TypeVar("T")


class OpenedEvidence:
    """The manifests and credentials of evidence, with their place in the log and their effect.

    Attributes:
        evidence: The evidence.
        manifests: Id → manifest, verified by its signature, in log order.
        newer: Ids of manifests of a format version that this program does not know.
        credentials: Id → credential, in log order; not verified.
        table: The refs that the manifests give, applied in log order.
    """

    def __init__(self, evidence: AuditEvidence) -> None:
        self.evidence = evidence
        self.checkpoint = None
        self.manifests: dict[Digest, Manifest] = {}
        self.newer: list[Digest] = []
        self.credentials: dict[Digest, OpenedCredential] = {}
        self.table = RefTable()
        self._positions: dict[tuple[EntryType, Digest], int] = {}
        self._derived: dict[Any, Any] = {}
        self._entries = tuple(
            LoggedEntry(index, leaf.type, leaf.id, 0) for index, leaf in enumerate(evidence.leaves)
        )
        for index, leaf in enumerate(evidence.leaves):
            self._positions.setdefault((leaf.type, leaf.id), index)
            data = evidence.objects.get(leaf.id)
            if data is None:
                continue
            if leaf.type == "manifest":
                self._apply(index, leaf.id, data)
            elif leaf.type == "credential" and leaf.id not in self.credentials:
                self.credentials[leaf.id] = OpenedCredential(data)

    def _apply(self, index: int, identity: Digest, data: bytes) -> None:
        try:
            manifest = self.manifests.get(identity) or parse_manifest(data)
        except (FormatError, KeyMaterialError, VerificationError) as error:
            if error.kind == "newer-format":
                self.newer.append(identity)
            elif self.table.store is not None:
                self.table.flag(index, identity, "invalid")
            return
        if self.table.store is None and index:
            return  # without its genesis nothing has effect; `store.genesis` says so
        try:
            self.table.apply(index, manifest)
        except VerificationError:
            return
        self.manifests[identity] = manifest

    def index_of(self, identity: Digest, kind: EntryType = "manifest") -> int:
        """Return the log index of the first entry of a type with an id.

        Raises:
            NotFoundError: (``not-logged``) there is none.
        """
        found = self._positions.get((kind, identity))
        if found is None:
            raise NotFoundError("not-logged", f"{identity.short} is not logged as a {kind}")
        return found

    def manifest(self, identity: Digest) -> Manifest:
        """Return a manifest of the file.

        Raises:
            NotFoundError: (``not-logged``, ``no-blob``) no entry names it, or it is not in it.
        """
        self.index_of(identity)
        if identity not in self.manifests:
            raise NotFoundError("no-blob", f"manifest {identity.short} is not in the file")
        return self.manifests[identity]

    @cached_property
    def without_effect(self) -> Mapping[Digest, str]:
        """Manifests without effect: id → code of the reason."""
        return {one.id: one.reason for one in self.table.flagged if one.reason != "already-logged"}

    @cached_property
    def effective(self) -> tuple[Manifest, ...]:
        """The manifests with effect, in log order."""
        gone = self.without_effect
        return tuple(one for one in self.manifests.values() if one.id not in gone)

    @cached_property
    def lineage(self) -> Lineage:
        """The lineage of all manifests with effect."""
        return Lineage.read(self, *(one.id for one in self.effective))

    @property
    def left_out(self) -> int:
        """How many manifests and credentials of the log are not in the file."""
        named = {one.id for one in self.evidence.leaves if one.type != "transaction"}
        return len(named) - len(named & self.evidence.objects.keys())

    def entries(self) -> Sequence[LoggedEntry]:
        """Return every entry of the log, in order; no object says by which transaction."""
        return self._entries

    def is_logged(self, identity: Digest, kind: EntryType | None = None) -> bool:
        """Return whether an entry of a type, or of any, has an id."""
        kinds = get_args(EntryType) if kind is None else (kind,)
        return any((one, identity) in self._positions for one in kinds)

    def all_manifests(self) -> Iterator[tuple[LoggedEntry, Manifest]]:
        """Yield every manifest of the file, in log order; those without effect, too."""
        for one in self.manifests.values():
            yield self._entries[self.index_of(one.id)], one

    def credential(self, identity: Digest) -> bytes:
        """Return the bytes of a credential of the file.

        Raises:
            NotFoundError: (``not-logged``, ``no-blob``) as :meth:`manifest`.
        """
        self.index_of(identity, "credential")
        if identity not in self.credentials:
            raise NotFoundError("no-blob", f"credential {identity.short} is not in the file")
        return self.credentials[identity].data

    def signing_key(self, data: bytes) -> PublicKey | None:
        """Return the key whose signature on a credential verifies, or None."""
        return signing_key(data)

    def derived(self, make: Callable[[Self], T]) -> T:
        """Return the result of ``make`` for this evidence, computed once."""
        if make not in self._derived:
            self._derived[make] = make(self)
        found: T = self._derived[make]
        return found

    @property
    def policy(self) -> Policy:
        """The policy in force after the last entry.

        Raises:
            NotFoundError: (``no-blob``) the genesis manifest is not in the file.
        """
        if self.table.policy is None:
            raise NotFoundError("no-blob", "the genesis manifest is not in the file")
        return self.table.policy

    @property
    def refs(self) -> Mapping[str, RefState]:
        """Name → its state after the last entry, by the manifests of the file."""
        return self.table.refs

    def policy_before(self, index: int | None) -> Policy:
        """Return the policy in force for an entry; None: the one in force after the last.

        Raises:
            NotFoundError: (``no-blob``) as :attr:`policy`.
        """
        if index is not None:
            for since, policy in reversed(self.table.policies):
                if since < index:
                    return policy
        return self.policy

    def of_kind(self, *kinds: str) -> Iterator[Manifest]:
        """Yield the manifests with effect of some kinds, in log order."""
        return (one for one in self.effective if one.kind in kinds)


def open_evidence(data: bytes) -> OpenedEvidence:
    """Return evidence with its objects read.

    Raises:
        FormatError: (``bad-audit``) it is not evidence of this version.

    Cost: one signature for each manifest.
    """
    return OpenedEvidence(AuditEvidence.parse(data))
