"""Makes ``signing-page/``: key files, pages' data, and what a page signs (spec §14.8)."""

from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.crypto.multikey import fingerprint, key_words
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.testing.clocks import DEFAULT_START

SEED = bytes(range(32))
EXPERT = KeySigner(PrivateKey.from_seed(SEED))
OTHER = KeySigner(PrivateKey.from_seed(bytes(32)))
SENTENCE = "twelve are enough"
SALT, IV = bytes(range(16)), bytes(range(12))
LIABILITY = "I answer for what I say here."
ID = "urn:uuid:5d5a1f0e-6c86-4f0e-9a44-6a1f2a0f6f1b"


def key_file(
    passphrase: str = SENTENCE, *, seed: bytes = SEED, did: str = EXPERT.did, **changes: Any
) -> str:
    """Return a key file."""
    key = PBKDF2HMAC(SHA256(), 32, SALT, 600_000).derive(passphrase.encode())
    sealed = AESGCM(key).encrypt(IV, seed, did.encode())
    parts = {"salt": SALT, "iv": IV, "sealed": sealed}
    file = {"format": "lyrikstore-page-key/1", "did": did}
    file |= {name: urlsafe_b64encode(data).rstrip(b"=").decode() for name, data in parts.items()}
    return encode({**file, **changes}).decode()


def _keys() -> dict[str, Any]:
    given = {"seed": SEED.hex(), "salt": SALT.hex(), "iv": IV.hex(), "did": EXPERT.did}
    composed = "Z\u00fcrich is a town"
    return {
        "spelt": {
            "did": EXPERT.did,
            "words": " ".join(key_words(EXPERT.public)),
            "fingerprint": fingerprint(EXPERT.public),
        },
        "cases": [
            {"id": "ascii", "passphrase": SENTENCE, **given, "file": key_file()},
            {"id": "nfc", "passphrase": composed, **given, "file": key_file(composed)},
            {
                "id": "decomposed",
                "passphrase": "Zu\u0308rich is a town",
                **given,
                "file": key_file(composed),
            },
        ],
        "refused": [
            {"id": case, "passphrase": SENTENCE, "file": file, "kind": kind}
            for case, kind, file in (
                ("other-passphrase", "wrong-passphrase", key_file("another passphrase")),
                ("other-name", "wrong-passphrase", key_file().replace(EXPERT.did, OTHER.did)),
                ("other-seed", "bad-key-file", key_file(seed=bytes(32))),
                ("other-format", "bad-key-file", key_file(format="lyrikstore-page-key/2")),
                ("more-members", "bad-key-file", key_file(rounds=1)),
                ("short-salt", "bad-key-file", key_file(salt="AAAA")),
                ("number", "bad-key-file", key_file(iv=1)),
                ("not-json", "bad-key-file", "-----BEGIN OPENSSH PRIVATE KEY-----"),
            )
        ],
    }


def _statement(name: str, text: str, state: str = "measured", **more: str) -> dict[str, Any]:
    evidence = [str(Digest.of(name.encode()))]
    made = {"id": name, "title": name, "about": "", "text": text, "state": state}
    return {**made, "evidence": evidence, **more}


def _question(name: str, shows: list[str], *choices: str) -> dict[str, Any]:
    asks = {"id": name, "asks": f"{name}?", "guidance": "", "choices": list(choices)}
    return {**asks, "shows": shows, "statements": [f"answer.{name}"]}


MODEL = {
    "kind": "checkpoint",
    "name": "checkpoints/acme/classifier",
    "id": str(Digest.of(b"manifest")),
    "store": str(Digest.of(b"store")),
}
CARD: dict[str, Any] = {
    "format": "card/1",
    "subject": {**MODEL, "origin": "log.example/acme", "index": 7},
    "questions": [
        _question("risks", ["data.about:datasets/acme/docs", "model.task"]),
        _question("personal-data", ["data.about:datasets/acme/docs"], "yes", "no"),
        _question("contact", []),
    ],
    "statements": [
        _statement("model.task", "text-classification", "derived"),
        _statement("data.about:datasets/acme/docs", "Z\u00fcrich \u202e </script> \U0001f602"),
        _statement("answer.risks", "not established: nobody has answered", "not-established"),
        _statement("answer.personal-data", "no", "attested", by=OTHER.did),
        _statement("answer.contact", "not established: nobody has answered", "not-established"),
    ],
}
SUBJECT = {
    "type": "Checkpoint",
    "id": Digest.of(b"tree").urn,
    "files": Digest.of(b"files").urn,
    "manifest": f"urn:{MODEL['id']}",
    "store": f"urn:{MODEL['store']}",
    "name": MODEL["name"],
}
DRAFT: dict[str, Any] = {
    "card": CARD,
    "cardId": str(Digest.of(encode(CARD))),
    "subject": SUBJECT,
}


def _entry(question: str, state: str, text: str, choice: str = "", scope: str = "version") -> Any:
    return {
        "question": question,
        "state": state,
        "text": text,
        "choice": choice,
        "scope": scope,
    }


def _entered(**more: Any) -> dict[str, Any]:
    nothing = {"kind": "answers", "entries": [], "challenges": [], "grounds": ""}
    return {**nothing, "name": "Dr Ada", "liability": LIABILITY, **more}


