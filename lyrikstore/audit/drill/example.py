"""An example store, made for a drill with keys made for it: insiders can attack it, too.

It has rows with a licence, a split, a delivery, a credential that was revoked, and, where the
extras are installed, a model with evaluation, card, approval and deployed folder.
"""

import json
import random
import shutil
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lyrikstore.audit.drill.attack import NotApplicableError
from lyrikstore.audit.file.make import Audit, make_audit, read_audit
from lyrikstore.audit.times.stamps import add_time, witness_request
from lyrikstore.audit.times.witness import Cosigned, witness_checkpoint
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import VerificationError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.timestamps import now
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.trust import Trust, TrustedLog, load_trust
from lyrikstore.credentials.trust.edit import add_issuer
from lyrikstore.credentials.trust.model import ROLES, TrustedIssuer
from lyrikstore.crypto.ed25519 import PrivateKey
from lyrikstore.crypto.keys.keyring import KeyFolder
from lyrikstore.crypto.keys.signer import KeySigner, Signer
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers import iter_records
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.apply import apply_recipe
from lyrikstore.curate.recipes.recipe import load_recipe
from lyrikstore.curate.terms.measures import Measurement
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.policy_change import (
    Change,
    change_policy,
    revoked,
    with_approvers,
)
from lyrikstore.history.commit.transaction import TransactionBuilder, create_repository
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.log.merkle import consistency_proof
from lyrikstore.history.manifests.manifest import Attachment, Input, sign_manifest
from lyrikstore.history.repository.refs import RefTable
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import TreeEntry
from lyrikstore.publish.cards.check import verify_logged_card
from lyrikstore.publish.issue.dataset import permit_dataset
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.publish.status.changes import revoke
from lyrikstore.readers import all_readers
from lyrikstore.verify.delivery.delivery import verify_delivery
from lyrikstore.verify.delivery.folder import FolderData, read_siblings
from lyrikstore.verify.deployment.deployment import verify_deployment
from lyrikstore.verify.deployment.folder import deployed_folder
from lyrikstore.verify.report import Report
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.store import verify_store

ROWS, PART = "datasets/example/rows", "datasets/example/rows.train"
RUN, MODEL = "runs/example/model", "checkpoints/example/model"
EVALUATION, CARD = "evaluations/example/model", "cards/example/model"
APPROVAL = "approvals/example/model"

TIMES = "timestamps/store/main"

STORE, DELIVERY, DEPLOYED, AUDIT = "store", "delivery", "deployed", "audit.html"
"""What is verified, besides single objects, which are named by their refs."""

_NEEDED = ("safetensors", "sklearn", "torch", "transformers", "onnx", "onnxruntime", "onnxscript")
_ORIGIN = "example.invalid/drill"
_SPLIT = """recipe = 1
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "split/2"
seed = "7"
train = 0.6
validation = 0.2
test = 0.2
"""
_CONFIG = f"""purpose = "train"
name = "{MODEL}"
[data]
train = "example/rows.train"
validation = "example/rows.validation"
test = "example/rows.test"
label = "label"
[model]
base = "linear"
[training]
threads = 1
seed = 3
"""


class _ForcedAppender(Appender):
    """An appender that logs what the policy of the store does not let its author sign."""

    def _check_refs(self, *_: object) -> RefTable:
        # ATTACK A21, A22: a thief does not use a program that refuses.
        return self._repository.table.copy()

    def check_dates(self, *_: object) -> None:
        """Accept every date."""


class ForcedTransaction(TransactionBuilder):
    """A transaction of somebody who changed the program: it logs what a policy forbids."""

    @classmethod
    def open(cls, context: StoreContext) -> "ForcedTransaction":
        """Return one for an open store, whose log key the attacker has."""
        log_signer = context.log_signer()
        forced = cls(context.repository, log_signer=log_signer, memory=context.memory)
        forced._appender = _ForcedAppender(
            context.repository, log_signer=log_signer, memory=context.memory
        )
        return forced


