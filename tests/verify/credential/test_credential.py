"""Issuing and checking one credential; a flipped byte anywhere is noticed."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import (
    CONTEXT_SHA256,
    DATASET,
    DATASET_CONTEXT,
    GRANT,
    KINDS,
    CredentialKind,
    CredentialMetadata,
    check_credential_shape,
    context_bytes,
    schema_bytes,
    sri,
)
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.credential import check_credential
from lyrikstore.verify.delivery.delivery import verify_credential

Publisher = Any


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.schema)
def test_published_bytes_do_not_change(kind: CredentialKind) -> None:
    # Credentials out in the world pin both. A change here needs a new version of the profile.
    assert sha256(context_bytes()).hexdigest() == CONTEXT_SHA256[DATASET_CONTEXT]
    assert sri(schema_bytes(kind)) == kind.schema_sri
    assert json.loads(schema_bytes(kind))["$id"] == kind.schema_id


def test_all_kinds_are_one_envelope() -> None:
    dataset, *others = (json.loads(schema_bytes(kind)) for kind in KINDS)
    for schema in others:
        for member, rule in dataset["properties"].items():
            if member == "@context":  # of version 2, those of version 1 that it needs are in it
                assert len(schema["properties"][member]["const"]) == len(rule["const"])
            elif member == "proof":
                assert schema["properties"][member].keys() == rule.keys()
            elif member not in {"type", "credentialSchema", "evidence"}:
                assert schema["properties"][member] == rule
        assert set(schema["properties"]) == set(dataset["properties"])


def test_context_is_protected_and_complete(document: dict[str, Any]) -> None:
    context = json.loads(context_bytes())["@context"]
    assert context["@protected"] is True
    own = {"name", "description", "digestMultibase", "digestSRI", "mediaType"}  # of the W3C context

    def names(value: Any) -> set[str]:
        if isinstance(value, dict):
            inner = [names(item) for name, item in value.items() if name != "value"]
            return set(value).union(*inner)
        return set().union(*map(names, value)) if isinstance(value, list) else set()

    assert names(document["credentialSubject"]) - own <= set(context)
    schema = json.loads(schema_bytes(DATASET))
    subject = schema["$defs"]["subject"]["properties"]
    assert set(subject) - own <= set(context)
    for member in subject.values():
        part = member.get("items", member)
        assert set(part.get("properties", {})) - own <= set(context)


def test_issued_again_is_the_same(publisher: Publisher, credential: bytes) -> None:
    assert publisher.credential() == credential
    assert encode(parse(credential)) == credential
    assert len(credential) < 8000


def test_fresh_ids() -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    first, second = (CredentialMetadata("did:key:z6Mk", start).id for _ in range(2))
    assert first != second


def test_optional_claims(publisher: Publisher) -> None:
    document = publisher.unsigned(
        valid_until=None,
        issuer_name=None,
        more={
            "version": "1.2.0",
            "quality": [
                {
                    "type": "QualityMeasurement",
                    "metric": "labelAgreementKappa",
                    "value": "0.87",
                    "basis": "human-asserted",
                    "method": "3 annotators, 5,000 records",
                }
            ],
            "regulatory": [
                {
                    "type": "RegulatoryStatement",
                    "regime": "EU-GDPR",
                    "status": "pseudonymised",
                    "basis": "Art. 6(1)(a)",
                    "warrantedBy": {"type": "Party", "name": "Lex LLP"},
                    "asOf": "2026-10-01",
                }
            ],
        },
    )
    assert "validUntil" not in document
    check_credential_shape(document, DATASET)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"terms": whole(["trian"])}, "unknown-word"),
        ({"terms": whole([], ["fly"])}, "unknown-word"),
        ({"terms": whole([], [], ["train"])}, "unknown-word"),
        ({"terms": whole(["train"], ["train"])}, "contradiction"),
        ({"licence_texts": [("LicenseRef-Acme-1.0", b"another licence")]}, "licence-text"),
        ({"licence_texts": []}, "licence-text"),
    ],
)
def test_nothing_senseless_is_issued(
    publisher: Publisher, changes: dict[str, Any], kind: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        publisher.unsigned(**changes)
    assert caught.value.kind == kind


def test_own_words_start_with_x(publisher: Publisher) -> None:
    document = publisher.unsigned(terms=whole(["train", "x-acme-demo"]))
    (partition,) = document["credentialSubject"]["licence"]["partitions"]
    assert partition["permits"] == ["train", "x-acme-demo"]


def test_parts_must_belong_together(publisher: Publisher) -> None:
    from lyrikstore.history.trees.tree import Tree

    for changes in (
        {"tree": Tree(())},
        {"records": publisher.manifest},
        {"manifest": publisher.records},
    ):
        with pytest.raises(InvalidInputError) as caught:
            publisher.unsigned(**changes)
        assert caught.value.kind == "wrong-object"


def test_period_must_make_sense(publisher: Publisher) -> None:
    with pytest.raises(FormatError, match="before validFrom"):
        publisher.unsigned(valid_until=datetime(2020, 1, 1, tzinfo=UTC))


def test_only_the_issuer_signs(publisher: Publisher, world: SimpleNamespace) -> None:
    from lyrikstore.credentials.issue import issue

    with pytest.raises(InvalidInputError, match="another issuer"):
        issue(publisher.unsigned(), world.MALLORY, world.NOW)


def test_another_kind_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="dataset credential, where grant credential is needed"):
        check_credential_shape(document, GRANT)


def test_a_report_shows_its_words_and_equals_one_that_says_the_same(
    credential: bytes, world: SimpleNamespace
) -> None:
    one, again, later = (
        verify_credential(
            OpenedCredential(credential), trust=world.trusting(world.OWNER.did), at=at
        )
        for at in (world.NOW, world.NOW, world.NOW + timedelta(days=1))
    )
    assert one == again != later
    for check in one.checks:
        assert check.summary in repr(one)
        assert repr(check.detail) in repr(one)


def _open_places(schema: Any, path: str = "") -> set[str]:
    """Return the places where a schema lets pass members that nobody named."""
    if isinstance(schema, bool):
        return {path} if schema else set()
    if schema.keys() & {"const", "enum", "$ref", "propertyNames"}:
        return set()
    kind = schema.get("type")
    closed = kind in {"string", "integer"} or schema.get("additionalProperties") is False
    found = set() if closed or kind == "array" or "oneOf" in schema else {path}
    parts = {**schema.get("properties", {}), **schema.get("$defs", {})}
    parts |= {"*": schema.get("items", True)} if kind == "array" else {}
    parts |= {} if closed else dict(enumerate(schema.get("oneOf", ())))
    return found.union(*(_open_places(part, f"{path}/{name}") for name, part in parts.items()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.schema)
def test_schemas_are_closed_but_where_names_are_looked_at(kind: CredentialKind) -> None:
    # Attack: a name that RDF software acts on, in a place that nothing looks at.
    places = _open_places(json.loads(schema_bytes(kind)))
    of_status = {"/credentialStatus/0", "/credentialStatus/1/*"}
    assert places - {"/subject/descriptor/*/value"} == of_status


def test_other_json_spelling_of_the_same_claims_verifies(
    credential: bytes, world: SimpleNamespace
) -> None:
    pretty = json.dumps(parse(credential), indent=2).encode()
    report = verify_credential(
        OpenedCredential(pretty), trust=world.trusting(world.OWNER.did), at=world.NOW
    )
    assert report.verdict == "trusted"


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(
    credential: bytes, world: SimpleNamespace, at: int, bit: int
) -> None:
    data = bytearray(credential)
    data[at % len(data)] ^= 1 << bit
    outcome = check_credential(
        OpenedCredential(bytes(data)), trust=world.trusting(world.OWNER.did), at=world.NOW
    )
    assert not outcome.signature_valid
    assert not outcome.passed


@given(st.binary(max_size=200))
def test_noise_never_raises(noise: bytes) -> None:
    outcome = check_credential(
        OpenedCredential(noise), trust=Trust(), at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert not outcome.signature_valid


json_values = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(data=st.data())
def test_any_member_replaced_never_raises(
    credential: bytes, world: SimpleNamespace, data: st.DataObject
) -> None:
    document = parse(credential)
    target: Any = document
    for _ in range(data.draw(st.integers(0, 3))):
        inner = [
            v
            for v in (target.values() if isinstance(target, dict) else target)
            if isinstance(v, dict | list) and v
        ]
        if not inner:
            break
        target = data.draw(st.sampled_from(inner))
    key = data.draw(
        st.sampled_from(sorted(target) if isinstance(target, dict) else range(len(target)))
    )
    value = data.draw(json_values)
    if target[key] == value and type(target[key]) is type(value):
        return
    target[key] = value
    outcome = check_credential(OpenedCredential(encode(document)), trust=Trust(), at=world.NOW)
    assert not outcome.signature_valid


def test_times_at_the_edge_of_the_calendar(delivery: Any, world: SimpleNamespace) -> None:
    delivery.resign(
        lambda d: d.update(validFrom="0001-01-01T00:00:00Z", validUntil="9999-12-31T23:59:59Z")
    )
    assert delivery.verify().verdict == "trusted"
    delivery.at = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    delivery.verify()
    delivery.at = datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=1)
    delivery.verify()
