"""How a schema is read out of the credential that holds it."""

import json

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.w3c.profile.schema.credential import read_schema_credential


@pytest.mark.parametrize("identity", [{"id": "x"}, ["x"], 1, None])
def test_the_id_of_its_schema_may_be_anything(identity: object) -> None:
    document = {
        "type": ["VerifiableCredential", "JsonSchemaCredential"],
        "id": "https://schema.example/one.json",
        "credentialSchema": {"id": identity, "type": "JsonSchema"},
        "credentialSubject": {"type": "JsonSchema", "jsonSchema": {}},
    }
    with pytest.raises(FormatError):
        read_schema_credential(json.dumps(document).encode(), "https://schema.example/one.json")


@pytest.mark.parametrize(
    ("subject", "name"),
    [({}, "urn:x:schema"), ({"id": "urn:x:subject"}, "urn:x:subject")],
)
def test_its_name_is_that_of_the_subject_if_it_has_one(subject: dict[str, str], name: str) -> None:
    schema = {"$id": "urn:x:schema"}
    document = {
        "type": ["VerifiableCredential", "JsonSchemaCredential"],
        "id": "https://schema.example/one.json",
        "credentialSchema": {
            "id": "https://www.w3.org/ns/credentials/json-schema/v2.json",
            "type": "JsonSchema",
        },
        "credentialSubject": {**subject, "type": "JsonSchema", "jsonSchema": schema},
    }
    data = json.dumps(document).encode()
    assert read_schema_credential(data, "https://schema.example/one.json") == (schema, name)
