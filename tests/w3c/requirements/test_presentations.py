"""What the data model asks of presentations and envelopes, by its number (M10, M11)."""

from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.credentials.trust import parse_trust
from lyrikstore.verify.report import Report, Verdict
from lyrikstore.w3c.profile.presentation import (
    is_presentation,
    make_presentation,
    verify_foreign,
    verify_presentation,
)
from lyrikstore.w3c.profile.verify import Surroundings, verify_w3c
from tests.w3c.requirements.judging import judge, show, shows
from tests.w3c.serving import SUITES

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
        assert report.profile == "w3c"
        check = report.check("envelope")
        assert check.detail["reason"] == ("not-read" if good else "bad-credential")
        assert is_presentation(encode(document)) is (kind == "Presentation")
        if good:
            assert check.detail["mediaType"] == "application/vc+jwt"
        else:
            assert check.detail["problem"]["title"] == "MALFORMED_VALUE_ERROR"


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


def test_the_report_says_which_credentials_are_about_the_holder(made: Any) -> None:
    subjects: list[Any] = [
        {"id": made.HOLDER.did, "count": 7},
        {"id": made.ALICE.did, "count": 7},
        [{"id": made.ALICE.did, "count": 7}, {"id": made.HOLDER.did, "count": 7}],
    ]
    shown = [made.signed(made.base(credentialSubject=one)).encode() for one in subjects]
    data = make_presentation(shown, made.HOLDER, challenge="c", domain="d", created=made.NOW)
    assert show(made, data).check("presented").detail["aboutHolder"] == [True, False, True]


def test_a_foreign_document_is_judged_by_all_that_comes_with_it(made: Any) -> None:
    schema = made.json_schema()
    stated = {"id": made.SCHEMA_URL, "type": "JsonSchema", "digestSRI": made.sri(schema)}
    text = made.signed(made.base(credentialStatus=made.entry(), credentialSchema=stated))
    credential = text.encode()
    presentation = make_presentation(
        [credential], made.HOLDER, challenge="c", domain="d", created=made.NOW
    )
    listed = {"list": made.status_list().encode(), "schema": schema}
    revoking = made.status_list(made.bits_with(1)).encode()

    def judged(data: bytes = credential, **changes: Any) -> Report:
        given = {
            "siblings": listed,
            "status_files": (),
            "resources": {},
            "challenge": None,
            "domain": None,
            "trust": parse_trust(made.TRUST.encode()),
            "at": made.NOW,
        }
        return verify_foreign(data, **{**given, **changes})

    assert judged().verdict is Verdict.TRUSTED
    alone = judged(siblings={})
    reasons = [alone.check(name).detail["reason"] for name in ("status", "schema")]
    assert reasons == ["no-list", "not-at-hand"]
    apart = {"siblings": {}, "resources": {"schema": schema}}
    assert judged(**apart, status_files=[listed["list"]]).verdict is Verdict.TRUSTED
    assert judged(status_files=[revoking]).check("status").detail["reason"] == "revoked"
    assert judged(presentation).check("challenge").detail["reason"] == "not-asked"
    assert judged(presentation, challenge="c", domain="d").verdict is Verdict.TRUSTED
    for asked, reason in (({"challenge": "x"}, "challenge"), ({"domain": "x"}, "domain")):
        detail = judged(presentation, **asked).check("challenge").detail
        assert detail["reason"] == f"other-{reason}"
        wanted = judged(**asked)  # a credential, where a presentation was asked for
        assert str(wanted.check("model").state) == "fail"


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
