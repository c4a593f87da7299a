"""Software that others wrote, asked about our credentials and made to issue its own. No network.

A peer of Python runs here; one of JavaScript or Rust runs in Node, from what its folder pins.
"""

import base64
import functools
import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.vcdm import KINDS, schema_bytes
from lyrikstore.crypto.contexts import CONTEXTS, context_document
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.signer import KeySigner
from tests import npm

HERE = Path(__file__).parent
JCS, RDFC = "eddsa-jcs-2022", "eddsa-rdfc-2022"
DIDKIT = ("@learncard/didkit-plugin", "1.9.10")
DIDKIT_SHA512 = (
    "dMKVI7ivmufQ0UiEU04bexdlNn5Be5DKQDk6pZcrd59mCE6oSsV+aFZO8cydegRHNsFKI1SWrUrf6Y5v/b1ueA=="
)


class Question(NamedTuple):
    """What a peer is asked to judge.

    Attributes:
        credential: The document.
        lists: Status lists by URL.
        at: The moment to judge for.
    """

    credential: dict[str, Any]
    lists: dict[str, dict[str, Any]]
    at: datetime


class Answer(NamedTuple):
    """What it said.

    Attributes:
        accepted: Whether a caller who follows its manual would go on.
        reason: Why not.
    """

    accepted: bool
    reason: str


Judge = Callable[[list[Question]], list[Answer]]
Issue = Callable[[dict[str, Any], PrivateKey, datetime], dict[str, Any]]


@dataclass(frozen=True)
class Peer:
    """One program.

    Attributes:
        name: As its registry knows it.
        version: The version asked.
        language: What its signature code is written in.
        looks_at: What it checks besides the signature.
        suites: The cryptosuites it verifies.
        judge: Asks it.
        issuers: Cryptosuite → how to have it issue.
    """

    name: str
    version: str
    language: str
    looks_at: str
    suites: tuple[str, ...]
    judge: Judge
    issuers: dict[str, Issue]


def _each(ask: Callable[[Question], str]) -> Judge:
    """Return a judge from a function that returns nothing or a reason, or raises one."""

    def judge(questions: list[Question]) -> list[Answer]:
        answers = []
        for question in questions:
            try:
                reason = ask(question)
            except Exception as error:  # whatever it raises is its way of saying no
                reason = f"{type(error).__name__}: {error}"
            answers.append(Answer(not reason, reason))
        return answers

    return judge


def _contexts() -> dict[str, Any]:
    return {url: context_document(url) for url in CONTEXTS}


# Python.


def _ask_openvc(question: Question) -> str:
    from openvc.did.did_key import DidKeyResolver
    from openvc.resolvers import default_status_list_resolver
    from openvc.verify import VerificationPolicy, verify_credential

    texts = {url: json.dumps(document) for url, document in question.lists.items()}
    schemas = {kind.schema_id: schema_bytes(kind) for kind in KINDS}
    # Our schemas describe what we issue: a proof of eddsa-jcs-2022.
    judged = question.credential["proof"]["cryptosuite"] == JCS
    verify_credential(
        question.credential,
        policy=VerificationPolicy(now=question.at, require_schema=judged),
        resolver=DidKeyResolver(),
        resolve_credential_schema=schemas.__getitem__ if judged else None,
        resolve_status_list=default_status_list_resolver(
            resolver=DidKeyResolver(), fetch=texts.__getitem__
        ),
        extra_contexts=_contexts(),
    )
    return ""


def _issue_with_openvc(suite: str) -> Issue:
    def issue(document: dict[str, Any], key: PrivateKey, at: datetime) -> dict[str, Any]:
        from openvc.keys import Ed25519SigningKey
        from openvc.proof.data_integrity import DataIntegrityProofSuite
        from openvc.proof.di_jcs import EddsaJcsProofSuite

        signer = KeySigner(key)
        method = f"{signer.did}#{signer.did.removeprefix('did:key:')}"
        secret = base64.urlsafe_b64encode(key.seed_for_key_file()).rstrip(b"=").decode()
        public = base64.urlsafe_b64encode(key.public.raw).rstrip(b"=").decode()
        jwk = {"kty": "OKP", "crv": "Ed25519", "d": secret, "x": public}
        made = {**document, "issuer": signer.did}
        options = {"verification_method": method, "created": at}
        if suite == JCS:
            theirs = EddsaJcsProofSuite()
        else:
            theirs = DataIntegrityProofSuite()
            options["extra_contexts"] = _contexts()
        signing_key = Ed25519SigningKey.from_jwk(jwk, method)
        return theirs.add_proof(made, signing_key=signing_key, **options)

    return issue


