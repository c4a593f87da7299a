"""A store with a whole chain in it, from rows of a spreadsheet's size to an approved card.

Keys, clock, salts and places of status lists are fixed, so the bytes are the same wherever it is
made with the versions of ``constraints.txt``: packs are compressed by zstandard, and decision
tables are Parquet of pyarrow. No figure depends on a processor. The model has three words, each
with the weight 2 for a label of that name and 0 for others, so its logits are 0 or 2 exactly; what
a run states of its machine is made up, and so is what it took.
"""

import base64
import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import numpy as np
from blake3 import blake3
from safetensors.numpy import save

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust, parse_trust
from lyrikstore.curate.commit.commit import commit_folder
from lyrikstore.curate.commit.inputs import CommitMetadata
from lyrikstore.curate.readers.fields import FieldRoles
from lyrikstore.curate.recipes.apply import apply_recipe
from lyrikstore.curate.recipes.filters.duplicates.between import METHOD
from lyrikstore.curate.recipes.recipe import parse_recipe
from lyrikstore.curate.terms.offer import Offer
from lyrikstore.history.commit.policy_change import change_policy, with_approvers
from lyrikstore.history.commit.transaction import create_repository, open_transaction
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.card import make_card
from lyrikstore.publish.cards.profiles.profile import Profile
from lyrikstore.publish.cards.rendering.renderings import ROLES_OF
from lyrikstore.publish.identity.issuer import Issuance
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.publish.issue.dataset import permit_dataset
from lyrikstore.publish.issue.delivery import issue_delivery
from lyrikstore.publish.status.changes import reinstate, revoke, suspend
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.seal import Sealed, sign_next
from lyrikstore.train.worker.baselines import nearest, text_vectors
from lyrikstore.train.worker.examples import Example, targets
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.choice.baselines import NEAREST
from lyrikstore.verify.evaluation.choice.cross_validation import read_kept
from lyrikstore.verify.evaluation.predictions import read_predictions

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
AT = "2026-12-02T00:00:00Z"
LABELS = ("lease", "loan", "other")
MODEL, RUN, EVALUATION = (f"{kind}/acme/clauses" for kind in ("checkpoints", "runs", "evaluations"))

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
CONFIG: dict[str, Any] = {
    "purpose": "train",
    "name": MODEL,
    "data": {
        "label": "label",
        **{part: f"acme/rows.{part}" for part in ("train", "validation", "test")},
    },
    "lora": {"alpha": 32, "dropout": "0", "rank": 16},
    "model": {"base": "linear", "max_tokens": 128, "pooling": "mean"},
    "threshold": [{"at_least": "0.5", "metric": "accuracy"}],
    "training": {
        "batch_size": 32, "class_weights": "sqrt", "dropout": "0.1", "epochs": 5,
        "full_learning_rate": "0.0002", "head_learning_rate": "0.003", "keep": "best",
        "learning_rate": "0.0015", "patience": 2, "precision": "fp32", "refit": True, "seed": 3,
        "threads": 1, "warmup": "0.1", "weight_decay": "0.01",
    },
}  # fmt: skip
ENVIRONMENT = {
    "packages": {"numpy": "2.4.6", "safetensors": "0.8.0", "scikit-learn": "1.9.1"},
    "platform": "Linux; a processor (avx2)",
    "python": "CPython 3.11.7",
    "threads": 1,
}
CODE = {"package": "lyrikstore", "version": "0.1.0", "digest": str(Digest.of(b"sources"))}
TOOK = {"cpuSeconds": "1.0", "wallSeconds": "2.0", "peakMemoryBytes": "100000000"}
PROFILE = Profile.parse(b"""
profile = "two-questions/1"
title = "What the store of the vectors is asked"
about = "checkpoint"
asOf = "2026-12-01"
reviewedBy = ""

[questions.contact]
asks = "Whom does one ask?"

[questions.personal-data]
asks = "Are there names in the data?"
choices = ["none", "some"]
shows = ["data.found"]

[[items]]
id = "1"
clause = "Clause 1"
asks = "whom one asks"
required = true
question = "contact"

[[items]]
id = "2"
clause = "Clause 2"
asks = "personal data"
question = "personal-data"
""")
OWNER, LOG, APPROVER, EXPERT = map(signer_for, ("owner", "log", "ann", "roe"))
TRUST = "version = 1\n" + "".join(
    f'\n[[issuer]]\ndid = "{signer.did}"\nnickname = "{name}"\nroles = {json.dumps(roles)}\n'
    for signer, name, roles in (
        (OWNER, "acme", ["publisher"]),
        (EXPERT, "roe", ["expert"]),
    )
)


