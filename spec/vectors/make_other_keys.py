"""Makes ``verdicts/{attester,grant}-keys.json``: attestations and grants by keys that changed.

They begin like ``attestations.json`` and ``grants.json``, and have beside them what a store said of
its keys: its founding manifest, its policies, and log proofs. The expected answers are written by
hand.
"""

from functools import partial
from typing import Any

from msgspec.structs import replace

import make_attestations as others
import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.credentials.model.credential import Claims
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import revoked, rotated
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from verdicts_of_organisations import key_cases

ORIGIN = "audit.example/log"
NEXT, LOG, LAST = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0xA1, 0xA2, 0xA3))


def make() -> dict[str, Any]:
    """Return file name → content."""
    known = others.make()
    return {
        "verdicts/attester-keys.json": _attesters(known["verdicts/attestations.json"]["base"]),
        "verdicts/grant-keys.json": _grants(known["verdicts/grants.json"]["base"]),
    }


def _founded(
    founder: KeySigner,
    named: KeySigner | None = None,
    *,
    origin: str = ORIGIN,
    nonce: str = "11",
) -> Manifest:
    """Return the genesis of a store whose policy names ``named`` beside its founder."""
    policy = Policy.first(founder.did, [VerifierKey(origin, LOG.public)])
    if named is not None:
        both = (founder.did, named.did)
        roles = {name: replace(role, keys=both) for name, role in policy.roles.items()}
        policy = Policy(1, roles, policy.logs)
    return sign_manifest(
        kind="genesis", store=None, name="policies/store/main", signer=founder, created=made.NOW,
        body=Genesis(origin, nonce * 16, policy).to_json(),
    )  # fmt: skip


def _policy(
    genesis: Manifest, change: Any, signer: KeySigner, before: Manifest | None = None
) -> Manifest:
    policy = (
        Genesis.parse(genesis.body).policy
        if before is None
        else Policy.parse(before.body["policy"])
    )
    value = {**change(policy).to_json(), "version": policy.version + 1}
    return sign_manifest(
        kind="policy", store=genesis.id, name="policies/store/main",
        parents=[(before or genesis).id], body={"policy": value}, signer=signer, created=made.NOW,
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
        name = f"store-{'credential' if isinstance(entry, str) else f'policy-{index}'}"
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
        case("current", "trusted", "stated", _files(own, attested)),
        case("succeeded", "trusted", "stated", _files(own, attested, rotation)),
        case("succeeded-unlogged", "incomplete", "unlogged",
             _files(own, attested, rotation, without=unlogged)),
        case("retired-before-it-signed", "invalid", "retired", _files(own, rotation, attested)),
        case("compromised-later", "trusted", "stated", _files(own, attested, stolen[3])),
        case("compromised-at-its-index", "invalid", "compromised",
             _files(own, attested, stolen[2])),
        case("compromised-unlogged", "invalid", "compromised",
             _files(own, attested, stolen[3], without=unlogged)),
        case("compromised-by-nobody-you-know", "trusted", "compromised",
             _files(own, attested, stolen[2]), **nobody),
        case("retired-by-nobody-you-know", "trusted", "retired",
             _files(own, rotation, attested), **nobody),
        case("policy-unproven", "incomplete", "unproven-policy",
             {name: text for name, text in _files(own, attested, stolen[2]).items()
              if name != "store-policy-3.tlog-proof"}),
        case("proof-by-another-log-key", "incomplete", "unproven-policy",
             _files(own, attested, stolen[2], log=made.LOG)),
        case("a-store-that-somebody-else-founded", "trusted", "stated",
             _files(strange, attested, libel)),
        case("policy-by-a-stranger", "trusted", "stated",
             _files(own, attested, _policy(own, revoked(auditor.did, 2, NEXT.did), mallory))),
        case("crowded-out-by-stores-of-the-thief", "incomplete", "too-many-stores",
             {**_files(own, attested, stolen[2]),
              **{f"a{number}.json": _founded(auditor, nonce=f"{number:02}").encode().decode()
                 for number in range(8)}}),
    ]  # fmt: skip
    return {
        "profile": "lyrik",
        "reader": "document/1: one record per file",
        "base": base,
        "cases": others.cases([*rows, *_heirs_of_attesters(base)]),
    }


