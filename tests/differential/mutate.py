"""Changes of a case that know its structure: each is one hostile idea, at a random place.

A change that does not fit a case returns None. All randomness comes from the generator handed in.
"""

import base64
import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import encode
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.w3c.proofs.proof_set import add_proof
from tests.differential.judges import Case
from tests.differential.values import VALUES, Raw

Change = Callable[[random.Random, Case, Case], Case | None]
"""Given a generator, a case and another to take things from, returns the case changed."""

SEEDS = [bytes(range(32)), bytes(range(32, 64))] + [
    bytes([number]) * 32 for number in (0x77, 0xA0, 0xA1, 0xA2, 0xA3, 0xB0, 5, 6, 7, 65, 72, 77)
]
"""Of every key that signed something in the vectors; so what is changed can be signed again."""
SIGNERS = {
    signer.did: signer for signer in (KeySigner(PrivateKey.from_seed(seed)) for seed in SEEDS)
}
MALLORY = KeySigner(PrivateKey.from_seed(b"\x77" * 32))


class Pairs(list):
    """An object with a member twice."""


def read(data: bytes) -> Any:
    """Return the value of a JSON text, or None."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def written(rng: random.Random, value: Any) -> bytes:
    """Return a JSON text of a value: mostly canonical, at times in another spelling."""
    way = rng.random()
    if way < 0.8:
        try:
            return encode(value)
        except (LyrikstoreError, TypeError, ValueError, RecursionError):
            pass
    return _text(value, ", " if way > 0.9 else ",", ascii_only=way > 0.95).encode(
        "utf-8", "replace"
    )


def _text(value: Any, comma: str, *, ascii_only: bool) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, Pairs):
        pairs = [
            f"{json.dumps(name)}:{_text(one, comma, ascii_only=ascii_only)}" for name, one in value
        ]
        return "{" + comma.join(pairs) + "}"
    if isinstance(value, dict):
        return _text(Pairs(value.items()), comma, ascii_only=ascii_only)
    if isinstance(value, list):
        return "[" + comma.join(_text(one, comma, ascii_only=ascii_only) for one in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place inside a value, as container and member."""
    pending = [value]
    while pending:
        here = pending.pop()
        keys = list(here) if isinstance(here, dict) else range(len(here))
        for key in keys:
            yield here, key
            if (
                isinstance(here[key], dict | list)
                and here[key]
                and not isinstance(here[key], Pairs)
            ):
                pending.append(here[key])


