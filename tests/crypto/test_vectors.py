"""The committed vectors are what their scripts make."""

import importlib.util
import json
from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[2] / "spec" / "vectors"


@pytest.mark.parametrize("topic", ["ed25519", "multikey", "proofs", "proof-sets", "rdf-proofs"])
def test_vectors_are_current(topic):
    spec = importlib.util.spec_from_file_location(
        f"make_{topic}", VECTORS / f"make_{topic.replace('-', '_')}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.make()
    assert {f"{topic}/{p.name}" for p in (VECTORS / topic).iterdir()} == set(made)
    for name, content in made.items():
        assert (VECTORS / name).read_text("ascii") == json.dumps(content, indent=1) + "\n", name


@pytest.mark.parametrize(
    "topic", ["ed25519", "multikey", "proofs", "proof-sets", "rdf-proofs", "canonical-json"]
)
def test_ids_are_unique(topic):
    for path in (VECTORS / topic).glob("*.json"):
        ids = [case.get("id") for case in json.loads(path.read_text("ascii"))["cases"]]
        if path.name != "good.json" or topic != "multikey":
            assert None not in ids
            assert len(set(ids)) == len(ids), path
