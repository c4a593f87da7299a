"""Key statements: stores' policies about keys, in files next to a credential (spec §11.4.5).

A delivery contains its store's policies with their log proofs. An attester may have a store as
well, and add its policies and proofs. Dates decide nothing here (attack cases A26, A27).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.canon.limits import (
    MAX_POLICIES,
    MAX_RULE_PROOFS,
    MAX_RULES_BYTES,
    MAX_STORES,
)
from lyrikstore.history.log.checkpoint import Leaf, Place, TlogProof
from lyrikstore.history.log.consistency import NO_CONSISTENCY, Consistency
from lyrikstore.history.log.consistency_file import ConsistencyFiles
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import KeyHistory, Ruled
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.history.policy.policy_chain import follow_policies
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.verify.credential.log_proofs import PROOF_HEAD, Places, ProofFiles, Proofs

if TYPE_CHECKING:  # who verifies a delivery has no store, and loads none
    from lyrikstore.history.repository.repository import Repository


_STORE = re.compile(rb'"store":"(blake3:[0-9a-f]{64})"')


class Statements(Struct, frozen=True):
    """Genesis manifests, policies and log proofs of any stores; nothing is verified yet.

    Attributes:
        geneses: Files that claim to be a genesis manifest.
        policies: Files that claim to be a policy.
        proof_files: Log proofs.
        consistency_files: Consistency files of any logs.
        here: The policies of the reader's store, and its log, if the reader has one.
    """

    geneses: Sequence[bytes] = ()
    policies: Sequence[bytes] = ()
    proof_files: ProofFiles = field(default_factory=ProofFiles)
    consistency_files: ConsistencyFiles = field(default_factory=ConsistencyFiles)
    here: tuple[KeyHistory, Places] | None = None
    _by_store: Mapping[bytes, Sequence[bytes]] = field(default_factory=dict)
    _parsed: dict[bytes, Manifest | None] = field(default_factory=dict)
    _ids: dict[bytes, Digest] = field(default_factory=dict)
    _founders: dict[bytes, Manifest | None] = field(default_factory=dict)
    _stores: dict[Digest, tuple[KeyHistory, Proofs] | IncompleteError] = field(default_factory=dict)

    @classmethod
    def among(cls, files: Iterable[bytes]) -> "Statements":
        """Return the key statements among ``files``, in their order. Cost: reads no other files."""
        found = tuple(files)
        policies = tuple(data for data in found if _is_manifest(data, b"policy"))
        by_store: dict[bytes, list[bytes]] = {}
        for data in policies:
            for store in dict.fromkeys(_STORE.findall(data)):
                by_store.setdefault(store, []).append(data)
        return cls(
            tuple(data for data in found if _is_manifest(data, b"genesis")),
            policies,
            ProofFiles(data for data in found if data.startswith(PROOF_HEAD)),
            ConsistencyFiles(found),
            _by_store=by_store,
        )

    def read_store(self, genesis: Manifest, founded: Genesis) -> tuple[KeyHistory, Proofs]:
        """Return the policies of a store that are available and shown to be logged.

        Args:
            genesis: The verified genesis manifest.
            founded: Its parsed body.

        Returns:
            The policies, and the proofs of where other entries of its log are.

        Raises:
            IncompleteError: (``too-many-policies``, ``too-many-consistency-files``,
                ``too-many-log-checkpoints``) there are more files than are read.

        Cost: a signature for each file, once for all stores that are read; a store is read once.
        """
        if genesis.id not in self._stores:
            try:
                self._stores[genesis.id] = self._follow(genesis, founded)
            except IncompleteError as error:
                self._stores[genesis.id] = error
        found = self._stores[genesis.id]
        if isinstance(found, IncompleteError):
            raise found
        return found

    def _follow(self, genesis: Manifest, founded: Genesis) -> tuple[KeyHistory, Proofs]:
        consistency = Consistency(founded.origin, self.consistency_files)
        proofs = Proofs(self.proof_files, consistency)

        def shown(item: Manifest, keys: Sequence[VerifierKey]) -> Sequence[Place]:
            return proofs.under(Leaf("manifest", item.id), keys)

        found = self._by_store.get(str(genesis.id).encode(), ())
        if len(found) > MAX_POLICIES:
            # ATTACK: whoever holds a stolen key crowds out the policy that says so (A26).
            raise IncompleteError(
                "too-many-policies",
                f"{len(found)} policies of the store are at hand, more than the {MAX_POLICIES} "
                "that are read",
            )
        candidates = [self._manifest(data) for data in found]
        history = follow_policies(
            genesis,
            founded.policy,
            (item for item in candidates if item is not None),
            shown,
            consistency,
        )
        return history, proofs

    def _manifest(self, data: bytes) -> Manifest | None:
        # ATTACK: a hundred policies that each name a hundred stores.
        if data not in self._parsed:
            self._parsed[data] = None
            with suppress(LyrikstoreError):
                self._parsed[data] = parse_manifest(data)
        return self._parsed[data]

    def _id(self, data: bytes) -> Digest:
        if data not in self._ids:
            self._ids[data] = Digest.of(data)
        return self._ids[data]

    def of(self, store: Digest) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the policies of ``store``, with the remaining log proofs, if they are available.

        Raises:
            LyrikstoreError: As :meth:`Statements.read_store`.
        """
        if self.here is not None and self.here[0].store == store:
            yield self.here
            return
        for data in self.geneses:
            if self._id(data) == store:
                yield from self._read(data, None)
                return

    def about(self, key: str, store: Digest | None) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the policies, with the remaining log proofs, of the stores that count for ``key``.

        Anyone can found a store and write any policy about other people's keys. So a store counts
        only if the key itself named it: by signing a credential that names ``store``, or by
        founding the store.

        Args:
            key: As did:key.
            store: The store named in the credential that the key signed, or None.

        Raises:
            IncompleteError: (``too-many-stores``, ``too-many-policies``) more than are read.
        """
        if self.here is not None and (
            self.here[0].store == store or self.here[0].policies[0].author == key
        ):
            yield self.here
        # Cheap first: whoever lays a hundred there is not to cost a hundred signatures.
        named = {data for data in self.geneses if store is not None and self._id(data) == store}
        heard = [data for data in self.geneses if data in named or key.encode() in data]
        if len(heard) > MAX_STORES:
            # ATTACK: stores founded with a stolen key crowd out the one that says so.
            raise IncompleteError(
                "too-many-stores",
                f"{len(heard)} stores at hand name the key, more than the {MAX_STORES} that are "
                "read",
            )
        for data in heard:
            yield from self._read(data, None if data in named else key)

    def naming(self, key: str) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the policies, with the remaining log proofs, of the stores that name a successor.

        These are the stores whose policies name ``key`` as the successor of another key.

        If there are too many stores, or policies of one store, some are omitted: then the key is
        not trusted.

        Args:
            key: As did:key.
        """
        if self.here is not None:
            yield self.here
        said = [data for data in self.policies if f'"successor":"{key}"'.encode() in data]
        # ATTACK: hundreds of each. Every file is looked through once, not once for every other.
        named = {name for policy in said for name in _STORE.findall(policy)}
        wanted = [data for data in self.geneses if named and str(self._id(data)).encode() in named]
        for data in wanted[:MAX_STORES]:
            with suppress(IncompleteError):
                yield from self._read(data, None)

    def to_keep(self, key: str, store: Digest | None, leaf: Leaf) -> list[bytes]:
        """Return the valid files that show the later state of ``key``, each once.

        A later verifier needs them who receives only the signed credential: genesis manifests,
        policies and their log proofs of the stores that count for the key or name it as a
        successor, and of those that count for its predecessors; and the log proof of ``leaf``.

        Args:
            key: As did:key.
            store: The store named in the credential that the key signed, or None.
            leaf: The signed credential, as a log leaf.

        Raises:
            IncompleteError: (``too-many-stores``, ``too-many-policies``) more than are read;
                (``unproven-policy``) one of them has a policy that is not shown to be logged.
        """
        kept: dict[bytes, None] = {}
        named = list(self.naming(key))
        older = {who for history, _ in named for pair in history.named_by(key) for who in pair}
        for one in dict.fromkeys((key, *sorted(older))):
            for history, proofs in (*self.about(one, store), *(named if one == key else ())):
                if not isinstance(proofs, Proofs):
                    continue  # the store that is open: its own deliveries bring what it says
                if history.unproven:  # to keep the rest would be to hide it
                    raise IncompleteError(
                        "unproven-policy",
                        f"a policy of version {history.unproven[0]} of the store "
                        f"{history.store.short} is at hand without what shows that it is logged",
                        hint="ask its owner to run: lyrikstore key statements -o FOLDER",
                    )
                if proofs.of(leaf, history) or len(history.policies) > 1:
                    ids = {ruled.id for ruled in history.policies}
                    said = (*self.geneses, *self.policies)
                    kept |= dict.fromkeys(data for data in said if Digest.of(data) in ids)
                    kept |= dict.fromkeys(proofs.taken)
        return list(kept)

    def _read(self, data: bytes, founder: str | None) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the store that the manifest ``data`` founds, if ``founder`` signed it."""
        if data not in self._founders:  # once, however many credentials lie there
            self._founders[data] = None
            with suppress(LyrikstoreError):
                genesis = parse_manifest(data)
                check_genesis(genesis)
                self._founders[data] = genesis
        found = self._founders[data]
        if found is not None and founder in {None, found.author}:
            yield self.read_store(found, check_genesis(found))


NO_STATEMENTS = Statements()


def is_statement(data: bytes) -> bool:
    """Return whether ``data`` claims, unverified, to be a file of :class:`Statements`."""
    return data.startswith(PROOF_HEAD) or any(
        _is_manifest(data, kind) for kind in (b"genesis", b"policy")
    )


def check_few(files: Iterable[bytes]) -> bool:
    """Return whether the statements among ``files`` are few enough to be judged.

    ATTACK: sixty thousand keys in policies, each of which takes time to check; or log proofs of
    nothing, each of which must be tried with every policy.

    Args:
        files: Files that may be key statements.
    """
    rules, size, proofs = 0, 0, 0
    for data in files:
        if data.startswith(PROOF_HEAD):
            proofs += 1
        elif is_statement(data):
            rules, size = rules + 1, size + len(data)
    return size <= MAX_RULES_BYTES and rules * proofs <= MAX_RULE_PROOFS


def parse_statement(data: bytes) -> Manifest | TlogProof:
    """Parse a key statement; whether it counts is not judged.

    Raises:
        LyrikstoreError: The data is neither a manifest nor a log proof.
    """
    return TlogProof.parse(data) if data.startswith(PROOF_HEAD) else parse_manifest(data)


class OpenLog(Struct, frozen=True):
    """The log of an open store, whose entries need no log proof.

    Attributes:
        repository: The store.
    """

    repository: "Repository"

    consistency: ClassVar[Consistency] = NO_CONSISTENCY

    def of(self, leaf: Leaf, _history: KeyHistory) -> Sequence[Place]:
        """Return the place of ``leaf`` in the log, or nothing if it is not logged."""
        with suppress(LyrikstoreError):
            return [Place(self.repository.index_of(leaf.id, leaf.type))]
        return []


def statements_here(repository: "Repository") -> tuple[KeyHistory, Places]:
    """Return the policies of an open store, and its log.

    Args:
        repository: The store.

    Raises:
        LyrikstoreError: Its policies cannot be read.
    """
    founder = repository.genesis
    policies = [Ruled(0, check_genesis(founder).policy, founder.author, founder.id)]
    for identity in reversed(repository.refs[GENESIS_NAME].history[:-1]):
        manifest = repository.manifest(identity)
        policy = Policy.parse(manifest.body["policy"])
        index = repository.index_of(identity)
        policies.append(Ruled(index, policy, manifest.author, identity))
    return KeyHistory(tuple(policies)), OpenLog(repository)


def _is_manifest(data: bytes, kind: bytes) -> bool:
    return data.startswith(b'{"') and b'"kind":"' + kind + b'"' in data
