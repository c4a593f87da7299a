"""Attestations and grants: no byte of them can be changed, no text of them can do harm."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_attestations as made
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode, parse
from lyrikstore.canon.limits import MAX_ATTESTATIONS
from lyrikstore.canon.timestamps import parse_timestamp
from lyrikstore.credentials.model import status_list
from lyrikstore.credentials.model.attestation import build_attestation, parse_statement
from lyrikstore.credentials.model.credential import GRANT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.credentials.trust import Trust, TrustedIssuer, parse_trust
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.verify.credential.attestation import check_attestation, looks_like_attestation
from lyrikstore.verify.credential.grant import check_grant
from lyrikstore.verify.delivery.delivery import verify_alone, verify_delivery
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.report import CheckState

VECTORS = Path(__file__).resolve().parents[3] / "spec" / "vectors"


def load(name: str) -> Any:
    return json.loads((VECTORS / "verdicts" / f"{name}.json").read_text("ascii"))["base"]


DELIVERY, GRANTED = load("attestations"), load("grants")
ATTESTATION = DELIVERY["siblings"]["attestation-1.json"].encode()
AT = parse_timestamp(DELIVERY["at"])


def beside(*attestations: bytes) -> Any:
    """Return the report on the delivery, without data, with these attestations beside it."""
    siblings = {
        name: bytes.fromhex(data["hex"]) if isinstance(data, dict) else data.encode()
        for name, data in DELIVERY["siblings"].items()
        if name != "attestation-1.json"
    }
    return verify_delivery(
        OpenedCredential(DELIVERY["credential"].encode()),
        siblings={**siblings, **{f"x{n}.json": data for n, data in enumerate(attestations)}},
        data=None,
        record_ids=None,
        trust=parse_trust(DELIVERY["trust"].encode()),
        at=AT,
    )


@given(st.integers(0, len(ATTESTATION) - 1), st.integers(1, 255))
def test_no_byte_of_an_attestation_can_be_changed(place: int, mask: int) -> None:
    changed = bytearray(ATTESTATION)
    changed[place] ^= mask
    check = beside(bytes(changed)).check("attestations")
    # The first bracket alone makes it no JSON object: then there is no attestation.
    expected = CheckState.NOT_APPLICABLE if place == 0 else CheckState.FAIL
    assert check.state is expected, check


@given(st.integers(0, len(GRANTED["target"]) - 1), st.integers(1, 255))
def test_no_byte_of_a_grant_can_be_changed(place: int, mask: int) -> None:
    changed = bytearray(GRANTED["target"].encode())
    changed[place] ^= mask
    report = verify_alone(
        OpenedCredential(bytes(changed)),
        siblings=SiblingFiles({name: text.encode() for name, text in GRANTED["files"].items()}),
        kind=GRANT,
        trust=parse_trust(GRANTED["trust"].encode()),
        at=AT,
    )
    assert report.verdict == "invalid"


@given(st.integers(0, len(ATTESTATION) - 1))
def test_a_truncated_attestation_is_none(length: int) -> None:
    outcome = check_attestation(
        OpenedCredential(ATTESTATION[:length]), trust=parse_trust(b"version = 1"), at=AT
    )
    assert outcome.verdict == "invalid"
    assert (
        check_grant(
            OpenedCredential(ATTESTATION[:length]), trust=parse_trust(b"version = 1"), at=AT
        ).grant
        is None
    )


@pytest.mark.parametrize("named", [True, False])
def test_an_attester_is_believed_for_data_of_a_store_that_is_named(named: bool) -> None:
    """Alone, an attestation says itself of what store its dataset is, if of any."""
    document = parse(ATTESTATION)
    del document["proof"]
    store = Digest.parse_urn(document["credentialSubject"]["store"])
    if not named:
        del document["credentialSubject"]["manifest"], document["credentialSubject"]["store"]
    data = encode(add_proof(document, made.AUDITOR, created=AT))
    for stores, believed in (((), True), ((store,), named), ((Digest.of(b"x"),), False)):
        entry = TrustedIssuer(made.AUDITOR.did, "a", roles=("auditor",), stores=stores)
        outcome = check_attestation(OpenedCredential(data), trust=Trust((entry,)), at=AT)
        expected = CheckState.PASS if believed else CheckState.WARN
        assert outcome.state("trust.issuer") is expected, (stores, outcome.checks)


def test_too_many_are_not_looked_at() -> None:
    several = []
    for n in range(MAX_ATTESTATIONS + 1):
        document = parse(ATTESTATION)
        document["id"] = made.IDS[n]
        several.append(encode(document))
    check = beside(*several).check("attestations")
    assert (check.state, check.detail["reason"]) == (CheckState.UNCHECKED, "too-many")
    assert beside(*several[:2]).check("attestations").state is CheckState.FAIL


def test_what_is_no_attestation_is_left_alone() -> None:
    for text in (b"# attestation", b"{}", b'{"report": {"checks": [{"id": "attestations"}]}}',
                 b'{"kind": "dataset", "lyrikstore": 1, "name": "datasets/a/attestation"}',
                 DELIVERY["credential"].encode()):  # fmt: skip
        assert not looks_like_attestation(OpenedCredential(text))
        assert OpenedCredential(text).list_url is None
    assert looks_like_attestation(OpenedCredential(ATTESTATION))


def test_hostile_text_cannot_repaint_the_report() -> None:
    hostile = "\x1b[2J\u202e<script>\n\rTRUSTED"
    outcome = check_attestation(
        OpenedCredential(
            made.make()["verdicts/attestations.json"]["base"]["siblings"]["attestation-1.json"]
            .replace("no label errors were found", json.dumps(hostile)[1:-1])
            .encode()
        ),
        trust=parse_trust(b"version = 1"),
        at=AT,
    )
    for check in outcome.checks:
        assert check.summary.isprintable(), check


@pytest.mark.parametrize("text", [b"\xff", b"a = ", b"a = 1\na = 2", b"x" * (2 << 20)])
def test_statements_that_are_no_toml(text: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        parse_statement(text)
    assert caught.value.kind == "bad-statement"


def test_a_date_in_a_statement_is_refused_not_a_crash() -> None:
    from lyrikstore.credentials.model.credential import Claims, CredentialMetadata

    about = Claims.of(parse(DELIVERY["credential"].encode())["credentialSubject"])
    statement = parse_statement(b"extent = 2026-01-01")
    with pytest.raises(FormatError):
        build_attestation(
            CredentialMetadata(made.AUDITOR.did, made.START, made.END),
            about,
            kind="quality",
            statement=statement,
            documents={},
            content_checked=True,
        )


def test_hostile_lists_beside_attestations_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = []
    inflate = status_list.inflate
    monkeypatch.setattr(status_list, "inflate", lambda text: unpacked.append(1) or inflate(text))
    about_url = "https://e.example/s.json"
    lists = [
        sign_list(
            *(about_url, "revocation", bytes(1 << 20), made.BUYER),
            *(made.START + timedelta(seconds=n), made.MONTH),
        )
        for n in range(8)
    ]
    document = parse(ATTESTATION)
    del document["proof"]
    document["credentialStatus"] = [StatusEntry("revocation", 5, about_url).to_json()]
    listed = encode(add_proof(document, made.AUDITOR, created=AT))
    spellings = [json.dumps(parse(listed), indent=n).encode() for n in range(1, 13)]
    check = beside(*spellings, *lists).check("attestations")
    assert 0 < len(unpacked) <= len(lists)  # 1 MiB each, however often they are asked
    assert check.detail["reason"] == "foreign-list"
    assert len(check.detail["attestations"]) == 1
