"""Statements for other tools, as others' libraries read and verify them."""

import json
import subprocess
from base64 import b64decode, b64encode
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
from in_toto_attestation.predicates.vsa.v1.vsa_pb2 import VerificationSummary
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from msgspec.structs import replace
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError as Rejected
from securesystemslib.signer._key import SSlibKey

from lyrikstore.audit.statements.export import FORMATS, Export, export_object
from lyrikstore.audit.statements.results import result_of
from lyrikstore.audit.statements.slsa import BUILD_TYPE
from lyrikstore.audit.statements.statement import ExportedObject
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, VerificationError
from lyrikstore.canon.json import encode
from lyrikstore.credentials.trust import ROLES, Trust, TrustedIssuer, encode_trust
from lyrikstore.crypto.proofs.dsse import key_id, sign_envelope
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.store.object import verify_object
from tests.contexts import context_of

PREDICATES = {
    "https://slsa.dev/provenance/v1": Provenance,
    "https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
    "https://slsa.dev/verification_summary/v1": VerificationSummary,
}
THRESHOLDS = [
    {"metric": "accuracy", "atLeast": "0.7", "value": "0.7500", "met": True},
    {"metric": "recall", "label": "Copyleft", "atLeast": "0.9", "value": "0.7000", "met": False},
]


def key_of(name: str) -> SSlibKey:
    """Return a key as securesystemslib makes it, with the id that it computes."""
    public = {"public": signer_for(name).public.raw.hex()}
    text = json.dumps(
        {"keytype": "ed25519", "keyval": public, "scheme": "ed25519"},
        sort_keys=True,
        separators=(",", ":"),
    )
    return SSlibKey(sha256(text.encode()).hexdigest(), "ed25519", "ed25519", public)


def read(export: Export) -> dict[str, Any]:
    """Return the statement in an envelope that securesystemslib verified."""
    envelope: Any = export.document
    Envelope.from_dict(deepcopy(envelope)).verify([key_of("owner")], 1)
    found: dict[str, Any] = json.loads(b64decode(envelope["payload"]))
    parsed = ParseDict(found, statement_pb2.Statement())  # nothing but what in-toto knows
    Statement.copy_from_pb(parsed).validate()
    message = PREDICATES[found["predicateType"]]()
    # Its `verifiedLevels` is one string, where the specification of SLSA has a list.
    predicate = {name: one for name, one in found["predicate"].items() if name != "verifiedLevels"}
    ParseDict(predicate, message, ignore_unknown_fields=True)
    return found


def pem(name: str) -> bytes:
    """Return a public key in PEM."""
    key = Ed25519PublicKey.from_public_bytes(signer_for(name).public.raw)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_provenance_of_a_model(full_chain: Any) -> None:
    made, chain = (
        export_object(full_chain.context, "checkpoints/acme/classifier", "slsa"),
        full_chain.made,
    )
    found = read(made)
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    checkpoint, run = chain["checkpoint"], chain["run"]
    whole, *files = found["subject"]
    assert whole["name"] == "checkpoints/acme/classifier"
    assert whole["digest"] == {
        "blake3": checkpoint.id.hex, "sha256": sha256(checkpoint.data).hexdigest(),
    }  # fmt: skip
    repository = full_chain.repository
    stored = {
        one.path: repository.blobs.read(one.blake3, max_bytes=1 << 20)
        for one in repository.tree(checkpoint).entries
    }
    assert {one["name"]: one["digest"] for one in files} == {
        path: {"blake3": Digest.of(data).hex, "sha256": sha256(data).hexdigest()}
        for path, data in stored.items()
    }
    definition = found["predicate"]["buildDefinition"]
    assert definition["buildType"] == BUILD_TYPE
    assert definition["externalParameters"]["config"] == run.body["config"]
    by_role = {one["annotations"]["role"]: one for one in definition["resolvedDependencies"]}
    assert set(by_role) == {"train", "test", "base", "filter", "code", "environment"}
    for role, nickname in (("train", "train"), ("base", "base"), ("filter", "filter")):
        assert by_role[role]["digest"]["blake3"] == chain[nickname].id.hex
        assert by_role[role]["digest"]["sha256"] == sha256(chain[nickname].data).hexdigest()
    assert json.loads(b64decode(by_role["environment"]["content"])) == run.body["environment"]
    assert by_role["code"]["annotations"]["sha256"] == "not recorded"
    details = found["predicate"]["runDetails"]
    assert details["builder"]["id"] == run.author
    assert details["metadata"]["invocationId"] == run.id.urn
    assert found["predicate"]["lyrikstore_report"]["verdict"] == made.report.verdict == "valid"


