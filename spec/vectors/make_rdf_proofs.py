"""Makes ``rdf-proofs/``: documents with ``eddsa-rdfc-2022`` proofs, as the profile ``w3c`` judges.

Needs the extra ``jsonld``. A case is the document and the ``outcome``: ``verifies``, or the kind of
the error. Where there is ``graph``, it is that of the case of this name, which was signed, so that
software which checks the signature alone accepts the document: ``attack`` says what its reader
would then believe.
"""

import copy
from collections.abc import Callable
from typing import Any

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.testing.clocks import DEFAULT_START
from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.proofs.eddsa_rdfc import CRYPTOSUITE
from lyrikstore.w3c.proofs.proof_set import add_proof

ISSUER = signer_for("publisher")
V2, EXAMPLES = (
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
)
VOCABULARY = "https://www.w3.org/ns/credentials/examples#"
XSD = "http://www.w3.org/2001/XMLSchema#"
VC = "https://www.w3.org/2018/credentials#"
CREDENTIAL: dict[str, Any] = {
    "@context": [V2, EXAMPLES],
    "id": "urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b",
    "type": ["VerifiableCredential", "ExampleCredential"],
    "issuer": {"id": ISSUER.did, "name": "Harbour Data"},
    "name": "Z\u00fcrich \u201creviews\u201d\n\U0001f602 \\",
    "description": {"@value": "Bewertungen", "@language": "de", "@direction": "ltr"},
    "validFrom": "2020-01-01T00:00:00Z",
    "validUntil": "2021-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "urn:blake3:c9e8446d0115e411659fe50f8372e33b66a311838c0d69a14134e5c8259aca64",
        "count": 12,
        "paid": True,
        "part": [{"label": "a", "inner": {"deep": ["x", "y"]}}, {"label": "b"}],
    },
    "credentialStatus": {
        "id": "https://publisher.example/status/1#5",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "5",
        "statusListCredential": "https://publisher.example/status/1",
    },
}


TYPED: dict[str, Any] = {
    "@context": [V2],
    "type": ["VerifiableCredential", "https://example.org/drafts#Diploma"],
    "issuer": ISSUER.did,
    "credentialSubject": {"id": "did:example:1"},
}
NAMED_TYPE = "https://example.org/#ExamplePresentation"
NAMED: dict[str, Any] = {
    "@context": [
        V2,
        {
            "ExamplePresentation": NAMED_TYPE,
            "purpose": "https://example.org/terms/purpose",
        },
    ],
    "type": ["VerifiablePresentation", "ExamplePresentation"],
    "holder": ISSUER.did,
    "purpose": "audit",
    "mediaType": "text/plain",
}


