"""An honest store with a manifest of every kind, which its owner then signs false ones in."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lyrikstore.api import CommitMetadata, FieldRoles, load_recipe
from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import format_timestamp, now
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.cosignature import cosign, witness_key
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest, sign_manifest
from lyrikstore.review.asked import ReviewRequest
from lyrikstore.review.held import HeldFiles
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.verify.report import Report
from lyrikstore.verify.review.model import FolderItem, RecordDecision
from tests.faults.robust.models import write_base
from tests.review.conftest import accepting, signed
from tests.servers.dask import new_store

OWNER, OFFICER, WITNESS = map(signer_for, ("owner", "officer", "witness"))
MODEL, RUN = "checkpoints/acme/clauses", "runs/acme/clauses"
EVALUATION, CARD = "evaluations/acme/clauses", "cards/acme/clauses"
APPROVAL = "approvals/acme/clauses"
BASE = "checkpoints/acme/base"
SEVERAL = "checkpoints/acme/topics"
WAIVER = "waivers/ruled/house-quiet"
QUEUE, REVIEW = "queues/acme/rows", "reviews/acme/rows"
PROGRAM, DEPLOYMENT = "runs/acme/program", "deployments/acme/clauses.onnx"
HONEST = (
    "datasets/acme/rows", "datasets/acme/rows.train", "filters/acme/rows", "records/acme/rows",
    "retentions/acme/drafts", BASE, RUN, MODEL, EVALUATION, "evaluations/acme/clauses.monitor",
    "runs/acme/topics", SEVERAL, "evaluations/acme/topics", "reproductions/acme/clauses", CARD,
    APPROVAL, PROGRAM, DEPLOYMENT, "deliveries/acme/rows", "predictions/acme/clauses",
    "withdrawals/acme/rows", "requests/acme/rows", QUEUE, "submissions/acme/rows", REVIEW,
    "rules/ruled/house", WAIVER, "decisions/ruled/clauses.onnx.deploy",
    "timestamps/store/main",
)  # fmt: skip
"""A manifest of every kind that can be signed again, and of some kinds several."""

HOUSE = """pack = 1
name = "house"
version = "1.0"
asOf = "2026-12-01"
reviewed = "nobody"
[[rule]]
id = "house-quiet"
effect = "forbid"
about = "Nothing is deployed before the end of the year."
remedy = "wait"
waivable = true
cedar = 'forbid (principal, action == Lyrik::Action::"deploy", resource is Lyrik::Model);'
[[case]]
name = "a model"
action = "deploy"
kind = "Model"
answer = "deny"
rules = ["house-quiet"]
"""
ROLES = FieldRoles(text=("text",), label="label")
SPLIT = """recipe = 1
[[step]]
use = "drop-duplicates/2"
[[step]]
use = "split/2"
seed = "7"
train = 0.4
validation = 0.3
test = 0.3
"""
CONFIG = f"""purpose = "train"
name = "{MODEL}"
[data]
train = "acme/rows.train"
validation = "acme/rows.validation"
test = "acme/rows.test"
label = "label"
[model]
base = "{BASE}"
max_tokens = 16
candidates = ["tfidf", "embeddings"]
[training]
epochs = 1
accumulate = 2
threads = 1
seed = 3
[[threshold]]
metric = "accuracy"
at_least = 0.5
[cost]
unit = "hours"
otherwise = 1
"""


TOPICS = """purpose = "train"
name = "checkpoints/acme/topics"
[data]
train = "acme/topics.train"
validation = "acme/topics.validation"
test = "acme/topics.test"
label = "topics"
group = "matter"
[model]
base = "linear"
[training]
threads = 1
[[threshold]]
metric = "recall"
label = "loan"
at_least = 0.5
[[threshold]]
metric = "ece"
at_most = 0.5
[cost]
unit = "hours"
otherwise = 1
[[cost.mistake]]
expected = "loan"
cost = 5
"""


def topics(count: int = 240) -> list[dict[str, Any]]:
    """Return rows with any number of labels, and of matters."""
    chance = random.Random(3)
    found = []
    for number in range(count):
        given = [one for one in ("lease", "loan", "other") if chance.random() < 0.5]
        words = [*given, *chance.choices([f"word{one}" for one in range(60)], k=8)]
        text = " ".join([*words, f"t{number}"])
        found.append({"text": text, "topics": given, "matter": f"m{number // 3}"})
    return found


def rows(count: int = 240, seed: int = 1) -> list[dict[str, str]]:
    """Return rows whose texts say, mostly, which of three labels they have."""
    chance = random.Random(seed)
    words = [f"word{number}" for number in range(60)]
    found = []
    for number in range(count):
        label = ("lease", "loan", "other")[number % 3]
        stated = label if chance.random() < 0.8 else "nothing"
        text = " ".join([stated, *chance.choices(words, k=8), f"s{seed}x{number}"])
        found.append({"text": text, "label": label})
    for number in range(count // 8):  # near duplicates, which fall into different parts
        text = " ".join(chance.choices(words, k=40))
        label = ("lease", "loan", "other")[number % 3]
        found += [{"text": f"{text} {last}{number}", "label": label} for last in ("first", "last")]
    return found


def _renamed(item: FolderItem) -> RecordDecision:
    """Change a loan, and accept what else there is."""
    if item.candidate != ("loan",):
        return RecordDecision(item.item, "accept", 3000)
    return RecordDecision(item.item, "change", 3000, value=("lease",), reason="wrong")


class Honest:
    """The store, and its owner, who signs again what should not be signed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, new_store(folder)
        trusted = f'version = 1\n[[issuer]]\ndid = "{OWNER.did}"\nnickname = "owner"\n'
        key = witness_key("witness.example", WITNESS.public)
        trusted += f'[[witness]]\nname = "witness.example"\nkey = "{key}"\n'
        (folder / "trust.toml").write_text(trusted)

    def build(self) -> None:
        """Commit, split, train, evaluate, do it again, describe, approve and deploy."""
        store, folder = self.store, self.folder
        (folder / "rows").mkdir()
        lines = "".join(f"{json.dumps(row)}\n" for row in rows())
        (folder / "rows" / "rows.jsonl").write_text(lines)
        (folder / "split.toml").write_text(SPLIT)
        store.datasets.commit(folder / "rows", "acme/rows", CommitMetadata(roles=ROLES))
        store.credentials.permit("acme/rows", offer=Offer.of_words(("train", "evaluate")))
        store.datasets.filter("acme/rows", load_recipe(folder / "split.toml"), "acme/rows")
        (folder / "drafts").mkdir()
        for text in ("first", "second"):
            (folder / "drafts" / "draft.txt").write_text(f"the {text} draft\n")
            store.datasets.commit(folder / "drafts", "acme/drafts", CommitMetadata())
        store.datasets.gc(keep=("acme/drafts", 1))
        offer = Offer.of_words(("train",))
        issued = store.credentials.issue(
            "acme/rows", folder / "delivery", offer=offer, to="Example Inc."
        )
        named = str(issued.credential_id)
        store.credentials.suspend(named, reason="a question of a buyer")
        store.credentials.reinstate(named, reason="answered")
        write_base(folder / "base")
        store.datasets.commit(folder / "base", BASE, CommitMetadata())
        store.models.train(TrainConfig.parse(CONFIG.encode()))
        store.models.evaluate(MODEL, "acme/rows.test")
        (folder / "later").mkdir()
        later = "".join(f"{json.dumps(row)}\n" for row in rows(120, seed=2))
        (folder / "later" / "rows.jsonl").write_text(later)
        store.datasets.commit(folder / "later", "acme/later", CommitMetadata(roles=ROLES))
        store.credentials.permit("acme/later", offer=Offer.of_words(("train", "evaluate")))
        store.models.monitor(MODEL, "acme/later", period="2026-11")
        store.models.record_prediction(MODEL, asked=9, answered=7, not_known=2)
        (folder / "topics").mkdir()
        more = "".join(f"{json.dumps(row)}\n" for row in topics())
        (folder / "topics" / "rows.jsonl").write_text(more)
        several = FieldRoles(text=("text",), label="topics", group="matter")
        store.datasets.commit(folder / "topics", "acme/topics", CommitMetadata(roles=several))
        store.credentials.permit("acme/topics", offer=Offer.of_words(("train", "evaluate")))
        store.datasets.filter("acme/topics", load_recipe(folder / "split.toml"), "acme/topics")
        store.models.train(TrainConfig.parse(TOPICS.encode()))
        store.models.evaluate(SEVERAL, "acme/topics.test")
        store.models.reproduce(MODEL)
        store.models.card(MODEL)
        self._approve()
        self._announce_program()
        store.models.deploy(MODEL, "onnx", folder / "deployed")
        self._review()
        self._decide()
        self._witness()

    def _review(self) -> None:
        """Have two people decide, of whom one accepts everything, and a third adjudicate."""
        reviews, held = self.store.reviews, HeldFiles(self.folder / "held")
        asked = ReviewRequest(
            (OWNER.did, OFFICER.did), sample=8, by=("label",), overlap="1", blind=True,
            strip=("text",), adjudicator=WITNESS.did,
        )  # fmt: skip
        made = reviews.request("acme/rows", asked, self.folder / "queue")
        for who, decide in ((OWNER, accepting), (OFFICER, _renamed)):
            reviews.hand_in([signed(made.folders[who.did], who, decide)], held)
        apart = reviews.adjudicate(REVIEW, self.folder / "apart")
        reviews.hand_in([signed(apart.folders[WITNESS.did], WITNESS, accepting)], held)

    def _witness(self) -> None:
        """Log what a witness says of the log."""
        head = self.store.repository.checkpoint.head
        seen = cosign(head, "witness.example", WITNESS, self.store.clock())
        body = {
            "size": head.size,
            "time": format_timestamp(seen.time),
            "by": seen.name,
            "cosignature": seen.payload,
        }
        self._sign("timestamp", "timestamps/store/main", body, [])

    def _decide(self) -> None:
        """Add rules to a namespace of their own, waive one of them, and deploy there."""
        store = self.store
        (self.folder / "house.toml").write_text(HOUSE)
        store.rules.add(str(self.folder / "house.toml"), "ruled")
        store.policy.admit_waivers(OFFICER.did)
        body = {
            "rule": "house-quiet", "until": "2099-01-01", "reason": "a pilot", "liable": "the firm",
        }  # fmt: skip
        rules = store.resolve("rules/ruled/house").id
        named = [
            Input("rules", "rules", rules),
            Input("checkpoint", "checkpoint", store.resolve(MODEL).id),
        ]
        self._sign("waiver", WAIVER, body, named, OFFICER)
        store.models.deploy(MODEL, "onnx", self.folder / "ruled", name="ruled/clauses.onnx")

    def _approve(self) -> None:
        # The card has open questions, so the program would not sign this: what it says is true.
        body = {"decision": "approve", "self": True, "statement": "read"}
        self._sign("approval", APPROVAL, body, [Input("card", "card", self.store.resolve(CARD).id)])

    def _announce_program(self) -> None:
        """Sign a run by a program in a sandbox, which few machines of tests permit."""
        found = self.store.resolve(RUN)
        body = {
            name: value
            for name, value in found.body.items()
            if name not in ("candidates", "folds", "refit", "plan", "segments", "tolerances")
        }
        body["seed"] = 0
        body["plannedOutputs"] = ["checkpoints/acme/program"]
        body["config"] = {"data": body["config"]["data"], "purpose": body["purpose"]}
        body.pop("thresholds")
        body["execution"] = {
            "by": "command",
            "command": ["python", "train.py", "{input}"],
            "confinement": "bubblewrap",
            "version": "0.11.0",
            "opened": {
                "reads": [{"path": "train.py", "blake3": "ab" * 32}],
                "variables": ["LANG"],
                "network": True,
            },
            "territory": "DE",
        }
        self._sign("run", PROGRAM, body, found.inputs)

    def _sign(
        self,
        kind: str,
        name: str,
        body: dict[str, Any],
        inputs: Sequence[Input],
        signer: Signer = OWNER,
    ) -> None:
        store = self.store.repository
        with open_transaction(store) as transaction:
            transaction.log_manifest(
                sign_manifest(
                    kind=kind, store=store.store_id, name=name, body=body, inputs=inputs,
                    signer=signer, created=now(),
                )
            )  # fmt: skip
            transaction.commit()
        store.refresh()

    def sign(
        self,
        name: str,
        body: dict[str, Any],
        *,
        signer: Signer = OWNER,
        attachments: Sequence[tuple[str, bytes]] | None = None,
    ) -> Digest:
        """Sign and log what is there under a name once more, with another body; return its id.

        Args:
            name: The ref.
            body: The body.
            signer: Who signs.
            attachments: What takes the place of the attachments in these roles.
        """
        (found,) = self.sign_all(name, [body], signer=signer, attachments=attachments or ())
        return found

    def sign_all(
        self,
        name: str,
        bodies: Sequence[dict[str, Any]],
        *,
        signer: Signer = OWNER,
        attachments: Sequence[tuple[str, bytes]] = (),
    ) -> list[Digest]:
        """Do so with several bodies, each in a version of its own."""
        old, made = self.store.resolve(name), list[Digest]()
        parent = self.store.resolve(name).id
        with open_transaction(self.store.repository) as transaction:
            kept = [one for one in old.attachments if one.role not in dict(attachments)]
            kept += [
                Attachment(role, transaction.writer.put_bytes(data), len(data))
                for role, data in attachments
            ]
            for body in bodies:
                manifest = sign_manifest(
                    kind=old.kind, store=old.store, name=old.name, parents=[parent],
                    inputs=old.inputs, tree=old.tree, files=old.files, body=body,
                    attachments=kept, signer=signer, created=now(),
                )  # fmt: skip
                transaction.log_manifest(manifest)
                parent = manifest.id
                made.append(manifest.id)
            transaction.commit()
        self.store.repository.refresh()
        return made

    def try_to_sign(self, old: Manifest, body: dict[str, Any]) -> None:
        """Raise why nobody can sign a manifest with that body, if so."""
        sign_manifest(
            kind=old.kind, store=old.store, name=old.name, inputs=old.inputs, tree=old.tree,
            files=old.files, body=body, attachments=old.attachments, signer=OWNER, created=now(),
        )  # fmt: skip

    def forge(self, name: str, change: Callable[[dict[str, Any]], object], **how: Any) -> Report:
        """Sign what is there under a name again, changed; return what is said of it."""
        body = json.loads(json.dumps(self.store.resolve(name).body))
        change(body)
        return self.store.verify(str(self.sign(name, body, **how)))

    def attached(self, name: str, role: str) -> bytes:
        """Return the attachment in a role of what is there under a name."""
        manifest: Manifest = self.store.resolve(name)
        return self.store.repository.blobs.read(
            manifest.attachments_in(role)[0].id, max_bytes=1 << 26
        )
