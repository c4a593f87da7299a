"""Makes ``verdicts/{attester,grant}-keys.json``: attestations and grants by keys that changed.

They begin like ``attestations.json`` and ``grants.json``, and have beside them what a store said of
its keys: its founding manifest, its policies, and log proofs. The expected answers are written by
hand.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import make_attestations as others
import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.jsontext import parse
from lyrikstore.credentials.credentialcheck import Claims
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.signer import KeySigner
from lyrikstore.history import merkle
from lyrikstore.history.log import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.manifest import Manifest, sign_manifest
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.policy import Genesis, Policy
from lyrikstore.history.succession import revoked, rotated
from verdicts_of_organisations import key_cases

ORIGIN = "audit.example/log"
NEXT, LOG = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0xA1, 0xA2))


def make() -> dict[str, Any]:
    """Return file name → content."""
    known = others.make()
    return {
        "verdicts/attester-keys.json": _attesters(known["verdicts/attestations.json"]["base"]),
        "verdicts/grant-keys.json": _grants(known["verdicts/grants.json"]["base"]),
    }


def _founded(founder: KeySigner, named: KeySigner | None = None) -> Manifest:
    """Return the genesis of a store whose policy names ``named`` beside its founder."""
    policy = Policy.sole(founder.did, VerifierKey(ORIGIN, LOG.public))
    if named is not None:
        both = (founder.did, named.did)
        roles = {name: replace(role, keys=both) for name, role in policy.roles.items()}
        policy = Policy(1, roles, policy.logs)
    return sign_manifest(
        kind="genesis", store=None, name="policies/store/main", signer=founder, created=made.NOW,
        body=Genesis(ORIGIN, "11" * 16, policy).to_json(),
    )  # fmt: skip


def _policy(genesis: Manifest, change: Any, signer: KeySigner) -> Manifest:
    value = change(Genesis.parse(genesis.body).policy).to_json()
    return sign_manifest(
        kind="policy", store=genesis.id, name="policies/store/main", parents=[genesis.id],
        body={"policy": {**value, "version": 2}}, signer=signer, created=made.NOW,
    )  # fmt: skip


def _files(
    genesis: Manifest, *entries: Manifest | str, without: str = "/", log: KeySigner = LOG
) -> dict[str, str]:
    """Return what lies beside: the log is genesis, a transaction, then ``entries``."""
    leaves = [Leaf("manifest", genesis.id), Leaf("transaction", Digest.of(b"a record"))]
    leaves += [
        Leaf("credential", Digest.of(entry.encode()))
        if isinstance(entry, str)
        else Leaf("manifest", entry.id)
        for entry in entries
    ]
    hashes = [leaf.hash for leaf in leaves]
    origin = Genesis.parse(genesis.body).origin
    note = LogCheckpoint(origin, len(hashes), merkle.root(hashes)).sign(log)
    files = {"store-genesis.json": genesis.encode().decode()}
    for index, entry in enumerate(entries, 2):
        proof = TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note)
        name = f"store-{'credential' if isinstance(entry, str) else 'policy'}"
        files[f"{name}.tlog-proof"] = proof.encode().decode()
        if not isinstance(entry, str):
            files[f"{name}.json"] = entry.encode().decode()
    return {name: text for name, text in files.items() if not name.startswith(without)}


def _attesters(base: dict[str, Any]) -> dict[str, Any]:
    auditor, mallory = others.AUDITOR, made.MALLORY
    attested = base["siblings"]["attestation-1.json"]
    own = _founded(auditor)
    rotation = _policy(own, rotated(auditor.did, NEXT.did), auditor)
    stolen = {n: _policy(own, revoked(auditor.did, n, NEXT.did), auditor) for n in (2, 3)}
    strange = _founded(mallory, auditor)
    libel = _policy(strange, revoked(auditor.did, 2), mallory)
    unlogged = "store-credential"
    nobody = {"trust": others.trust((made.OWNER.did, "Acme", "publisher"))}

    def case(name: str, verdict: str, reason: str, files: dict[str, str], **more: Any) -> Any:
        return name, verdict, {"attestations": reason}, {"siblings": files, **more}

    rows = [
        case("current", "trusted", "pass", _files(own, attested)),
        case("succeeded", "trusted", "pass", _files(own, attested, rotation)),
        case("succeeded-unlogged", "incomplete", "unlogged",
             _files(own, attested, rotation, without=unlogged)),
        case("retired-before-it-signed", "invalid", "retired", _files(own, rotation, attested)),
        case("compromised-later", "trusted", "pass", _files(own, attested, stolen[3])),
        case("compromised-at-its-index", "invalid", "compromised",
             _files(own, attested, stolen[2])),
        case("compromised-unlogged", "invalid", "compromised",
             _files(own, attested, stolen[3], without=unlogged)),
        case("compromised-by-nobody-you-know", "trusted", "compromised",
             _files(own, attested, stolen[2]), **nobody),
        case("retired-by-nobody-you-know", "trusted", "retired",
             _files(own, rotation, attested), **nobody),
        case("policy-unproven", "trusted", "pass",
             {name: text for name, text in _files(own, attested, stolen[2]).items()
              if name != "store-policy.tlog-proof"}),
        case("proof-by-another-log-key", "trusted", "pass",
             _files(own, attested, stolen[2], log=made.LOG)),
        case("a-store-that-somebody-else-founded", "trusted", "pass",
             _files(strange, attested, libel)),
        case("policy-by-a-stranger", "trusted", "pass",
             _files(own, attested, _policy(own, revoked(auditor.did, 2, NEXT.did), mallory))),
    ]  # fmt: skip
    return {
        "profile": "lyrik",
        "reader": "document/1: one record per file",
        "base": base,
        "cases": others.cases(rows),
    }


def _grants(base: dict[str, Any]) -> dict[str, Any]:
    owner, target = made.OWNER, base["target"]
    genesis = made.world().genesis
    rotation = _policy(genesis, rotated(owner.did, NEXT.did), owner)
    stolen = {n: _policy(genesis, revoked(owner.did, n, NEXT.did), owner) for n in (2, 3)}
    # A store of the thief's own, founded with the stolen key, says nothing against the publisher's.
    decoy = _files(_founded(owner), target)
    unlogged = "store-credential"

    def case(name: str, verdict: str, reason: str, *entries: Any, **more: Any) -> Any:
        files = _files(genesis, *entries, log=made.LOG, **more)
        return name, verdict, {"issuer.key": reason}, {"files": files}

    rows = [
        ("no-statement", "trusted", {"issuer.key": "n/a"}, {}),
        case("current", "trusted", "pass", target),
        case("succeeded", "trusted", "pass", target, rotation),
        case("succeeded-unlogged", "incomplete", "unlogged", target, rotation, without=unlogged),
        case("retired-before-it-signed", "invalid", "retired", rotation, target),
        case("compromised-later", "trusted", "pass", target, stolen[3]),
        case("compromised-at-its-index", "invalid", "compromised", target, stolen[2]),
        case("compromised-unlogged", "invalid", "compromised", target, stolen[3],
             without=unlogged),
        ("compromised-and-a-decoy", "invalid", {"issuer.key": "compromised"},
         {"files": {**_files(genesis, target, stolen[2], log=made.LOG),
                    **{f"decoy-{name}": text for name, text in decoy.items()}}}),
    ]  # fmt: skip
    delivery = made.world()
    about = Claims.of(parse(delivery.credential)["credentialSubject"])
    rows += key_cases(
        partial(others.granted, about),
        delivery.credential,
        {
            "succeeded": lambda one: _files(genesis, one, rotation, log=made.LOG),
            "retired-before-it-signed": lambda one: _files(genesis, rotation, one, log=made.LOG),
            "compromised-later": lambda one: _files(genesis, one, stolen[3], log=made.LOG),
            "compromised-at-its-index": lambda one: _files(genesis, one, stolen[2], log=made.LOG),
        },
    )
    return {"profile": "lyrik", "base": base, "cases": others.cases(rows)}
