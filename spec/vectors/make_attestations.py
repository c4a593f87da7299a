"""Makes ``verdicts/{attestations,grants,presented}.json``: what others say, and to whom.

``attestations.json`` has the form of ``deliveries.json``: a delivery with attestations beside it.
In ``grants.json`` a case is one credential, ``target``, and the files beside it; in
``presented.json`` a presentation. The expected answers are written by hand.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import make_credentials as made
import verdicts_of_organisations as organisations
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import STATUS_LIST_ENTRIES
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.issue import issue, reference_to
from lyrikstore.credentials.model.attestation import build_attestation
from lyrikstore.credentials.model.credential import Claims, CredentialMetadata
from lyrikstore.credentials.model.grant import build_grant
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner, OrganisationSigner, Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.w3c.profile.presentation import make_presentation

HERE = Path(__file__).parent
AUDITOR, BUYER = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (0xA0, 0xB0))
NOW = datetime(2026, 11, 24, 14, 12, 39, tzinfo=UTC)
START, END = datetime(2026, 11, 20, tzinfo=UTC), datetime(2027, 10, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
REPORT = b"Audit report. 500 records were read by two people.\n"
STATEMENT: dict[str, Any] = {
    "extent": "sample",
    "records": 2,
    "selection": "every second file",
    "standard": "ISO/IEC 5259-2:2024",
    "method": "two people read every record of the sample",
    "conclusion": "no label errors were found",
    "limitations": ["records outside the sample were not read"],
    "liability": "Audit GmbH, up to EUR 100,000",
    "results": [{"metric": "labelErrorRate", "value": "0.000"}],
}
IDS = [f"urn:uuid:{n:08x}-6c86-4f0e-9a44-6a1f2a0f6f1b" for n in range(64)]


def make() -> dict[str, Any]:
    """Return file name → content."""
    delivery = made.world()
    about = Claims.of(parse(delivery.credential)["credentialSubject"])
    return {
        "verdicts/attestations.json": _attestations(made, delivery, about),
        "verdicts/grants.json": _grants(made, delivery, about),
        "verdicts/presented.json": _presented(made, delivery, about),
    }


def _entry(url: str, purpose: str = "revocation") -> StatusEntry:
    return StatusEntry(purpose, 94567, url)


def _list(url: str, signer: KeySigner, *, raised: bool, purpose: str = "revocation") -> str:
    bits = bytearray(STATUS_LIST_ENTRIES // 8)
    if raised:
        bits[94567 // 8] |= 1 << (7 - 94567 % 8)
    return sign_list(url, purpose, bytes(bits), signer, START, MONTH).decode()


def resigned(data: str, change: Callable[[dict[str, Any]], object], signer: KeySigner) -> str:
    """Return the credential with a change, signed again."""
    document = parse(data.encode())
    del document["proof"]
    change(document)
    return encode(add_proof(document, signer, created=NOW)).decode()


def _edited(data: str, change: Callable[[dict[str, Any]], object]) -> str:
    document = parse(data.encode())
    change(document)
    return encode(document).decode()


def trust(*entries: tuple[str, str, str]) -> str:
    """Return a trust file of DIDs, nicknames and roles."""
    return "version = 1\n" + "".join(
        f'\n[[issuer]]\ndid = "{did}"\nnickname = "{name}"\nroles = ["{role}"]\n'
        for did, name, role in entries
    )


NO_ISSUERS: dict[str, Any] = {"empty": "", "unnamed": {"id": ""}, "no-did": "\x1b[2J"}


def _attestations(made: Any, delivery: Any, about: Claims) -> dict[str, Any]:
    url = "https://audit.example/status/revocation-1.json"

    def attestation(signer: Signer = AUDITOR, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "about": about,
            "kind": "quality",
            "statement": STATEMENT,
            "documents": {"report.txt": REPORT},
            "content_checked": True,
            "issuer": signer.did,
            "issuer_name": "Audit GmbH",
            "valid_from": START,
            "valid_until": END,
            "id": IDS[0],
            **changes,
        }
        document = build_attestation(made.metadata_in(arguments), **arguments)
        return issue(document, signer, NOW).decode()

    def subject(**changes: Any) -> str:
        return resigned(plain, lambda d: d["credentialSubject"].update(changes), AUDITOR)

    def examined(records: str, **changes: Any) -> str:
        def change(document: dict[str, Any]) -> None:
            document["credentialSubject"].update(changes)
            document["credentialSubject"]["attestation"]["examined"]["records"] = records

        return resigned(plain, change, AUDITOR)

    plain, listed = attestation(), attestation(status=[_entry(url)])
    held = attestation(status=[_entry(url, "suspension")])
    successor = resigned(
        plain, lambda d: d.update(id=IDS[1], supersedes=reference_to(plain.encode())), AUDITOR
    )
    other = "urn:blake3:" + "ab" * 32
    publisher = (made.OWNER.did, "Acme", "publisher")
    nobody = trust(publisher)
    hostile = "\u202e<script>alert(1)</script>\x1b[2J"
    unsigned = build_grant(
        CredentialMetadata(made.OWNER.did, START, END, id=IDS[2]),
        about,
        terms=reference_to(delivery.credential),
        holder=BUYER.did,
        permits=["train"],
    )
    grant = issue(unsigned, made.OWNER, NOW).decode()

    def crowd(count: int) -> dict[str, str]:
        """Return files that claim to replace the dataset credential, named to come first."""
        claim = {"issuer": made.OWNER.did, "supersedes": reference_to(delivery.credential)}
        return {f"a{n}.json": json.dumps({**claim, "n": n}) for n in range(count)}

    def case(name: str, verdict: str, reason: str, *files: str, **changes: Any) -> tuple[Any, ...]:
        names = ("attestation-1.json", "x.json", "y.json")
        siblings = {"attestation-1.json": None, **dict(zip(names, files, strict=False))}
        return name, verdict, {"attestations": reason}, {"siblings": siblings, **changes}

    rows = [
        ("believed", "trusted", {"attestations": "stated"}, {}),
        case("none", "trusted", "n/a"),
        ("unknown-attester", "trusted", {"attestations": "unknown-issuer"}, {"trust": nobody}),
        ("publisher-is-no-auditor", "trusted", {"attestations": "out-of-scope"},
         {"trust": trust(publisher, (AUDITOR.did, "Audit", "publisher"))}),
        ("nobody-believed", "valid", {"attestations": "unknown-issuer"},
         {"trust": "version = 1\n"}),
        ("believed-but-not-the-publisher", "valid", {"attestations": "stated"},
         {"trust": trust((AUDITOR.did, "Audit", "auditor"))}),
        case("edited", "invalid", "edited",
             _edited(plain, lambda d: d["credentialSubject"]["attestation"].update(
                 conclusion="no errors"))),
        case("edited-by-nobody-you-know", "invalid", "edited",
             plain.replace("no label errors", "no other errors"), trust=nobody),
        case("not-json", "invalid", "bad-json", plain[:-1]),
        *(case(f"issuer-{name}", "invalid", "schema",
               _edited(plain, lambda d, issuer=issuer: d.update(issuer=issuer)))
          for name, issuer in NO_ISSUERS.items()),
        case("type-flipped", "invalid", "schema",
             plain.replace('"AttestationCredential"', '"AttestatioNCredential"')),
        case("foreign-key", "invalid", "foreign-key",
             resigned(plain, lambda d: d, made.MALLORY)),
        case("another-root", "invalid", "other-root", subject(id=other)),
        case("another-root-by-nobody-you-know", "invalid", "other-root", subject(id=other),
             trust=nobody),
        case("other-files", "invalid", "other-root", subject(files=other)),
        case("more-records-than-there-are", "invalid", "too-many-records", examined("6")),
        case("more-records-by-nobody-you-know", "invalid", "too-many-records", examined("6"),
             trust=nobody),
        case("as-many-records-as-there-are", "trusted", "stated", examined("5")),
        case("more-records-in-another-version", "trusted", "other-manifest",
             examined("6", manifest=other)),
        case("another-version", "trusted", "other-manifest", subject(manifest=other)),
        case("content-alone", "trusted", "stated",
             resigned(plain, lambda d: [d["credentialSubject"].pop(m) for m in
                                         ("manifest", "store")], AUDITOR)),
        case("by-the-publisher", "trusted", "by-the-publisher", attestation(made.OWNER),
             trust=trust(publisher, (made.OWNER.did, "Acme", "auditor"))),
        case("content-unchecked", "trusted", "content-unchecked",
             attestation(content_checked=False)),
        ("expired", "invalid", {"attestations": "expired", "period": "pass"},
         {"at": "2027-10-15T00:00:00Z"}),
        ("expired-by-nobody-you-know", "trusted", {"attestations": "expired"},
         {"at": "2027-10-15T00:00:00Z", "trust": nobody}),
        case("not-yet-valid", "invalid", "not-yet-valid", attestation(valid_from=END)),
        case("not-revoked", "trusted", "stated", listed, _list(url, AUDITOR, raised=False)),
        case("revoked", "invalid", "revoked", listed, _list(url, AUDITOR, raised=True)),
        case("revoked-by-nobody-you-know", "trusted", "unknown-issuer", listed,
             _list(url, AUDITOR, raised=True), trust=nobody),
        case("suspended", "invalid", "suspended", held,
             _list(url, AUDITOR, raised=True, purpose="suspension")),
        case("no-list", "incomplete", "no-list", listed),
        case("no-list-by-nobody-you-know", "trusted", "unknown-issuer", listed, trust=nobody),
        case("list-of-another", "incomplete", "foreign-list", listed,
             _list(url, made.OWNER, raised=False)),
        case("superseded", "trusted", "superseded", plain, successor),
        case("documents-disagree", "invalid", "disagrees",
             resigned(plain, lambda d: d["evidence"][0].update(
                 digestMultibase="uEi" + "A" * 44), AUDITOR), REPORT.decode()),
        ("documents-missing", "trusted", {"attestations": "stated"},
         {"siblings": {"report.txt": None}}),
        case("script-in-text", "trusted", "stated",
             attestation(statement={**STATEMENT, "conclusion": hostile, "liability": hostile})),
        case("a-grant-is-none", "trusted", "n/a", grant),
        ("offered-as-dataset-credential", "invalid", {"schema": "wrong-kind"},
         {"credential": plain}),
        ("grant-offered-as-dataset-credential", "invalid", {"schema": "wrong-kind"},
         {"credential": grant}),
        ("credential-superseded", "invalid", {"status": "superseded"},
         {"siblings": {"new.json": made.resigned(delivery.credential, lambda d: d.update(
             id=IDS[3], supersedes=reference_to(delivery.credential))).decode()}}),
        ("credential-superseded-in-a-crowd", "invalid", {"status": "superseded"},
         {"siblings": {**crowd(7), "new.json": made.resigned(
             delivery.credential, lambda d: d.update(
                 id=IDS[3], supersedes=reference_to(delivery.credential))).decode()}}),
        ("credential-successor-crowded-out", "incomplete", {"status": "too-many-successors"},
         {"siblings": {**crowd(8), "new.json": made.resigned(
             delivery.credential, lambda d: d.update(
                 id=IDS[3], supersedes=reference_to(delivery.credential))).decode()}}),
        ("superseded-by-somebody-else", "trusted", {"status": "n/a"},
         {"siblings": {"new.json": made.resigned(delivery.credential, lambda d: d.update(
             id=IDS[3], issuer={"id": made.MALLORY.did},
             supersedes=reference_to(delivery.credential)), made.MALLORY).decode()}}),
        ("superseded-from-tomorrow", "trusted", {"status": "n/a"},
         {"siblings": {"new.json": made.resigned(delivery.credential, lambda d: d.update(
             id=IDS[3], validFrom="2026-11-25T14:12:39Z",
             supersedes=reference_to(delivery.credential))).decode()}}),
        ("superseded-and-respelled", "invalid", {"status": "superseded"},
         {"credential": json.dumps(parse(delivery.credential), indent=2),
          "siblings": {"new.json": made.resigned(delivery.credential, lambda d: d.update(
              id=IDS[3], supersedes=reference_to(delivery.credential))).decode()}}),
        *organisations.attestation_cases(attestation, nobody),
    ]  # fmt: skip
    siblings = {
        name: {"hex": data.hex()} if name.endswith(".salts") else data.decode()
        for name, data in delivery.siblings.items()
    }
    return {
        "profile": "lyrik",
        "reader": "document/1: one record per file",
        "base": {
            "at": "2026-11-24T14:12:39Z",
            "trust": trust(publisher, (AUDITOR.did, "Audit", "auditor")),
            "credential": delivery.credential.decode(),
            "siblings": {**siblings, "attestation-1.json": plain, "report.txt": REPORT.decode()},
            "data": {path: data.decode() for path, data in made.FILES.items()},
        },
        "cases": [
            # Whom the report shows as issuers of the attestations.
            {**one, "issuers": [None]} if one["id"].startswith("issuer-") else one
            for one in cases(rows)
        ],
    }


def granted(about: Claims, signer: Signer, terms: bytes, *, number: int = 8, **changes: Any) -> str:
    """Return a grant by ``signer`` to the buyer under ``terms``, which are about ``about``."""
    arguments: dict[str, Any] = {
        "about": about,
        "terms": reference_to(terms),
        "holder": BUYER.did,
        "holder_name": "Buyer AG",
        "permits": ["train"],
        "limits": {"territory": ["AT", "DE"], "seats": 5},
        "issuer": signer.did,
        "valid_from": START,
        "valid_until": END,
        "id": IDS[number],
        **changes,
    }
    document = build_grant(made.metadata_in(arguments), **arguments)
    return issue(document, signer, NOW).decode()


def _grants(made: Any, delivery: Any, about: Claims) -> dict[str, Any]:
    url = "https://data.example/status/revocation-1.json"
    terms = delivery.credential

    def grant(signer: Signer = made.OWNER, terms: bytes = terms, **changes: Any) -> str:
        return granted(about, signer, terms, **changes)

    def said(**changes: Any) -> str:
        return resigned(
            plain, lambda d: d["credentialSubject"]["grant"].update(changes), made.OWNER
        )

    plain, listed = grant(), grant(status=[_entry(url)])
    held = grant(status=[_entry(url, "suspension")])
    revocable = made.resigned(terms, lambda d: d.update(credentialStatus=_entry(url).to_json()))
    under_revocable = grant(terms=revocable)
    replaced = made.resigned(
        terms, lambda d: d.update(id=IDS[9], supersedes=reference_to(terms))
    ).decode()
    successor = resigned(
        plain, lambda d: d.update(id=IDS[10], supersedes=reference_to(plain.encode())), made.OWNER
    )
    other = "urn:blake3:" + "ab" * 32
    newer = made.resigned(terms, lambda d: d["credentialSubject"].update(manifest=other)).decode()
    unsigned = newer.replace("ab" * 32, "ac" * 32)
    again = made.resigned(terms, lambda d: d.update(id=IDS[9])).decode()
    untyped = encode(parse(terms.replace(b"DatasetCredential", b"OtherCredential")))
    dataset = parse(plain.encode())["credentialSubject"]["grant"]["dataset"]
    files = {"credential.json": terms.decode()}

    rows: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
        ("sound", "trusted", {"grant.terms": "pass", "grant.holder": "n/a"}, {}),
        ("nobody-trusted", "valid", {"trust.issuer": "unknown-issuer"}, {"trust": "version = 1\n"}),
        ("edited", "invalid", {"proof": "edited"},
         {"target": plain.replace('"seats":5', '"seats":50')}),
        ("foreign-key", "invalid", {"issuer.binding": "foreign-key"},
         {"target": resigned(plain, lambda d: d, made.MALLORY)}),
        ("expired", "invalid", {"period": "expired"}, {"at": "2027-10-01T00:05:01Z"}),
        ("not-yet-valid", "invalid", {"period": "not-yet-valid"}, {"at": "2026-11-19T00:00:00Z"}),
        ("not-revoked", "trusted", {"status": "pass"},
         {"target": listed, "files": {"s.json": _list(url, made.OWNER, raised=False)}}),
        ("revoked", "invalid", {"status": "revoked"},
         {"target": listed, "files": {"s.json": _list(url, made.OWNER, raised=True)}}),
        ("suspended", "invalid", {"status": "suspended"},
         {"target": held,
          "files": {"s.json": _list(url, made.OWNER, raised=True, purpose="suspension")}}),
        ("no-list", "incomplete", {"status": "no-list"}, {"target": listed}),
        ("superseded", "invalid", {"status": "superseded"}, {"files": {"new.json": successor}}),
        ("without-end", "invalid", {"schema": "schema"},
         {"target": resigned(plain, lambda d: d.pop("validUntil"), made.OWNER)}),
        ("limits-reversed", "invalid", {"schema": "bad-credential"},
         {"target": said(limits={"type": "TermLimits", "useFrom": "2027-02-01T00:00:00Z",
                                 "useUntil": "2027-01-01T00:00:00Z"})}),
        ("dataset-credential-as-grant", "invalid", {"schema": "wrong-kind"},
         {"target": terms.decode(), "as": "grant"}),
        ("terms-missing", "incomplete", {"grant.terms": "missing-file"},
         {"files": {"credential.json": None}}),
        ("holds-another-version", "incomplete", {"grant.terms": "other-version"},
         {"files": {"credential.json": newer}}),
        ("holds-two-other-versions", "incomplete", {"grant.terms": "other-version"},
         {"files": {"credential.json": newer, "unsigned.json": unsigned}}),
        ("holds-this-version-too", "incomplete", {"grant.terms": "missing-file"},
         {"files": {"credential.json": newer, "again.json": again}}),
        ("holds-another-dataset", "incomplete", {"grant.terms": "missing-file"},
         {"files": {"credential.json": newer.replace("datasets/acme/", "datasets/acmf/")}}),
        ("terms-edited", "incomplete", {"grant.terms": "missing-file"},
         {"files": {"credential.json": terms.decode().replace('"train"', '"treat"')}}),
        ("terms-forged", "invalid", {"grant.terms": "unsound"},
         {"target": grant(terms=terms.replace(b'"train"', b'"treat"')),
          "files": {"credential.json": terms.decode().replace('"train"', '"treat"')}}),
        # What does not say the type is no dataset credential, whatever its digest.
        ("terms-of-no-dataset", "incomplete", {"grant.terms": "missing-file"},
         {"target": said(terms={**reference_to(terms), "digest": Digest.of(untyped).urn}),
          "files": {"credential.json": untyped.decode()}}),
        ("terms-by-two-names", "invalid", {"grant.terms": "disagrees"},
         {"target": said(terms={**reference_to(terms), "id": IDS[11]})}),
        ("by-somebody-else", "invalid", {"grant.terms": "other-issuer"},
         {"target": grant(made.MALLORY), "trust": "version = 1\n"}),
        ("another-root", "invalid", {"grant.terms": "other-dataset"},
         {"target": said(dataset={**dataset, "id": other})}),
        ("another-version", "invalid", {"grant.terms": "other-dataset"},
         {"target": said(dataset={**dataset, "manifest": other})}),
        ("another-name", "invalid", {"grant.terms": "other-dataset"},
         {"target": said(dataset={**dataset, "name": "datasets/acme/other"})}),
        ("more-than-allowed", "invalid", {"grant.terms": "exceeds"},
         {"target": grant(permits=["train", "commercialUse"])}),
        ("prohibited", "invalid", {"grant.terms": "exceeds"},
         {"target": grant(permits=["redistribute"])}),
        ("longer-than-allowed", "invalid", {"grant.terms": "exceeds"},
         {"target": grant(valid_until=datetime(2028, 1, 1, tzinfo=UTC))}),
        ("terms-revoked", "invalid", {"grant.terms": "revoked"},
         {"target": under_revocable, "files": {
             "credential.json": revocable.decode(),
             "s.json": _list(url, made.OWNER, raised=True)}}),
        ("terms-status-unknown", "incomplete", {"grant.terms": "no-list"},
         {"target": under_revocable, "files": {"credential.json": revocable.decode()}}),
        ("terms-replaced", "trusted", {"grant.terms": "superseded"},
         {"files": {"new.json": replaced}}),
        ("held-by-holder", "trusted", {"grant.holder": "pass"},
         {"holder": {"did": BUYER.did, "fresh": True}}),
        ("held-by-another", "invalid", {"grant.holder": "other-holder"},
         {"holder": {"did": made.MALLORY.did, "fresh": True}}),
        ("held-without-challenge", "incomplete", {"grant.holder": "not-asked"},
         {"holder": {"did": BUYER.did, "fresh": False}}),
        *organisations.grant_cases(terms, grant),
    ]  # fmt: skip
    return {
        "profile": "lyrik",
        "base": {
            "at": "2026-11-24T14:12:39Z",
            "trust": trust((made.OWNER.did, "Acme", "publisher")),
            "target": plain,
            "files": files,
        },
        "cases": cases(rows),
    }


def _presented(made: Any, delivery: Any, about: Claims) -> dict[str, Any]:
    terms = delivery.credential
    challenge, domain = "7c5f1a9e", "data.example"
    unsigned = build_grant(
        CredentialMetadata(made.OWNER.did, START, END, id=IDS[16]),
        about,
        terms=reference_to(terms),
        holder=BUYER.did,
        permits=["train"],
    )
    grant = issue(unsigned, made.OWNER, NOW)
    swollen = grant.replace(b'"train"', b'"evaluate"')
    web, believed = "did:web:buyer.example", trust((made.OWNER.did, "Acme", "publisher"))
    thief = OrganisationSigner(made.MALLORY, web)
    key = encode_multikey(thief.public)
    snapshot = json.dumps(build_document(web, {key: key}))
    bought = {**unsigned, "credentialSubject": {**unsigned["credentialSubject"], "id": web}}
    to_buyer = issue(bought, made.OWNER, NOW)

    def shown(*credentials: bytes, signer: KeySigner = BUYER, **changes: str) -> str:
        asked = {"challenge": challenge, "domain": domain, **changes}
        return make_presentation(credentials, signer, created=NOW, **asked).decode()

    sound = shown(grant, terms)
    rows: list[tuple[str, str, dict[str, str], dict[str, str], dict[str, Any]]] = [
        # id, verdict, checks of the presentation, checks of the grant in it, changes
        ("sound", "trusted", {"presented": "pass", "challenge": "pass"},
         {"grant.holder": "pass", "grant.terms": "pass"}, {}),
        ("terms-beside", "trusted", {"presented": "pass"}, {"grant.terms": "pass"},
         {"target": shown(grant), "files": {"credential.json": terms.decode()}}),
        ("terms-in-escapes", "trusted", {"presented": "pass"}, {"grant.terms": "pass"},
         {"target": shown(grant),
          "files": {"credential.json": terms.decode().replace("Dataset", "\\u0044ataset")}}),
        ("terms-nowhere", "incomplete", {"presented": "incomplete"},
         {"grant.terms": "missing-file"}, {"target": shown(grant)}),
        ("nobody-trusted", "valid", {"presented": "valid"}, {"trust.issuer": "unknown-issuer"},
         {"trust": "version = 1\n"}),
        ("stolen", "invalid", {"presented": "invalid"}, {"grant.holder": "other-holder"},
         {"target": shown(grant, terms, signer=made.MALLORY)}),
        ("holder-renamed", "invalid", {"proof": "edited"},
         {"grant.holder": "other-holder"},
         {"target": shown(grant, terms, signer=made.MALLORY).replace(
             f'"holder":"{made.MALLORY.did}"', f'"holder":"{BUYER.did}"')}),
        ("replayed-challenge", "invalid", {"challenge": "other-challenge"},
         {"grant.holder": "not-asked"}, {"challenge": "00000000"}),
        ("for-somebody-else", "invalid", {"challenge": "other-domain"},
         {"grant.holder": "not-asked"}, {"domain": "other.example"}),
        ("no-challenge-asked", "incomplete", {"challenge": "not-asked"},
         {"grant.holder": "not-asked"}, {"challenge": None}),
        ("grant-edited", "invalid", {"presented": "invalid"}, {"proof": "edited"},
         {"target": shown(swollen, terms)}),
        ("edited-after-signing", "invalid", {"proof": "edited"}, {"proof": "edited"},
         {"target": sound.replace('"permits":["train"],"terms"', '"permits":["evil"],"terms"')}),
        ("expired", "invalid", {"presented": "invalid"}, {"period": "expired"},
         {"at": "2027-10-02T00:00:00Z"}),
        # The verifier asked for a presentation, and gets what any copy of the grant is.
        ("grant-alone", "invalid", {"model": "bad-credential"}, {}, {"target": grant.decode()}),
        # The document beside it says that the thief's key is the buyer's.
        ("by-a-key-of-a-snapshot", "incomplete", {"holder.binding": "snapshot-only"},
         {"grant.holder": "snapshot-only"},
         {"target": shown(to_buyer, terms, signer=thief), "files": {"did.json": snapshot}}),
        ("by-a-key-of-a-pinned-document", "trusted", {"holder.binding": "pass"},
         {"grant.holder": "pass"},
         {"target": shown(to_buyer, terms, signer=thief),
          "trust": f"{believed}\n[[document]]\ndid = \"{web}\"\ninline = '{snapshot}'\n"}),
    ]  # fmt: skip
    return {
        "profile": "lyrik in w3c",
        "base": {
            "at": "2026-11-24T14:12:39Z",
            "trust": believed,
            "target": sound,
            "files": {},
            "challenge": challenge,
            "domain": domain,
        },
        "cases": [
            {"id": name, "verdict": verdict, "checks": checks, "grant": inner, "changes": changes}
            for name, verdict, checks, inner, changes in rows
        ],
    }


def cases(rows: list[Any]) -> list[dict[str, Any]]:
    """Return cases from id, verdict, checks and changes."""
    return [
        {"id": name, "verdict": verdict, "checks": checks, "changes": changes}
        for name, verdict, checks, changes in rows
    ]