class ExampleStore:
    """The example store in a folder, with those who may attack it.

    Args:
        folder: A new folder, which is given back to :meth:`build` before each attack.
        progress: Progress callback.
    """

    def __init__(self, folder: Path, progress: OnProgress = silent) -> None:
        self.folder = folder / "example"
        self._kept = folder / "kept-example"
        self._progress = progress
        self.owner, self.approver, self.leaver, self.stranger, self.witness = (
            KeySigner(PrivateKey.generate()) for _ in range(5)
        )
        self.has_model = False
        self.revoked_credential = ""

    @property
    def root(self) -> Path:
        """The store folder."""
        return self.folder / "store"

    @property
    def older(self) -> Path:
        """A copy of the store from before a credential was revoked."""
        return self.folder / "older"

    @property
    def _keys(self) -> KeyFolder:
        return KeyFolder(self.folder / "keys")

    @property
    def trust(self) -> Trust:
        """The trust of whoever verifies: the owner's key."""
        return load_trust(self.folder / "trust.toml")

    def open(self, signer: Signer | None = None) -> StoreContext:
        """Return the store, opened by the owner or somebody else who may write its log."""
        memory = LogMemory(self.folder / "owner")
        return StoreContext(
            Repository.open(self.root, memory=memory),
            memory,
            self.folder / "trust.toml",
            keys=self._keys,
            person=signer or self.owner,
            progress=self._progress,
        )

    def build(self) -> None:
        """Make the store and all that is handed on from it, and keep it for :meth:`restore`."""
        self.folder.mkdir(parents=True)
        memory = LogMemory(self.folder / "owner")
        created = create_repository(
            self.root,
            origin=_ORIGIN,
            signer=self.owner,
            log_signer=self._keys.new_log_signer("drill", comment="made for a drill"),
            clock=now,
            memory=memory,
            writers=[self.leaver.did],
            log_keys=[],
        )
        issuer = TrustedIssuer(self.owner.did, "owner", tuple(ROLES), stores=(created.store_id,))
        add_issuer(self.folder / "trust.toml", issuer)
        context = self.open()
        self._data(context)
        self._model(context)
        shutil.copytree(self.root, self.older)
        revoke(context, self.revoked_credential, reason="sold by mistake")
        self._change_policy(context, revoked(self.leaver.did, None))
        self._log_witness()
        self.write_audit()
        self.verify(STORE)  # whoever verifies remembers the log checkpoint
        shutil.copytree(self.folder, self._kept)

    def restore(self) -> None:
        """Undo every attack."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)

    def write_audit(self, since: Path | None = None) -> None:
        """Write the audit file of the store; with a log checkpoint that an auditor kept."""
        page = make_audit(self.open(), None, since=since).page()
        (self.folder / AUDIT).write_bytes(page)

    def need_model(self) -> None:
        """Raise :class:`NotApplicableError` where no model could be trained."""
        if not self.has_model:
            raise NotApplicableError("it needs the extras train and deploy")

    def verify(self, subject: str) -> Report:
        """Return the report on the store, a folder, the audit file, or the object under a ref."""
        context = self.open().afresh()
        context.memory = LogMemory(self.folder / "reader")
        if subject == STORE:
            return verify_store(context, readers=all_readers())
        if subject == DELIVERY:
            return self._verify_delivery()
        if subject == DEPLOYED:
            return self._verify_deployed()
        if subject == AUDIT:
            found = read_audit(
                self.folder / AUDIT, trust=self.trust, at=now(), memory=context.memory
            )
            return found.report if isinstance(found, Audit) else found
        if subject not in {ROWS, PART}:
            self.need_model()
        manifest = context.resolve(subject)
        if manifest.kind == "card":
            return verify_logged_card(context, manifest, readers=all_readers())
        lineage = Lineage.read(context.repository, manifest.id)
        return verify_object(context, manifest.id, readers=all_readers(), lineage=lineage)

    def sign(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        inputs: Sequence[Input] = (),
        signer: Signer | None = None,
    ) -> None:
        """Sign a statement and log it, also where the program refuses to.

        Args:
            kind: Its kind.
            name: Its full name.
            body: Its body.
            inputs: What it rests on.
            signer: Who signs; None: the owner. The log is signed with its real key.
        """
        context = self.open()
        manifest = sign_manifest(
            kind=kind,
            store=context.id,
            name=name,
            body=dict(body),
            inputs=inputs,
            signer=signer or self.owner,
            created=now(),
        )
        with ForcedTransaction.open(context) as transaction:
            transaction.log_manifest(manifest)
            transaction.commit()

    def sign_again(
        self,
        name: str,
        change: Callable[[dict[str, Any]], object] | None = None,
        *,
        inputs: Callable[[Input], Input] | None = None,
        attachment: tuple[str, bytes] | None = None,
        signer: Signer | None = None,
        created: datetime | None = None,
    ) -> None:
        """Sign and log what is there under a name once more, changed.

        Args:
            name: The ref.
            change: Changes the body in place.
            inputs: Replaces an input.
            attachment: The role of an attachment, and the bytes that take its place.
            signer: Who signs; None: the owner. The log is signed with its real key.
            created: The date that the signer states; None: now.
        """
        context = self.open()
        old = context.resolve(name)
        body = json.loads(json.dumps(old.body))
        if change is not None:
            change(body)
        with ForcedTransaction.open(context) as transaction:
            attachments = list(old.attachments)
            if attachment is not None:
                role, data = attachment
                new = Attachment(role, transaction.writer.put_bytes(data), len(data))
                attachments = [new if one.role == role else one for one in attachments]
            manifest = sign_manifest(
                kind=old.kind,
                store=old.store,
                name=old.name,
                parents=[old.id],
                inputs=[one if inputs is None else inputs(one) for one in old.inputs],
                tree=old.tree,
                files=old.files,
                body=body,
                attachments=attachments,
                signer=signer or self.owner,
                created=created or now(),
            )
            transaction.log_manifest(manifest)
            transaction.commit()

    def _data(self, context: StoreContext) -> None:
        folder = self.folder / "rows"
        folder.mkdir()
        text = "".join(f"{json.dumps(row)}\n" for row in _rows())
        (folder / "first.jsonl").write_text(text[: len(text) // 2].rpartition("\n")[0] + "\n")
        (folder / "second.jsonl").write_text(text[len((folder / "first.jsonl").read_text()) :])
        roles = FieldRoles(text=("text",), label="label")
        commit_folder(context, folder, "example/rows", CommitMetadata(roles=roles))
        permit_dataset(context, ROWS, offer=Offer.of_words(("train", "evaluate")))
        recipe = self.folder / "split.toml"
        recipe.write_text(_SPLIT)
        apply_recipe(context, "example/rows", load_recipe(recipe), "example/rows")
        offer = Offer.of_words(("evaluate",))
        issue_delivery(context, ROWS, self.folder / DELIVERY, offer=offer, to="A buyer")

        made = issue_delivery(context, PART, self.folder / "other", offer=offer, to="Another buyer")
        self.revoked_credential = str(made.credential_id)

    def _model(self, context: StoreContext) -> None:
        from lyrikstore.deploy.deploy import deploy_checkpoint
        from lyrikstore.publish.cards.card import make_card
        from lyrikstore.train.config import TrainConfig
        from lyrikstore.train.evaluation.evaluate import evaluate_checkpoint
        from lyrikstore.train.run import train_run

        if not all(map(find_spec, _NEEDED)):
            return
        train_run(context, TrainConfig.parse(_CONFIG.encode()))
        evaluate_checkpoint(context, MODEL, "example/rows.test")
        make_card(context, context.resolve(MODEL))
        self._change_policy(context, with_approvers([self.approver.did], None))
        approval = {"decision": "approve", "self": False, "statement": "read"}
        card = Input("card", "card", context.resolve(CARD).id)
        self.sign("approval", APPROVAL, approval, [card], self.approver)
        deploy_checkpoint(context, MODEL, "onnx", self.folder / DEPLOYED)
        self.has_model = True

    def _change_policy(self, context: StoreContext, change: Change) -> None:
        change_policy(context.repository, change, signer=self.owner, clock=now)

    def ask_witness(self, proves_from: int | None = None) -> Cosigned:
        """Have the witness cosign the log checkpoint, and return what they signed.

        Args:
            proves_from: The size from which the request proves that the log grew; None: as the
                program of an owner writes it.

        Raises:
            VerificationError: (``witness-fork``, ``witness-rollback``) it contradicts what they
                saw.
        """
        repository = self.open().repository
        request = self.folder / "request.txt"
        data = witness_request(repository)
        if proves_from is not None:
            checkpoint = repository.checkpoint
            proof = consistency_proof(repository.records.hashes[: checkpoint.size], proves_from)
            lines = "".join(f"{b64encode(one).decode()}\n" for one in proof)
            data = f"old {proves_from}\n{lines}\n".encode() + checkpoint.note
        request.write_bytes(data)
        logs = tuple(TrustedLog(repository.origin, key) for key in repository.policy.logs)
        return witness_checkpoint(
            request,
            trust=Trust(logs=logs),
            memory=LogMemory(self.folder / "witness"),
            state=self.folder / "witness",
            signer=self.witness,
        )

    def _log_witness(self) -> None:
        cosigned = self.ask_witness()
        with (self.folder / "trust.toml").open("a") as trust:
            trust.write(f'[[witness]]\nname = "{self.witness.did}"\nkey = "{cosigned.key}"\n')
        add_time(self.open(), cosigned.note)

    def _verify_delivery(self) -> Report:
        credential = self.folder / DELIVERY / "credential.json"

        def record_ids(reader: str, entry: TreeEntry, stream: Any) -> Iterable[Digest]:
            return (record.id for record in iter_records(reader, entry.path, stream))

        return verify_delivery(
            OpenedCredential(credential.read_bytes()),
            siblings=read_siblings(credential),
            data=FolderData(credential.parent / "data", silent),
            record_ids=record_ids,
            trust=self.trust,
            at=now(),
            memory=LogMemory(self.folder / "buyer"),
            recompute=Measurement,
        )

    def _verify_deployed(self) -> Report:
        self.need_model()
        folder = deployed_folder(self.folder / DEPLOYED)
        if folder is None:
            raise VerificationError("not-verified", "the folder is no deployed folder any more")
        return verify_deployment(
            folder.read_evidence(),
            folder.data(),
            trust=self.trust,
            at=now(),
            memory=LogMemory(self.folder / "buyer"),
        )


def _rows(count: int = 120) -> list[dict[str, str]]:
    """Return rows whose texts say, mostly, which of three labels they have."""
    chance = random.Random(1)  # noqa: S311 - example data
    words = [f"word{number}" for number in range(60)]
    rows = []
    for number in range(count):
        label = ("lease", "loan", "other")[number % 3]
        stated = label if chance.random() < 0.8 else "nothing"
        text = " ".join([stated, *chance.choices(words, k=8), f"row{number}"])
        rows.append({"text": text, "label": label})
    return rows