def _changed(
    document: dict[str, Any], change: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    copied = copy.deepcopy(document)
    change(copied)
    return copied


def _named() -> list[tuple[str, str, str, Callable[[dict[str, Any]], object]]]:
    """Return (name, outcome, attack on the same graph or nothing, change) of names of its own."""

    def own(document: dict[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = document["@context"][1]
        return context

    def renamed(document: dict[str, Any], *, name: str) -> None:
        own(document)[name] = own(document).pop("ExamplePresentation")
        document["type"][1] = name

    return [
        ("named", "verifies", "", lambda _: None),
        ("named-more", "verifies", "", lambda d: own(d).update(x="urn:example:/x")),
        (
            "named-type-as-iri",
            "bad-rdf",
            "a presentation of another type",
            lambda d: (
                own(d).pop("ExamplePresentation"),
                d.update(type=[d["type"][0], NAMED_TYPE]),
            ),
        ),
        (
            "named-otherwise",
            "bad-rdf",
            "a presentation of another type",
            lambda d: renamed(d, name="PaymentOrder"),
        ),
        (
            "named-as-a-known-meaning",
            "bad-rdf",
            "it has no media type",
            lambda d: (
                own(d).update(encodingFormat="https://schema.org/encodingFormat"),
                d.update(encodingFormat=d.pop("mediaType")),
            ),
        ),
        (
            "named-too-much",
            "bad-rdf",
            "",
            lambda d: own(d).update({f"x{n}": f"urn:example:/x{n}" for n in range(255)}),
        ),
        (
            "named-by-a-path",
            "bad-rdf",
            "",
            lambda d: (d["@context"].append(EXAMPLES), d["type"].append("a/b")),
        ),
        (
            "named-by-an-object",
            "bad-rdf",
            "",
            lambda d: own(d).update(purpose={"@id": own(d)["purpose"], "@type": "@id"}),
        ),
        ("named-by-a-keyword", "bad-rdf", "", lambda d: own(d).update({"@vocab": "urn:x/"})),
        (
            "named-as-a-known-term",
            "bad-rdf",
            "",
            lambda d: own(d).update(challenge="https://example.org/#challenge"),
        ),
        (
            "named-twice",
            "bad-rdf",
            "",
            lambda d: d["@context"].append({"purpose": "urn:x/purpose"}),
        ),
        (
            "named-elsewhere",
            "bad-signature",
            "",
            lambda d: own(d).update(purpose="https://example.org/other/purpose"),
        ),
        ("named-no-more", "bad-rdf", "", lambda d: own(d).pop("purpose")),
    ]


def cases() -> list[dict[str, Any]]:
    """Return every case."""
    now = DEFAULT_START
    named = add_proof(NAMED, ISSUER, suite=CRYPTOSUITE, created=now)
    typed = add_proof(TYPED, ISSUER, suite=CRYPTOSUITE, created=now)
    secured = add_proof(CREDENTIAL, ISSUER, suite=CRYPTOSUITE, created=now)
    shared = _changed(CREDENTIAL, lambda d: d.update(evidence=[{"id": "urn:e:1", "type": "A"}]))
    listed = add_proof(
        {**CREDENTIAL, "relatedResource": [{"id": "urn:r:1", "mediaType": "a/b", "name": "n"}]},
        ISSUER,
        suite=CRYPTOSUITE,
        created=now,
    )
    jcs = add_proof(CREDENTIAL, ISSUER, created=now, proof_id="urn:uuid:1")
    presentation = {
        "@context": [V2],
        "type": ["VerifiablePresentation"],
        "holder": ISSUER.did,
        "verifiableCredential": [secured, {**jcs, "id": "urn:uuid:2"}],
    }
    until = f'<{CREDENTIAL["id"]}> <{VC}validUntil> "{CREDENTIAL["validUntil"]}"^^<{XSD}dateTime>'
    swallowed = f"{ISSUER.did}> .\n{until} .\n<x:y"
    same: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
        (
            "respelled-valid-until",
            "it does not expire",
            lambda d: d.update(
                {VC + "validUntil": {"@type": XSD + "dateTime", "@value": d.pop("validUntil")}}
            ),
        ),
        (
            "respelled-status",
            "it cannot be revoked",
            lambda d: d.update({VC + "credentialStatus": d.pop("credentialStatus")}),
        ),
        (
            "respelled-type",
            "it is of no known type",
            lambda d: d.update(type=["VerifiableCredential", f"{VOCABULARY}ExampleCredential"]),
        ),
        (
            "id-as-keyword",
            "it has no id",
            lambda d: d.update({"@id": d.pop("id")}),
        ),
        (
            "null-added",
            "it has a description that nobody signed",
            lambda d: d.update(termsOfUse=None),
        ),
        ("null-in-a-list", "as above", lambda d: d["credentialSubject"]["part"].append(None)),
        ("empty-list-added", "it has evidence", lambda d: d.update(evidence=[])),
        (
            "list-in-a-list",
            "",
            lambda d: d["credentialSubject"].update(part=[d["credentialSubject"]["part"]]),
        ),
        (
            "value-object",
            "its name is an object",
            lambda d: d.update(name={"@value": d["name"]}),
        ),
        (
            "object-split",
            "the status entry has no list",
            lambda d: d.update(
                credentialStatus=[
                    {k: v for k, v in d["credentialStatus"].items() if k != "statusListIndex"},
                    {
                        "id": d["credentialStatus"]["id"],
                        "type": "BitstringStatusListEntry",
                        "statusListIndex": "5",
                    },
                ]
            ),
        ),
        (
            "list-wrapper",
            "",
            lambda d: d["credentialSubject"].update(part={"@set": d["credentialSubject"]["part"]}),
        ),
        ("graph-wrapper", "", lambda d: d.update({"@included": []})),
        (
            "nested-context",
            "the subject means something else",
            lambda d: d["credentialSubject"].update({"@context": V2}),
        ),
        (
            "inline-context",
            "a word that was not signed",
            lambda d: d["@context"].append({"harmless": "urn:harmless"}),
        ),
        ("null-context", "", lambda d: d["@context"].insert(0, None)),
    ]
    other: list[tuple[str, str, dict[str, Any]]] = [
        ("signed", "verifies", secured),
        (
            "presentation",
            "verifies",
            add_proof(presentation, ISSUER, suite=CRYPTOSUITE, created=now),
        ),
        (
            "previous-proof-of-jcs",
            "verifies",
            add_proof(jcs, ISSUER, suite=CRYPTOSUITE, created=now, previous="urn:uuid:1"),
        ),
        (
            "id-shared-by-a-reference",
            "verifies",
            add_proof(shared, ISSUER, suite=CRYPTOSUITE, created=now),
        ),
        (
            "claim-changed",
            "bad-signature",
            _changed(secured, lambda d: d.update(validUntil="2099-01-01T00:00:00Z")),
        ),
        ("claim-removed", "bad-signature", _changed(secured, lambda d: d.pop("validUntil"))),
        (
            "claim-added",
            "bad-signature",
            _changed(secured, lambda d: d["credentialSubject"].update(x="y")),
        ),
        (
            "claim-moved",
            "bad-signature",
            _changed(secured, lambda d: d["credentialSubject"].update(count=13)),
        ),
        (
            "term-unknown",
            "bad-rdf",
            _changed(
                secured,
                lambda d: (d["@context"].pop(), d.pop("proof"), d.update(proof=secured["proof"])),
            ),
        ),
        (
            "language-changed",
            "bad-signature",
            _changed(secured, lambda d: d["description"].update({"@language": "fr"})),
        ),
        (
            "language-malformed",
            "bad-rdf",
            _changed(
                secured, lambda d: d["description"].update({"@language": 'de .\n<x:y> <x:z> "'})
            ),
        ),
        (
            "direction-removed",
            "bad-signature",
            _changed(secured, lambda d: d["description"].pop("@direction")),
        ),
        (
            "statement-in-an-iri",
            "bad-rdf",
            _changed(secured, lambda d: d["issuer"].update(id=swallowed)),
        ),
        (
            "iri-with-a-line-end",
            "bad-rdf",
            _changed(secured, lambda d: d.update(id=d["id"] + "\n")),
        ),
        *(
            (
                f"{where}-not-a-character-{ord(noncharacter):x}",
                "bad-rdf",
                _changed(
                    secured,
                    lambda d, name=name, noncharacter=noncharacter: d.update(
                        {name: f"urn:x:{noncharacter}"}
                    ),
                ),
            )
            for where, name in (("iri", "id"), ("text", "name"))
            for noncharacter in "\ufffe\uffff"
        ),
        # ATTACK: an IRI that RDF libraries drop, with everything that is said of it
        *(
            (
                f"iri-with-a-blank-{ord(blank):x}",
                "bad-rdf",
                _changed(
                    secured,
                    lambda d, blank=blank: d.update(
                        evidence={"id": f"urn:x:{blank}", "type": "VerifiableCredential"}
                    ),
                ),
            )
            for blank in "\x85\xa0\u1680\u2003\u2028\u202f\u3000\ufeff"
        ),
        (
            "iri-relative",
            "bad-rdf",
            _changed(
                secured, lambda d: d["credentialStatus"].update(statusListCredential="status/1")
            ),
        ),
        (
            "blank-node-named",
            "bad-rdf",
            _changed(secured, lambda d: d["credentialSubject"].update(id="_:b0")),
        ),
        ("member-with-a-colon", "bad-rdf", _changed(secured, lambda d: d.update({"x:y": "z"}))),
        ("member-not-ascii", "bad-rdf", _changed(secured, lambda d: d.update({"\u0430": "z"}))),
        ("member-empty", "bad-rdf", _changed(secured, lambda d: d.update({"": "z"}))),
        (
            "reverse",
            "bad-rdf",
            _changed(secured, lambda d: d.update({"@reverse": {"issuer": {"id": "urn:x:y"}}})),
        ),
        (
            "fraction",
            "bad-rdf",
            _changed(secured, lambda d: d["credentialSubject"].update(count=12.5)),
        ),
        ("control-character", "bad-rdf", _changed(secured, lambda d: d.update(name="a\bb"))),
        (
            "two-objects-of-one-id",
            "bad-rdf",
            _changed(listed, lambda d: d["relatedResource"].append({"id": "urn:r:1", "name": "m"})),
        ),
        (
            "context-unknown",
            "unknown-context",
            _changed(secured, lambda d: d["@context"].append("https://example.org/unsigned")),
        ),
        ("context-absent", "bad-rdf", _changed(secured, lambda d: d.pop("@context"))),
        (
            "context-in-the-proof",
            "bad-proof",
            _changed(secured, lambda d: d["proof"].update({"@context": d["@context"]})),
        ),
        (
            "proof-member-unknown",
            "bad-rdf",
            _changed(secured, lambda d: (d["@context"].pop(), d["proof"].update(note="x"))),
        ),
        (
            "poison-twins",
            "bad-rdf",
            _changed(
                secured, lambda d: d.update(evidence=[{"type": "A", "part": [{"b": "c"}] * 9}] * 2)
            ),
        ),
        (
            "poison-long-list",
            "bad-rdf",
            _changed(secured, lambda d: d.update(evidence=[str(n) for n in range(257)])),
        ),
        (
            "poison-many",
            "bad-rdf",
            _changed(
                secured,
                lambda d: d.update(
                    evidence=[{"part": [f"{k} {n}" for n in range(200)]} for k in range(6)]
                ),
            ),
        ),
        (
            "jcs-relabelled",
            "bad-proof",
            _changed(jcs, lambda d: d["proof"].update(cryptosuite=CRYPTOSUITE)),
        ),
    ]
    made: list[tuple[str, str, dict[str, str], dict[str, Any]]] = [
        *((name, outcome, {}, document) for name, outcome, document in other),
        *(
            (name, "bad-rdf", {"graph": "signed", "attack": attack}, _changed(secured, change))
            for name, attack, change in same
        ),
        *(
            (
                name,
                outcome,
                {"graph": "named", "attack": attack} if attack else {},
                _changed(named, change),
            )
            for name, outcome, attack, change in _named()
        ),
        ("type-as-iri", "verifies", {}, typed),
        (
            "type-named-by-a-context",
            "bad-rdf",
            {
                "graph": "type-as-iri",
                "attack": "a diploma, for which a trust file trusts its issuer",
            },
            _changed(
                typed,
                lambda d: (
                    d["@context"].append({"Diploma": d["type"][1]}),
                    d.update(type=["VerifiableCredential", "Diploma"]),
                ),
            ),
        ),
    ]
    return [
        {
            "id": name,
            "profile": "w3c",
            "at": format_timestamp(now),
            "outcome": outcome,
            **more,
            "document": document,
        }
        for name, outcome, more, document in made
    ]


def make() -> dict[str, Any]:
    """Return file name → content."""
    return {"rdf-proofs/rdfc.json": {"cases": cases()}}