def tweak(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return rng.choice([
        lambda: text[:at],
        lambda: text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + rng.choice([v for v in VALUES if type(v) is str]) + text[at:],
        lambda: text + rng.choice(["\n", " ", "\x00", "#", "#x", "/", "=", "\u0301"]),
        text.upper, text.lower, text.title,
        lambda: text * 2,
        lambda: text[:at] + chr(rng.choice([65, 97, 48, 57, 45, 0xE9, 0x10000])) + text[at + 1 :],
        lambda: " " + text,
    ])()  # fmt: skip


def _edit(rng: random.Random, value: Any, other: Any) -> Any:
    """Return a copy of a JSON value with one place changed."""
    value = copy.deepcopy(value)
    found = list(places(value)) if isinstance(value, dict | list) else []
    if not found:
        return rng.choice(VALUES)
    here, key = rng.choice(found)
    how = rng.randrange(13)
    old = here[key]
    if how == 0:
        del here[key]
    elif how == 1:
        here[key] = copy.deepcopy(rng.choice(VALUES))
    elif how == 2:  # two members' values
        there, name = rng.choice(found)
        here[key], there[name] = copy.deepcopy(there[name]), copy.deepcopy(old)
    elif how == 3:
        here[key] = [old] if rng.random() < 0.5 else {"id": old}
    elif how == 4 and isinstance(old, list | dict) and old:
        here[key] = old[0] if isinstance(old, list) else rng.choice(list(old.values()))
    elif how == 5 and isinstance(here, list):
        here.insert(key, copy.deepcopy(old))
    elif how == 6 and isinstance(here, dict):
        here[rng.choice([v for v in VALUES if type(v) is str])] = copy.deepcopy(rng.choice(VALUES))
    elif how == 7 and isinstance(here, dict):
        name = tweak(rng, key)
        here[name] = here.pop(key)
    elif how == 8 and isinstance(old, int) and not isinstance(old, bool):
        here[key] = rng.choice(
            [old + 1, old - 1, -old, str(old), old * 10, Raw(f"{old}.0"), Raw(f"{old}e0")]
        )
    elif how == 9 and isinstance(other, dict | list) and other:
        there, name = rng.choice(list(places(other)))
        here[key] = copy.deepcopy(there[name])
    elif how == 10 and isinstance(old, dict) and old:
        here[key] = Pairs([*old.items(), rng.choice(list(old.items()))])
    elif how == 11:
        deep = rng.choice([1, 3, 60, 61, 62, 63, 64, 65, 20_000])
        here[key] = rng.choice(
            [Raw("[" * deep + "1" + "]" * deep), Raw('{"a":' * deep + "1" + "}" * deep)]
        )
    elif isinstance(old, str):
        here[key] = tweak(rng, old)
    else:
        here[key] = copy.deepcopy(rng.choice(VALUES))
    return value


def signed(rng: random.Random, document: Any) -> Any:
    """Return a document with every proof made again, at times by a stranger's key, if it can be.

    What a presentation shows is at times signed again before it, like by whoever issued it.
    """
    proofs = document.get("proof") if isinstance(document, dict) else None
    items = proofs if isinstance(proofs, list) else [proofs]
    if not items or not all(isinstance(proof, dict) for proof in items):
        return document
    made = {name: value for name, value in document.items() if name != "proof"}
    shown = made.get("verifiableCredential")
    if shown is not None and rng.random() < 0.5:
        made["verifiableCredential"] = (
            [signed(rng, one) for one in shown] if isinstance(shown, list) else signed(rng, shown)
        )
    try:
        for proof in items:
            made = _with_proof_like(rng, made, proof)
    except (LyrikstoreError, TypeError, ValueError, RecursionError, AttributeError):
        return document
    return made


def _with_proof_like(rng: random.Random, document: Any, proof: Mapping[str, Any]) -> Any:
    method = proof.get("verificationMethod")
    did, _, fragment = method.partition("#") if isinstance(method, str) else ("", "", "")
    signer = SIGNERS.get(did) or SIGNERS.get(f"did:key:{fragment}")
    if signer is None or rng.random() < 0.1:
        signer, method = MALLORY, None
    same = {name: proof[name] for name in ("domain", "challenge") if name in proof}
    return add_proof(
        document,
        signer,
        suite=proof.get("cryptosuite"),
        purpose=proof.get("proofPurpose"),
        method=method,
        created=_moment(proof) if "created" in proof else None,
        proof_id=proof.get("id"),
        previous=proof.get("previousProof"),
        **same,
    )


def _moment(proof: Mapping[str, Any]) -> Any:
    from lyrikstore.canon.timestamps import parse_timestamp

    try:
        return parse_timestamp(proof.get("created"))
    except LyrikstoreError:
        return parse_timestamp("2026-11-24T14:12:39Z")


def some_json(rng: random.Random, case: Case) -> tuple[str | None, Any] | None:
    """Return the name of a JSON file (None: the target) and its value."""
    names = [None, None, *case.siblings]
    for name in rng.sample(names, len(names)):
        value = read(case.target if name is None else case.siblings[name])
        if isinstance(value, dict | list):
            return name, value
    return None


def stray(text: str) -> str:
    """Return a text in base64url with another last letter: perhaps other bits that nobody reads."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = letters.find(text[-1:])
    return text[:-1] + letters[at ^ 1] if at >= 0 else text


def with_file(case: Case, name: str | None, data: bytes) -> Case:
    if name is None:
        return replace(case, target=data)
    return replace(case, siblings={**case.siblings, name: data})


def edit(rng: random.Random, case: Case, other: Case) -> Case | None:
    """Change one place of one document, unsigned, or signed again."""
    found = some_json(rng, case)
    if found is None:
        return None
    name, value = found
    taken = some_json(rng, other)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        value = _edit(rng, value, taken and taken[1])
    if rng.random() < 0.75:
        value = signed(rng, value)
    data = written(rng, value)
    if name is None or rng.random() < 0.5:
        return with_file(case, name, data)
    return follow(rng, case, name, data)


def follow(rng: random.Random, case: Case, name: str, data: bytes) -> Case:
    """Change a sibling, and all that names it by its digest, signed again, and the log with it."""
    changed = {Digest.of(case.siblings[name]): Digest.of(data)}
    case = with_file(case, name, data)
    for _ in range(3):
        for where in (*case.siblings, None):
            old = case.target if where is None else case.siblings[where]
            new = old
            for before, after in changed.items():
                new = new.replace(before.hex.encode(), after.hex.encode())
                new = new.replace(_multibase(before), _multibase(after))
            if new != old and where != name:
                value = read(new)
                new = (
                    encode(signed(rng, value))
                    if isinstance(value, dict) and is_plain(value)
                    else new
                )
                changed[Digest.of(old)] = Digest.of(new)
                case = with_file(case, where, new)
    if case.deployed:
        case = _called_anew(case, changed)
    return relog(rng, case, case) or case


def _called_anew(case: Case, changed: Mapping[Digest, Digest]) -> Case:
    """Call what lies in a deployed folder after the digests that it has now."""
    files = {}
    for old, data in case.siblings.items():
        name = old
        for before, after in changed.items():
            name = name.replace(before.short, after.short)
        files[name] = data
    return replace(case, siblings=files)


def is_plain(value: Any) -> bool:
    try:
        encode(value)
    except (LyrikstoreError, TypeError, ValueError, RecursionError):
        return False
    return True


def _multibase(digest: Digest) -> bytes:
    return b"u" + base64.urlsafe_b64encode(b"\x1e\x20" + digest.raw).rstrip(b"=")


def relog(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Make the log anew, with proofs of what lies there."""
    logged = [
        Leaf("manifest", Digest.of(data))
        for data in case.siblings.values()
        if data.startswith(b'{"') and b'"lyrikstore":' in data
    ]
    if not logged:
        return None
    if rng.random() < 0.8:
        logged.sort(key=lambda leaf: leaf.id != Digest.of(case.siblings.get("genesis.json", b"")))
    logged.insert(1, Leaf("transaction", Digest.of(b"a record")))
    logged.append(Leaf("credential", Digest.of(case.target)))
    hashes = [leaf.hash for leaf in logged]
    log = rng.choice([KeySigner(PrivateKey.from_seed(SEEDS[1]))] * 4 + [MALLORY])
    origin = "data.example/archive" if rng.random() < 0.9 else "audit.example/log"
    head = LogCheckpoint(origin, len(hashes), merkle.root(hashes)).sign(log)
    proofs = {
        f"made-{at}.tlog-proof": TlogProof(
            at, tuple(merkle.inclusion_proof(hashes, at)), head
        ).encode()
        for at in range(len(hashes))
    }
    return replace(case, siblings={**case.siblings, **proofs})
