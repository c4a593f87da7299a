"""Every MUST of VC JSON Schema, by its number in the reference (S)."""

from typing import Any

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import encode
from lyrikstore.credentials.model.credential import VC_CONTEXT
from lyrikstore.verify.report import Verdict
from lyrikstore.w3c.profile.schema.check import SchemaOutcome, apply_schema
from lyrikstore.w3c.profile.schema.limits import check_cost
from tests.w3c.requirements.judging import judge

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


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "schema-recursive"),
        ({"$ref": "#"}, "schema-recursive"),
        ({"$dynamicRef": "#a"}, "schema-recursive"),
        ({"$ref": "https://evil.example/"}, "schema-remote"),
        ({"$ref": "#/$defs/none"}, "schema-remote"),
        ({"properties": {"a": {"$id": "urn:x:2"}}}, "schema-remote"),
        ({"pattern": "(?=a)"}, "schema-pattern"),
        ({"pattern": "(((a{1000}){1000}){1000})"}, "schema-cost"),
    ],
)
def test_S1_why_a_schema_is_not_applied(schema: dict[str, Any], kind: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_cost(schema, {})
    assert caught.value.kind == kind


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
