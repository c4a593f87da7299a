"""What the official suites ask of an implementation, asked here over HTTP with cases of our own.

One row for each thing that a test of ``vc-data-model-2.0-test-suite``,
``vc-di-eddsa-test-suite`` and ``vc-bitstring-status-list-test-suite`` looks at, under the section
it is about. The suites themselves are run by ``make suites`` (tests/interop/suites/README.md).
"""

import copy
from typing import Any

import pytest

from lyrikstore.testing.keys import signer_for
from lyrikstore.w3c.proofs.proof_set import add_proof
from tests.w3c.serving import SUITES, V2, Server, credential

EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
INLINE = {"ExampleTyped": "https://example.org/#ExampleTyped"}
TYPED = {"id": "urn:x:1", "type": "https://example.org/#ExampleTyped"}
ENGLISH = {"@value": "Text", "@language": "en"}

# (section, may be issued, changes; None removes a member)
ISSUING: list[tuple[str, bool, dict[str, Any]]] = [
    ("4.3 contexts", True, {"@context": [V2], "credentialSubject": {"name": "A"}}),
    ("4.3 contexts", True, {"@context": [V2, EXAMPLES]}),
    ("4.3 contexts", False, {"@context": None}),
    ("4.3 contexts", False, {"@context": [EXAMPLES, V2]}),
    ("4.3 contexts", False, {"@context": [EXAMPLES]}),
    ("4.3 contexts", False, {"@context": [V2, "https ://not-a-url/v1"]}),
    ("4.3 contexts", False, {"@context": [V2, 123192875]}),
    ("4.4 identifiers", True, {"id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"}),
    ("4.4 identifiers", True, {"credentialSubject": {"id": "did:example:1"}}),
    ("4.4 identifiers", False, {"id": ["urn:x:1", "urn:x:2"]}),
    ("4.4 identifiers", False, {"id": "not-a-url"}),
    ("4.4 identifiers", False, {"credentialSubject": {"id": ["urn:x:1", "urn:x:2"]}}),
    ("4.5 types", True, {"type": ["VerifiableCredential", "https://example.org/#One"]}),
    ("4.5 types", True, {"type": ["https://example.org/#Two", "VerifiableCredential"]}),
    ("4.5 types", True, {"type": ["VerifiableCredential", "RelationshipCredential"]}),
    ("4.5 types", False, {"type": None}),
    ("4.5 types", False, {"type": ["RelationshipCredential"]}),
    ("4.5 types", False, {"@context": [V2], "type": ["VerifiableCredential", "Unmapped"]}),
    *(
        row
        for member in (
            *("credentialStatus", "termsOfUse", "evidence", "refreshService", "credentialSchema"),
        )
        for row in (
            ("4.5 typed objects", True, {member: TYPED}),
            ("4.5 typed objects", True, {member: [TYPED, {**TYPED, "id": "urn:x:2"}]}),
            ("4.5 typed objects", False, {member: {"id": "urn:x:1"}}),
            ("4.5 typed objects", False, {member: {"id": "urn:x:1", "type": 2}}),
        )
    ),
    *(
        row
        for member in ("name", "description")
        for row in (
            ("4.6 names", True, {member: "Text"}),
            ("4.6 names", True, {member: ENGLISH}),
            ("4.6 names", True, {member: {**ENGLISH, "@direction": "ltr"}}),
            ("4.6 names", True, {member: [ENGLISH, {"@value": "Texte", "@language": "fr"}]}),
            ("4.6 names", False, {member: {**ENGLISH, "url": "did:example:extra"}}),
        )
    ),
    ("4.7 issuer", False, {"issuer": None}),
    ("4.7 issuer", False, {"issuer": "not-a-url"}),
    ("4.7 issuer", False, {"issuer": {"id": "not-a-url"}}),
    ("4.7 issuer", False, {"issuer": {"name": "without id"}}),
    ("4.8 subject", True, {"credentialSubject": [{"id": "did:example:1"}, {"name": "B"}]}),
    ("4.8 subject", False, {"credentialSubject": None}),
    ("4.8 subject", False, {"credentialSubject": {}}),
    ("4.8 subject", False, {"credentialSubject": [{"name": "A"}, {}]}),
    ("4.9 period", True, {"validFrom": "2023-02-26T01:02:58.447Z"}),
    ("4.9 period", True, {"validFrom": "2023-02-26T01:02:58-06:00"}),
    ("4.9 period", True, {"validFrom": "2123-02-26T01:02:58Z"}),
    (
        "4.9 period",
        True,
        {"validFrom": "2023-02-26T01:21:23Z", "validUntil": "2023-02-25T19:21:29-06:00"},
    ),
    ("4.9 period", False, {"validFrom": "02/26/2023"}),
    ("4.9 period", False, {"validUntil": "2023-02-26"}),
    (
        "4.9 period",
        False,
        {"validFrom": "2024-02-26T00:00:00Z", "validUntil": "2023-02-26T00:00:00Z"},
    ),
    ("4.10 status", True, {"credentialStatus": {"type": "https://example.org/#S"}}),
    ("4.10 status", False, {"credentialStatus": {**TYPED, "id": ["urn:x:1", "urn:x:2"]}}),
    ("4.10 status", False, {"credentialStatus": {**TYPED, "id": "not-a-url"}}),
    ("4.11 schemas", False, {"credentialSchema": {"type": "JsonSchema"}}),
    ("4.11 schemas", False, {"credentialSchema": {**TYPED, "id": 1}}),
    ("5.3 resources", True, {"relatedResource": {"id": "urn:x:1", "digestSRI": "sha384-"
                                                 + "A" * 64}}),
    ("5.3 resources", False, {"relatedResource": ["urn:x:1"]}),
    ("5.3 resources", False, {"relatedResource": {"digestSRI": "sha384-" + "A" * 64}}),
    ("5.3 resources", False, {"relatedResource": {"id": "urn:x:1"}}),
    ("5.3 resources", False, {"relatedResource": {"id": V2, "digestSRI": "sha384-" + "A" * 64}}),
    ("BSL 2.1 entries", False, {"credentialStatus": {
        "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
        "statusListIndex": True, "statusListCredential": "https://example.com/1"}}),
]  # fmt: skip