def test_no_format_states_a_level_of_slsa_or_a_path_of_data(full_chain: Any) -> None:
    for ref, form in (
        ("checkpoints/acme/classifier", "slsa"),
        ("checkpoints/acme/classifier", "vsa"),
        ("evaluations/acme/classifier", "vsa"),
        ("acme/contracts", "vsa"),
    ):
        text = json.dumps(read(export_object(full_chain.context, ref, form)))
        assert "SLSA_" not in text
        for canary in ("one.txt", "three.txt", "t.txt", "someone@", 'Acme"', "the first"):
            assert canary not in text, (form, canary)


@pytest.mark.parametrize(
    ("thresholds", "result"), [([], "WARNED"), (THRESHOLDS, "FAILED"), (THRESHOLDS[:1], "PASSED")]
)
def test_result_of_an_evaluation(full_chain: Any, thresholds: Any, result: str) -> None:
    made, chain = full_chain.made["evaluation"], full_chain.made
    body = {**made.body, "thresholds": thresholds} if thresholds else made.body
    context = full_chain.context
    report = verify_object(context, made.id)  # what it finds is no matter here
    statement = result_of(ExportedObject(context, replace(made, body=body), report))
    found = read(
        Export(made, sign_envelope(encode(statement.to_json()), signer_for("owner")), report)
    )
    assert found["predicate"]["result"] == result
    assert found["predicate"]["failedTests"] == (
        ["recall of Copyleft >= 0.9: 0.7000"] if result == "FAILED" else []
    )
    assert found["subject"][0]["name"] == "checkpoints/acme/classifier"
    assert "model.safetensors" not in {one["name"] for one in found["subject"]}
    used = {one["annotations"]["role"] for one in found["predicate"]["configuration"]}
    assert used == {"evaluation", "test", "train", "run"}
    first = found["predicate"]["configuration"][0]
    assert first["digest"]["sha256"] == sha256(chain["evaluation"].data).hexdigest()


def test_only_a_trusted_object_passes(full_chain: Any, tmp_path: Path) -> None:
    """ATTACK: what nobody trusts, or could not be checked, is handed on as passed."""
    summary = read(export_object(full_chain.context, "checkpoints/acme/classifier", "vsa"))
    found = summary["predicate"]
    assert (found["verificationResult"], found["verifiedLevels"]) == ("FAILED", ["FAILED"])
    assert found["lyrikstore_report"]["verdict"] == "valid"
    assert found["policy"]["digest"]["sha256"] == sha256(b"").hexdigest()
    believing = context_of(full_chain.repository, signer=full_chain.signer, clock=full_chain.clock)
    believing.trust_file = tmp_path / "trust.toml"
    roles = tuple(ROLES)
    believing.trust_file.write_bytes(
        encode_trust(Trust((TrustedIssuer(full_chain.signer.did, "owner", roles),)))
    )
    believing.believed = None
    made = export_object(believing, "checkpoints/acme/classifier", "vsa")
    found = read(made)["predicate"]
    assert (found["verificationResult"], found["verifiedLevels"]) == (
        "PASSED", ["LYRIKSTORE_TRUSTED"],
    )  # fmt: skip
    rules = believing.trust_file.read_bytes()
    assert found["policy"]["digest"] == {
        "sha256": sha256(rules).hexdigest(), "blake3": Digest.of(rules).hex,
    }  # fmt: skip
    assert found["lyrikstore_report"]["notProven"]


