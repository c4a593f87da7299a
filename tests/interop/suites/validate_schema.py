"""The command that vc-json-schema-test-suite asks for, over our checks of ``credentialSchema``.

Usage: ``validate --format F --schema S --credential C --output O``. Writes
``{"result": "success" | "failure" | "indeterminate"}`` to O: ``failure`` also where the credential
names no schema of that format, or another one. The credentials that hold schemas are unsigned in
that suite: their proofs are not looked at here, as they are in verification.
"""

import argparse
import json
from pathlib import Path

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.json import parse
from lyrikstore.w3c.profile.schema.check import SchemaOutcome, apply_schema, apply_schema_credential
from lyrikstore.w3c.values import items_of

APPLY = {"JsonSchema": apply_schema, "JsonSchemaCredential": apply_schema_credential}


def main() -> int:
    """Apply the schema and write the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["validate"])
    for name in ("schema", "credential", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--format", default="JsonSchema")
    arguments = parser.parse_args()
    outcome = SchemaOutcome.INDETERMINATE
    if arguments.format in APPLY:
        given = arguments.credential.read_bytes(), arguments.schema.read_bytes()
        outcome = _applied(*given, arguments.format)
    arguments.output.write_text(json.dumps({"result": str(outcome)}) + "\n", "utf-8")
    return 0


def _applied(credential: bytes, schema: bytes, kind: str) -> SchemaOutcome:
    try:
        document = parse(credential, floats=True, nulls=True)
    except FormatError:
        return SchemaOutcome.FAILURE
    named = items_of(document.get("credentialSchema", [])) if isinstance(document, dict) else []
    for item in named:
        if isinstance(item, dict) and item.get("type") == kind:
            return APPLY[kind](document, schema, str(item.get("id")))[0]
    return SchemaOutcome.FAILURE


if __name__ == "__main__":
    raise SystemExit(main())