INLINE_CONTEXTS: list[tuple[str, bool, dict[str, Any]]] = [
    # Signed as JSON only: no RDF signature of ours takes a context of the document's own.
    ("4.3 contexts", True, {"@context": [V2, INLINE]}),
    ("4.5 types", True, {"@context": [V2, INLINE], "type": ["VerifiableCredential",
                                                            "ExampleTyped"]}),
    ("4.5 types", False, {"@context": [V2, {"ExampleTyped": "https ://not-a-url#E"}],
                          "type": ["VerifiableCredential", "ExampleTyped"]}),
    # JSON-LD API, Create Term Definition: a keyword cannot be a term. The suite has this.
    ("4.3 contexts", False, {"@context": [V2, {"@context": INLINE}]}),
    ("5.2 protected terms", False, {"@context": [V2, {"VerifiableCredential": "urn:x:bad"}]}),
    ("5.2 protected terms", False, {"@context": [
        V2, {"@protected": True, **INLINE}, {"ExampleTyped": "urn:x:bad"}]}),
]  # fmt: skip


def post(server: Server, suite: str, changes: dict[str, Any]) -> tuple[int, Any]:
    document = {n: v for n, v in credential(server, **changes).items() if v is not None}
    return server.post(f"/issuers/{suite}/credentials/issue", {"credential": document})


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(("section", "good", "changes"), ISSUING, ids=str)
def test_issuing(
    server: Server,
    suite: str,
    section: str,
    good: bool,
    changes: dict[str, Any],
) -> None:
    status, made = post(server, suite, changes)
    assert status == (201 if good else 400), (section, made)
    if good:
        assert made["proof"]["cryptosuite"] == suite
        assert {"@context", "type", "issuer", "credentialSubject", "proof"} <= made.keys()


@pytest.mark.parametrize(("section", "good", "changes"), INLINE_CONTEXTS, ids=str)
def test_issuing_with_a_context_of_its_own(
    server: Server,
    section: str,
    good: bool,
    changes: dict[str, Any],
) -> None:
    status, made = post(server, "eddsa-jcs-2022", changes)
    assert status == (201 if good else 400), (section, made)


@pytest.mark.parametrize(("suite", "status"), [("eddsa-jcs-2022", 201), ("eddsa-rdfc-2022", 400)])
def test_a_member_without_meaning_is_lost_as_rdf_and_signed_as_json(
    server: Server, suite: str, status: int
) -> None:
    changes = {"@context": [V2], "credentialSubject": {"name": "A", "undefinedTerm": "B"}}
    answer, made = post(server, suite, changes)
    assert answer == status
    if answer == 201:
        assert server.verify(made)[0] == 200
        made["credentialSubject"]["undefinedTerm"] = "C"
        assert server.verify(made)[0] == 422


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("issuer", ["did:example:other", {"id": "did:example:other", "name": "O"}])
def test_another_issuer_is_replaced_only_if_that_is_asked_for(
    server: Server, suite: str, issuer: Any
) -> None:
    body = {"credential": credential(server, issuer=issuer), "options": {}}
    path = f"/issuers/{suite}/credentials/issue"
    assert server.post(path, body)[0] == 400
    body["options"] = {"replaceIssuer": True}
    status, made = server.post(path, body)
    named = {**issuer, "id": server.issuer} if isinstance(issuer, dict) else server.issuer
    assert (status, made["issuer"]) == (201, named)
    assert server.verify(made)[0] == 200
    body["options"] = {"replaceIssuer": "yes"}
    assert server.post(path, body)[0] == 400
    for malformed in ("not-a-url", None, {"id": None}, {"name": "without id"}):
        body = {
            "credential": credential(server, issuer=malformed),
            "options": {"replaceIssuer": True},
        }
        assert server.post(path, body)[0] == 400, malformed


