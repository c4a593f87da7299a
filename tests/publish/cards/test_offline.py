"""A card judged without its store, where the key that signed it was stolen."""

import pytest

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked, with_writer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.consistency_file import consistency_file
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.publish.cards.gathering.form import FORMAT
from lyrikstore.publish.cards.offline_card import (
    is_card,
    sibling_card,
    store_named,
    verify_card_alone,
)
from lyrikstore.publish.cards.statement import STATES
from lyrikstore.verify.report import Verdict
from tests.publish.cards.making import make

OWNER, NEXT, THIRD = (
    made.OWNER,
    *(KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (5, 7)),
)
GENESIS = made.world().genesis
FILES = {
    "card": b'{"format":"card/1"}',
    "markdown": b"# A model card\n",
    "html": b"<p>A model card",
}
TEXT = FILES["markdown"]
TRUST = parse_trust(
    b"version = 1\n"
    + b"".join(
        f'\n[[issuer]]\ndid = "{who.did}"\nnickname = "{name}"\n'.encode()
        for who, name in ((OWNER, "Acme"), (NEXT, "Next"))
    ),
    lambda _: b"",
)
MODEL, PROFILE = Digest.of(b"a model"), b"a profile"
CARD = sign_manifest(
    kind="card",
    store=GENESIS.id,
    name="cards/acme/clauses",
    body={
        "profile": FORMAT,
        "statements": 1,
        "notEstablished": 0,
        "evidence": [str(MODEL)],
        "profiles": [
            {
                "profile": "huggingface/5",
                "digest": str(Digest.of(PROFILE)),
                "asOf": "2026-11-28",
                "open": 0,
            }
        ],
        "states": dict.fromkeys(STATES, 0),
        "renderings": {"markdown": "markdown/1", "html": "html/1"},
    },
    signer=OWNER,
    created=made.NOW,
    inputs=[Input("checkpoint", "checkpoint", MODEL)],
    attachments=[
        *(Attachment(role, Digest.of(data), len(data)) for role, data in FILES.items()),
        Attachment("profile", Digest.of(PROFILE), len(PROFILE)),
    ],
)


def policy(change, signer, before: Manifest) -> Manifest:
    founded = before is GENESIS
    base = Genesis.parse(before.body).policy if founded else Policy.parse(before.body["policy"])
    value = {**change(base).to_json(), "version": base.version + 1}
    return sign_manifest(
        kind="policy",
        store=GENESIS.id,
        name="policies/store/main",
        body={"policy": value},
        parents=[before.id],
        signer=signer,
        created=made.NOW,
    )


def entry(number: int) -> Leaf:
    return Leaf("transaction", Digest.of(f"entry {number}".encode()))


def logged(*entries: Manifest | Leaf) -> list[bytes]:
    leaves = [one if isinstance(one, Leaf) else Leaf("manifest", one.id) for one in entries]
    return [Leaf("manifest", GENESIS.id).hash, *(leaf.hash for leaf in leaves)]


def recorded(name: str, *entries: Manifest | Leaf) -> dict[str, bytes]:
    """Return manifests and their log proofs under the newest log checkpoint of that log."""
    hashes, files = logged(*entries), {}
    note = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes)).sign(made.LOG)
    for index, one in enumerate(entries, 1):
        if isinstance(one, Manifest):
            proof = TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note)
            files[f"{name}-{index}.json"] = one.encode()
            files[f"{name}-{index}.tlog-proof"] = proof.encode()
    return files


THEFT = policy(revoked(OWNER.did, 3, NEXT.did), OWNER, GENESIS)
MORE = policy(with_writer(THIRD.did, None), NEXT, THEFT)
THEFTS = (entry(1), entry(2), entry(3), entry(4), THEFT, MORE)


def shown(log: tuple[Manifest | Leaf, ...]) -> dict[str, bytes]:
    made_file, leaves = consistency_file(made.ORIGIN, logged(*log), [3], leaves=3)
    return {"said.json": made_file.encode(), "said.leaves": leaves}


@pytest.mark.parametrize(
    ("files", "verdict", "reason"),
    [
        ({}, Verdict.TRUSTED, None),
        (recorded("owner", entry(1), CARD, entry(3), entry(4), THEFT, MORE), Verdict.TRUSTED, None),
        (recorded("owner", *THEFTS), Verdict.INCOMPLETE, "no-consistency"),
        (recorded("owner", *THEFTS) | shown(THEFTS), Verdict.INVALID, None),
        (
            recorded("owner", entry(1), CARD, *THEFTS[2:]) | shown((entry(1), CARD, *THEFTS[2:])),
            Verdict.TRUSTED,
            None,
        ),
    ],
    ids=["alone", "in-one-log", "back-dated", "back-dated-and-leaves-say-so", "honest"],
)
def test_a_card_by_a_key_that_was_stolen(files, verdict, reason) -> None:
    beside = {"genesis.json": GENESIS.encode(), **recorded("card", entry(1), CARD), **files}
    found = sibling_card(TEXT, beside)
    assert found is not None
    report = verify_card_alone(TEXT, found, beside, trust=TRUST, at=made.NOW)
    assert report.verdict is verdict, report
    if reason is not None:
        assert report.check("manifest.signature").detail["reason"] == reason


@pytest.mark.parametrize("role", FILES)
def test_each_file_of_a_card_is_it(role) -> None:
    beside = {"genesis.json": GENESIS.encode(), **recorded("card", entry(1), CARD)}
    report = verify_card_alone(FILES[role], CARD, beside, trust=TRUST, at=made.NOW)
    assert report.verdict is Verdict.TRUSTED, report
    profile = verify_card_alone(PROFILE, CARD, beside, trust=TRUST, at=made.NOW)
    assert profile.verdict is Verdict.INVALID  # what it answers is no card


def test_what_is_looked_at_as_a_card(full_chain) -> None:
    card = make(full_chain)
    for role, data in card.renderings.items():
        assert is_card(data, {"html": ".html"}.get(role, ".txt")), role
        if role != "pdf":  # whose text is packed
            assert store_named(data) == str(full_chain.repository.store_id), role
    assert is_card(card.manifest.encode())
    assert not is_card(GENESIS.encode(), ".json")
    assert not is_card(b'{"kind":"card"}', ".json")
