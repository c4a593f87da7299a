"""What stores say of keys: much of it is read once, and in the order of the log."""

from datetime import UTC, datetime

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import with_writer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.log_proofs import ProofFiles, Proofs

OWNER, LOG = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (1, 2))
ORIGIN = "example.org/archive"
NOW = datetime(2026, 11, 24, tzinfo=UTC)

hashed: list[Digest] = []


class Counted(Leaf, frozen=True):
    """A leaf that says how often it is held against a proof."""

    @property
    def hash(self) -> bytes:
        hashed.append(self.id)
        return Leaf(self.type, self.id).hash


def proofs_of(leaves: list[Leaf]) -> list[bytes]:
    hashes = [leaf.hash for leaf in leaves]
    note = LogCheckpoint(ORIGIN, len(hashes), merkle.root(hashes)).sign(LOG)
    return [
        TlogProof(at, tuple(merkle.inclusion_proof(hashes, at)), note).encode()
        for at in range(len(hashes))
    ]


def test_each_proof_is_looked_at_a_few_times_however_many_there_are() -> None:
    leaves = [Leaf("manifest", Digest.of(bytes([n % 256, n // 256]))) for n in range(384)]
    files = proofs_of(leaves)
    proofs = Proofs(
        ProofFiles(sorted(files, key=Digest.of))
    )  # whoever hands them over chose their order
    keys = [VerifierKey(ORIGIN, LOG.public)]
    hashed.clear()
    for number in range(0, 384, 3):  # the policies among them
        leaf = Counted("manifest", leaves[number].id)
        assert [place.index for place in proofs.under(leaf, keys)] == [number]
        assert [place.index for place in proofs.under(leaf, keys)] == [number]  # asked again
    assert len(hashed) < 3 * 384
    assert len(proofs.taken) == 128
    assert len(proofs.others) == 256
    assert proofs.under(Leaf("manifest", Digest.of(b"none of them")), keys) == []


POLICY = Policy.first(OWNER.did, [VerifierKey(ORIGIN, LOG.public)])


def founded() -> Manifest:
    return sign_manifest(
        kind="genesis",
        store=None,
        name=GENESIS_NAME,
        body=Genesis(ORIGIN, "0" * 32, POLICY).to_json(),
        signer=OWNER,
        created=NOW,
    )


def test_an_heir_is_sought_in_the_stores_whose_policies_name_him() -> None:
    genesis = founded()
    names = f'{{"kind":"policy","store":"{genesis.id}","successor":"{LOG.did}"}}'.encode()
    ((history, _),) = Statements.among([genesis.encode(), names]).naming(LOG.did)
    assert history.store == genesis.id
    # Files are not held one against the other: a policy of another store, of whatever it speaks.
    elsewhere = names.replace(b'"store":', b'"about":')
    assert list(Statements.among([genesis.encode(), elsewhere]).naming(LOG.did)) == []


def test_a_store_is_read_once_for_all_that_ask() -> None:
    genesis = founded()
    later = replace(with_writer(LOG.did, None)(POLICY), version=2)
    following = sign_manifest(
        kind="policy",
        store=genesis.id,
        name=GENESIS_NAME,
        parents=[genesis.id],
        body={"policy": later.to_json()},
        signer=OWNER,
        created=NOW,
    )
    files = proofs_of([Leaf("manifest", genesis.id), Leaf("manifest", following.id)])
    said = Statements.among([genesis.encode(), following.encode(), *files])
    ((history, proofs),) = said.of(genesis.id)
    assert [one.policy.version for one in history.policies] == [1, 2]
    for again in (*said.of(genesis.id), *said.about(OWNER.did, None), *said.about("x", genesis.id)):
        assert again[0] is history
        assert again[1] is proofs
    assert list(said.about(LOG.did, None)) == []  # it founded no store, and named none


def test_a_policy_is_of_the_store_it_says_it_is_of_and_no_other() -> None:
    genesis = founded()
    elsewhere = f'"store":"blake3:{"0" * 64}","about":["{genesis.id}"]'
    others = [f'{{"kind":"policy",{elsewhere},"n":{n}}}'.encode() for n in range(129)]
    ((history, _),) = Statements.among([genesis.encode(), *others]).of(genesis.id)
    assert history.store == genesis.id
    assert history.unproven == ()
