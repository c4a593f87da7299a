"""Runs the official W3C suites against ``lyrikstore w3c serve``, for whoever has checkouts of them.

Usage: ``make suites SUITES=DIR``, where DIR holds any of the checkouts named in :data:`SUITES`,
each after its own ``npm install``. Starts the server with a key made for the occasion, writes the
``localConfig.cjs`` that the suites read, runs mocha, and prints what passed and every test that did
not, with its message; of vc-json-schema-test-suite, which asks for a command instead of a server,
the cases go to :mod:`validate_schema`. A suite that takes one issuer gets the
one of its own choice below, or of ``--cryptosuite``. Exit code 1 if one failed, 2 if nothing could
be run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

MARK = "// written by lyrikstore's tests/interop/suites/run.py"


@dataclass(frozen=True)
class Suite:
    """How one suite is run.

    Attributes:
        issuers: Cryptosuite and path below ``/issuers/`` → tags.
        options: What is sent to them with every credential.
        tags: Of the verifiers.
        tls: It reads status lists over https only.
    """

    issuers: dict[str, list[str]]
    tags: list[str]
    options: dict[str, Any] = field(default_factory=dict)
    tls: bool = False

    def issuing_with(self, cryptosuite: str | None) -> "Suite":
        """Return this suite with another cryptosuite for its issuer, if it has just one."""
        if cryptosuite is None or len(self.issuers) != 1:
            return self
        ((path, tags),) = self.issuers.items()
        _, *rest = path.split("/")
        return replace(self, issuers={"/".join([cryptosuite, *rest]): tags})


CRYPTOSUITES = ("eddsa-jcs-2022", "eddsa-rdfc-2022")
SUITES = {
    "vc-di-eddsa-test-suite": Suite(
        {name: [name, "localhost"] for name in CRYPTOSUITES},
        [*CRYPTOSUITES, "localhost"],
    ),
    # Its fixtures have contexts of their own, which an RDF signature of ours does not take, and
    # some name an issuer of theirs.
    "vc-data-model-2.0-test-suite": Suite(
        {"eddsa-jcs-2022": ["vc2.0"]}, ["vc2.0"], {"replaceIssuer": True}
    ),
    "vc-bitstring-status-list-test-suite": Suite(
        {"eddsa-rdfc-2022/revocable": ["BitstringStatusList"]}, ["BitstringStatusList"], tls=True
    ),
    "did-key-test-suite": Suite({}, ["did-key"]),
}
SCHEMAS = "vc-json-schema-test-suite"
SCHEMA_FORMATS = ("JsonSchema", "JsonSchemaCredential")
NAME = "lyrikstore"


@contextmanager
def served(home: Path, *, tls: bool) -> Iterator[tuple[str, str, Path]]:
    """Run the server with a new key; give its URL, the issuer's DID and its certificate."""
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    program = [sys.executable, "-m", "lyrikstore_cli"]
    key = [*program, "key", "new", "suites", "--no-passphrase"]
    subprocess.run(key, env=environment, cwd=home, check=True, capture_output=True)
    certificate = home / "server.pem"
    options = ["--tls", "--certificate", str(certificate)] if tls else []
    process = subprocess.Popen(
        [*program, "w3c", "serve", "--signer", "suites", "--port", "0", "--json", *options],
        env=environment,
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            if not line:
                raise SystemExit("the server did not start")
            text += line
        said = json.loads(text)
        yield said["url"], said["issuer"], certificate
    finally:
        process.terminate()  # an interrupt is ignored by what a script started in the background
        process.communicate(timeout=30)


def configuration(suite: Suite, url: str, did: str) -> str:
    """Return ``localConfig.cjs``."""
    implementation: dict[str, Any] = {
        "name": NAME,
        "implementation": NAME,
        "only": True,
        "issuers": [
            {
                "id": did,
                "endpoint": f"{url}/issuers/{path}/credentials/issue",
                "supports": {"vc": ["2.0"]},
                "options": suite.options,
                "tags": tags,
            }
            for path, tags in suite.issuers.items()
        ],
        "verifiers": [{"id": did, "endpoint": f"{url}/credentials/verify", "tags": suite.tags}],
        "vpVerifiers": [{"id": did, "endpoint": f"{url}/presentations/verify", "tags": suite.tags}],
        "didResolvers": [{"id": did, "endpoint": f"{url}/identifiers", "tags": suite.tags}],
    }
    settings = {"enableInteropTests": False, "testAllImplementations": False}
    body = {"settings": settings, "implementations": [implementation]}
    return f"{MARK}\nmodule.exports = {json.dumps(body, indent=2)};\n"


def run(folder: Path, suite: Suite) -> dict[str, Any]:
    """Run one suite and return mocha's JSON report."""
    target = folder / "localConfig.cjs"
    if target.exists() and not target.read_text("utf-8").startswith(MARK):
        raise SystemExit(f"{target} is not ours: move it away first")
    with (
        tempfile.TemporaryDirectory(prefix="lyrikstore-suites-") as home,
        served(Path(home), tls=suite.tls) as (url, did, certificate),
    ):
        target.write_text(configuration(suite, url, did), "utf-8")
        report = Path(home) / "report.json"
        # Who makes the credential that the eddsa-jcs-2022 verifiers get.
        environment = {**os.environ, "ISSUER_NAME_JCS": NAME}
        if suite.tls:
            environment["NODE_EXTRA_CA_CERTS"] = str(certificate)
        options = ["--reporter", "json", "--reporter-option", f"output={report}"]
        mocha = ["npx", "--no-install", "mocha", "tests/", *options]
        subprocess.run(
            [*mocha, "--timeout", "15000", "--preserve-symlinks"], cwd=folder, env=environment
        )
        if not report.is_file():
            raise SystemExit(f"{folder.name}: mocha did not run")
        made: dict[str, Any] = json.loads(report.read_text("utf-8"))
        return made


def run_schemas(folder: Path) -> dict[str, Any]:
    """Run the cases of both types and of every draft, and return what mocha would report."""
    mapping = (folder / "tests/testmapping.js").as_uri()
    show = f"import * as m from '{mapping}'; console.log(JSON.stringify(m))"
    node = ["node", "--input-type=module", "-e", show]
    mapped = json.loads(subprocess.run(node, check=True, capture_output=True, text=True).stdout)
    stats = {"passes": 0, "failures": 0, "pending": 0}
    failures = []
    drafts = [
        (kind, draft)
        for kind in SCHEMA_FORMATS
        for draft in sorted((folder / "tests/input" / kind.lower()).glob("*"))
    ]
    for kind, draft in drafts:
        titles = mapped[f"{kind}TestMapping"]
        for title, case in [(title, case) for title, those in titles.items() for case in those]:
            schema = draft / f"{case['schema_number']}-schema.json"
            credential = draft / f"{case['cred_number']}-credential.json"
            if not (schema.is_file() and credential.is_file()):
                stats["pending"] += 1
                continue
            result = _validated(kind, schema, credential)
            if result == case["expected_result"]:
                stats["passes"] += 1
                continue
            stats["failures"] += 1
            full = f"{kind} {draft.name} {title} {case['number']} {case['description']}"
            message = f"{result} instead of {case['expected_result']}"
            failures.append({"fullTitle": full, "err": {"message": message}})
    return {"stats": stats, "failures": failures}


def _validated(kind: str, schema: Path, credential: Path) -> str:
    with tempfile.TemporaryDirectory(prefix="lyrikstore-suites-") as home:
        output = Path(home) / "output.json"
        command = [sys.executable, str(Path(__file__).parent / "validate_schema.py"), "validate"]
        command += ["--format", kind, "--schema", str(schema)]
        subprocess.run(
            [*command, "--credential", str(credential), "--output", str(output)], check=True
        )
        return str(json.loads(output.read_text("utf-8"))["result"])


def main() -> int:
    """Run what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the checkouts")
    parser.add_argument("--cryptosuite", choices=CRYPTOSUITES, help="of the issuer")
    parser.add_argument("--results", type=Path, help="write the counts and failures there, as JSON")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for name in (*SUITES, SCHEMAS):
        folder = arguments.folder.resolve() / name
        if not (folder / "tests").is_dir():
            print(f"– {name}: no checkout in {folder}")
            continue
        if name in SUITES and not (folder / "node_modules").is_dir():
            print(f"– {name}: run `npm install` in {folder} first")
            continue
        if name in SUITES:
            report = run(folder, SUITES[name].issuing_with(arguments.cryptosuite))
        else:
            report = run_schemas(folder)
        failures = {
            test["fullTitle"]: test["err"].get("message", "")[:300] for test in report["failures"]
        }
        stats = {key: report["stats"][key] for key in ("passes", "failures", "pending")}
        results[name] = {**stats, "failing": failures}
        print(f"{'✗' if failures else '✓'} {name}: {stats}")
        for title, message in failures.items():
            print(f"    {title}\n        {message}")
    if arguments.results is not None:
        text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
        arguments.results.write_text(text, "utf-8")
    return 2 if not results else int(any(made["failing"] for made in results.values()))


if __name__ == "__main__":
    raise SystemExit(main())
