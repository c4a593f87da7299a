"""Every MUST of VC Data Model 2.0 about credentials, by its number in the reference (M)."""

from hashlib import sha256
from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.verify.report import Verdict
from lyrikstore.w3c.contexts import CONTEXTS, context_bytes
from lyrikstore.w3c.profile.model import check_credential_model
from lyrikstore.w3c.profile.resources import Pinned, Resources
from lyrikstore.w3c.profile.signing import check_unsigned
from tests.w3c.requirements.judging import judge, takes

INLINE = {"Mine": "https://example.org/#Mine"}


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
    for invalid in ("two words", "a\ttab", "ex:", ":x"):  # whatever that context says
        assert not takes({**plain, "@context": [VC_CONTEXT, "https://example.org/c"],
                          "type": ["VerifiableCredential", invalid]})  # fmt: skip
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


def test_M10_a_credential_that_is_to_be_signed_has_no_proof_yet(made: Any) -> None:
    check_unsigned(made.base(), made.ALICE.did, Resources())
    with pytest.raises(InvalidInputError) as caught:
        check_unsigned(parse(made.signed(made.base()).encode()), made.ALICE.did, Resources())
    assert caught.value.kind == "has-proof"


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
