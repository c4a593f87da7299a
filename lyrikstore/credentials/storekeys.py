"""What stores say of keys, as far as it lies beside a credential (spec §11.4.5).

A delivery brings its store's policies with their log proofs; whoever attests something may have a
store as well, and lay the same beside it. Nothing here believes a date (attack cases A26, A27).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.history.keyhistory import KeyHistory, Ruled
from lyrikstore.history.kinds import GENESIS_NAME
from lyrikstore.history.log import Leaf, SignedCheckpoint, TlogProof
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.policy import Policy
from lyrikstore.history.refs import check_genesis

if TYPE_CHECKING:  # who verifies a delivery has no store, and loads none
    from lyrikstore.history.repository import Repository

PROOF_HEAD = b"c2sp.org/tlog-proof@v1\n"
"""How every log proof starts; a proof is found by it, for no digest names it."""

MAX_POLICIES = 128
"""Most policies that may lie beside a credential."""

MAX_STORES = 8
"""Most stores that may be said to speak of one key."""

_STORE = re.compile(rb'"store":"(blake3:[0-9a-f]{64})"')


class Places(Protocol):
    """Where things are shown to be logged."""

    def take(
        self,
        leaf: Leaf,
        keys: Sequence[VerifierKey],
        check: Callable[[SignedCheckpoint], None] = lambda _: None,
    ) -> int | None:
        """Return the log index of ``leaf``, or None if nothing shows it; see :class:`Proofs`."""


class Proofs:
    """The log proofs beside a credential, each good for the entry it leads from.

    Args:
        files: Those that start with :data:`PROOF_HEAD`.
    """

    def __init__(self, files: Iterable[bytes]) -> None:
        self._files = tuple(files)
        self._parsed: list[TlogProof | LyrikstoreError] = []
        self._used: set[int] = set()
        self._found: dict[Leaf, int] = {}
        for data in self._files:
            try:
                self._parsed.append(TlogProof.parse(data))
            except LyrikstoreError as error:
                self._parsed.append(error)
        places = [
            (proof.index, number)
            for number, proof in enumerate(self._parsed)
            if isinstance(proof, TlogProof)
        ]
        self._order = [number for _, number in sorted(places)]
        self._next = 0

    def take(
        self,
        leaf: Leaf,
        keys: Sequence[VerifierKey],
        check: Callable[[SignedCheckpoint], None] = lambda _: None,
    ) -> int | None:
        """Return where ``leaf`` is shown to be logged, or None; that proof is for nothing else.

        Args:
            leaf: The entry.
            keys: The log's keys.
            check: Refuses log checkpoints that one of them should not have signed.
        """
        if leaf in self._found:
            return self._found[leaf]
        # Nothing in a proof names its leaf. But policies are asked for in the order of the log: so
        # from the last that was found on, or each would be held against the proofs of all others.
        order = (*self._order[self._next :], *self._order[: self._next])
        for turn, number in enumerate(order, self._next + 1):
            proof = self._parsed[number]
            # Cheap first: no signature for the proof of something else.
            if isinstance(proof, TlogProof) and number not in self._used and proof.is_of(leaf):
                try:
                    signed = proof.verify(leaf, keys)
                    check(signed)
                except LyrikstoreError:
                    continue
                self._used.add(number)
                self._next = turn % len(order)
                self._found[leaf] = proof.index
                return proof.index
        return None

    @property
    def taken(self) -> list[bytes]:
        """The files of the proofs taken."""
        return [self._files[number] for number in sorted(self._used)]

    @property
    def others(self) -> list[TlogProof | LyrikstoreError]:
        """The proofs not taken, and why those that are none are none."""
        return [one for number, one in enumerate(self._parsed) if number not in self._used]


def read_history(
    genesis: Manifest, founded: Policy, files: Iterable[bytes], proofs: Proofs
) -> KeyHistory:
    """Return the store's policies, as far as they lie beside the credential and are logged.

    Args:
        genesis: The verified genesis manifest.
        founded: Its policy.
        files: What lies there.
        proofs: The log proofs there.

    Raises:
        IncompleteError: (``too-many-policies``) there are more than are read.
    """

    def logged(item: Manifest, keys: Sequence[VerifierKey]) -> int | None:
        return proofs.take(Leaf("manifest", item.id), keys)

    named = str(genesis.id).encode()
    found = [data for data in files if _is_manifest(data, b"policy") and named in data]
    if len(found) > MAX_POLICIES:
        # ATTACK: whoever holds a stolen key crowds out the policy that says so (A26).
        raise IncompleteError(
            "too-many-policies",
            f"{len(found)} policies of the store are at hand, more than the {MAX_POLICIES} that "
            "are read",
        )
    candidates: list[Manifest] = []
    for data in found:
        with suppress(LyrikstoreError):
            candidates.append(parse_manifest(data))
    return KeyHistory.follow(genesis, founded, candidates, logged)


class Statements(Struct, frozen=True):
    """Founding manifests, policies and log proofs of whatever stores; nothing verified yet.

    Attributes:
        geneses: Files that say they found a store.
        policies: Files that say they are a policy.
        proofs: Log proofs.
        here: The policies of the reader's own store, and its log, if there is one.
    """

    geneses: Sequence[bytes] = ()
    policies: Sequence[bytes] = ()
    proofs: Sequence[bytes] = ()
    here: tuple[KeyHistory, Places] | None = None
    _ids: dict[bytes, Digest] = field(default_factory=dict)
    _read_before: dict[bytes, tuple[str, KeyHistory, Proofs] | LyrikstoreError] = field(
        default_factory=dict
    )

    @classmethod
    def among(cls, files: Iterable[bytes]) -> "Statements":
        """Return those among ``files``, in their order. Cost: reads no others."""
        found = tuple(files)
        return cls(
            tuple(data for data in found if _is_manifest(data, b"genesis")),
            tuple(data for data in found if _is_manifest(data, b"policy")),
            tuple(data for data in found if data.startswith(PROOF_HEAD)),
        )

    def _id(self, data: bytes) -> Digest:
        if data not in self._ids:
            self._ids[data] = Digest.of(data)
        return self._ids[data]

    def of(self, store: Digest) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the policies of ``store``, with the log proofs left over, if they are at hand.

        Raises:
            IncompleteError: (``too-many-policies``) more than are read.
        """
        if self.here is not None and self.here[0].store == store:
            yield self.here
            return
        for data in self.geneses:
            if self._id(data) == store:
                yield from self._read(data, None)
                return

    def about(self, key: str, store: Digest | None) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the policies, with the log proofs left over, of the stores that speak of ``key``.

        Anybody can found a store and say in it anything of other people's keys. So one counts
        only if the key itself named it: by signing what names ``store``, or by founding it.

        Args:
            key: As did:key.
            store: The store named in what the key signed, or None.

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
        """Yield the policies, likewise, of the stores that name ``key`` a successor, as said there.

        Of too many stores, or policies of one, some are left out: then the key is not believed.

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
        """Return the files that say what became of ``key``, as far as they hold, each once.

        They are what a verifier needs later who is handed only what ``key`` signed: founding
        manifests, policies and their log proofs of the stores that speak of it, or name it a
        successor, and of those that speak of its predecessors; and the log proof of ``leaf``.

        Args:
            key: As did:key.
            store: The store named in what the key signed, or None.
            leaf: What the key signed, as a log has it.

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
                        hint="ask whoever owns it for all it says: key statements -o FOLDER",
                    )
                place = proofs.take(leaf, history.log_keys, history.check_head)
                if place is not None or len(history.policies) > 1:
                    ids = {ruled.id for ruled in history.policies}
                    said = (*self.geneses, *self.policies)
                    kept |= dict.fromkeys(data for data in said if Digest.of(data) in ids)
                    kept |= dict.fromkeys(proofs.taken)
        return list(kept)

    def _read(self, data: bytes, founder: str | None) -> Iterator[tuple[KeyHistory, Places]]:
        """Yield the store that ``data`` founds, if it does, and if ``founder`` signed it."""
        found = self._read_before.get(data)
        if found is None:  # once, however many credentials lie there
            try:
                found = self._read_store(data)
            except LyrikstoreError as error:
                found = error
            self._read_before[data] = found
        if isinstance(found, IncompleteError):
            raise found
        if not isinstance(found, LyrikstoreError) and founder in {None, found[0]}:
            yield found[1:]

    def _read_store(self, data: bytes) -> tuple[str, KeyHistory, Proofs]:
        genesis = parse_manifest(data)
        policy = check_genesis(genesis).policy
        proofs = Proofs(self.proofs)
        return genesis.author, read_history(genesis, policy, self.policies, proofs), proofs