def rows() -> list[dict[str, str]]:
    """Return 60 rows of the word of a label, which is mostly theirs, and five others each."""
    found = []
    for number in range(60):
        drawn = blake3(b"row %d" % number).digest()
        label = LABELS[number % 3]
        hint = label if drawn[0] < 218 else LABELS[(number + 1) % 3]
        others = list(dict.fromkeys(f"word{each % 40}" for each in drawn[1:]))[:5]
        found.append({"text": " ".join([hint, *others]), "label": label})
    return [*found, {**found[4], "text": found[4]["text"].upper()}]


def hint_of(text: str) -> int:
    """Return the number of the label whose word a text has."""
    return LABELS.index(text.split(maxsplit=1)[0])


def logits(text: str) -> list[float]:
    """Return the logits of the model: 2 of the label whose word a text has, 0 of others."""
    return [2.0 * (number == hint_of(text)) for number in range(len(LABELS))]


def validation_of(pool: Sequence[Example], train: int, validation: int) -> bytes:
    """Return what is kept of the choice: in each of three repeats a record has the same logits."""
    head = {
        "format": "validation/2",
        "task": "text-classification",
        "labels": list(LABELS),
        "seed": 3,
        "repeats": 3,
        "records": {"train": train, "validation": validation},
        "candidates": [{"candidate": "tfidf", "by": "folds"}],
    }
    lines = [
        {
            "expected": [LABELS.index(one.labels[0])],
            "logits": [[base64.b64encode(struct.pack("<3f", *logits(one.text))).decode()] * 3],
        }
        for one in pool
    ]
    return b"".join(encode(line) + b"\n" for line in (head, *lines))


def likely(text: str, temperature: float) -> list[int]:
    """Return the probabilities of the model, in millionths."""
    parts = [math.exp(one / temperature) for one in logits(text)]
    return [round(one / sum(parts) * 1e6) for one in parts]


def model_files() -> dict[str, bytes]:
    """Return the files of the model."""
    tensors = {
        "bias": np.zeros(3, np.float32),
        "characters.idf": np.ones(1, np.float32),
        "idf": np.ones(3, np.float32),
        "weight": np.concatenate([2 * np.eye(3), np.zeros((3, 1))], axis=1).astype(np.float32),
    }
    about = {"format": "tfidf/2", "labels": list(LABELS), "task": "text-classification"}
    return {
        "characters.json": encode(["or"]),
        "classifier.json": encode({**about, "fields": []}),
        "model.safetensors": save(tensors),
        "vocabulary.json": encode(list(LABELS)),
    }


def sealed_of(files: Mapping[str, bytes], writer: Any) -> Sealed:
    """Store the files of a checkpoint, and return what its manifest says of them."""
    entries, sums = [], ""
    for path, data in sorted(files.items()):
        entries.append(TreeEntry(path, len(data), writer.put_data(data)))
        sums += f"{sha256(data).hexdigest()}  {path}\n"
    tree = Tree.of(entries)
    return Sealed(tree, writer.put_bytes(tree.encode()), writer.put_bytes(sums.encode()), len(sums))


def refuse_ties(likeness: Any) -> None:
    """Raise if which record is most alike could depend on how floats round."""
    for row in likeness.toarray():
        second, first = np.sort(row)[-2:]
        if first - second < 1e-6:
            raise ValueError("two records are as much alike")


def trusted() -> Trust:
    """Return whom the verifier of the vectors believes."""
    return parse_trust(TRUST.encode())


class _Chance:
    """Takes the place of all that is drawn: the same numbers, in the same order."""

    def __init__(self) -> None:
        self._count = 0

    def bytes(self, count: int) -> bytes:
        self._count += 1
        return blake3(b"end to end %d" % self._count).digest(length=count)

    def below(self, most: int) -> int:
        return int.from_bytes(self.bytes(8), "big") % most

    def uuid(self) -> UUID:
        return UUID(bytes=self.bytes(16), version=4)