def _ask_awr(question: Question) -> str:
    from awr.didkey import parse_did_key, verification_method_for
    from awr.proof import verify_document_signature

    issuer = question.credential["issuer"]
    did = issuer["id"] if isinstance(issuer, dict) else issuer
    proof = question.credential["proof"]
    if proof["verificationMethod"] != verification_method_for(did):
        return "another key than the issuer's"
    # Its whole-document check is for its own types; its proof check is general.
    if verify_document_signature(question.credential, proof, parse_did_key(did)):
        return ""
    return "the signature does not fit"


def _ask_webvh(question: Question) -> str:
    from did_webvh.core.proof import di_jcs_verify, resolve_did_key

    proof = question.credential["proof"]
    di_jcs_verify(question.credential, proof, resolve_did_key(proof["verificationMethod"]))
    return ""


def _issue_with_webvh(document: dict[str, Any], key: PrivateKey, at: datetime) -> dict[str, Any]:
    from did_webvh.askar import AskarSigningKey
    from did_webvh.core.proof import di_jcs_sign

    signer = KeySigner(key)
    made = {**document, "issuer": signer.did}
    signing_key = AskarSigningKey.from_secret_bytes("ed25519", key.seed_for_key_file())
    method = f"{signer.did}#{signer.did.removeprefix('did:key:')}"
    return {**made, "proof": di_jcs_sign(made, signing_key, timestamp=at, kid=method)}


# Node.


def _run_node(folder: Path, command: str, lines: Iterable[dict[str, Any]]) -> list[Any]:
    done = subprocess.run(
        ["node", "peer.mjs", command],
        cwd=folder,
        input="\n".join(map(json.dumps, lines)),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def _digitalbazaar() -> Path:
    return npm.installed(HERE / "digitalbazaar")


@functools.cache
def _didkit() -> Path:
    """Return the folder after fetching the package alone: its 200 dependencies are for wallets."""
    folder = HERE / "didkit"
    with npm.alone(folder):
        if not (folder / "package").is_dir():
            _fetch_didkit(folder)
    return folder


def _fetch_didkit(folder: Path) -> None:
    name, number = DIDKIT
    packed = subprocess.run(
        ["npm", "pack", "--silent", f"{name}@{number}"],
        cwd=folder, check=True, timeout=300, capture_output=True, text=True,
    )  # fmt: skip
    archive = folder / packed.stdout.strip().splitlines()[-1]
    data = archive.read_bytes()
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != DIDKIT_SHA512:
        raise RuntimeError(f"{name}@{number} is not the package that was pinned")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    archive.unlink()


def _judge_with_digitalbazaar(questions: list[Question]) -> list[Answer]:
    lines = [
        {
            "credential": question.credential,
            "lists": question.lists,
            "now": format_timestamp(question.at),
            "contexts": _contexts(),
        }
        for question in questions
    ]
    answers = []
    for told in _run_node(_digitalbazaar(), "verify", lines):
        # It verifies the list; that a bit is set is for its caller to look at.
        raised = "the status bit is set" if any(told["status"]) else ""
        accepted = told["verified"] and not raised
        answers.append(Answer(accepted, "" if accepted else raised or told["error"]))
    return answers


def _judge_with_didkit(questions: list[Question]) -> list[Answer]:
    lines = [{"credential": q.credential, "contexts": _contexts()} for q in questions]
    told = _run_node(_didkit(), "verify", lines)
    return [Answer(one["verified"], one["error"]) for one in told]


def _issue_with_node(folder: Callable[[], Path], suite: str) -> Issue:
    def issue(document: dict[str, Any], key: PrivateKey, _at: datetime) -> dict[str, Any]:
        seed = key.seed_for_key_file().hex()
        line = {"credential": document, "contexts": _contexts(), "suite": suite, "seed": seed}
        (made,) = _run_node(folder(), "issue", [line])
        return made

    return issue


def peers() -> list[Peer]:
    """Return every peer, nothing fetched yet."""
    pinned = json.loads((HERE / "digitalbazaar" / "package.json").read_text("utf-8"))
    db = "@digitalbazaar/vc"
    return [
        Peer(
            db, pinned["dependencies"][db], "JavaScript", "model, period, status list",
            (JCS, RDFC), _judge_with_digitalbazaar,
            {suite: _issue_with_node(_digitalbazaar, suite) for suite in (JCS, RDFC)},
        ),
        Peer(
            "openvc-core", version("openvc-core"), "Python", "model, period, status list, schema",
            (JCS, RDFC), _each(_ask_openvc),
            {suite: _issue_with_openvc(suite) for suite in (JCS, RDFC)},
        ),
        Peer("awr", version("awr"), "Python", "issuer's key", (JCS,), _each(_ask_awr), {}),
        Peer(
            "did-webvh", version("did-webvh"), "Rust (askar)", "nothing", (JCS,),
            _each(_ask_webvh), {JCS: _issue_with_webvh},
        ),
        Peer(
            *DIDKIT, "Rust (WebAssembly)", "issuer's key", (RDFC,), _judge_with_didkit,
            {RDFC: _issue_with_node(_didkit, RDFC)},
        ),
    ]  # fmt: skip
