"""The runner of the official suites runs one and says what failed; here with one of our own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "suites"

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
  require('fs').writeFileSync(output, JSON.stringify({
    stats: {passes: 1, failures: 1, pending: 0},
    failures: [{fullTitle: 'statuses', err: {message: seen.join(' ')}}]}));
})();
"""


@pytest.mark.node
@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("vc-di-eddsa-test-suite", "201 200 422 0"),
        ("vc-bitstring-status-list-test-suite", "201 200 422 200"),
    ],
)
def test_the_runner(tmp_path: Path, name: str, statuses: str) -> None:
    suite = tmp_path / name
    (suite / "tests").mkdir(parents=True)
    binary = suite / "node_modules" / ".bin" / "mocha"
    binary.parent.mkdir(parents=True)
    binary.write_text(MOCHA)
    binary.chmod(0o755)
    results = tmp_path / "results.json"
    command = [sys.executable, str(HERE / "run.py"), str(tmp_path), "--results", str(results)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    made: dict[str, Any] = json.loads(results.read_text())
    assert made[name]["failing"] == {"statuses": statuses}, done.stdout
    assert "statuses" in done.stdout
    (suite / "localConfig.cjs").write_text("mine")
    assert "is not ours" in subprocess.run(command, capture_output=True, text=True).stderr


def test_nothing_to_run(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "run.py"), str(tmp_path)]
    assert subprocess.run(command, capture_output=True).returncode == 2


@pytest.mark.parametrize(
    ("schema", "result"),
    [
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:x:1"}, "success"),
        ({"$id": "urn:x:1"}, "failure"),
        ({"$schema": "https://example.org/unknown", "$id": "urn:x:1"}, "indeterminate"),
    ],
)
def test_the_schema_command(tmp_path: Path, schema: dict[str, str], result: str) -> None:
    for name, content in (("schema", schema), ("credential", {"type": ["VerifiableCredential"]})):
        (tmp_path / name).write_text(json.dumps(content))
    command = [
        sys.executable,
        str(HERE / "validate_schema.py"),
        "validate",
        "--format",
        "JsonSchema",
    ]
    for name in ("schema", "credential", "output"):
        command += [f"--{name}", str(tmp_path / name)]
    subprocess.run(command, check=True)
    assert json.loads((tmp_path / "output").read_text()) == {"result": result}