@pytest.mark.parametrize("suite", SUITES)
def test_a_presentation_with_a_type_of_its_own(server: Server, suite: str) -> None:
    wanted = {"challenge": "c", "domain": "verifier.example"}
    presentation = {
        "@context": [V2, {"ExamplePresentation": "https://example.org/#ExamplePresentation"}],
        "type": ["VerifiablePresentation", "ExamplePresentation"],
        "verifiableCredential": [server.issue(credential(server), suite)],
    }
    body = {"presentation": presentation, "options": wanted}
    status, made = server.post(f"/issuers/{suite}/presentations/prove", body)
    assert status == 201, made

    def verify(document: Any) -> int:
        asked = {"verifiablePresentation": document, "options": wanted}
        return server.post("/presentations/verify", asked)[0]

    assert verify(made) == 200
    # ATTACK: the same graph, and another word for its type.
    iri = made["@context"][1]["ExamplePresentation"]
    other = {**made, "@context": [V2, {"Other": iri}], "type": [made["type"][0], "Other"]}
    assert verify(other) == 422
    assert verify({**made, "@context": [V2], "type": [made["type"][0], iri]}) == 422


@pytest.mark.parametrize("kind", ["Credential", "Presentation"])
def test_4_13_envelopes_are_known_and_not_opened(server: Server, kind: str) -> None:
    sound: dict[str, Any] = {
        "@context": V2,
        "id": "data:application/vc+jwt,eyJ.eyJ.x",
        "type": f"EnvelopedVerifiable{kind}",
    }

    def answered(document: dict[str, Any]) -> tuple[int, Any]:
        body = {f"verifiable{kind}": document, "options": {"checks": []}}
        return server.post(f"/{kind.lower()}s/verify", body)

    status, answer = answered(sound)
    assert (status, answer["verified"], answer["verdict"]) == (422, False, "incomplete")
    assert len(answer["errors"]) == 1
    for change in (
        {"@context": []},
        {"@context": EXAMPLES},
        {"id": "eyJ.eyJ.x"},
        {"type": [f"Verifiable{kind}", sound["type"]]},
        {"type": None},
    ):
        status, answer = answered({**sound, **change})
        assert (status, answer["verified"]) == (400, False), change
        assert answer["errors"]
    # Of the plain type it is no envelope, and nobody signed it.
    status, answer = answered({**sound, "type": f"Verifiable{kind}"})
    assert (status, answer["verified"]) == ({"Credential": 400, "Presentation": 422}[kind], False)


@pytest.mark.parametrize("suite", SUITES)
def test_4_13_4_holder_claims(server: Server, suite: str) -> None:
    signer = signer_for("acme")
    asked = {"challenge": "c", "domain": "verifier.example"}

    def answered(**changes: Any) -> tuple[int, Any]:
        document = {
            "@context": [V2],
            "type": ["VerifiablePresentation"],
            "holder": signer.did,
            "verifiableCredential": [{**credential(server), "issuer": signer.did}],
            **changes,
        }
        stated = {name: value for name, value in document.items() if value is not None}
        made = add_proof(stated, signer, purpose="authentication", suite=suite, **asked)
        body = {"verifiablePresentation": made, "options": asked}
        return server.post("/presentations/verify", body)

    status, answer = answered()
    assert (status, answer["verdict"], answer["verified"]) == (200, "valid", True), answer
    # Nobody says whose claims they are, or who shows them is not who makes them.
    assert answered(holder=None)[0] in {400, 422}
    assert answered(verifiableCredential=[credential(server)])[0] in {400, 422}


