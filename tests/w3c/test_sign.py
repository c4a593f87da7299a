"""``lyrikstore w3c sign``: a credential of a kind of one's own, as a user types it."""

import json
from typing import Any

import pytest

V2 = "https://www.w3.org/ns/credentials/v2"
TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"
WEB = "did:web:school.example"
JCS, RDFC = ("--cryptosuite", "eddsa-jcs-2022"), ("--cryptosuite", "eddsa-rdfc-2022")


@pytest.fixture
def issuer(new_person: Any) -> Any:
    person = new_person("issuer")
    person.ok("key", "new", "--no-passphrase")
    return person


def write(person: Any, **changes: Any) -> None:
    document = {
        "@context": [V2, TERMS],
        "type": ["VerifiableCredential", "CourseCredential"],
        "validFrom": "2026-01-15T00:00:00Z",
        "credentialSubject": {"course": "Statistics", "hours": 40},
        **changes,
    }
    kept = {name: value for name, value in document.items() if value is not None}
    (person.folder / "course.json").write_text(json.dumps(kept))


@pytest.mark.parametrize("suites", [JCS, RDFC, (*JCS, *RDFC)], ids=["jcs", "rdfc", "both"])
def test_it_is_signed_and_verifies(issuer: Any, suites: tuple[str, ...]) -> None:
    write(issuer)
    said = issuer.ok("w3c", "sign", "course.json", "-o", "signed.json", *suites, "--json").json
    signed = json.loads((issuer.folder / "signed.json").read_text())
    proofs = signed.pop("proof")
    proofs = proofs if isinstance(proofs, list) else [proofs]
    assert [proof["cryptosuite"] for proof in proofs] == list(suites[1::2]) == said["cryptosuites"]
    unsigned = json.loads((issuer.folder / "course.json").read_text())
    assert signed == {**unsigned, "issuer": said["issuer"]}
    issuer.fails(4, "verify", "signed.json")  # by nobody in the trust file
    issuer.ok("trust", "add", said["issuer"], "--name", "me", "--names", "credentials/Course*")
    assert issuer.ok("verify", "signed.json", "--json").json["profile"] == "w3c"
    text = (issuer.folder / "signed.json").read_text()
    (issuer.folder / "signed.json").write_text(text.replace("Statistics", "Logic"))
    issuer.fails(3, "verify", "signed.json")
    issuer.fails(15, "w3c", "sign", "course.json", "-o", "signed.json")  # never overwritten


def test_in_the_name_of_an_organisation(issuer: Any) -> None:
    write(issuer, issuer={"id": WEB, "name": "School"})
    issuer.fails(16, "w3c", "sign", "course.json", "-o", "signed.json")  # its issuer is another
    issuer.ok("key", "document", WEB, "-o", "did.json")
    issuer.ok(
        *("w3c", "sign", "course.json", "-o", "signed.json", *RDFC, "--issuer", WEB),
        *("--did-document", "did.json"),
    )
    assert (issuer.folder / "signed-did.json").read_bytes() == (
        issuer.folder / "did.json"
    ).read_bytes()
    issuer.ok("trust", "add", WEB, "--name", "School")
    refused = issuer.fails(4, "verify", "signed.json")
    assert (
        "snapshot" in refused.out + refused.err
        or "beside the credential" in refused.out + refused.err
    )
    issuer.ok("trust", "add", WEB, "--did-document", "did.json")
    issuer.ok("verify", "signed.json")


@pytest.mark.parametrize(
    ("changes", "options", "kind"),
    [
        ({"credentialSubject": {}}, JCS, "bad-credential"),
        ({"issuer": "did:key:z6MkvDqGT54cXesYGvABpF1UapVNwjCqRcafi4Px6Thv5T3Z"}, JCS,
         "wrong-issuer"),
        ({"proof": {"type": "DataIntegrityProof"}}, JCS, "has-proof"),
        ({"@context": [V2]}, JCS, "bad-credential"),  # nothing says what its type is
        ({"@context": [V2, {"CourseCredential": "https://school.example/#x"}]}, RDFC, "bad-rdf"),
        ({"@context": [V2, "https://school.example/v1"]}, RDFC, "unknown-context"),
        ({"credentialSubject": {"share": 0.5}}, RDFC, "bad-rdf"),
        ({"credentialSubject": {"share": 1e20}}, JCS, "bad-json"),
        ({}, (*RDFC, *RDFC), "unknown-suite"),
        ({"relatedResource": [{"id": V2, "digestSRI": "sha384-" + "A" * 64}]}, JCS,
         "digest-mismatch"),
        ({"@context": [V2, "https://w3id.org/lyrikstore/v1"],
          "type": ["VerifiableCredential", "DatasetCredential"]}, RDFC, "store-bound"),
    ],
)  # fmt: skip
def test_what_is_not_signed(
    issuer: Any, changes: dict[str, Any], options: tuple[str, ...], kind: str
) -> None:
    write(issuer, **changes)
    result = issuer.run("w3c", "sign", "course.json", "-o", "signed.json", *options, "-v")
    assert result.code in {3, 5, 16}, result.err
    assert kind in result.err
    assert not (issuer.folder / "signed.json").exists()
