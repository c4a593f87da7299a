"""Software that others wrote, asked about our credentials and made to issue its own. No network.

A peer of Python runs here; one of JavaScript or Rust runs in Node, from what its folder pins.
"""

import base64
import functools
import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.model.credential import KINDS, schema_bytes
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.w3c.contexts import CONTEXTS, context_document
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
        document: A credential or a presentation.
        lists: Status lists by URL.
        at: The moment to judge for.
        dids: DID documents by DID; a did:key needs none.
        challenge: What the presentation has to answer; empty for a credential.
        domain: Whom it has to be for.
    """

    document: dict[str, Any]
    lists: dict[str, dict[str, Any]]
    at: datetime
    dids: Mapping[str, dict[str, Any]] = MappingProxyType({})
    challenge: str = ""
    domain: str = ""


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
Present = Callable[[dict[str, Any], PrivateKey, str, str], dict[str, Any]]
"""Presentation, holder's key, challenge, domain → the same with a proof."""


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
        holders: Cryptosuite → how to have it present.
        takes_dids: It can be handed DID documents.
        takes_presentations: It can be asked about presentations.
    """

    name: str
    version: str
    language: str
    looks_at: str
    suites: tuple[str, ...]
    judge: Judge
    issuers: dict[str, Issue]
    holders: dict[str, Present] = field(default_factory=dict)
    takes_dids: bool = False
    takes_presentations: bool = False

    def takes(self, question: Question) -> bool:
        """Return whether it can be asked this, its cryptosuite aside."""
        return (self.takes_dids or not question.dids) and (
            self.takes_presentations or not question.challenge
        )


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
    from openvc.did.base import DidResolverRegistry
    from openvc.did.did_key import DidKeyResolver
    from openvc.did.did_web import DidWebResolver
    from openvc.openid4vp import verify_vp_token
    from openvc.resolvers import default_status_list_resolver
    from openvc.verify import VerificationPolicy, verify_credential

    texts = {url: json.dumps(document) for url, document in question.lists.items()}
    schemas = {kind.schema_id: schema_bytes(kind) for kind in KINDS}
    pages = {
        f"https://{did.removeprefix('did:web:')}/.well-known/did.json": document
        for did, document in question.dids.items()
    }
    resolver = DidResolverRegistry([DidKeyResolver(), DidWebResolver(pages.__getitem__)])
    shared: dict[str, Any] = {
        "resolver": resolver,
        "resolve_status_list": default_status_list_resolver(
            resolver=resolver, fetch=texts.__getitem__
        ),
        "extra_contexts": _contexts(),
    }
    if question.challenge:
        # Not every credential that is shown is about who shows it: terms are about a dataset.
        bound = {"require_cryptographic_holder_binding": False}
        query = {"id": "asked", "format": "ldp_vc", "meta": {}, **bound}
        verify_vp_token(
            {"asked": [question.document]},
            dcql_query={"credentials": [query]},
            nonce=question.challenge,
            client_id=question.domain,
            now=question.at,
            **shared,
        )
        return ""
    # Our schemas describe what we issue: a proof of eddsa-jcs-2022.
    judged = question.document["proof"]["cryptosuite"] == JCS
    verify_credential(
        question.document,
        policy=VerificationPolicy(now=question.at, require_schema=judged),
        resolve_credential_schema=schemas.__getitem__ if judged else None,
        **shared,
    )
    return ""


def _sign_with_openvc(
    suite: str, document: dict[str, Any], key: PrivateKey, **options: Any
) -> dict[str, Any]:
    from openvc.keys import Ed25519SigningKey
    from openvc.proof.data_integrity import DataIntegrityProofSuite
    from openvc.proof.di_jcs import EddsaJcsProofSuite

    method = KeySigner(key).method
    secret = base64.urlsafe_b64encode(key.seed_for_key_file()).rstrip(b"=").decode()
    public = base64.urlsafe_b64encode(key.public.raw).rstrip(b"=").decode()
    jwk = {"kty": "OKP", "crv": "Ed25519", "d": secret, "x": public}
    if suite == JCS:
        theirs = EddsaJcsProofSuite()
    else:
        theirs = DataIntegrityProofSuite()
        options["extra_contexts"] = _contexts()
    signing_key = Ed25519SigningKey.from_jwk(jwk, method)
    return theirs.add_proof(
        document, signing_key=signing_key, verification_method=method, **options
    )


def _issue_with_openvc(suite: str) -> Issue:
    def issue(document: dict[str, Any], key: PrivateKey, at: datetime) -> dict[str, Any]:
        made = {**document, "issuer": KeySigner(key).did}
        return _sign_with_openvc(suite, made, key, created=at)

    return issue


def _present_with_openvc(suite: str) -> Present:
    def present(
        document: dict[str, Any], key: PrivateKey, challenge: str, domain: str
    ) -> dict[str, Any]:
        asked = {"challenge": challenge, "domain": domain, "proof_purpose": "authentication"}
        return _sign_with_openvc(suite, document, key, **asked)

    return present


def _ask_awr(question: Question) -> str:
    from awr.didkey import parse_did_key, verification_method_for
    from awr.proof import verify_document_signature

    issuer = question.document["issuer"]
    did = issuer["id"] if isinstance(issuer, dict) else issuer
    proof = question.document["proof"]
    if proof["verificationMethod"] != verification_method_for(did):
        return "another key than the issuer's"
    # Its whole-document check is for its own types; its proof check is general.
    if verify_document_signature(question.document, proof, parse_did_key(did)):
        return ""
    return "the signature does not fit"


def _ask_webvh(question: Question) -> str:
    from did_webvh.core.proof import di_jcs_verify, resolve_did_key

    proof = question.document["proof"]
    di_jcs_verify(question.document, proof, resolve_did_key(proof["verificationMethod"]))
    return ""


def _issue_with_webvh(document: dict[str, Any], key: PrivateKey, at: datetime) -> dict[str, Any]:
    from did_webvh.askar import AskarSigningKey
    from did_webvh.core.proof import di_jcs_sign

    signer = KeySigner(key)
    made = {**document, "issuer": signer.did}
    signing_key = AskarSigningKey.from_secret_bytes("ed25519", key.seed_for_key_file())
    return {**made, "proof": di_jcs_sign(made, signing_key, timestamp=at, kid=signer.method)}


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


def _line(question: Question) -> dict[str, Any]:
    asked = {"at": format_timestamp(question.at), "dids": dict(question.dids)}
    return {**question._asdict(), **asked, "contexts": _contexts()}


def _judge_with_digitalbazaar(questions: list[Question]) -> list[Answer]:
    lines = [_line(question) for question in questions]
    answers = []
    for result in _run_node(_digitalbazaar(), "verify", lines):
        # It verifies the list; that a bit is set is for its caller to look at.
        raised = "the status bit is set" if any(result["status"]) else ""
        accepted = result["verified"] and not raised
        answers.append(Answer(accepted, "" if accepted else raised or result["error"]))
    return answers


def _judge_with_didkit(questions: list[Question]) -> list[Answer]:
    lines = [_line(question) for question in questions]
    result = _run_node(_didkit(), "verify", lines)
    return [Answer(one["verified"], one["error"]) for one in result]


def _issue_with_node(folder: Callable[[], Path], suite: str) -> Issue:
    def issue(document: dict[str, Any], key: PrivateKey, _at: datetime) -> dict[str, Any]:
        seed = key.seed_for_key_file().hex()
        line = {"document": document, "contexts": _contexts(), "suite": suite, "seed": seed}
        (made,) = _run_node(folder(), "issue", [line])
        return made

    return issue


def _present_with_node(folder: Callable[[], Path], suite: str) -> Present:
    def present(
        document: dict[str, Any], key: PrivateKey, challenge: str, domain: str
    ) -> dict[str, Any]:
        line = {
            "document": document,
            "contexts": _contexts(),
            "suite": suite,
            "seed": key.seed_for_key_file().hex(),
            "challenge": challenge,
            "domain": domain,
        }
        (made,) = _run_node(folder(), "present", [line])
        return made

    return present


def peers() -> list[Peer]:
    """Return every peer, nothing fetched yet."""
    pinned = json.loads((HERE / "digitalbazaar" / "package.json").read_text("utf-8"))
    db = "@digitalbazaar/vc"
    model = "model, period, status list"
    bound = "DID document, challenge and domain"
    both = (JCS, RDFC)
    return [
        Peer(
            db, pinned["dependencies"][db], "JavaScript", f"{model}, {bound}",
            both, _judge_with_digitalbazaar,
            {suite: _issue_with_node(_digitalbazaar, suite) for suite in both},
            {suite: _present_with_node(_digitalbazaar, suite) for suite in both},
            takes_dids=True, takes_presentations=True,
        ),
        Peer(
            "openvc-core", version("openvc-core"), "Python", f"{model}, schema, {bound}",
            both, _each(_ask_openvc),
            {suite: _issue_with_openvc(suite) for suite in both},
            {suite: _present_with_openvc(suite) for suite in both},
            takes_dids=True, takes_presentations=True,
        ),
        Peer("awr", version("awr"), "Python", "issuer's key", (JCS,), _each(_ask_awr), {}),
        Peer(
            "did-webvh", version("did-webvh"), "Rust (askar)", "nothing", (JCS,),
            _each(_ask_webvh), {JCS: _issue_with_webvh},
        ),
        Peer(
            *DIDKIT, "Rust (WebAssembly)", "issuer's key, challenge and domain", (RDFC,),
            _judge_with_didkit,
            {RDFC: _issue_with_node(_didkit, RDFC)},
            {RDFC: _present_with_node(_didkit, RDFC)},
            takes_presentations=True,
        ),
    ]  # fmt: skip
