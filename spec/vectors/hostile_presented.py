"""Presentations: how the cases are made, and those of what nobody but the holder vouches for."""

from typing import Any

from foreign import ALICE, HOLDER, V2, base, edited, envelope, signed
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import ATTESTATION, CONTEXTS
from lyrikstore.crypto.keys.signer import KeySigner

ASKED = {"challenge": "c-7f3a", "domain": "https://verifier.example"}

Shown = tuple[str, str, dict[str, str], str, dict[str, Any]]


def shown(*texts: str, signer: KeySigner = HOLDER, **changes: Any) -> dict[str, Any]:
    """Return an unsigned presentation; None removes a member."""
    document = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": signer.did,
        "verifiableCredential": [parse(t.encode(), floats=True, nulls=True) for t in texts],
        **changes,
    }
    return {name: value for name, value in document.items() if value is not None}


def show(document: dict[str, Any], signer: KeySigner = HOLDER, **options: Any) -> str:
    """Return the text of a presentation with its proof, for who asked."""
    return signed(document, signer, **{"purpose": "authentication", **ASKED, **options})


def beside_rows(sound: str) -> list[Shown]:
    """An envelope beside what can be verified: neither hides the other."""
    bad = edited(sound, lambda d: d["credentialSubject"].update(alumniOf="Basel"))
    return [
        ("enveloped-beside-sound", "incomplete", {"presented": "incomplete"},
         show(shown(sound, envelope())), ASKED),
        ("enveloped-beside-edited", "invalid", {"presented": "invalid"},
         show(shown(envelope(), bad)), ASKED),
    ]  # fmt: skip


def self_asserted_rows(sound: str) -> list[Shown]:
    """Credentials without a proof of their own: valid if they are the holder's, and no better."""

    def own(signer: KeySigner = HOLDER, **changes: Any) -> str:
        return encode(base(issuer=signer.did, **changes)).decode()

    good = show(shown(own()))
    ours = {"@context": CONTEXTS, "type": ["VerifiableCredential", ATTESTATION.type]}
    rows: list[tuple[str, str, str, str]] = [
        ("self-asserted", "valid", "valid", good),
        ("self-asserted-rdf", "valid", "valid", show(shown(own()), suite="eddsa-rdfc-2022")),
        # ATTACK: the holder is trusted as an issuer, and logs in with what it was given to show
        ("self-asserted-trusted", "valid", "valid",
         show(shown(own(ALICE), signer=ALICE), ALICE)),
        ("self-asserted-beside-sound", "valid", "valid", show(shown(sound, own()))),
        ("self-asserted-expired", "invalid", "invalid",
         show(shown(own(validUntil="2026-11-02T00:00:00Z")))),
        ("self-asserted-without-holder", "invalid", "invalid", show(shown(own(), holder=None))),
        ("self-asserted-by-another", "invalid", "invalid", show(shown(own(ALICE)))),
        ("self-asserted-of-ours", "invalid", "invalid", show(shown(own(**ours)))),
        # ATTACK: an issuer signs beside the holder, and is no holder
        ("self-asserted-by-cosigner", "invalid", "invalid", show(
            parse(show(shown(own(ALICE))).encode(), floats=True, nulls=True), ALICE)),
        ("self-asserted-empty-proof", "invalid", "invalid", show(shown(own(proof=[])))),
    ]  # fmt: skip
    return [
        *((name, verdict, {"presented": reason}, text, ASKED)
          for name, verdict, reason, text in rows),
        ("self-asserted-edited", "invalid", {"proof": "edited"}, edited(
            good, lambda d: d["verifiableCredential"][0]["credentialSubject"].update(count=8)),
         ASKED),
    ]  # fmt: skip
