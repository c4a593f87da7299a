"""The runner of the official suites runs one and says what failed; here with one of our own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "suites"
DRAFT = "https://json-schema.org/draft/2020-12/schema"

SCHEMA_CREDENTIAL = {
    "id": "urn:x:2",
    "type": ["VerifiableCredential", "JsonSchemaCredential"],
    "credentialSchema": {
        "id": "https://www.w3.org/ns/credentials/json-schema/v2.json",
        "type": "JsonSchema",
    },
    "credentialSubject": {
        "id": "urn:x:1",
        "type": "JsonSchema",
        "jsonSchema": {"$schema": DRAFT, "$id": "urn:x:1"},
    },
}

# What the official suites do, in small: read the configuration, post, look at the status.
MOCHA = """#!/usr/bin/env node
const {implementations: [it]} = require(process.cwd() + '/localConfig.cjs');
const output = process.argv.find(a => a.startsWith('output=')).slice(7);
const [issuer] = it.issuers, [verifier] = it.verifiers;
const post = (url, body) => fetch(url, {
  method: 'POST', headers: {'Content-type': 'application/json'}, body: JSON.stringify(body)});
(async () => {
  const credential = {
    '@context': ['https://www.w3.org/ns/credentials/v2'], type: ['VerifiableCredential'],
    issuer: issuer.id, credentialSubject: {id: 'did:example:1'}};
  const issued = await post(issuer.endpoint, {credential, options: {}});
  const vc = await issued.json();
  const good = await post(verifier.endpoint, {verifiableCredential: vc, options: {}});
  vc.id = 'urn:x:1';
  const bad = await post(verifier.endpoint, {verifiableCredential: vc, options: {}});
  const list = vc.credentialStatus && await fetch(vc.credentialStatus.statusListCredential);
  const seen = [issued.status, good.status, bad.status, list ? list.status : 0];
  seen.push(vc.proof.cryptosuite);
  require('fs').writeFileSync(output, JSON.stringify({
    stats: {passes: 1, failures: 1, pending: 0},
    failures: [{fullTitle: 'statuses', err: {message: seen.join(' ')}}]}));
})();
"""


@pytest.mark.node
@pytest.mark.parametrize(
    ("name", "cryptosuite", "statuses"),
    [
        ("vc-di-eddsa-test-suite", "eddsa-rdfc-2022", "201 200 422 0 eddsa-jcs-2022"),
        ("vc-bitstring-status-list-test-suite", None, "201 200 422 200 eddsa-rdfc-2022"),
        ("vc-bitstring-status-list-test-suite", "eddsa-jcs-2022", "201 200 422 200 eddsa-jcs-2022"),
    ],
)
def test_the_runner(tmp_path: Path, name: str, cryptosuite: str | None, statuses: str) -> None:
    suite = tmp_path / name
    (suite / "tests").mkdir(parents=True)
    binary = suite / "node_modules" / ".bin" / "mocha"
    binary.parent.mkdir(parents=True)
    binary.write_text(MOCHA)
    binary.chmod(0o755)
    results = tmp_path / "results.json"
    command = [sys.executable, str(HERE / "run.py"), str(tmp_path), "--results", str(results)]
    if cryptosuite is not None:
        command += ["--cryptosuite", cryptosuite]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    made: dict[str, Any] = json.loads(results.read_text())
    assert made[name]["failing"] == {"statuses": statuses}, done.stdout
    assert "statuses" in done.stdout
    (suite / "localConfig.cjs").write_text("mine")
    assert "is not ours" in subprocess.run(command, capture_output=True, text=True).stderr


@pytest.mark.node
def test_the_runner_of_schemas(tmp_path: Path) -> None:
    suite = tmp_path / "vc-json-schema-test-suite" / "tests"
    draft = suite / "input" / "jsonschema" / "2020-12"
    draft.mkdir(parents=True)
    credential = {"credentialSchema": {"id": "urn:x:1", "type": "JsonSchema"}}
    (draft / "1-credential.json").write_text(json.dumps(credential))
    (draft / "1-schema.json").write_text(json.dumps({"$schema": DRAFT, "$id": "urn:x:1"}))
    case = {"number": 1, "cred_number": 1, "schema_number": 1, "description": "good"}
    cases = [
        {**case, "expected_result": "success"},
        {**case, "expected_result": "failure"},
        {**case, "expected_result": "success", "schema_number": 2},
    ]
    held = suite / "input" / "jsonschemacredential" / "2020-12"
    held.mkdir(parents=True)
    named = {"credentialSchema": {"id": "urn:x:2", "type": "JsonSchemaCredential"}}
    (held / "1-credential.json").write_text(json.dumps(named))
    (held / "1-schema.json").write_text(json.dumps(SCHEMA_CREDENTIAL))
    mapping = (
        f"export const JsonSchemaTestMapping = {json.dumps({'S1': cases})};"
        f"export const JsonSchemaCredentialTestMapping = {json.dumps({'S2': cases[:2]})};"
    )
    (suite / "testmapping.js").write_text(mapping)
    results = tmp_path / "results.json"
    command = [sys.executable, str(HERE / "run.py"), str(tmp_path), "--results", str(results)]
    background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # the server ignores interrupts, too
    assert subprocess.run([*background, *command], capture_output=True, timeout=300).returncode == 1
    assert json.loads(results.read_text()) == {
        "vc-json-schema-test-suite": {
            "passes": 2,
            "failures": 2,
            "pending": 1,
            "failing": {
                "JsonSchema 2020-12 S1 1 good": "success instead of failure",
                "JsonSchemaCredential 2020-12 S2 1 good": "success instead of failure",
            },
        }
    }


def test_nothing_to_run(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "run.py"), str(tmp_path)]
    assert subprocess.run(command, capture_output=True).returncode == 2


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, "success"),
        ({"id": "urn:x:3"}, "failure"),
        ({"type": "VerifiableCredential"}, "failure"),
        ({"credentialSchema": {"id": "urn:x:1", "type": "JsonSchema"}}, "failure"),
        ({"credentialSubject": {"type": "JsonSchema"}}, "failure"),
    ],
)
def test_the_schema_command_on_credentials(
    tmp_path: Path, changes: dict[str, Any], result: str
) -> None:
    credential = {"credentialSchema": {"id": "urn:x:2", "type": "JsonSchemaCredential"}}
    contents = (("schema", {**SCHEMA_CREDENTIAL, **changes}), ("credential", credential))
    for name, content in contents:
        (tmp_path / name).write_text(json.dumps(content))
    command = [sys.executable, str(HERE / "validate_schema.py"), "validate"]
    for name in ("schema", "credential", "output"):
        command += [f"--{name}", str(tmp_path / name)]
    subprocess.run([*command, "--format", "JsonSchemaCredential"], check=True)
    assert json.loads((tmp_path / "output").read_text()) == {"result": result}


@pytest.mark.parametrize(
    ("schema", "kind", "result"),
    [
        ({"$schema": DRAFT, "$id": "urn:x:1"}, "JsonSchema", "success"),
        ({"$id": "urn:x:1"}, "JsonSchema", "failure"),
        ({"$schema": DRAFT, "$id": "urn:x:2"}, "JsonSchema", "failure"),
        ({"$schema": DRAFT, "$id": "urn:x:1"}, "NotJsonSchema", "failure"),
        ({"$schema": "urn:draft", "$id": "urn:x:1"}, "JsonSchema", "indeterminate"),
    ],
)
def test_the_schema_command(tmp_path: Path, schema: dict[str, str], kind: str, result: str) -> None:
    credential = {"credentialSchema": {"id": "urn:x:1", "type": kind}}
    for name, content in (("schema", schema), ("credential", credential)):
        (tmp_path / name).write_text(json.dumps(content))
    command = [sys.executable, str(HERE / "validate_schema.py"), "validate"]
    for name in ("schema", "credential", "output"):
        command += [f"--{name}", str(tmp_path / name)]
    subprocess.run([*command, "--format", "JsonSchema"], check=True)
    assert json.loads((tmp_path / "output").read_text()) == {"result": result}
