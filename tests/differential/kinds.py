"""Changes that know one kind of document: lists of files, digests, DID documents, proofs."""

import base64
import copy
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from blake3 import blake3

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.json import encode
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.w3c.proofs.proof_set import add_proof
from tests.differential.judges import Case
from tests.differential.mutate import (
    MALLORY,
    SEEDS,
    SIGNERS,
    follow,
    is_plain,
    places,
    read,
    signed,
    some_json,
    stray,
    tweak,
    with_file,
    written,
)
from tests.differential.values import VALUES

ORGANISATION = "did:web:acme.example"
CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]
SRI = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
CODES = {
    0x12: hashlib.sha256, 0x20: hashlib.sha384, 0x13: hashlib.sha512, 0x16: hashlib.sha3_256,
    0x15: hashlib.sha3_384, 0x1E: blake3,
}  # fmt: skip


def listing(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Change a list of files; at times all that names it, and the data, too."""
    lists = [name for name, one in case.siblings.items() if one.startswith(b'{"blake3":"')]
    if not lists:
        return None
    name = rng.choice(lists)
    lines = case.siblings[name].split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(7)
    entry = read(lines[at])
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(to, lines[at])
    elif how == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif how == 3 and isinstance(entry, dict):
        entry[rng.choice(list(entry))] = copy.deepcopy(rng.choice(VALUES))
        lines[at] = written(rng, entry)
    elif how == 4 and isinstance(entry, dict) and isinstance(entry.get("path"), str):
        old, entry["path"] = entry["path"], tweak(rng, entry["path"])
        lines[at] = written(rng, entry)
        if case.data and old in case.data and rng.random() < 0.7:
            data = dict(case.data)
            data[entry["path"]] = data.pop(old)
            case = replace(case, data=data)
        if rng.random() < 0.7:
            lines = [*sorted(line for line in lines if line), b""]
    elif how == 5 and isinstance(entry, dict):
        meta = entry.setdefault("meta", {})
        if isinstance(meta, dict):
            meta[rng.choice(["licence", "origin", "a.b", "\xe9", ""])] = rng.choice(VALUES)
        lines[at] = written(rng, entry)
    else:
        lines[at] += rng.choice([b" ", b"\r", b"\x00", b"\xff", b","])
    data = b"\n".join(lines)
    return with_file(case, name, data) if rng.random() < 0.3 else follow(rng, case, name, data)


def digests(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Name files by digests in every spelling there is: one, several, other bits, white space."""
    files = list(case.siblings)
    found = some_json(rng, case)
    if not files or found is None or not isinstance(found[1], dict):
        return None
    name, value = found
    file = rng.choice(files)
    data = case.siblings[file] if rng.random() < 0.8 else b"other"
    item: dict[str, Any] = {"id": file.removeprefix("given/")}
    if rng.random() < 0.8:
        item["digestSRI"] = _sri(rng, data)
    if rng.random() < 0.5:
        item["digestMultibase"] = _multihash(rng, data)
    if rng.random() < 0.3:
        item["mediaType"] = rng.choice([*VALUES, "text/plain", "application/json"])
    stated = [here for here in _objects(value) if {"digestSRI", "digestMultibase"} & here.keys()]
    if stated and rng.random() < 0.5:
        there = rng.choice(stated)
        known = there.get("id")
        if isinstance(known, str) and f"given/{known}" in case.siblings:
            data = case.siblings[f"given/{known}"]
            item = {"digestSRI": _sri(rng, data), "digestMultibase": _multihash(rng, data)}
        there.update({key: item[key] for key in item if key != "id" and rng.random() < 0.7})
    else:
        value["relatedResource"] = rng.choice([item, [item], [item, item], [item, {"id": "urn:x"}]])
    return with_file(case, name, written(rng, signed(rng, value)))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    yield from [value] if isinstance(value, dict) else []
    for here, key in places(value):
        if isinstance(here[key], dict):
            yield here[key]


def _sri(rng: random.Random, data: bytes) -> Any:
    items = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        name = rng.choice(list(SRI))
        digest = base64.b64encode(SRI[name](rng.choice([data, data, b"x"])).digest()).decode()
        bare = digest.rstrip("=")
        spelt = rng.choice([digest] * 5 + [bare, stray(bare) + digest[len(bare) :], digest + "="])
        items.append(f"{name}-{spelt}" + rng.choice(["", "", "", "?a=b", "?"]))
    if rng.random() < 0.2:
        return items
    return rng.choice(["", "", " ", "\ufeff"]) + rng.choice([" ", "  ", "\n", "\x85", "\x1f"]).join(
        items
    )


def _multihash(rng: random.Random, data: bytes) -> Any:
    code = rng.choice(list(CODES))
    digest = CODES[code](data).digest()
    raw = bytes([code, len(digest)]) + digest
    text = "u" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return rng.choice(
        [text] * 4 + [stray(text), f"{text}=", text[:-1], [text], [text, text], text[1:]]
    )


def organisation(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Let an organisation sign what somebody's key signed, with a document beside it or pinned."""
    value = read(case.target)
    proof = value.get("proof") if isinstance(value, dict) else None
    method = proof.get("verificationMethod") if isinstance(proof, dict) else None
    signer = SIGNERS.get(method.partition("#")[0]) if isinstance(method, str) else None
    if signer is None:
        return None
    fragment = rng.choice([encode_multikey(signer.public)] * 3 + ["key-1", "k/?", "\xe9", ""])
    document = _did_document(rng, fragment, encode_multikey(signer.public))
    text = written(rng, document)
    for role in ("issuer", "holder", "author"):
        stated = value.get(role)
        if stated == signer.did:
            value[role] = ORGANISATION
        elif isinstance(stated, dict) and stated.get("id") == signer.did:
            stated["id"] = ORGANISATION
    bare = {name: one for name, one in value.items() if name != "proof"}
    same = {name: proof[name] for name in ("domain", "challenge", "created") if name in proof}
    try:
        made = add_proof(
            bare, signer, method=f"{ORGANISATION}#{fragment}", purpose=proof.get("proofPurpose"),
            domain=same.get("domain"), challenge=same.get("challenge"),
        )  # fmt: skip
    except (LyrikstoreError, TypeError, ValueError):
        return None
    case = replace(case, target=encode(made) if is_plain(made) else written(rng, made))
    trust = case.trust.decode("utf-8", "replace").replace(signer.did, ORGANISATION)
    if rng.random() < 0.5:
        pinned = json.dumps(text.decode("utf-8", "replace"), ensure_ascii=True)
        trust += f'\n[[document]]\ndid = "{ORGANISATION}"\ninline = {pinned}\n'
    case = replace(case, trust=trust.encode("utf-8", "replace"))
    return with_file(case, "did.json", text) if rng.random() < 0.8 else case


def _did_document(rng: random.Random, fragment: str, key: str) -> dict[str, Any]:
    url = f"{ORGANISATION}#{fragment}"
    method = {
        "id": rng.choice([url] * 5 + [f"#{fragment}", fragment]), "type": "Multikey",
        "controller": rng.choice([ORGANISATION] * 5 + ["did:web:other.example"]),
        "publicKeyMultibase": rng.choice([key] * 8 + [tweak(rng, key)]),
    }  # fmt: skip
    for name in ("expires", "revoked"):
        if rng.random() < 0.2:
            moments = [v for v in VALUES if isinstance(v, str) and v[:4].isdigit()]
            method[name] = rng.choice(moments)
    others = [
        {**method, "id": f"{ORGANISATION}#{number}", "publicKeyMultibase": encode_multikey(other)}
        for number, other in enumerate(
            signer.public for signer in rng.sample(list(SIGNERS.values()), rng.choice([0, 1, 3]))
        )
    ]
    document: dict[str, Any] = {
        "@context": CONTEXTS, "id": ORGANISATION, "verificationMethod": [*others, method],
        "assertionMethod": rng.choice([[url]] * 4 + [[method], [], url, [url, url]]),
        "authentication": [url],
    }  # fmt: skip
    if rng.random() < 0.3:
        document[rng.choice(list(document))] = copy.deepcopy(rng.choice(VALUES))
    if rng.random() < 0.1:
        document["controller"] = rng.choice([ORGANISATION, [ORGANISATION], "x", 1])
    return document


def securing(rng: random.Random, case: Case, _: Case) -> Case | None:
    """Secure the target in another way: by RDF, by several proofs, by a chain, for a while."""
    value = read(case.target)
    if not isinstance(value, dict) or "proof" not in value or len(SEEDS) != len(SIGNERS):
        return None
    purpose = "authentication" if "holder" in value else "assertionMethod"
    made = {name: one for name, one in value.items() if name != "proof"}
    issuer = value.get("issuer", value.get("holder"))
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    first = SIGNERS.get(named, MALLORY) if isinstance(named, str) else MALLORY
    suites = ["eddsa-jcs-2022", "eddsa-rdfc-2022"]
    try:
        for number in range(rng.choice([1, 1, 2, 3])):
            made = add_proof(
                made,
                first if number == 0 else rng.choice(list(SIGNERS.values())),
                suite=rng.choice(suites),
                purpose=purpose,
                proof_id=f"urn:proof:{number}" if rng.random() < 0.7 else None,
                previous=f"urn:proof:{number - 1}" if number and rng.random() < 0.5 else None,
                challenge=case.challenge,
                domain=case.domain,
            )
    except (LyrikstoreError, TypeError, ValueError, RecursionError, AttributeError):
        return None
    if rng.random() < 0.3 and isinstance(made["proof"], list):
        rng.shuffle(made["proof"])
    return replace(case, target=encode(made) if is_plain(made) else written(rng, made))
