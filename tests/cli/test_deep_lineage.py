"""A lineage ten thousand links deep is walked, judged and drawn like any other."""

from datetime import UTC, datetime

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore_cli.commands.lineage import draw

DEEP = 10_000


class Chain:
    """A store of manifests in which each was made from the one before, none of them signed."""

    checkpoint = None

    def __init__(self) -> None:
        owner = KeySigner(PrivateKey.from_seed(bytes(32)))
        policy = Policy.first(owner.did, [VerifierKey("log.example", owner.public)])
        base = sign_manifest(
            kind="genesis",
            store=None,
            name="policies/store/main",
            body=Genesis("log.example", "0" * 32, policy).to_json(),
            signer=owner,
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.base = replace(base, name="datasets/acme/x")
        self.ids = [Digest.of(str(number).encode()) for number in range(DEEP)]
        self.places = {identity: at for at, identity in enumerate(self.ids)}

    def index_of(self, identity: Digest) -> int:
        return self.places[identity]

    def manifest(self, identity: Digest) -> object:
        at = self.places[identity]
        inputs = (Input("source", "genesis", self.ids[at - 1]),) if at else ()
        return replace(self.base, inputs=inputs, id=identity)


def test_a_lineage_as_deep_as_somebody_likes() -> None:
    chain = Chain()
    graph = Lineage.read(chain, chain.ids[-1])
    assert graph.complete
    assert len(graph.nodes) == DEEP
    lines: list[str] = []
    draw(lines.append, graph, (), str)
    assert len(lines) == DEEP
    assert lines[1].startswith("└─ source: genesis")
    assert f"{DEEP - 1} deep: source: genesis" in lines[-1]
    assert max(map(len, lines)) < 250