def _signed(**attestation: Any) -> str:
    stated = {"type": "Attestation", "card": Digest.of(encode(CARD)).urn, "liability": LIABILITY}
    document: dict[str, Any] = {
        "@context": CARD_ATTESTATION.contexts,
        "id": ID,
        "type": ["VerifiableCredential", CARD_ATTESTATION.type],
        "issuer": {"id": EXPERT.did, "name": "Dr Ada"},
        "validFrom": "2026-11-24T12:00:00Z",
        "credentialSchema": {
            "id": CARD_ATTESTATION.schema_id,
            "type": "JsonSchema",
            "digestSRI": CARD_ATTESTATION.schema_sri,
        },
        "credentialSubject": {
            **SUBJECT,
            "attestation": {**stated, **attestation},
        },
    }
    return encode(add_proof(document, EXPERT, created=DEFAULT_START)).decode()


def _answers() -> dict[str, Any]:
    texts = {one["id"]: one["text"] for one in CARD["statements"]}
    foreign = "None.\n\u202e & \U0001f600 e\u0301"

    def seen(question: int) -> list[dict[str, Any]]:
        return [
            {"type": "SeenStatement", "statement": one, "text": texts[one]}
            for one in CARD["questions"][question]["shows"]
        ]

    entries = [
        _entry("personal-data", "value", foreign, "no", "name"),
        _entry("risks", "unknown", "Not examined.", "left over"),
        _entry("contact", "open", ""),
    ]
    said = [
        {
            "type": "Answer",
            "question": "personal-data",
            "asks": CARD["questions"][1]["asks"],
            "state": "value",
            "text": foreign,
            "choice": "no",
            "scope": "name",
            "seen": seen(1),
        },
        {
            "type": "Answer",
            "question": "risks",
            "asks": CARD["questions"][0]["asks"],
            "state": "unknown",
            "text": "Not examined.",
            "scope": "version",
            "seen": seen(0),
        },
    ]
    contact = _entry("contact", "not-applicable", "Nobody is.")
    none_seen = {
        "type": "Answer",
        "question": "contact",
        "asks": CARD["questions"][2]["asks"],
        "state": "not-applicable",
        "text": "Nobody is.",
        "scope": "version",
    }
    disputed = ["model.task"]
    wrong = "It does not."
    return {
        "draft": DRAFT,
        "seed": SEED.hex(),
        "document": ID,
        "at": "2026-11-24T12:00:00Z",
        "cases": [
            {
                "id": "answers",
                "entered": _entered(entries=entries),
                "signed": _signed(kind="answers", answers=said),
            },
            {
                "id": "nothing-beside-it",
                "entered": _entered(entries=[contact]),
                "signed": _signed(kind="answers", answers=[none_seen]),
            },
            {
                "id": "challenge",
                "entered": _entered(kind="challenge", challenges=disputed, grounds=wrong),
                "signed": _signed(kind="challenge", challenges=disputed, grounds=wrong),
            },
        ],
        "refused": [
            {"id": case, "entered": entered, "field": field}
            for case, field, entered in (
                ("nothing", "answers", _entered()),
                ("no-choice", "choice-personal-data", _one("personal-data", "value", "x")),
                ("no-text", "text-contact", _one("contact", "value", " \n")),
                ("no-reason", "text-contact", _one("contact", "unknown", "")),
                ("tab", "text-contact", _one("contact", "value", "a\tb")),
                ("delete", "text-contact", _one("contact", "value", "\x7f")),
                ("too-long", "text-contact", _one("contact", "value", "x" * 4001)),
                ("no-name", "name", _one("contact", "value", "x", name="")),
                ("no-liability", "liability", _one("contact", "value", "x", liability="")),
                ("nothing-disputed", "challenges", _entered(kind="challenge", grounds="x")),
                ("no-grounds", "grounds", _entered(kind="challenge", challenges=disputed)),
            )
        ],
    }


def _one(question: str, state: str, text: str, **more: Any) -> dict[str, Any]:
    return _entered(entries=[_entry(question, state, text)], **more)


def _drafts() -> dict[str, Any]:
    whole = encode(DRAFT).decode()
    other = {**CARD, "subject": {**CARD["subject"], "store": str(Digest.of(b"another"))}}
    fitting = encode({**DRAFT, "card": other, "cardId": str(Digest.of(encode(other)))}).decode()
    renamed = {**SUBJECT, "name": "checkpoints/acme/other"}
    retyped = {**SUBJECT, "type": "Dataset"}
    return {
        "refused": [
            {"id": case, "text": text}
            for case, text in (
                ("other-question", whole.replace("risks?", "joys?")),
                ("other-text", whole.replace("text-classification", "translation")),
                ("other-id", encode({**DRAFT, "cardId": MODEL["id"]}).decode()),
                ("no-id", whole.replace('"cardId":', '"card":')),
                ("more-members", encode({**DRAFT, "more": 1}).decode()),
                ("other-store", fitting),
                ("other-name", encode({**DRAFT, "subject": renamed}).decode()),
                (
                    "other-type",
                    encode({**DRAFT, "subject": retyped}).decode(),
                ),
                ("no-urn", whole.replace(SUBJECT["files"], "urn:uuid:1")),
                ("cut-off", whole[:-1]),
            )
        ]
    }


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {
        "signing-page/keys.json": _keys(),
        "signing-page/answers.json": _answers(),
        "signing-page/drafts.json": _drafts(),
    }
