"""What a schema in a credential says of its own schema may be anything."""

import json

import pytest

from lyrikstore.canon.errors import FormatError
from lyrikstore.verify.w3c.schema.credential import read_schema_credential


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
