"""What of Data Integrity (D) and its EdDSA suites (E) is about the document, not about a proof."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha3_256, sha3_384, sha256, sha384, sha512
from typing import Any

import pytest
from blake3 import blake3

from lyrikstore.canon.errors import FormatError, InvalidInputError, VerificationError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.crypto.multikey import encode_base58
from lyrikstore.crypto.proofs.eddsa_jcs import sign, signed_bytes
from lyrikstore.verify.report import Verdict
from lyrikstore.w3c.problems import problem_type
from lyrikstore.w3c.profile.resources import Pinned
from lyrikstore.w3c.proofs import eddsa_rdfc
from tests.w3c.requirements.judging import judge


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