def test_4_13_an_envelope_hides_nothing_beside_it(server: Server) -> None:
    signer = signer_for("acme")
    asked = {"challenge": "c", "domain": "verifier.example"}
    envelope = {
        "@context": V2,
        "id": "data:application/vc+jwt,eyJ.eyJ.x",
        "type": "EnvelopedVerifiableCredential",
    }
    sound = server.issue(credential(server))
    edited = {**sound, "issuer": signer.did}
    for beside, verdict in ((sound, "incomplete"), (edited, "invalid")):
        document = {
            "@context": [V2],
            "type": ["VerifiablePresentation"],
            "holder": signer.did,
            "verifiableCredential": [envelope, beside],
        }
        made = add_proof(document, signer, purpose="authentication", **asked)
        body = {"verifiablePresentation": made, "options": asked}
        status, answer = server.post("/presentations/verify", body)
        assert (status, answer["verified"], answer["verdict"]) == (422, False, verdict)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("4.4 proof missing", lambda d: d.pop("proof")),
        ("4.4 proof null", lambda d: d.update(proof=None)),
        ("2.1 type missing", lambda d: d["proof"].pop("type")),
        ("2.1 type unknown", lambda d: d["proof"].update(type="UnknownProofType")),
        ("2.1 method missing", lambda d: d["proof"].pop("verificationMethod")),
        ("2.1 method unknown", lambda d: d["proof"].update(verificationMethod="did:key:invalid")),
        ("2.1 purpose missing", lambda d: d["proof"].pop("proofPurpose")),
        ("2.1 purpose unknown", lambda d: d["proof"].update(proofPurpose="invalidPurpose")),
        ("2.1 value missing", lambda d: d["proof"].pop("proofValue")),
        ("2.1 value null", lambda d: d["proof"].update(proofValue=None)),
        ("2.4 no multibase", lambda d: d["proof"].update(proofValue=d["proof"]["proofValue"][1:])),
        ("3.2 value too long", lambda d: d["proof"].update(
            proofValue=d["proof"]["proofValue"] + "1" * 40)),
        ("2.1 created", lambda d: d["proof"].update(created="invalidDate")),
        ("3.1 cryptosuite unknown", lambda d: d["proof"].update(cryptosuite="unknown-2017")),
        ("2.1.2 previous proof missing", lambda d: d["proof"].update(previousProof="urn:x:1")),
        ("2.1.2 previous proof no text", lambda d: d["proof"].update(previousProof=[7])),
        ("7.1 claim changed", lambda d: d["credentialSubject"].update(alumniOf="Basel")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_verifying(server: Server, suite: str, what: str, change: Any) -> None:
    made = server.issue(credential(server), suite)
    assert server.verify(made, checks=["proof"])[0] == 200
    change(made)
    status, answer = server.verify(made, checks=["proof"])
    assert status in {400, 422}, (what, answer)
    assert answer["errors"]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    ("what", "first", "second"),
    [
        ("a set", {}, {}),
        ("a chain", {"proof_id": "urn:x:1"}, {"previous": "urn:x:1"}),
        ("a chain by a list", {"proof_id": "urn:x:1"}, {"previous": ["urn:x:1"]}),
    ],
)
def test_sets_and_chains(server: Server, suite: str, what: str, first: Any, second: Any) -> None:
    signer = signer_for("acme")
    made: Any = credential(server, issuer=signer.did)
    for link in (first, second):
        made = add_proof(made, signer, suite=suite, **link)
    assert server.verify(made)[0] == 200, what
    for number in (0, 1):
        broken = copy.deepcopy(made)
        value = broken["proof"][number]["proofValue"]
        broken["proof"][number]["proofValue"] = "z" + value[:0:-1]
        assert server.verify(broken)[0] == 422, (what, number)
    if second:
        for other in ("urn:x:2", ["urn:x:2"], ["urn:x:1", "urn:x:2"]):
            broken = copy.deepcopy(made)
            broken["proof"][1]["previousProof"] = other
            assert server.verify(broken)[0] == 422, (what, other)
        assert server.verify({**made, "proof": made["proof"][1]})[0] == 422, what


def test_the_status_list_is_what_the_suite_asks_for(server: Server) -> None:
    body = {
        "credential": credential(server),
        "options": {"statusPurpose": ["revocation", "suspension"]},
    }
    status, made = server.post(f"/issuers/{SUITES[1]}/revocable/credentials/issue", body)
    assert status == 201
    for entry in made["credentialStatus"]:
        assert entry["type"] == "BitstringStatusListEntry"
        assert str(int(entry["statusListIndex"])) == entry["statusListIndex"]
        path = entry["statusListCredential"].removeprefix(server.url)
        found = server.request("GET", path)[1]
        assert "BitstringStatusListCredential" in found["type"]
        assert found["credentialSubject"]["type"] == "BitstringStatusList"
        assert found["credentialSubject"]["statusPurpose"] == entry["statusPurpose"]
        assert found["credentialSubject"]["encodedList"][0] == "u"
        assert server.verify(found, checks=["proof"])[0] == 200
    answer = server.verify(made, checks=["proof", "credentialStatus"])
    assert (answer[0], answer[1]["errors"]) == (200, [])
