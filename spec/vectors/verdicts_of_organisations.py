"""Credentials of did:web issuers, their documents pinned, beside them, or neither."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import make_credentials as made
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import reference_to
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner, OrganisationSigner
from lyrikstore.crypto.multikey import encode_multikey

WEB = "did:web:data.example"
URL = "https://data.example/status/revocation-1.json"
MADE = datetime(2026, 11, 20, tzinfo=UTC)
GONE = "2026-11-24T00:00:00Z"
ENTRY = StatusEntry("revocation", 94567, URL)
NEXT = KeySigner(PrivateKey.from_seed(b"\xa1" * 32))

ACME, LATER, MALLORY = (OrganisationSigner(key, WEB) for key in (made.OWNER, NEXT, made.MALLORY))
FIRST, SECOND, FOREIGN = (encode_multikey(one.public) for one in (ACME, LATER, MALLORY))

Row = tuple[str, str, dict[str, str], dict[str, Any]]
"""Id, verdict, checks, changes."""


def document(*keys: str, **method: str) -> str:
    """Return the organisation's document that lists ``keys``, each with the members given."""
    value = build_document(WEB, {key: key for key in keys})
    for item in value["verificationMethod"]:
        item.update(method)
    return json.dumps(value)


def pinned(*texts: str, role: str = "publisher", trust: str = "version = 1\n") -> str:
    """Return the trust file in which the organisation is believed, and these documents pinned."""
    blocks = (f"\n[[document]]\ndid = \"{WEB}\"\ninline = '{text}'\n" for text in texts)
    entry = f'\n[[issuer]]\ndid = "{WEB}"\nnickname = "Data"\n'
    entry += "" if role == "publisher" else f'roles = ["{role}"]\n'
    return trust + entry + "".join(blocks)


