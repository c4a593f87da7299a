"""A store with evaluations that carry their predictions, changed as a test asks."""

import io
import json
from collections.abc import Callable
from typing import Any

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Attachment, Input
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.evaluation.answers import Answerer, Head
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.slices import find_slices
from tests.conftest import Person, Result
from tests.predictions_by_id import by_id

CHECK = "evaluation.recomputed"
LABELS = ("lease", "loan", "other")
AT = ("--at", "2026-11-25T00:00:00Z")
COST = {"unit": "hours", "otherwise": "1", "mistake": [{"expected": "lease", "cost": "50"}]}
THRESHOLDS = [{"metric": "macroF1", "atLeast": "0.7"}]
Change = Callable[[dict[str, Any]], object]


def rows() -> list[dict[str, Any]]:
    return [
        {
            "text": f"contract {number} " + "x" * number,
            "kind": LABELS[number % 2],
            "court": "north" if number % 3 else "south",
            "matter": f"m{number // 3}",
        }
        for number in range(36)
    ]


class World:
    """A store with a run, a checkpoint, and evaluations of it that carry predictions."""

    def __init__(self, chain: Any, person: Person) -> None:
        self.chain, self.person = chain, person
        person.ok("trust", "add", chain.signer.did, "--name", "owner")
        made = chain.made
        lines = [json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows()]
        data = "".join(f"{line}\n" for line in lines).encode()
        self.ids = [record_id("jsonl/1", line.encode()) for line in lines]
        tree = Tree.of([TreeEntry("rows.jsonl", len(data), Digest.of(data))])
        self.test = chain.log(
            "rows", data, tree.encode(), kind="dataset", name="datasets/acme/rows",
            body={"reader": "jsonl/1", "records": 36, "bytes": len(data), "fileCount": 1,
                  "origin": "committed", "descriptor": {},
                  "fields": {"text": ["text"], "label": "kind", "group": "matter"}},
            tree=tree.id, files=tree.files_id,
        )  # fmt: skip
        credential = chain.issue_credential(self.test)
        self.right = {
            "dataset": str(self.test.id), "credential": str(credential),
            "issuer": chain.signer.did, "permits": ["train", "evaluate"],
            "validUntil": "2027-11-24T12:00:00Z",
        }  # fmt: skip
        self.runs, self.old = [made["run"]], made["checkpoint"]
        slices = {"slices": ["court", "@length"]}
        self.announce({"data": {"label": "kind"}, "evaluation": slices, "cost": COST})

    def announce(self, config: dict[str, Any]) -> None:
        """Log a run with that config, and what it made."""
        run = self.runs[-1]
        threshold = [{"metric": "macroF1", "at_least": "0.7"}]
        inputs = [one for one in run.inputs if one.role != "test"]
        inputs.append(Input("test", "dataset", self.test.id))
        self.runs.append(
            self.chain.log(
                "run-2", kind="run", name=run.name, parents=[run.id], inputs=inputs,
                body={**self.runs[0].body, "config": {**config, "threshold": threshold},
                      "thresholds": THRESHOLDS},
            )
        )  # fmt: skip
        old = self.old
        inputs = [one for one in old.inputs if one.role != "run"]
        self.old = self.checkpoint = self.chain.log(
            "checkpoint-2", kind="checkpoint", name=old.name, parents=[old.id],
            body={**old.body, "labels": list(LABELS), "decision": {"abstainBelow": "0.55"},
                  "format": "transformers/1"},
            tree=old.tree, files=old.files, attachments=old.attachments,
            inputs=[Input("run", "run", self.runs[-1].id), *inputs],
        )  # fmt: skip

    def predictions(self, change: Change = lambda document: None, *, old: bool = False) -> bytes:
        """Return an attachment; ``change`` gets what is in it before it is written.

        An ``old`` one names records by their ids.
        """
        values = {"court": [(row["court"],) for row in rows()]}
        slices, members = find_slices(values, [len(row["text"]) for row in rows()])
        held: dict[str, Any] = {
            "ids": [*self.ids], "expected": [number % 2 for number in range(36)],
            "slices": slices, "members": members, "abstain": 550_000, "labels": LABELS,
            "groups": [number // 3 for number in range(36)],
        }  # fmt: skip
        change(held)
        answerers = (Answerer("model", abstain_below=held["abstain"]), Answerer("tfidf"))
        head = Head("text-classification", held["labels"], answerers, tuple(held["slices"]))

        def scores(number: int, wrong: int) -> list[int]:
            right = number % 2 if number % wrong else 2
            return [
                500_000 + 10_000 * number if at == right else 10_000
                for at in range(len(held["labels"]))
            ]

        lines = (
            Line(
                (held["expected"][number],), [scores(number, 7), scores(number, 3)],
                group=held["groups"][number], slices=tuple(held["members"][number]),
                near=number == 5,
            )
            for number in range(len(held["ids"]))
        )  # fmt: skip
        data = b"".join(write_predictions(head, lines))
        return by_id(data, held["ids"]) if old else data

    def evaluation(
        self,
        data: bytes | None = None,
        *,
        change: Change = lambda body: None,
        signed: bytes | None = None,
        body: dict[str, Any] | None = None,
    ) -> str:
        """Log an evaluation; return its id."""
        data = self.predictions() if data is None else data
        old = self.chain.made["evaluation"]
        if body is None:
            body = self.body(data)
        change(body)
        signed = data if signed is None else signed
        made = self.chain.log(
            "evaluation-2", signed, kind="evaluation", name="evaluations/acme/second",
            parents=[self.made.id] if hasattr(self, "made") else [],
            body={"split": "test", "environment": old.body["environment"],
                  "rights": [self.right], **body},
            inputs=[Input("checkpoint", "checkpoint", self.checkpoint.id),
                    Input("test", "dataset", self.test.id),
                    Input("train", "dataset", self.chain.made["train"].id)],
            attachments=[Attachment("predictions", Digest.of(signed), len(signed))],
        )  # fmt: skip
        self.made = made
        return str(made.id)

    def body(self, data: bytes, field: str | None = "matter") -> dict[str, Any]:
        """Return what a signer signs of an attachment."""
        costs = {"unit": "hours", "otherwise": "1", "mistakes": COST["mistake"]}
        found = evaluation_body(
            read_predictions(io.BytesIO(data)), seed=13, costs=costs, thresholds=THRESHOLDS,
            field_of_groups=field, majority="lease", near="near-duplicates/1",
        )  # fmt: skip
        found["overlap"] |= {"exact": 0, "checked": "record ids"}
        found["baseline"]["params"] = {"c": "20"}
        found["model"]["latencyMs"] = {"p50": "1", "p95": "2", "n": 36}
        return found

    def verify(self, target: str, *more: str) -> Result:
        return self.person.run(
            "verify", target, "--store", self.chain.home, *AT, "--json", *more
        )  # fmt: skip

    def check(self, target: str, *more: str) -> tuple[str, str, str]:
        """Return state, reason and summary of the check."""
        found = next(
            one for one in self.verify(target, *more).json["checks"] if one["id"] == CHECK
        )  # fmt: skip
        return found["state"], found["detail"].get("reason", ""), found["summary"]