@pytest.mark.cosign
def test_cosign_verifies_it_beside_the_file(full_chain: Any, tmp_path: Path) -> None:
    repository, checkpoint = full_chain.repository, full_chain.made["checkpoint"]
    (weights,) = (
        one for one in repository.tree(checkpoint).entries if one.path.endswith("safetensors")
    )
    made = export_object(full_chain.context, "checkpoints/acme/classifier", "slsa")
    files = {
        "model": repository.blobs.read(weights.blake3, max_bytes=1 << 20),
        "other": b"something else",
        "envelope.json": json.dumps(made.document).encode(),
        "owner.pem": pem("owner"),
        "stranger.pem": pem("stranger"),
    }
    changed: Any = deepcopy(made.document)
    changed["payload"] = b64encode(
        b64decode(changed["payload"]).replace(b"valid", b"Valid")
    ).decode()
    files["changed.json"] = json.dumps(changed).encode()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def accepts(model: str, key: str, envelope: str, kind: str = "slsaprovenance1") -> bool:
        done = subprocess.run(
            ["cosign", "verify-blob-attestation", "--key", key, "--signature", envelope,
             "--type", kind, "--insecure-ignore-tlog", "--offline", model],
            cwd=tmp_path, capture_output=True, timeout=120, text=True,
        )  # fmt: skip
        assert done.returncode == 0 or "error" in done.stderr.lower()
        return done.returncode == 0

    assert accepts("model", "owner.pem", "envelope.json")
    assert not accepts("other", "owner.pem", "envelope.json")
    assert not accepts("model", "stranger.pem", "envelope.json")
    assert not accepts("model", "owner.pem", "changed.json")
    assert not accepts("model", "owner.pem", "envelope.json", "spdx")


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(payload=b64encode(b64decode(one["payload"])[:-2] + b" }").decode()),
        lambda one: one.update(payloadType="application/json"),
        lambda one: one["signatures"][0].update(sig=b64encode(bytes(64)).decode()),
    ],
)
def test_what_was_changed_is_rejected(full_chain: Any, change: Any) -> None:
    made = export_object(full_chain.context, "checkpoints/acme/classifier", "slsa")
    envelope: Any = deepcopy(made.document)
    change(envelope)
    with pytest.raises(Rejected):
        Envelope.from_dict(deepcopy(envelope)).verify([key_of("owner")], 1)


def test_another_key_is_rejected(full_chain: Any) -> None:
    made = export_object(full_chain.context, "checkpoints/acme/classifier", "slsa")
    envelope: Any = made.document
    assert envelope["signatures"][0]["keyid"] == key_id(signer_for("owner").public)
    with pytest.raises(Rejected):
        Envelope.from_dict(deepcopy(envelope)).verify([key_of("stranger")], 1)
    other = key_of("stranger")
    forged = SSlibKey(key_of("owner").keyid, "ed25519", "ed25519", other.keyval)
    with pytest.raises(Rejected):
        Envelope.from_dict(deepcopy(envelope)).verify([forged], 1)


def test_what_does_not_verify_is_not_exported(chain: Any) -> None:
    with pytest.raises(VerificationError) as caught:  # incomplete: it records no rights
        export_object(chain.context, "evaluations/acme/classifier", "test-result")
    assert caught.value.kind == "not-verified"
    summary = read(export_object(chain.context, "evaluations/acme/classifier", "vsa"))
    report = summary["predicate"]["lyrikstore_report"]
    assert (report["verdict"], summary["predicate"]["verificationResult"]) == (
        "incomplete", "FAILED",
    )  # fmt: skip
    assert "rights" in {one["id"] for one in report["notChecked"]}


def test_formats_are_for_their_kinds(full_chain: Any) -> None:
    for ref, form, kind in (
        ("acme/contracts", "slsa", "wrong-object"),
        ("checkpoints/acme/minilm", "slsa", "wrong-object"),  # imported: no run made it
        ("checkpoints/acme/classifier", "test-result", "wrong-object"),
        ("checkpoints/acme/classifier", "spdx", "bad-format"),
    ):
        with pytest.raises(InvalidInputError) as caught:
            export_object(full_chain.context, ref, form)
        assert caught.value.kind == kind, (ref, form)
    assert all(one.about for one in FORMATS.values())