def status_list(
    signer: OrganisationSigner, *, raised: bool = False, made_at: datetime = MADE
) -> str:
    """Return the organisation's status list by one of its keys."""
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    if raised:
        bits[ENTRY.index // 8] |= 1 << (7 - ENTRY.index % 8)
    return sign_list(URL, "revocation", bytes(bits), signer, made_at, timedelta(days=30)).decode()


def dataset_cases(sound: bytes, trust: str) -> list[Row]:
    """Deliveries of an organisation, from a delivery that a person issued by a key."""

    def issued(signer: Any = ACME, **changes: Any) -> str:
        return made.resigned(
            sound, lambda d: d.update(issuer={"id": WEB}, **changes), signer
        ).decode()

    def case(
        name: str,
        verdict: str,
        checks: dict[str, str],
        *,
        pins: str,
        beside: tuple[str, ...] = (),
        credential: str = "",
    ) -> Row:
        siblings = {f"did-{number}.json": text for number, text in enumerate(beside)}
        changes = {"credential": credential or issued(), "trust": pins, "siblings": siblings}
        return name, verdict, checks, changes

    revocable = issued(credentialStatus=ENTRY.to_json())

    def with_list(name: str, verdict: str, reason: str, signer: Any, *beside: str) -> Row:
        found = case(name, verdict, {"status": reason}, pins=pins(document(FIRST)), beside=beside,
                     credential=revocable)  # fmt: skip
        found[3]["siblings"]["status-0.json"] = status_list(signer)
        return found

    def with_later_list(name: str, verdict: str, reason: str, *texts: str) -> Row:
        found = case(name, verdict, {"status": reason}, pins=pins(*texts), credential=revocable)
        later = status_list(LATER, raised=True, made_at=MADE + timedelta(seconds=1))
        found[3]["siblings"] |= {"status-0.json": status_list(ACME), "status-1.json": later}
        return found

    def pins(*texts: str) -> str:
        return pinned(*texts, trust=trust)

    both, only, other = document(FIRST, FOREIGN), document(FIRST), document(FOREIGN)
    key_in_trust = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'
    return [
        case("web-pinned", "trusted", {"issuer.document": "pass"}, pins=pins(only)),
        case("web-pinned-and-beside", "trusted", {"issuer.document": "pass"}, pins=pins(only),
             beside=(only,)),
        case("web-older-document-pinned-too", "trusted", {"issuer.document": "pass"},
             pins=pins(other, only)),
        case("web-snapshot-only", "valid", {"issuer.document": "snapshot-only"}, pins=pins(),
             beside=(only,)),
        case("web-snapshot-against-the-pinned", "valid", {"issuer.document": "snapshot-only"},
             pins=pins(other), beside=(only,)),
        case("web-self-made-snapshot", "valid", {"issuer.document": "snapshot-only"},
             pins=pins(only), beside=(both,), credential=issued(MALLORY)),
        case("web-no-document", "incomplete",
             {"proof": "no-document", "issuer.binding": "no-proof", "issuer.document": "no-proof"},
             pins=pins()),
        case("web-key-not-listed", "invalid", {"proof": "no-method"}, pins=pins(other)),
        case("web-not-in-trust", "valid", {"trust.issuer": "unknown-issuer"},
             pins=key_in_trust + f"\n[[document]]\ndid = \"{WEB}\"\ninline = '{only}'\n"),
        case("web-key-revoked", "invalid", {"proof": "method-revoked"},
             pins=pins(document(FIRST, revoked=GONE)), beside=(only,)),
        case("web-key-expired", "invalid", {"proof": "method-expired"},
             pins=pins(document(FIRST, expires=GONE))),
        case("web-controlled-by-another", "invalid", {"proof": "foreign-controller"},
             pins=pins(document(FIRST, controller="did:web:other.example"))),
        case("web-issuer-signed-as-a-key", "invalid", {"issuer.binding": "foreign-key"},
             pins=pins(only), credential=issued(made.OWNER)),
        case("web-key-issuer-signed-for-an-organisation", "invalid",
             {"issuer.binding": "foreign-key"}, pins=pins(only),
             credential=made.resigned(sound, lambda d: d, ACME).decode()),
        with_list("web-status-good", "trusted", "pass", ACME),
        with_list("web-status-by-a-key-of-a-snapshot", "incomplete", "unsound-list", MALLORY, both),
        with_later_list("web-later-status-by-an-unknown-key", "trusted", "unread-list", only),
        with_later_list("web-later-status-by-the-next-key", "invalid", "revoked", only,
                        document(FIRST, SECOND)),
    ]  # fmt: skip


def terms_of(sound: bytes, **changes: Any) -> bytes:
    """Return the dataset credential ``sound`` as the organisation issued it, by its first key."""
    return made.resigned(sound, lambda d: d.update(issuer={"id": WEB}, **changes), ACME)


def grant_cases(sound: bytes, grant: Callable[..., str]) -> list[Row]:
    """Grants by an organisation under its own terms.

    Args:
        sound: A dataset credential that a person issued by a key.
        grant: Makes a grant by a signer, under the terms given.
    """
    terms, revocable = terms_of(sound), terms_of(sound, credentialStatus=ENTRY.to_json())
    plain, later = grant(ACME, terms), grant(LATER, terms)
    listed = grant(ACME, terms, status=[ENTRY])
    under_listed = grant(LATER, revocable)
    key_in_trust = f'version = 1\n\n[[issuer]]\ndid = "{made.OWNER.did}"\nnickname = "Acme"\n'

    def case(name: str, verdict: str, check: str, reason: str, target: str, trust: str,
             *beside: str, terms: bytes = terms) -> Row:  # fmt: skip
        files = {f"{number}.json": text for number, text in enumerate(beside)}
        files["credential.json"] = terms.decode()
        changes = {"target": target, "trust": trust, "files": files}
        return f"web-{name}", verdict, {check: reason}, changes

    only, both, second = document(FIRST), document(FIRST, SECOND), document(SECOND)
    terms_check, key = "grant.terms", "issuer.document"
    return [
        case("pinned", "trusted", key, "pass", plain, pinned(only)),
        case("snapshot-only", "valid", key, "snapshot-only", plain, pinned(), only),
        case("self-made-snapshot", "valid", key, "snapshot-only", grant(MALLORY, terms),
             pinned(only), document(FIRST, FOREIGN)),
        case("no-document", "incomplete", "proof", "no-document", plain, pinned()),
        case("key-not-listed", "invalid", "proof", "no-method", plain, pinned(second)),
        case("key-revoked", "invalid", "proof", "method-revoked", plain,
             pinned(document(FIRST, revoked=GONE)), only),
        case("key-revoked-later", "trusted", key, "pass", plain,
             pinned(document(FIRST, revoked="2026-12-01T00:00:00Z"))),
        case("key-expired", "invalid", "proof", "method-expired", plain,
             pinned(document(FIRST, expires=GONE))),
        case("believed-as-a-key-alone", "valid", "trust.issuer", "unknown-issuer", plain,
             key_in_trust, only),
        case("next-key", "trusted", terms_check, "pass", later, pinned(both)),
        case("next-key-by-two-documents", "trusted", terms_check, "pass", later,
             pinned(only, second)),
        case("next-key-in-the-old-document", "invalid", "proof", "no-method", later, pinned(only)),
        case("terms-by-a-key-withdrawn", "invalid", terms_check, "unsound", later, pinned(second)),
        case("terms-of-its-person", "invalid", terms_check, "other-issuer", grant(ACME, sound),
             pinned(only), terms=sound),
        case("its-person-under-its-terms", "invalid", terms_check, "other-issuer",
             grant(made.OWNER, terms), key_in_trust + pinned(only)[len("version = 1\n"):]),
        case("signed-as-a-key", "invalid", "issuer.binding", "foreign-key",
             made.resigned(plain.encode(), lambda d: d, made.OWNER).decode(), pinned(only)),
        case("not-revoked", "trusted", "status", "pass", listed, pinned(only), status_list(ACME)),
        case("revoked-by-the-next-key", "invalid", "status", "revoked", listed, pinned(both),
             status_list(LATER, raised=True)),
        case("list-by-a-key-of-a-snapshot", "incomplete", "status", "unsound-list", listed,
             pinned(only), document(FIRST, FOREIGN), status_list(MALLORY)),
        case("terms-not-revoked", "trusted", terms_check, "pass", under_listed, pinned(both),
             status_list(ACME), terms=revocable),
        # The snapshot is needed for the terms, whose key the pinned document no longer lists.
        case("list-of-terms-by-a-key-of-a-snapshot", "incomplete", terms_check, "unsound-list",
             under_listed, pinned(second), document(FIRST, FOREIGN), status_list(MALLORY),
             terms=revocable),
        case("superseded-by-the-next-key", "invalid", "status", "superseded", plain, pinned(both),
             grant(LATER, terms, supersedes=reference_to(plain.encode()), number=13)),
        case("superseded-by-a-key-of-a-snapshot", "trusted", "status", "n/a", plain, pinned(only),
             document(FIRST, FOREIGN),
             grant(MALLORY, terms, supersedes=reference_to(plain.encode()), number=13)),
    ]  # fmt: skip


def attestation_cases(attestation: Callable[..., str], trust: str) -> list[Row]:
    """Attestations by an organisation, beside the delivery of somebody the verifier believes.

    Args:
        attestation: Makes one by a signer.
        trust: A trust file that believes the publisher, and no attester.
    """
    plain, listed = attestation(ACME), attestation(ACME, status=[ENTRY])

    def case(name: str, verdict: str, reason: str, data: str, pins: tuple[str, ...],
             *beside: str) -> Row:  # fmt: skip
        siblings = {f"{number}.json": text for number, text in enumerate(beside)}
        siblings["attestation-1.json"] = data
        believed = pinned(*pins, role="auditor", trust=trust)
        checks = {"attestations": reason}
        return f"web-{name}", verdict, checks, {"siblings": siblings, "trust": believed}

    only, both, second = document(FIRST), document(FIRST, SECOND), document(SECOND)
    return [
        case("pinned", "trusted", "stated", plain, (only,)),
        case("snapshot-only", "trusted", "snapshot-only", plain, (), only),
        case("self-made-snapshot", "trusted", "snapshot-only", attestation(MALLORY), (only,),
             document(FIRST, FOREIGN)),
        case("no-document", "trusted", "no-proof", plain, ()),
        case("key-not-listed", "invalid", "no-method", plain, (second,)),
        case("key-revoked", "invalid", "method-revoked", plain, (document(FIRST, revoked=GONE),)),
        case("key-expired", "invalid", "method-expired", plain, (document(FIRST, expires=GONE),)),
        case("next-key", "trusted", "stated", attestation(LATER), (only, second)),
        case("next-key-in-the-old-document", "invalid", "no-method", attestation(LATER), (only,)),
        case("not-revoked", "trusted", "stated", listed, (only,), status_list(ACME)),
        case("revoked-by-the-next-key", "invalid", "revoked", listed, (both,),
             status_list(LATER, raised=True)),
        case("list-by-a-key-of-a-snapshot", "incomplete", "unsound-list", listed, (only,),
             document(FIRST, FOREIGN), status_list(MALLORY)),
    ]  # fmt: skip


def key_cases(
    grant: Callable[..., str], sound: bytes, beside: Mapping[str, Callable[[str], dict[str, str]]]
) -> list[Row]:
    """Grants by an organisation, by a person whose key the store's policies speak of.

    Args:
        grant: As for :func:`grant_cases`.
        sound: As there.
        beside: Name → what lies beside a grant: the store's statements.
    """
    terms = terms_of(sound)
    target = grant(ACME, terms)
    answers = {
        "succeeded": ("trusted", "pass"),
        "retired-before-it-signed": ("invalid", "retired"),
        "compromised-later": ("trusted", "pass"),
        "compromised-at-its-index": ("invalid", "compromised"),
    }
    rows: list[Row] = []
    for name, (verdict, reason) in answers.items():
        files = {**beside[name](target), "credential.json": terms.decode()}
        changes = {"target": target, "trust": pinned(document(FIRST)), "files": files}
        rows.append((f"web-{name}", verdict, {"issuer.key": reason}, changes))
    return rows
