"""A deployed folder, made without a disk: what ``make_deployments.py`` damages.

Keys and times are fixed. The model is a few bytes; every signature, log proof and digest is real.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

import make_credentials as made
from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.model.status_entry import log_entries
from lyrikstore.credentials.model.status_list import sign_list
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.signer import KeySigner
from lyrikstore.history.commit.policy_change import with_approvers, with_writer
from lyrikstore.history.log import merkle
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint, TlogProof
from lyrikstore.history.log.consistency_file import consistency_file
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.history.policy.policy import Genesis, Policy
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.deployment.layout import input_name
from lyrikstore.verify.deployment.model_sig import model_sig_of, signed_bytes, statement_of
from make_manifests import EXAMPLES, METRICS, TREE

APPROVER, TRAINER = (KeySigner(PrivateKey.from_seed(bytes([n]) * 32)) for n in (11, 12))
THEN = datetime(2026, 11, 25, 9, 0, 0, tzinfo=UTC)
DEPLOYED = datetime(2026, 11, 26, 9, 0, 0, tzinfo=UTC)
WORLD = made.world()
STORE = WORLD.genesis.id
CREDENTIAL = Digest.of(WORLD.credential)
KEY = ec.derive_private_key(int.from_bytes(bytes(range(1, 33)), "big"), ec.SECP256R1())
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
TEXT, DATA = b"# Clause classifier\n\nA model card.\n", b'{"format":"card/2"}'
REPORT = b'{"verdict":"trusted"}\n'
DECISION = {"temperature": "1.250", "abstainBelow": "0.400000"}
MODEL = {
    "NOTICE": b"Rests on datasets/acme/contracts: attribution.\n",
    "README.md": TEXT,
    "USE.md": b"How it is loaded.\n",
    "config.json": b'{"id2label":{"0":"Copyleft","1":"Permissive"}}\n',
    "onnx/model.onnx": b"\x08\x08weights\x00\xff\xfe",
    "tokenizer.json": b'{"model":{}}\n',
}


def signed(kind: str, name: str, signer: KeySigner, created: datetime, **more: Any) -> Manifest:
    """Return a manifest of the store, after the example of its kind."""
    arguments: dict[str, Any] = {"store": STORE, "name": name, "body": {}, **more}
    return sign_manifest(kind=kind, signer=signer, created=created, **arguments)


def policy(change: Any, before: Manifest, signer: KeySigner = made.OWNER) -> Manifest:
    """Return the policy that follows another one."""
    founded = before.kind == "genesis"
    base = Genesis.parse(before.body).policy if founded else Policy.parse(before.body["policy"])
    value = {**change(base).to_json(), "version": base.version + 1}
    return signed(
        "policy", "policies/store/main", signer, THEN, body={"policy": value}, parents=[before.id]
    )


def sums_of(files: dict[str, bytes]) -> bytes:
    """Return ``SHA256SUMS`` over files."""
    lines = (f"{sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items()))
    return "".join(lines).encode()


LAST = Leaf("transaction", Digest.of(b"the last transaction record"))
RIGHT = {
    "dataset": str(WORLD.manifest.id),
    "credential": str(CREDENTIAL),
    "issuer": made.OWNER.did,
    "permits": ["train", "evaluate"],
    "validUntil": "2027-11-01T00:00:00Z",
}
RULES = policy(
    lambda one: with_approvers([APPROVER.did])(with_writer(TRAINER.did, None)(one)), WORLD.genesis
)
BASE = signed(
    "checkpoint",
    "checkpoints/acme/base",
    made.OWNER,
    THEN,
    body={"origin": "imported", "format": "encoder/1"},
    **TREE,
)


def run_of(**changes: Any) -> Manifest:
    """Return a run, its body changed."""
    body = {**EXAMPLES["run"]["body"], "rights": [RIGHT], **changes}
    inputs = [Input("train", "dataset", WORLD.manifest.id), Input("base", "checkpoint", BASE.id)]
    return signed("run", "runs/acme/clauses", TRAINER, THEN, body=body, inputs=inputs)


def checkpoint_of(run: Manifest, **changes: Any) -> Manifest:
    """Return what a run made, its body changed."""
    body = {**EXAMPLES["checkpoint"]["body"], "decision": DECISION, **changes}
    inputs = [
        Input("run", "run", run.id),
        Input("train", "dataset", WORLD.manifest.id),
        Input("base", "checkpoint", BASE.id),
    ]
    more = {"attachments": EXAMPLES["checkpoint"]["attachments"], **TREE}
    return signed(
        "checkpoint", "checkpoints/acme/clauses", TRAINER, THEN, body=body, inputs=inputs, **more
    )


def evaluation_of(checkpoint: Manifest) -> Manifest:
    """Return an evaluation of a checkpoint."""
    body = {**EXAMPLES["evaluation"]["body"], "model": METRICS}
    inputs = [
        Input("checkpoint", "checkpoint", checkpoint.id),
        Input("test", "dataset", WORLD.manifest.id),
    ]
    return signed("evaluation", "evaluations/acme/clauses", TRAINER, THEN, body=body, inputs=inputs)


def card_of(checkpoint: Manifest, text: bytes = TEXT) -> Manifest:
    """Return a card about a checkpoint."""
    return signed(
        "card",
        "cards/acme/clauses",
        TRAINER,
        THEN,
        body={
            "profile": "card/2",
            "statements": 1,
            "notEstablished": 0,
            "evidence": [str(checkpoint.id)],
            "renderings": {"markdown": "markdown/1"},
        },
        inputs=[Input("checkpoint", "checkpoint", checkpoint.id)],
        attachments=[
            Attachment(role, Digest.of(data), len(data))
            for role, data in (("card", DATA), ("markdown", text))
        ],
    )


def approval_of(
    card: Manifest, signer: KeySigner = APPROVER, decision: str = "approve"
) -> Manifest:
    """Return what somebody says of a card."""
    own = signer is not APPROVER
    body = {"decision": decision, "self": own}
    return signed(
        "approval", "approvals/acme/clauses", signer, THEN, body=body,
        inputs=[Input("card", "card", card.id)],
    )  # fmt: skip


def decision_of(checkpoint: Manifest, action: str = "deploy") -> Manifest:
    """Return what rules answer to a use of a checkpoint."""
    request = b"{}"
    body = {"action": action, "answer": "permit", "engine": "cedar/4", "resources": 1}
    return signed(
        "decision", f"decisions/acme/clauses.onnx.{action}", TRAINER, THEN, body=body,
        inputs=[
            Input("rules", "rules", Digest.of(b"rules")),
            Input("checkpoint", "checkpoint", checkpoint.id),
        ],
        attachments=[Attachment("request", Digest.of(request), len(request))],
    )  # fmt: skip


RUN = run_of()
CHECKPOINT = checkpoint_of(RUN)
EVALUATION = evaluation_of(CHECKPOINT)
CARD = card_of(CHECKPOINT)
APPROVAL = approval_of(CARD)


class NoManifest(Struct, frozen=True):
    """Bytes that a deployment names as one of its inputs, and that are no manifest."""

    data: bytes = b"{}"
    kind: str = "evaluation"

    @property
    def id(self) -> Digest:
        """Return their digest."""
        return Digest.of(self.data)

    def encode(self) -> bytes:
        """Return them."""
        return self.data


@dataclass
class Folder:
    """What a deployed folder is made of; each part can be another.

    Attributes:
        run, checkpoint, base, evaluations, card, approvals, decisions: What it names.
        body: Members of its body that are others.
        files: Its files, without ``SHA256SUMS``.
        listed: Further entries of its tree.
        author: Who signs it.
        rules: The policies after the founding manifest.
        after: What is logged after the deployment.
        late: What of its inputs is logged after it as well.
        credentials: What the rights of the run rest on.
        status: Status lists of the world's, by purpose.
        also: Further files below ``lyrikstore/``.
        files_id: What it says that its tree gives without metadata.
        oms_key: Who signs ``model.sig``, as another key than the one named.
        oms_files: The files that it is about.
    """

    run: Manifest = RUN
    checkpoint: Manifest = CHECKPOINT
    base: Manifest | None = BASE
    evaluations: tuple[Manifest | NoManifest, ...] = (EVALUATION,)
    card: Manifest | None = CARD
    approvals: tuple[Manifest, ...] = (APPROVAL,)
    decisions: tuple[Manifest, ...] = ()
    body: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=lambda: dict(MODEL))
    listed: tuple[TreeEntry, ...] = ()
    author: KeySigner = TRAINER
    rules: tuple[Manifest, ...] = (RULES,)
    after: tuple[Manifest | Leaf, ...] = ()
    late: tuple[Manifest, ...] = ()
    status: dict[str, bytes] = field(default_factory=dict)
    credentials: tuple[bytes, ...] = (WORLD.credential,)
    also: dict[str, bytes] = field(default_factory=dict)
    files_id: Digest | None = None
    oms_key: ec.EllipticCurvePrivateKey = KEY
    oms_files: dict[str, bytes] | None = None

    def make(self) -> dict[str, bytes]:
        """Return path → bytes."""
        files = {**self.files, "SHA256SUMS": sums_of(self.files)}
        entries = [TreeEntry(path, len(data), Digest.of(data)) for path, data in files.items()]
        tree = Tree.of([*entries, *self.listed])
        about = files if self.oms_files is None else self.oms_files
        statement = statement_of({path: sha256(data).digest() for path, data in about.items()})
        way = ec.ECDSA(SHA256(), deterministic_signing=True)
        model_sig = model_sig_of(statement, self.oms_key.sign(signed_bytes(statement), way), PEM)
        deployment = self._deployment(tree, model_sig)
        perhaps = [one for one in (self.base, self.card) if one is not None]
        beside: list[Manifest | NoManifest] = [
            self.checkpoint,
            self.run,
            *perhaps,
            *self.evaluations,
            *self.approvals,
            *self.decisions,
        ]
        early = [one for one in beside if one not in self.late]
        credentials = [Leaf("credential", Digest.of(one)) for one in self.credentials]
        log: list[Manifest | NoManifest | Leaf] = [
            WORLD.genesis, Leaf("transaction", Digest.of(b"a transaction record")), WORLD.manifest,
            WORLD.records, *credentials, *self.rules, *early, deployment, *self.late, *self.after,
            LAST,
        ]  # fmt: skip
        leaves = [one if isinstance(one, Leaf) else Leaf("manifest", one.id) for one in log]
        hashes = [leaf.hash for leaf in leaves]
        note = LogCheckpoint(made.ORIGIN, len(hashes), merkle.root(hashes)).sign(made.LOG)

        def proof(of: Manifest | NoManifest | Leaf) -> bytes:
            index = leaves.index(of if isinstance(of, Leaf) else Leaf("manifest", of.id))
            return TlogProof(index, tuple(merkle.inclusion_proof(hashes, index)), note).encode()

        consistency, data = consistency_file(made.ORIGIN, hashes, [4], leaves=len(hashes))
        short = CREDENTIAL.short
        evidence = {
            "manifest.json": deployment.encode(),
            "tree.jsonl": tree.encode(),
            "genesis.json": WORLD.genesis.encode(),
            "log.tlog-proof": proof(deployment),
            "log.consistency.json": consistency.encode(),
            "log.leaves": data,
            "report.json": REPORT,
            "model.sig": model_sig,
            **{f"credential-{short}-{name}.json": one for name, one in self.status.items()},
        }
        for leaf, one in zip(credentials, self.credentials, strict=True):
            name = f"credential-{leaf.id.short}"
            evidence |= {f"{name}.json": one, f"{name}.tlog-proof": proof(leaf)}
        if self.card is not None:
            evidence["card.json"] = DATA
        for one in beside:
            name = input_name(one.kind, one.id.short)
            evidence |= {f"{name}.json": one.encode(), f"{name}.tlog-proof": proof(one)}
        said = (one for one in self.after if isinstance(one, Manifest) and one.kind == "policy")
        for one in (*self.rules, *said):
            name = f"policy-{one.body['policy']['version']}"
            evidence |= {f"{name}.json": one.encode(), f"{name}.tlog-proof": proof(one)}
        evidence |= self.also
        return {**files, **{f"lyrikstore/{name}": data for name, data in evidence.items()}}

    def _deployment(self, tree: Tree, model_sig: bytes) -> Manifest:
        body = {
            "target": "onnx",
            "loader": "ONNX Runtime",
            "task": "text-classification",
            "format": "peft-lora/1",
            "quantization": "none",
            "limits": {"maxTokens": 256},
            "decision": DECISION,
            "probe": {"count": 0, "made": True},
            "withData": [],
            "rights": {"state": "pass"},
            "oms": {"publicKey": PEM},
            "software": "lyrikstore 0.2.0",
            **({"cardStatus": "approved"} if self.card else {}),
            **self.body,
        }
        inputs = [
            Input("checkpoint", "checkpoint", self.checkpoint.id),
            Input("run", "run", self.run.id),
            *([Input("base", "checkpoint", self.base.id)] if self.base else []),
            *(Input("evaluation", "evaluation", one.id) for one in self.evaluations),
            *([Input("card", "card", self.card.id)] if self.card else []),
            *(Input("approval", "approval", one.id) for one in self.approvals),
            *(Input("decision", "decision", one.id) for one in self.decisions),
        ]
        return signed(
            "deployment",
            "deployments/acme/clauses.onnx",
            self.author,
            DEPLOYED,
            body=body,
            inputs=inputs,
            tree=tree.id,
            files=self.files_id or tree.files_id,
            attachments=[
                Attachment("report", Digest.of(REPORT), len(REPORT)),
                Attachment("oms", Digest.of(model_sig), len(model_sig)),
            ],
        )


def revoked_list(
    purpose: str, at: datetime, *, revoked: bool = True, of: Digest = CREDENTIAL
) -> bytes:
    """Return a status list of a credential, which names none: it is in its issuer's log."""
    (url,) = (one.url for one in log_entries(of) if one.purpose == purpose)
    bits = (b"\x80" if revoked else b"\x00") + bytes(131072 // 8 - 1)
    return sign_list(url, purpose, bits, made.OWNER, at, timedelta(days=30))