def _heirs_of_attesters(base: dict[str, Any]) -> list[Any]:
    """Attestations by keys that took the place of a believed one, and by those that say so."""
    auditor, publisher, mallory = others.AUDITOR, made.OWNER, made.MALLORY
    plain = base["siblings"]["attestation-1.json"]
    by_next, by_last, by_mallory = (
        others.resigned(plain, lambda d, key=key: d.update(issuer={"id": key.did}), key)
        for key in (NEXT, LAST, mallory)
    )
    own = _founded(auditor)
    rotation = _policy(own, rotated(auditor.did, NEXT.did), auditor)
    again = _policy(own, rotated(NEXT.did, LAST.did), NEXT, rotation)
    stolen = _policy(own, revoked(NEXT.did, 4, LAST.did), NEXT, rotation)
    later = _policy(own, revoked(auditor.did, 4), NEXT, rotation)
    both = _founded(auditor, mallory)
    passed_on = _policy(both, rotated(auditor.did, NEXT.did), auditor)
    taken = _policy(both, rotated(NEXT.did, mallory.did), mallory, passed_on)
    by_the_thief = _policy(both, rotated(auditor.did, mallory.did), mallory)
    of_publisher = _founded(publisher, auditor)
    announced = _policy(of_publisher, rotated(auditor.did, NEXT.did), publisher)
    decoy = _founded(auditor, origin="decoy.example/log")
    said = _files(_founded(auditor), _policy(own, revoked(auditor.did, 2, NEXT.did), auditor))
    lie = _files(decoy, _policy(decoy, rotated(auditor.did, mallory.did), auditor))
    lies = {f"decoy-{name}": text for name, text in lie.items()}

    def case(
        name: str, verdict: str, reason: str, attested: str, files: dict[str, str], **more: Any
    ) -> Any:
        siblings = {**files, "attestation-1.json": attested}
        return f"heir-{name}", verdict, {"attestations": reason}, {"siblings": siblings, **more}

    unlogged = "store-credential"
    return [
        case("believed", "trusted", "stated", by_next, _files(own, rotation, by_next)),
        case("twice", "trusted", "stated", by_last, _files(own, rotation, again, by_last)),
        case("without-the-policy", "trusted", "unknown-issuer", by_next,
             _files(own, rotation, by_next, without="store-policy")),
        case("policy-unproven", "trusted", "unknown-issuer", by_next,
             {name: text for name, text in _files(own, rotation, by_next).items()
              if name != "store-policy-2.tlog-proof"}),
        case("of-nobody-you-know", "trusted", "unknown-issuer", by_next,
             _files(own, rotation, by_next),
             trust=others.trust((publisher.did, "Acme", "publisher"))),
        case("of-a-key-suspect-only-later", "trusted", "stated", by_next,
             _files(own, rotation, by_next, later)),
        case("of-a-key-stolen-by-then", "trusted", "unknown-issuer", by_next,
             _files(own, _policy(own, revoked(auditor.did, 2, NEXT.did), auditor), by_next)),
        case("named-by-another-owner", "trusted", "unknown-issuer", by_mallory,
             _files(both, by_the_thief, by_mallory)),
        case("replaced-by-another-owner", "trusted", "unknown-issuer", by_mallory,
             _files(both, passed_on, taken, by_mallory)),
        case("named-by-the-publisher", "trusted", "unknown-issuer", by_next,
             _files(of_publisher, announced, by_next)),
        case("named-in-a-store-of-the-thief", "trusted", "unknown-issuer", by_mallory,
             {**said, **lies}),
        case("named-in-a-store-of-the-thief-who-hides-a-proof", "trusted", "unknown-issuer",
             by_mallory, {name: text for name, text in {**said, **lies}.items()
                          if name != "store-policy-2.tlog-proof"}),
        case("named-in-a-store-of-the-thief-in-a-crowd", "trusted", "unknown-issuer", by_mallory,
             {**said, **lies,
              **{f"a{number}.json": _founded(auditor, nonce=f"{number:02}").encode().decode()
                 for number in range(8)}}),
        # Whoever believes an heir by the word of a store hears it out.
        case("stolen", "invalid", "compromised", by_next, _files(own, rotation, by_next, stolen,
                                                                 without=unlogged)),
        case("stolen-later", "trusted", "stated", by_next, _files(own, rotation, by_next, stolen)),
        case("retired-unlogged", "incomplete", "unlogged", by_next,
             _files(own, rotation, by_next, again, without=unlogged)),
    ]  # fmt: skip


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
    rows += _heirs_of_publishers(delivery, about, genesis, rotation)
    return {"profile": "lyrik", "base": base, "cases": others.cases(rows)}


def _heirs_of_publishers(
    delivery: Any, about: Claims, genesis: Manifest, rotation: Manifest
) -> list[Any]:
    """Grants by the key that took the publisher's place, under terms that it issued too."""
    owner = made.OWNER
    terms = made.resigned(delivery.credential, lambda d: d.update(issuer={"id": NEXT.did}), NEXT)
    target = others.granted(about, NEXT, terms)
    stolen = _policy(genesis, revoked(NEXT.did, 3, LAST.did), NEXT, rotation)
    elsewhere = _founded(owner)
    there = _policy(elsewhere, rotated(owner.did, NEXT.did), owner)

    def case(name: str, verdict: str, check: str, reason: str, files: dict[str, str]) -> Any:
        changes = {"target": target, "files": {**files, "credential.json": terms.decode()}}
        return f"heir-{name}", verdict, {check: reason}, changes

    here = _files(genesis, rotation, target, log=made.LOG)
    return [
        case("believed", "trusted", "trust.issuer", "pass", here),
        case("without-the-policy", "valid", "trust.issuer", "unknown-issuer",
             {name: text for name, text in here.items() if "policy" not in name}),
        case("stolen", "invalid", "issuer.key", "compromised",
             _files(genesis, rotation, target, stolen, log=made.LOG)),
        case("named-in-another-store", "valid", "trust.issuer", "unknown-issuer",
             _files(elsewhere, there, target)),
    ]  # fmt: skip
