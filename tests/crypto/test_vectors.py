"""The committed vectors are what their scripts make."""

import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


@pytest.mark.parametrize(
    "topic", ["ed25519", "multikey", "proofs", "proof-sets", "rdf-proofs", "canonical-json"]
)
def test_ids_are_unique(topic):
    for path in (VECTORS / topic).glob("*.json"):
        ids = [case.get("id") for case in json.loads(path.read_text("ascii"))["cases"]]
        if path.name != "good.json" or topic != "multikey":
            assert None not in ids
            assert len(set(ids)) == len(ids), path
