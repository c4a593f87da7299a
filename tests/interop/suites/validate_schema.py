"""The command that vc-json-schema-test-suite asks for, over our checks of ``credentialSchema``.

Usage: ``validate --format F --schema S --credential C --output O``. Writes
``{"result": "success" | "failure" | "indeterminate"}`` to O.
"""

import argparse
import json
from pathlib import Path

from lyrikstore.canon.errors import FormatError
from lyrikstore.canon.jsontext import parse
from lyrikstore.credentials.w3c.schema import Outcome, apply_schema


def main() -> int:
    """Apply the schema and write the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["validate"])
    for name in ("schema", "credential", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--format", default="JsonSchema")
    arguments = parser.parse_args()
    outcome = Outcome.INDETERMINATE
    if arguments.format.lower() in {"jsonschema", "json-schema", "json"}:
        try:
            document = parse(arguments.credential.read_bytes(), floats=True, nulls=True)
            outcome, _ = apply_schema(document, arguments.schema.read_bytes())
        except FormatError:
            outcome = Outcome.FAILURE
    arguments.output.write_text(json.dumps({"result": str(outcome)}) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