NO_STATEMENTS = Statements()


def is_statement(data: bytes) -> bool:
    """Return whether ``data`` says, unverified, that it is what :class:`Statements` holds."""
    return data.startswith(PROOF_HEAD) or any(
        _is_manifest(data, kind) for kind in (b"genesis", b"policy")
    )


def check_statement(data: bytes) -> None:
    """Return if a statement is what it says it is; whether anybody is to hear it is left open.

    Raises:
        LyrikstoreError: It is not.
    """
    if data.startswith(PROOF_HEAD):
        TlogProof.parse(data)
    else:
        parse_manifest(data)


class Logged(Struct, frozen=True):
    """The log of a store that is open here: it needs no proof of what it holds.

    Attributes:
        repository: The store.
    """

    repository: "Repository"

    def take(
        self,
        leaf: Leaf,
        _keys: Sequence[VerifierKey],
        _check: Callable[[SignedCheckpoint], None] = lambda _: None,
    ) -> int | None:
        """Return the log index of ``leaf``, or None."""
        with suppress(LyrikstoreError):
            return self.repository.index_of(leaf.id, leaf.type)
        return None


def statements_here(repository: "Repository") -> tuple[KeyHistory, Places]:
    """Return what the store that is open here says of keys.

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
    return KeyHistory(tuple(policies)), Logged(repository)


def _is_manifest(data: bytes, kind: bytes) -> bool:
    return data.startswith(b'{"') and b'"kind":"' + kind + b'"' in data
