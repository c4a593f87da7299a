"""Every MUST of the data model, of status lists and of schemas, by its number in the reference.

M: VC Data Model 2.0; B: Bitstring Status List 1.0; S: VC JSON Schema; D, E: what of Data Integrity
and its EdDSA suites is about the document rather than about a proof.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha3_256, sha3_384, sha256, sha384, sha512
from typing import Any

import pytest
from blake3 import blake3

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.crypto.contexts import CONTEXTS, context_bytes
from lyrikstore.crypto.multikey import encode_base58
from lyrikstore.crypto.proofs import eddsa_rdfc
from lyrikstore.crypto.proofs.eddsa_jcs import sign, signed_bytes
from lyrikstore.crypto.proofs.problems import problem_type
from lyrikstore.verify.credential.status import Notices
from lyrikstore.verify.report import Report, Verdict
from lyrikstore.verify.w3c.model import check_credential_model, check_presentation_model
from lyrikstore.verify.w3c.presentation import (
    is_presentation,
    make_presentation,
    verify_presentation,
)
from lyrikstore.verify.w3c.resources import Pinned, Resources
from lyrikstore.verify.w3c.schema.check import SchemaOutcome, apply_schema
from lyrikstore.verify.w3c.status import ForeignStatusEntry
from lyrikstore.verify.w3c.verify import Surroundings, verify_w3c
from tests.verify.w3c.serving import SUITES


def takes(document: dict[str, Any]) -> bool:
    try:
        check_credential_model(document, secured=False)
    except FormatError as error:
        assert error.kind == "bad-credential"  # noqa: PT017
        return False
    return True


def shows(document: dict[str, Any]) -> bool:
    try:
        check_presentation_model(document, secured=False)
    except FormatError as error:
        assert error.kind == "bad-credential"  # noqa: PT017
        return False
    return True


def judge(made: Any, text: str, *lists: str, resources: dict[str, bytes] | None = None) -> Report:
    surroundings = Surroundings(
        trust=parse_trust(made.TRUST.encode()),
        at=made.NOW,
        notices=Notices.among(map(OpenedCredential, (text.encode() for text in lists))),
        resources=Resources(resources or {}),
    )
    return verify_w3c(text.encode(), surroundings)


INLINE = {"Mine": "https://example.org/#Mine"}


def show(made: Any, data: bytes) -> Report:
    surroundings = Surroundings(trust=parse_trust(made.TRUST.encode()), at=made.NOW)
    return verify_presentation(data, surroundings, challenge="c", domain="d")


@pytest.mark.parametrize(
    ("context", "good"),
    [
        ([VC_CONTEXT], True),
        (VC_CONTEXT, True),
        ([VC_CONTEXT, "https://example.org/context"], True),
        ([VC_CONTEXT, {**INLINE}], True),
        ([], False),
        (None, False),
        (["https://example.org/context", VC_CONTEXT], False),
        (["https://www.w3.org/2018/credentials/v1"], False),
        ([VC_CONTEXT, 7], False),
        ([VC_CONTEXT, None], False),
        ([VC_CONTEXT, "https ://not-a-url"], False),
        ([VC_CONTEXT, {"Mine": "https ://not-a-url"}], False),
        ([VC_CONTEXT, {"VerifiableCredential": "https://example.org/#other"}], False),
        ([VC_CONTEXT, {"@protected": True, **INLINE}, {"Mine": "https://example.org/#2"}], False),
        ([VC_CONTEXT, {"@protected": True, **INLINE}, {**INLINE}], True),
    ],
)
def test_M1_contexts(made: Any, context: Any, good: bool) -> None:
    assert takes(made.base(type=["VerifiableCredential"], **{"@context": context})) is good


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("urn:uuid:3f0a1d52-6c86-4f0e-9a44-6a1f2a0f6f1b", True),
        ("https://example.org/1", True),
        ("did:example:1", True),
        ("not a url", False),
        ("relative/1", False),
        (["urn:x:1", "urn:x:2"], False),
        (7, False),
        ("https://example.org/ 1", False),
    ],
)
def test_M2_ids_are_single_urls_wherever_they_stand(made: Any, value: Any, good: bool) -> None:
    assert takes(made.base(id=value)) is good
    assert takes(made.base(credentialSubject={"id": value, "a": 1})) is good
    assert takes(made.base(credentialSubject={"deep": [{"er": {"id": value}}]})) is good
    assert takes(made.base(credentialSubject={"id": None, "a": 1})) is False


def test_M3_types(made: Any) -> None:
    plain = made.base(**{"@context": [VC_CONTEXT]})
    assert takes({**plain, "type": ["VerifiableCredential"]})
    assert takes({**plain, "type": "VerifiableCredential"})
    assert takes({**plain, "type": ["https://example.org/#Mine", "VerifiableCredential"]})
    assert not takes({**plain, "type": ["VerifiableCredential", "Undefined"]})
    assert takes({**plain, "@context": [VC_CONTEXT, INLINE],
                  "type": ["VerifiableCredential", "Mine"]})  # fmt: skip
    # A context that nobody here has read may define it.
    assert takes({**plain, "@context": [VC_CONTEXT, "https://example.org/c"],
                  "type": ["VerifiableCredential", "Undefined"]})  # fmt: skip
    for odd in ("two words", "a\ttab", "ex:", ":x"):  # whatever that context says
        assert not takes({**plain, "@context": [VC_CONTEXT, "https://example.org/c"],
                          "type": ["VerifiableCredential", odd]})  # fmt: skip
    for types in (None, [], "", [""], [7], ["VerifiablePresentation"]):
        assert not takes({**plain, "type": types})


def test_M3_proofs_are_typed(made: Any) -> None:
    signed = parse(made.signed(made.base()).encode())
    untyped = {name: value for name, value in signed["proof"].items() if name != "type"}
    assert takes(signed)
    assert not takes({**signed, "proof": untyped})
    assert not takes({**signed, "proof": [signed["proof"], untyped]})


@pytest.mark.parametrize(
    "member",
    [
        *("credentialStatus", "termsOfUse", "evidence", "refreshService"),
        *("credentialSchema", "renderMethod", "confidenceMethod"),
    ],
)
def test_M3_reserved_members_are_typed(made: Any, member: str) -> None:
    typed = {"id": "urn:x:1", "type": "Any"}
    assert takes(made.base(**{member: typed}))
    assert takes(made.base(**{member: [typed, {**typed, "id": "urn:x:2"}]}))
    assert not takes(made.base(**{member: {"id": "urn:x:1"}}))
    assert not takes(made.base(**{member: [typed, {"id": "urn:x:1"}]}))
    assert not takes(made.base(**{member: "urn:x:1"}))
    assert not takes(made.base(**{member: []}))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("text", True),
        ({"@value": "Text", "@language": "en-GB"}, True),
        ({"@value": "Text", "@language": "ar", "@direction": "rtl"}, True),
        ([{"@value": "Text", "@language": "en"}, {"@value": "T", "@language": "de"}], True),
        ({"@value": "Text", "@language": "en", "url": "x"}, False),
        ({"@value": 7}, False),
        ({"@value": "Text", "@direction": "up"}, False),
        ({"@value": "Text", "@language": "not a language"}, False),
        ({"@language": "en"}, False),
        (7, False),
        ([], False),
    ],
)
def test_M4_names_and_descriptions(made: Any, text: Any, good: bool) -> None:
    for member in ("name", "description"):
        assert takes(made.base(**{member: text})) is good
        assert takes(made.base(issuer={"id": "urn:x:1", member: text})) is good


@pytest.mark.parametrize(
    ("issuer", "good"),
    [
        ("did:example:1", True),
        ({"id": "https://example.org/1", "name": "x"}, True),
        (None, False),
        ({}, False),
        ({"name": "x"}, False),
        ("not a url", False),
        ({"id": "not a url"}, False),
        (["did:example:1"], False),
        (7, False),
    ],
)
def test_M5_issuer(made: Any, issuer: Any, good: bool) -> None:
    assert takes(made.base(issuer=issuer)) is good


@pytest.mark.parametrize(
    ("subject", "good"),
    [
        ({"a": 1}, True),
        ({"id": "did:example:1"}, True),
        ([{"a": 1}, {"b": 2}], True),
        (None, False),
        ({}, False),
        ([], False),
        ([{"a": 1}, {}], False),
        ("did:example:1", False),
        ([["a"]], False),
    ],
)
def test_M6_subjects_have_claims(made: Any, subject: Any, good: bool) -> None:
    assert takes(made.base(credentialSubject=subject)) is good


@pytest.mark.parametrize(
    ("start", "end", "good"),
    [
        (None, None, True),
        ("2026-11-24T00:00:00Z", None, True),
        ("2026-11-24T00:00:00.123-05:00", "2026-11-24T05:00:00.123Z", True),
        ("2026-11-24T00:00:00", None, True),
        ("2026-11-24T00:00:01Z", "2026-11-24T00:00:00Z", False),
        ("2026-11-24T00:00:00+02:00", "2026-11-23T21:59:59Z", False),
        ("2026-11-24", None, False),
        ("2026-13-24T00:00:00Z", None, False),
        ("2026-11-24T00:00Z", None, False),
        (1795478400, None, False),
        ("2026-11-24T00:00:00 Z", None, False),
    ],
)
def test_M7_period(made: Any, start: Any, end: Any, good: bool) -> None:
    assert takes(made.base(validFrom=start, validUntil=end)) is good


def test_M7_no_offset_is_utc(made: Any) -> None:
    report = judge(made, made.signed(made.base(validUntil="2026-11-24T14:07:39")))
    assert report.verdict is Verdict.TRUSTED
    report = judge(made, made.signed(made.base(validUntil="2026-11-24T14:07:38")))
    assert report.check("period").detail["reason"] == "expired"


@pytest.mark.parametrize(
    ("status", "good"),
    [
        ({"type": "Any"}, True),
        ({"type": "Any", "id": "urn:x:1"}, True),
        ({"type": "Any", "id": "not a url"}, False),
        ({"id": "urn:x:1"}, False),
    ],
)
def test_M8_status(made: Any, status: Any, good: bool) -> None:
    assert takes(made.base(credentialStatus=status)) is good


@pytest.mark.parametrize(
    ("schema", "good"),
    [
        ({"id": "https://example.org/s", "type": "JsonSchema"}, True),
        ([{"id": "https://example.org/s", "type": "JsonSchema"}] * 2, True),
        ({"type": "JsonSchema"}, False),
        ({"id": "https://example.org/s"}, False),
        ({"id": "x", "type": "JsonSchema"}, False),
    ],
)
def test_M9_schema(made: Any, schema: Any, good: bool) -> None:
    assert takes(made.base(credentialSchema=schema)) is good


def test_M10_a_credential_is_secured(made: Any) -> None:
    with pytest.raises(FormatError, match="proof"):
        check_credential_model(made.base())
    report = judge(made, encode(made.base()).decode())
    assert report.check("model").detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"


ENVELOPE = {
    "@context": VC_CONTEXT,
    "id": "data:application/vc+jwt,eyJ.eyJ.x",
    "type": "EnvelopedVerifiableCredential",
}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"verifiableCredential": []}, True),
        ({"verifiableCredential": {"type": "VerifiableCredential"}}, True),
        ({"holder": "did:example:1"}, True),
        ({"holder": {"id": "did:example:1"}}, True),
        ({"holder": {"name": "x"}}, False),
        ({"holder": 7}, False),
        ({"verifiableCredential": "https://example.org/1"}, False),
        ({"verifiableCredential": ["https://example.org/1"]}, False),
        ({"verifiableCredential": [7]}, False),
        ({"verifiableCredential": [{"id": "urn:x:1"}]}, False),
        ({"type": ["VerifiableCredential"]}, False),
        ({"@context": ["https://example.org/"]}, False),
        ({"id": "not a url"}, False),
        ({"termsOfUse": {"type": "urn:x:Any"}}, True),
        ({"termsOfUse": [{"type": "urn:x:Any"}, {"id": "urn:x:1"}]}, False),
        ({"verifiableCredential": ENVELOPE}, True),
        ({"verifiableCredential": [ENVELOPE, {**ENVELOPE, "id": "https://example.org/1"}]}, False),
    ],
)  # fmt: skip
def test_M11_presentations(changes: dict[str, Any], good: bool) -> None:
    assert shows({"@context": [VC_CONTEXT], "type": "VerifiablePresentation", **changes}) is good


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"@context": [VC_CONTEXT]}, True),
        ({"@context": ["https://example.org/c", VC_CONTEXT]}, True),
        ({"id": "data:application/vc+jwt;charset=utf-8,eyJ"}, True),
        ({"@context": None}, False),
        ({"@context": []}, False),
        ({"@context": "https://www.w3.org/ns/credentials/examples/v2"}, False),
        ({"type": ["EnvelopedVerifiableCredential", "VerifiableCredential"]}, False),
        ({"type": ["EnvelopedVerifiablePresentation", "VerifiablePresentation"]}, False),
        ({"id": None}, False),
        ({"id": ["data:application/vc+jwt,eyJ"]}, False),
        ({"id": "eyJ.eyJ.x"}, False),
        ({"id": "https://example.org/1"}, False),
        ({"id": "data:,eyJ"}, False),
        ({"id": "data:application/vc+jwt"}, False),
        ({"id": "data:application/vc+jwt,"}, False),
        ({"id": "data:application/vc+jwt,a b"}, False),
    ],
)
def test_M11_envelopes_are_recognised_and_never_opened(
    made: Any, changes: dict[str, Any], good: bool
) -> None:
    surroundings = Surroundings(trust=parse_trust(made.TRUST.encode()), at=made.NOW)
    for kind, verify in (("Credential", verify_w3c), ("Presentation", verify_presentation)):
        named = {**ENVELOPE, "type": f"EnvelopedVerifiable{kind}", **changes}
        if f"EnvelopedVerifiable{kind}" not in named["type"]:
            continue
        document = {name: value for name, value in named.items() if value is not None}
        report = verify(encode(document), surroundings)
        assert [check.id for check in report.checks] == ["format", "envelope"]
        assert report.verdict is (Verdict.INCOMPLETE if good else Verdict.INVALID), report
        check = report.check("envelope")
        assert check.detail["reason"] == ("not-read" if good else "bad-credential")
        assert is_presentation(encode(document)) is (kind == "Presentation")
        if good:
            assert check.detail["mediaType"] == "application/vc+jwt"
        else:
            assert check.detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"


@pytest.mark.parametrize(
    ("resource", "good"),
    [
        ({"id": "urn:x:1", "digestSRI": "sha384-x"}, True),
        ({"id": "urn:x:1", "digestMultibase": "ux", "mediaType": "text/plain"}, True),
        ({"digestSRI": "sha384-x"}, False),
        ({"id": "urn:x:1"}, False),
        ({"id": "urn:x:1", "digestSRI": "x", "mediaType": 7}, False),
        ("urn:x:1", False),
        ([{"id": "urn:x:1", "digestSRI": "x"}, {"id": "urn:x:1", "digestMultibase": "x"}], False),
    ],
)
def test_M12_related_resources(made: Any, resource: Any, good: bool) -> None:
    assert takes(made.base(relatedResource=resource)) is good


def test_M12_what_does_not_fit_is_named_as_malformed(made: Any) -> None:
    url = "https://example.org/report"
    pins = {"id": url, "digestSRI": made.sri(b"report")}
    text = made.signed(made.base(relatedResource=pins))
    check = judge(made, text, resources={url: b"another"}).check("related")
    assert check.detail["reason"] == "digest-mismatch"
    assert check.detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"
    assert judge(made, text, resources={url: b"report"}).check("related").state == "pass"
    assert judge(made, text, resources={"x": b"report"}).check("related").state == "pass"
    assert judge(made, text, resources={"x": b"another"}).check("related").state == "unchecked"


def test_M12_what_lies_beside_is_found_by_its_digest_alone(made: Any) -> None:
    url = "https://schema.example/1"
    data = encode({"$id": url})
    pinned = Pinned.of({"digestSRI": made.sri(data)})
    assert Resources({"x": data}).find(url, Pinned(())) == data
    # ATTACK: whoever hands the credential over adds a schema that claims the URL.
    assert Resources(siblings=[data]).find(url, Pinned(())) is None
    assert Resources(siblings=[data]).find(url, pinned) == data
    # A context that is bundled is nobody's to replace.
    other = Resources({VC_CONTEXT: b"{}", "x": encode({"id": VC_CONTEXT})})
    assert other.find(VC_CONTEXT, Pinned(())) == context_bytes(VC_CONTEXT)


def test_M13_the_base_context_is_the_published_one(made: Any) -> None:
    assert VC_CONTEXT in CONTEXTS
    text = context_bytes(VC_CONTEXT)
    assert sha256(text).hexdigest().startswith("59955ced6697d61e03f2b2556febe530")
    pins = {"id": VC_CONTEXT, "digestSRI": made.sri(text), "digestMultibase": made.multibase(text)}
    assert judge(made, made.signed(made.base(relatedResource=pins))).verdict is Verdict.TRUSTED
    pins["digestSRI"] = made.sri(text + b" ")
    report = judge(made, made.signed(made.base(relatedResource=pins)))
    assert report.check("related").detail["reason"] == "digest-mismatch"


def test_D10_digests(made: Any) -> None:
    data = b"some resource"
    digests = {
        b"\x12\x20": sha256(data).digest(),
        b"\x20\x30": sha384(data).digest(),
        b"\x16\x20": sha3_256(data).digest(),
        b"\x1e\x20": blake3(data).digest(),
        b"\x13\x40": sha512(data).digest(),
        b"\x15\x30": sha3_384(data).digest(),
    }
    for header, digest in digests.items():
        raw = header + digest
        base64 = "u" + urlsafe_b64encode(raw).decode().rstrip("=")
        for text in (base64, "z" + encode_base58(raw), [base64]):
            assert Pinned.of({"digestMultibase": text}).fits(data)
            assert not Pinned.of({"digestMultibase": text}).fits(data + b"x")
    for name, function in (("sha256", sha256), ("sha384", sha384), ("sha512", sha512)):
        text = f"{name}-{b64encode(function(data).digest()).decode()}"
        assert Pinned.of({"digestSRI": text}).fits(data)
    # Of several in one text the strongest counts, as in a browser.
    weak = "sha256-" + b64encode(sha256(b"another").digest()).decode()
    assert Pinned.of({"digestSRI": f"{weak} {made.sri(data)}"}).fits(data)
    for bad in ("", "sha1-AAAA", "sha384", 7, ["x"] * 17):
        with pytest.raises(FormatError):
            Pinned.of({"digestSRI": bad})
    for bad in ("", "f1220" + "00" * 32, made.multibase(data, b""), 7):
        with pytest.raises(FormatError):
            Pinned.of({"digestMultibase": bad})


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
def test_E3_the_proof_repeats_the_context_where_it_is_signed_as_json(made: Any, suite: str) -> None:
    document = made.base()
    proof = parse(made.signed(document, suite=suite).encode())["proof"]
    if suite == "eddsa-rdfc-2022":
        assert "@context" not in proof
    else:
        assert proof["@context"] == document["@context"]


def test_E3_options_signed_as_rdf_mean_what_the_contexts_of_the_document_say(made: Any) -> None:
    document = made.base()
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": made.ALICE.method,
        "proofPurpose": "assertionMethod",
        "note": "a term of the second context",
    }
    options = {**proof, "@context": document["@context"]}
    value = sign(signed_bytes(document, options, eddsa_rdfc.canonical), made.ALICE)
    signed = {**document, "proof": {**proof, "proofValue": value}}
    assert judge(made, encode(signed).decode()).verdict is Verdict.TRUSTED
    # What is hashed is not what may be sent: one reader would process it and the other not.
    repeated = {**proof, "@context": document["@context"], "proofValue": value}
    check = judge(made, encode({**document, "proof": repeated}).decode()).check("proof")
    assert check.detail["reason"] == "bad-proof"


@pytest.mark.parametrize("form", ["eddsa-2022", "ecdsa-jcs-2019", "eddsa-jcs-2023", ""])
def test_E1_no_other_cryptosuite_is_made_or_verified(made: Any, form: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        made.signed(made.base(), suite=form)
    assert caught.value.kind == "unknown-suite"
    assert problem_type(caught.value).endswith("#PROOF_TRANSFORMATION_ERROR")
    text = made.proof_set(made.signed(made.base()), cryptosuite=form)
    check = judge(made, text).check("proof")
    assert check.detail["reason"] == "unknown-suite"
    assert check.detail["problem"]["title"] == "PROOF_TRANSFORMATION_ERROR"


UNHELD = "https://evil.example/context"
CONTEXT_MUTANTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "unheld": lambda d: d["@context"].append(UNHELD),
    "unheld-first-of-the-others": lambda d: d["@context"].insert(1, UNHELD),
    "inline": lambda d: d["@context"].append({"note": "https://evil.example/#note"}),
    "renamed": lambda d: d["@context"].append({"count": "https://evil.example/#count"}),
    "null": lambda d: d["@context"].append(None),
    "left-out": lambda d: d["@context"].pop(),
    "missing": lambda d: d.pop("@context"),
    "in-the-subject": lambda d: d["credentialSubject"].update({"@context": UNHELD}),
    "in-the-proof": lambda d: d["proof"].update({"@context": [*d["@context"], UNHELD]}),
}


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
@pytest.mark.parametrize("mutant", CONTEXT_MUTANTS)
def test_D7_no_context_but_those_that_were_signed_and_are_held(
    made: Any, suite: str, mutant: str
) -> None:
    text = made.signed(made.base(), suite=suite)
    assert judge(made, text).verdict is Verdict.TRUSTED
    document = parse(text.encode())
    CONTEXT_MUTANTS[mutant](document)
    report = judge(made, encode(document).decode())
    undecidable = suite == "eddsa-rdfc-2022" and mutant.startswith("unheld")
    assert report.verdict is (Verdict.INCOMPLETE if undecidable else Verdict.INVALID)
    assert report.check("proof").state != "pass"


def test_D7_a_held_context_that_changes_nothing_is_signed_with_json_and_means_nothing_in_rdf(
    made: Any,
) -> None:
    for suite, verdict in (("jcs", Verdict.INVALID), ("rdfc", Verdict.TRUSTED)):
        document = parse(made.signed(made.base(), suite=f"eddsa-{suite}-2022").encode())
        document["@context"].append("https://w3id.org/security/multikey/v1")
        assert judge(made, encode(document).decode()).verdict is verdict


@pytest.mark.parametrize(
    "lost",
    [
        {"nonsense": "a term of no context"},
        {"nonsense": {"id": "did:example:dropped-with-its-object"}},
        {"https://example.org/#term": "an IRI"},
        {"ex:term": "a compact IRI"},
        {"@type": "a keyword"},
        {"name": None},
        {"name": []},
        {"name": [["a list in a list"]]},
        {"name": 1.5},
    ],
)
def test_D8_what_rdf_would_lose_is_refused_and_never_passed_over(
    made: Any, lost: dict[str, Any]
) -> None:
    kept = made.base(**{"@context": [VC_CONTEXT], "type": ["VerifiableCredential"]})
    kept["credentialSubject"] = {"id": made.HOLDER.did, "name": "what is kept"}
    text = made.signed(kept, suite="eddsa-rdfc-2022")
    assert judge(made, text).verdict is Verdict.TRUSTED
    document = {**kept, "credentialSubject": {**kept["credentialSubject"], **lost}}
    with pytest.raises(VerificationError) as caught:
        made.signed(document, suite="eddsa-rdfc-2022")
    assert caught.value.kind == "bad-rdf"
    assert problem_type(caught.value).endswith("#PROOF_TRANSFORMATION_ERROR")
    # ATTACK: other software leaves it out of the graph; the signature over the rest holds.
    document["proof"] = parse(text.encode())["proof"]
    if "name" not in lost:
        report = judge(made, encode(document).decode())
        assert report.verdict is Verdict.INVALID
        assert report.check("proof").state != "pass"


@pytest.mark.parametrize("url", ["relative", "#fragment", "//host/path", "", "no scheme:x"])
def test_D8_there_is_no_base_url(made: Any, url: str) -> None:
    document = made.base(credentialSubject={"id": made.HOLDER.did, "alumniOf": {"id": url}})
    with pytest.raises((VerificationError, FormatError)):
        made.signed(document, suite="eddsa-rdfc-2022")


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "eddsa-rdfc-2022"])
def test_E4_no_proof_is_made_at_a_time_that_is_none(made: Any, suite: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        made.signed(made.base(), suite=suite, created=made.NOW.replace(tzinfo=None))
    assert problem_type(caught.value).endswith("#PROOF_GENERATION_ERROR")


@pytest.mark.parametrize(
    "created",
    [
        *("2026-11-24", "2026-11-24T14:12Z", "2026-11-24T24:00:00Z", "2026-11-24T14:12:60Z"),
        *("2026-02-30T00:00:00Z", "2026-11-24t14:12:39z", "26-11-24T14:12:39Z", "+12026-11-24"),
        *("2026-11-24T14:12:39+15:00", "2026-11-24T14:12:39.Z", " 2026-11-24T14:12:39Z", ""),
        *("2026-11-24T14:12:39.1234567891Z", "\u0662026-11-24T14:12:39Z", 1764000000, None, []),
    ],
)
def test_E4_nor_is_one_taken(made: Any, created: Any) -> None:
    document = made.base()
    options: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": made.ALICE.method,
        "proofPurpose": "assertionMethod",
        "created": created,
        "@context": document["@context"],
    }
    value = sign(signed_bytes(document, options, encode), made.ALICE)
    text = encode({**document, "proof": {**options, "proofValue": value}}).decode()
    check = judge(made, text).check("proof")
    assert (check.state, check.detail["reason"]) == ("fail", "bad-proof")
    assert check.detail["problem"]["title"] == "PROOF_VERIFICATION_ERROR"


ENTRY = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://status.example/1",
}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"id": "https://status.example/1#7"}, True),
        ({"id": "https://status.example/1"}, False),
        ({"statusPurpose": 7}, False),
        ({"statusPurpose": ""}, False),
        ({"statusListIndex": 7}, False),
        ({"statusListIndex": "07"}, False),
        ({"statusListIndex": "-1"}, False),
        ({"statusListIndex": "7 "}, False),
        ({"statusListCredential": "x"}, False),
        ({"statusListCredential": None}, False),
    ],
)
def test_B1_entries(changes: dict[str, Any], good: bool) -> None:
    if good:
        assert ForeignStatusEntry.of({**ENTRY, **changes}).index == 7
        return
    with pytest.raises(FormatError):
        ForeignStatusEntry.of({**ENTRY, **changes})


def test_B2_sizes_and_messages(made: Any) -> None:
    assert ForeignStatusEntry.of(ENTRY).size == 1
    messages = [{"status": f"{n:#x}", "message": f"m{n}"} for n in range(4)]
    assert (
        ForeignStatusEntry.of({**ENTRY, "statusSize": 2, "statusMessage": messages}).messages[3]
        == "m3"
    )
    assert ForeignStatusEntry.of({**ENTRY, "statusMessage": messages[:2]}).messages == {
        0: "m0",
        1: "m1",
    }
    for bad in (
        {"statusSize": 0},
        {"statusSize": -1},
        {"statusSize": 1.5},
        {"statusSize": "1"},
        {"statusSize": True},
        {"statusSize": 2},
        {"statusSize": 2, "statusMessage": messages[:3]},
        {"statusSize": 2, "statusMessage": [*messages[:3], {"status": "0x3"}]},
        {"statusSize": 2, "statusMessage": [*messages[:3], messages[2]]},
        {"statusSize": 2, "statusMessage": [*messages[:3], {"status": "3", "message": "x"}]},
    ):
        with pytest.raises(FormatError):
            ForeignStatusEntry.of({**ENTRY, **bad})


def test_B3_the_first_entry_is_the_highest_bit(made: Any) -> None:
    for index in (0, 7, 8, 131071):
        text = made.with_status(statusListIndex=str(index))
        good = judge(made, text, made.status_list(made.bits_with(1, index ^ 1)))
        bad = judge(made, text, made.status_list(made.bits_with(1, index)))
        assert (good.verdict, bad.verdict) == (Verdict.TRUSTED, Verdict.INVALID)


@pytest.mark.parametrize("case", ["short", "range", "purpose", "set", "unsound", "malformed"])
def test_B4_validation(made: Any, case: str) -> None:
    text = made.with_status(**({"statusListIndex": "131072"} if case == "range" else {}))
    lists = {
        "short": made.status_list(bytes(16383)),
        "range": made.status_list(),
        "purpose": made.status_list(statusPurpose="suspension"),
        "set": made.status_list(made.bits_with(1)),
        "unsound": made.status_list().replace("2026-11-20", "2026-11-21"),
        "malformed": made.status_list(ttl="soon"),
    }
    problem = judge(made, text, lists[case]).check("status").detail["problem"]
    assert problem["title"] == {
        "short": "STATUS_LIST_LENGTH_ERROR",
        "range": "RANGE_ERROR",
        "malformed": "MALFORMED_VALUE_ERROR",
    }.get(case, "STATUS_VERIFICATION_ERROR")
    assert problem["type"].startswith("https://www.w3.org/ns/credentials/status-list#")


def test_B4_values_of_several_bits(made: Any) -> None:
    words = [{"status": f"{n:#x}", "message": f"m{n}"} for n in range(8)]
    for index in (0, 1, 94567):
        entry = {"statusSize": 3, "statusMessage": words, "statusListIndex": str(index)}
        text = made.with_status(statusPurpose="message", **entry)
        for value in (1, 4, 6):
            bits = made.bits_with(value, index, size=3)
            check = judge(made, text, made.status_list(bits, statusPurpose="message"))
            found = check.check("status")
            assert (found.detail["value"], found.detail["message"]) == (value, f"m{value}")


def test_B5_malformed_values(made: Any) -> None:
    for changes in ({"statusListIndex": 7}, {"statusSize": 0}, {"statusPurpose": None}):
        check = judge(made, made.with_status(**changes), made.status_list()).check("status")
        assert check.detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"
    check = judge(made, made.with_status()).check("status")
    assert check.detail["problem"]["title"] == "STATUS_RETRIEVAL_ERROR"


DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("schema", "outcome"),
    [
        ({"$schema": DRAFT, "$id": "urn:x:1"}, SchemaOutcome.SUCCESS),
        ({"$schema": DRAFT, "$id": "urn:x:1", "required": ["issuer"]}, SchemaOutcome.SUCCESS),
        ({"$schema": DRAFT, "$id": "urn:x:1", "required": ["nothing"]}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "type": "nonsense"}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "required": ["issuer"]}, SchemaOutcome.FAILURE),
        ({"$id": "urn:x:1"}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "$id": 7}, SchemaOutcome.FAILURE),
        ({"$schema": "https://example.org/draft", "$id": "urn:x:1"}, SchemaOutcome.INDETERMINATE),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "urn:x:1"},
         SchemaOutcome.SUCCESS),
        ({"$schema": "https://json-schema.org/draft/2019-09/schema", "$id": "urn:x:1"},
         SchemaOutcome.SUCCESS),
        ({"$schema": DRAFT, "$id": "urn:x:1", "$ref": "https://evil.example/"},
         SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "$ref": "#/$defs/none"}, SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "$defs": {"a": {"$ref": "#/$defs/a"}},
          "allOf": [{"$ref": "#/$defs/a"}]}, SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "$defs": {"a": {"required": ["issuer"]}},
          "allOf": [{"$ref": "#/$defs/a"}]}, SchemaOutcome.SUCCESS),
        ({"$schema": DRAFT, "$id": "urn:x:1", "$dynamicRef": "#a"}, SchemaOutcome.INDETERMINATE),
        # Of a draft that is not known nothing is known: no success, and no failure either.
        ({"$schema": "https://json-schema.org/draft/2031-01/schema", "$id": "urn:x:1",
          "required": ["nothing"]}, SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT.upper(), "$id": "urn:x:1"}, SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT + "#", "$id": "urn:x:1"}, SchemaOutcome.SUCCESS),
        ({"$schema": DRAFT + "#more", "$id": "urn:x:1"}, SchemaOutcome.INDETERMINATE),
        ({"$schema": [DRAFT], "$id": "urn:x:1"}, SchemaOutcome.FAILURE),
        ({"$schema": "", "$id": "urn:x:1"}, SchemaOutcome.INDETERMINATE),
        ({"$schema": DRAFT, "$id": "relative"}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "$id": "URN:x:1"}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "not": {}}, SchemaOutcome.FAILURE),
        ({"$schema": DRAFT, "$id": "urn:x:1", "required": "issuer"}, SchemaOutcome.FAILURE),
    ],
)  # fmt: skip
def test_S1_schemas(made: Any, schema: dict[str, Any], outcome: SchemaOutcome) -> None:
    assert apply_schema(made.base(), encode(schema), "urn:x:1")[0] is outcome


def test_S1_not_json() -> None:
    assert apply_schema({}, b"{", "urn:x:1")[0] is SchemaOutcome.FAILURE
    for text in (b"[]", b"true", b"false", b"null", b'{"$id":1,"$id":2}'):
        assert apply_schema({}, text, "urn:x:1")[0] is SchemaOutcome.FAILURE
    assert apply_schema({}, b" " * (1 << 18), "urn:x:1")[0] is SchemaOutcome.INDETERMINATE


@pytest.mark.parametrize(
    ("changes", "state", "verdict"),
    [
        ({}, "pass", Verdict.TRUSTED),
        ({"required": ["nothing"]}, "fail", Verdict.INVALID),
        ({"$schema": None}, "fail", Verdict.INVALID),
        ({"$id": None}, "fail", Verdict.INVALID),
        ({"$schema": "https://example.org/draft"}, "unchecked", Verdict.INCOMPLETE),
        ({"$ref": "https://evil.example/"}, "unchecked", Verdict.INCOMPLETE),
    ],
)
def test_S1_what_a_schema_gives_is_what_the_verdict_says(
    made: Any, changes: dict[str, Any], state: str, verdict: Verdict
) -> None:
    url = "https://schema.example/1"
    schema = {"$schema": DRAFT, "$id": url, "required": ["issuer"], **changes}
    data = encode({name: value for name, value in schema.items() if value is not None})
    stated = {"id": url, "type": "JsonSchema", "digestSRI": made.sri(data)}
    text = made.signed(made.base(credentialSchema=stated))
    report = judge(made, text, resources={"x": data})
    assert (report.check("schema").state, report.verdict) == (state, verdict)
    assert judge(made, text).verdict is Verdict.INCOMPLETE
    another = judge(made, text, resources={"x": data + b" "})
    assert another.verdict in {Verdict.INVALID, Verdict.INCOMPLETE}


@pytest.mark.parametrize("signer", ["ALICE", "MALLORY"])
def test_S1_the_report_says_who_signed_a_schema(made: Any, signer: str) -> None:
    issuer = getattr(made, signer)
    url, inside = "https://schema.example/1", "https://schema.example/inside"
    schema = {"$schema": DRAFT, "$id": inside, "required": ["issuer"]}
    held = made.base(
        **{"@context": [VC_CONTEXT]},
        id=url,
        type=["VerifiableCredential", "JsonSchemaCredential"],
        issuer=issuer.did,
        credentialSchema={
            "id": "https://www.w3.org/ns/credentials/json-schema/v2.json",
            "type": "JsonSchema",
        },
        credentialSubject={"id": inside, "type": "JsonSchema", "jsonSchema": schema},
    )
    text = made.signed(made.base(credentialSchema={"id": url, "type": "JsonSchemaCredential"}))
    report = judge(made, text, resources={"x": made.signed(held, issuer).encode()})
    assert report.check("schema").detail["schemaIssuer"] == issuer.did
    assert report.verdict is Verdict.TRUSTED  # by whoever issued the credential


def test_S1_another_schema() -> None:
    schema = encode({"$schema": DRAFT, "$id": "urn:x:1#"})
    assert apply_schema({}, schema, "urn:x:1")[0] is SchemaOutcome.SUCCESS
    assert apply_schema({}, schema, "urn:x:2")[0] is SchemaOutcome.FAILURE


@pytest.mark.parametrize("suite", SUITES)
def test_M10_a_self_asserted_credential_is_secured_by_its_presentation(
    made: Any, suite: str
) -> None:
    def judged(**changes: Any) -> Report:
        document = {
            "@context": [VC_CONTEXT],
            "type": "VerifiablePresentation",
            "holder": {"id": made.ALICE.did},
            "verifiableCredential": made.base(),
            **changes,
        }
        stated = {name: value for name, value in document.items() if value is not None}
        signed = made.signed(
            stated, made.ALICE, purpose="authentication", challenge="c", domain="d", suite=suite
        )
        return show(made, signed.encode())

    own = judged()
    assert own.verdict is Verdict.VALID
    assert str(own.check("presented").state) == "warn"
    (part,) = own.parts
    assert part.verdict is Verdict.VALID
    assert {check.id: str(check.state) for check in part.checks} == {
        check.id: "warn" if check.id == "trust.issuer" else str(check.state)
        for check in judge(made, made.signed(made.base())).checks
    }
    assert part.check("trust.issuer").detail["reason"] == "self-asserted"
    assert "self-asserted" in part.check("proof").summary

    other = made.base(issuer=made.MALLORY.did)
    for refused in (
        judged(holder=None),
        judged(verifiableCredential=other),
        judged(verifiableCredential=[made.base(), other]),
        judged(verifiableCredential=made.base(credentialSubject={})),
        judged(verifiableCredential=made.base(validUntil="2026-11-02T00:00:00Z")),
    ):
        assert refused.verdict is Verdict.INVALID
        assert str(refused.check("proof").state) == "pass"
        assert refused.check("presented").detail["reason"] == "invalid"

    # Signed by another, by nobody, or by another too, it is not the holder's own.
    unsigned = {
        "@context": [VC_CONTEXT],
        "type": "VerifiablePresentation",
        "holder": made.HOLDER.did,
        "verifiableCredential": made.base(),
    }
    options = {"purpose": "authentication", "challenge": "c", "domain": "d", "suite": suite}
    stolen = made.signed(unsigned, made.ALICE, **options)
    both = made.signed(parse(stolen.encode()), made.HOLDER, **options)
    for text, state in ((stolen, "pass"), (encode(unsigned).decode(), "unchecked"), (both, "pass")):
        report = show(made, text.encode())
        assert str(report.check("proof").state) == state
        assert report.verdict is Verdict.INVALID
        assert report.parts[0].verdict is Verdict.INVALID
    assert str(report.check("holder.binding").state) == "pass"


def test_M11_an_envelope_hides_nothing_that_is_shown_beside_it(made: Any) -> None:
    sound = parse(made.signed(made.base()).encode())
    for credentials, verdict in (
        ([ENVELOPE, sound], Verdict.INCOMPLETE),
        ([ENVELOPE, made.base()], Verdict.INVALID),
    ):
        document = {
            "@context": [VC_CONTEXT],
            "type": "VerifiablePresentation",
            "holder": made.HOLDER.did,
            "verifiableCredential": credentials,
        }
        options = {"purpose": "authentication", "challenge": "c", "domain": "d"}
        report = show(made, made.signed(document, made.HOLDER, **options).encode())
        assert report.verdict is verdict
        assert report.parts[0].verdict is Verdict.INCOMPLETE
        assert report.parts[1].verdict is (
            Verdict.TRUSTED if verdict is Verdict.INCOMPLETE else Verdict.INVALID
        )


def test_flip_any_byte_of_a_self_asserted_credential(made: Any) -> None:
    """Whatever is changed, it is no longer what the presentation secures."""
    document = {
        "@context": [VC_CONTEXT],
        "type": "VerifiablePresentation",
        "holder": made.ALICE.did,
        "verifiableCredential": made.base(),
    }
    options = {"purpose": "authentication", "challenge": "c", "domain": "d"}
    data = made.signed(document, made.ALICE, **options).encode()
    assert show(made, data).verdict is Verdict.VALID
    for place in range(0, len(data), 3):
        flipped = bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])
        assert show(made, flipped).verdict is not Verdict.TRUSTED, place
        assert show(made, flipped).verdict is not Verdict.VALID, place


def test_flip_any_byte_of_a_presentation(made: Any) -> None:
    """Whatever is changed, the verdict is never better than before; mostly it is invalid."""
    credential = made.signed(made.base()).encode()
    data = make_presentation([credential], made.HOLDER, challenge="c", domain="d", created=made.NOW)
    surroundings = Surroundings(trust=parse_trust(made.TRUST.encode()), at=made.NOW)

    def verdict(changed: bytes) -> Verdict:
        return verify_presentation(changed, surroundings, challenge="c", domain="d").verdict

    assert verdict(data) is Verdict.TRUSTED
    for place in range(0, len(data), 3):
        flipped = bytes([*data[:place], data[place] ^ 1, *data[place + 1 :]])
        assert verdict(flipped) is Verdict.INVALID, place


def test_a_presentation_shows_what_it_was_given(made: Any) -> None:
    credential = made.signed(made.base(credentialSubject={"score": 0.25, "none": None}))
    data = make_presentation(
        [credential.encode()], made.HOLDER, challenge="c", domain="d", created=made.NOW
    )
    inner = parse(data, floats=True, nulls=True)["verifiableCredential"]
    assert inner == [parse(credential.encode(), floats=True, nulls=True)]
    huge = made.signed(made.base(credentialSubject={"score": 1e20})).replace(
        "100000000000000000000", "1e20"
    )
    with pytest.raises(FormatError, match="2\\^53"):
        make_presentation([huge.encode()], made.HOLDER, challenge="c", domain="d", created=made.NOW)