@contextmanager
def without_chance() -> Iterator[None]:
    """Draw nothing that is signed; let cards have few renderings."""
    chance = _Chance()
    with ExitStack() as stack:
        for name, value in (
            ("secrets.token_bytes", chance.bytes),
            ("secrets.randbelow", chance.below),
            ("lyrikstore.credentials.model.credential.uuid4", chance.uuid),
        ):
            stack.enter_context(patch(name, value))
        # Card and Markdown alone: pages carry a style sheet, and a PDF depends on its program.
        stack.enter_context(patch.dict(ROLES_OF, {"checkpoint": ("markdown",)}))
        yield


class Build:
    """The store, and what is put into it, an hour after the other."""

    def __init__(self, home: Path) -> None:
        self.home, self.moment = home, START
        self.memory = LogMemory(home / "memory")
        repository = create_repository(
            home / "store",
            origin="vectors.example/end-to-end",
            signer=OWNER,
            log_signer=LOG,
            clock=self.clock,
            memory=self.memory,
            nonce=bytes(range(16)),
        )
        self.context = self.of(OWNER, repository)

    def clock(self) -> datetime:
        """Return the time."""
        return self.moment

    def of(self, signer: Any, repository: Repository | None = None) -> StoreContext:
        """Return the store as somebody has it who trusts as the vectors do."""
        context = StoreContext(
            repository or self.context.repository, self.memory, Path("none"), clock=self.clock,
            person=signer, believed=trusted(),
        )  # fmt: skip
        context.repository.log_signer = LOG
        return context

    def make(self, look: Callable[[str], None] = lambda _: None) -> None:
        """Do everything; ``look`` is called after each step, with its name."""
        steps = (
            self.commit, self.permit, self.split, self.hand_over, self.take_back, self.train,
            self.evaluate, self.reproduce, self.describe, self.approve, self.commit_again,
        )  # fmt: skip
        for step in steps:
            self.moment += timedelta(hours=1)
            step()
            look(step.__name__)

    def _manifest(self, name: str) -> Manifest:
        return self.context.repository.resolve(name)

    def _texts(self, name: str) -> list[Example]:
        repository = self.context.repository
        (entry,) = repository.tree(self._manifest(name)).entries
        lines = repository.blobs.read(entry.blake3, max_bytes=entry.bytes).splitlines()
        return [
            Example(Digest.of(line), (row["label"],), row["text"])
            for line, row in ((line, json.loads(line)) for line in lines)
        ]

    def commit(self) -> None:
        """Commit rows."""
        (self.home / "rows").mkdir()
        text = "".join(f"{json.dumps(row)}\n" for row in rows())
        (self.home / "rows" / "rows.jsonl").write_text(text)
        roles = FieldRoles(text=("text",), label="label")
        stated = CommitMetadata(roles=roles, licence="CC-BY-4.0")
        commit_folder(self.context, self.home / "rows", "acme/rows", stated=stated)

    def permit(self) -> None:
        """Say that they may be used."""
        offer = Offer.of_words(("train", "evaluate"))
        self.permitted = permit_dataset(self.context, "acme/rows", offer=offer).credential_id

    def split(self) -> None:
        """Drop what is there twice, and deal the rest to three parts."""
        apply_recipe(self.context, ["acme/rows"], parse_recipe(SPLIT.encode()), "acme/rows")

    def hand_over(self) -> None:
        """Issue a delivery to somebody."""
        self.issued = issue_delivery(
            self.context, "acme/rows", self.home / "delivery", offer=Offer.of_words(("train",)),
            issuance=Issuance(name="Acme", status_url="https://acme.example/status"),
            valid_for=timedelta(days=365), to="Example Inc.",
        )  # fmt: skip

    def take_back(self) -> None:
        """Suspend its credential, reinstate it, and revoke it."""
        named = str(self.issued.credential_id)
        suspend(self.context, named, reason="a question of a buyer")
        self.moment += timedelta(hours=1)
        reinstate(self.context, named, reason="answered")
        self.moment += timedelta(hours=1)
        revoke(self.context, named, reason="the contract ended")

    def _log(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        inputs: Sequence[Input],
        files: Mapping[str, bytes] | None = None,
        attached: Mapping[str, bytes] | None = None,
    ) -> Manifest:
        """Sign and log one manifest, with a tree or with attachments."""
        with open_transaction(self.context.repository) as transaction:
            sealed = None if files is None else sealed_of(files, transaction.writer)
            attachments = [
                Attachment(role, transaction.writer.put_bytes(data), len(data))
                for role, data in (attached or {}).items()
            ]
            made = sign_next(
                self.context, kind, name, body, inputs, sealed=sealed, attachments=attachments
            )
            transaction.log_manifest(made)
            transaction.commit()
        return made

    def _inputs(self, *roles: str) -> list[Input]:
        names = {"train": "train", "validation": "validation", "test": "test"}
        return [
            Input(role, "dataset", self._manifest(f"acme/rows.{names[role]}").id) for role in roles
        ]

    def _rights(self) -> list[dict[str, Any]]:
        permits = {"permits": ["train", "evaluate"], "issuer": OWNER.did}
        source = str(self._manifest("acme/rows").id)
        return [{"dataset": source, "credential": str(self.permitted), **permits}]

    def train(self) -> None:
        """Announce a run, and log the checkpoint that it gave."""
        learned = [self._texts(f"acme/rows.{part}") for part in ("train", "validation")]
        pool = [*learned[0], *learned[1]]
        written = validation_of(pool, len(learned[0]), len(learned[1]))
        kept = read_kept("validation/2", BytesIO(written))
        decided = kept.decide({"tfidf/2"}).to_body() if kept is not None else {}
        (candidate,) = decided["chosen"]["candidates"]
        candidate["settings"] = {"C": "4"}
        computed = {"basis": "computed", "value": "1"}
        self.run = self._log(
            "run",
            RUN,
            {
                "purpose": "train",
                "config": CONFIG,
                "seed": 3,
                "order": {
                    "function": "blake3-order/2",
                    "records": {"train": len(learned[0]), "validation": len(learned[1])},
                },
                "environment": {**ENVIRONMENT, "precision": "fp32"},
                "code": CODE,
                "plannedOutputs": [MODEL],
                "rights": self._rights(),
                "task": "text-classification",
                "candidates": [{"format": "tfidf/2"}],
                "plan": dict.fromkeys(("cpuSeconds", "memoryBytes", "wallSeconds"), computed),
                "tolerances": {
                    "differences": {"outOfFoldMacroF1": "0.005", "validationMacroF1": "0.005"},
                    "weightsAbsolute": "0.0001",
                    "weightsRelative": "0.001",
                },
                "folds": {"count": 5, "repeats": 3, "candidates": ["tfidf/2"]},
                "refit": True,
                "thresholds": [{"metric": "accuracy", "atLeast": "0.5"}],
            },
            self._inputs("train", "validation", "test"),
        )
        used = self._manifest("acme/rows.train").inputs_in("filter")[0]
        self.model = self._log(
            "checkpoint",
            MODEL,
            {
                "origin": "trained",
                "step": 1,
                "epoch": "1",
                "final": True,
                "format": "tfidf/2",
                "task": "text-classification",
                "labels": list(LABELS),
                "decision": decided["decision"],
                "metrics": {**decided["metrics"], **TOOK},
                "chosen": decided["chosen"],
                "actual": {"cpuSeconds": "1.0", "memoryBytes": "100000000", "wallSeconds": "2.0"},
                "refit": True,
                "validation": {"format": "validation/2", "count": len(pool)},
            },
            [
                Input("run", "run", self.run.id),
                *self._inputs("train", "validation"),
                Input("filter", "filter", used.id),
            ],
            model_files(),
            {"validation": written},
        )

    def evaluate(self) -> None:
        """Measure the model on the test set, beside the nearest record."""
        pool = [one for part in ("train", "validation") for one in self._texts(f"acme/rows.{part}")]
        test = self._texts("acme/rows.test")
        decision = self.model.body["decision"]
        vectors = text_vectors(pool)
        known = vectors(pool)
        given = nearest(vectors, known, targets(pool, LABELS))(test)
        refuse_ties(vectors(test) @ known.T)
        head = {
            "answerers": [
                {"name": "model", "abstainBelow": round(float(decision["abstainBelow"]) * 1e6)},
                {"name": NEAREST},
            ],
            "format": "predictions/2",
            "labels": list(LABELS),
            "slices": [],
            "task": "text-classification",
        }
        lines = [
            {
                "expected": [LABELS.index(one.labels[0])],
                "scores": [
                    likely(one.text, float(decision["temperature"])),
                    [int(each) * 1_000_000 for each in row],
                ],
            }
            for one, row in zip(test, given, strict=True)
        ]
        written = b"".join(encode(line) + b"\n" for line in (head, *lines))
        counts = [sum(label in one.labels for one in pool) for label in LABELS]
        found = evaluation_body(
            read_predictions(BytesIO(written)),
            seed=3,
            thresholds=self.run.body["thresholds"],
            majority=LABELS[counts.index(max(counts))],
            near=METHOD,
        )
        took = {"cpuSeconds": "0.1", "wallSeconds": "0.1", "peakMemoryBytes": 100_000_000,
                "latencyMs": {"p50": "0.50", "p95": "1.00", "n": len(test)}}  # fmt: skip
        found["model"] |= took
        params = {"features": known.shape[1], "fitCpuSeconds": "1.0", "fitWallSeconds": "1.0",
                  "trainRecords": len(pool)}  # fmt: skip
        found["baseline"] |= {**took, "params": params}
        found["overlap"] = {**found["overlap"], "exact": 0, "checked": "record ids/2"}
        found |= {
            "split": "test",
            "rights": self._rights(),
            "slicing": {
                "rule": "slices/2",
                "leftOut": [{"field": "@length", "reason": "few-records"}],
            },
            "environment": ENVIRONMENT,
            "actual": {"cpuSeconds": "0.2", "memoryBytes": "100000000", "wallSeconds": "0.2"},
        }
        inputs = self._inputs("test", "train", "validation")
        learned = [Input("train", "dataset", one.id) for one in inputs[1:]]
        self.evaluation = self._log(
            "evaluation",
            EVALUATION,
            found,
            [Input("checkpoint", "checkpoint", self.model.id), inputs[0], *learned],
            attached={"predictions": written},
        )

    def reproduce(self) -> None:
        """Say that the run was done again, and that the same came of it."""
        self._log(
            "reproduction",
            "reproductions/acme/clauses",
            {
                "method": "whole-run/1",
                "environment": {**ENVIRONMENT, "precision": "fp32"},
                "code": CODE,
                "rights": self._rights(),
                "compared": [{"checkpoint": str(self.model.id), "tree": str(self.model.tree)}],
                "verdict": "match",
            },
            [
                Input("run", "run", self.run.id),
                Input("checkpoint", "checkpoint", self.model.id),
            ],
        )

    def describe(self) -> None:
        """Make the card, let an expert answer what it asks, and make it again."""
        first = make_card(self.context, self.model, profiles=[PROFILE])
        said = {
            "liability": "liable for gross negligence, up to 10,000 EUR",
            "answers": {
                "contact": {"text": "Roe, at Acme."},
                "personal-data": {"text": "Words and numbers alone.", "choice": "none"},
            },
        }
        data = first.document.data
        answered = attest_card(data, "answers", said, signer=EXPERT, clock=self.clock)
        with open_transaction(self.context.repository) as transaction:
            transaction.log_credential(answered.data)
            transaction.commit()
        self.moment += timedelta(hours=1)
        make_card(self.context, self.model)

    def approve(self) -> None:
        """Let somebody approve cards, who approves this one."""
        change_policy(
            self.context.repository, with_approvers([APPROVER.did]), signer=OWNER, clock=self.clock
        )
        self.moment += timedelta(hours=1)
        approve_card(self.of(APPROVER), f"cards/{MODEL.partition('/')[2]}")

    def commit_again(self) -> None:
        """Commit the rows once more, with one more."""
        more = {"text": "other and one more", "label": "other"}
        with (self.home / "rows" / "rows.jsonl").open("a") as file:
            file.write(f"{json.dumps(more)}\n")
        roles = FieldRoles(text=("text",), label="label")
        stated = CommitMetadata(roles=roles, licence="CC-BY-4.0")
        commit_folder(self.context, self.home / "rows", "acme/rows", stated=stated)
