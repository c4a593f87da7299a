"""``verify`` of a monitor: what it says follows, and its data is new (spec §13.9.11)."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.records.order_root import record_id
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.evaluation.answers import Answerer, Head
from lyrikstore.verify.evaluation.drift import length_drift, monitor_body
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.slices import find_slices
from tests.conftest import Person
from tests.publish.recomputing import CHECK, COST, LABELS, THRESHOLDS, World, rows

Change = Callable[[dict[str, Any]], object]


class Monitored(World):
    """A store in which data came after the run, and a statement about it."""

    def __init__(self, chain: Any, person: Person) -> None:
        super().__init__(chain, person)
        self.evaluation(self.predictions(old=True))  # from before records were named by place
        self.reference = self.made
        self.labelled = [{**row, "text": f"new {row['text']}"} for row in rows()]
        self.came = [{key: row[key] for key in row if key != "kind"} for row in self.labelled]
        self.new, self.new_right = self.put("came", self.came)

    def put(self, name: str, found: list[dict[str, Any]]) -> tuple[Manifest, dict[str, Any]]:
        """Log rows, and a credential about them; return the right with it."""
        lines = [json.dumps(row, sort_keys=True, separators=(",", ":")) for row in found]
        data = "".join(f"{line}\n" for line in lines).encode()
        self.new_ids = [record_id("jsonl/1", line.encode()) for line in lines]
        tree = Tree.of([TreeEntry("rows.jsonl", len(data), Digest.of(data))])
        made = self.chain.log(
            name, data, tree.encode(), kind="dataset", name=f"datasets/acme/{name}",
            body={"reader": "jsonl/1", "records": len(found), "bytes": len(data), "fileCount": 1,
                  "origin": "committed", "descriptor": {},
                  "fields": {"text": ["text"], "label": "kind", "group": "matter"}},
            tree=tree.id, files=tree.files_id,
        )  # fmt: skip
        credential = self.chain.issue_credential(made)
        right = {**self.right, "dataset": str(made.id), "credential": str(credential)}
        return made, right

    def answers(self, *, labelled: bool = True, sure: int = 600_000) -> bytes:
        """Return what the model says of what came."""
        values = {"court": [(row["court"],) for row in rows()]}
        slices, members = find_slices(values, [len(row["text"]) for row in self.came])
        head = Head(
            "text-classification", LABELS, (Answerer("model", abstain_below=550_000),),
            tuple(slices) if labelled else (), labelled=labelled,
        )  # fmt: skip
        lines = (
            Line(
                (number % 2,) if labelled else (),
                [[sure if at == number % 2 else 10_000 for at in range(3)]],
                group=number // 3 if labelled else None,
                slices=tuple(members[number]) if labelled else (),
            )
            for number in range(len(self.new_ids))
        )  # fmt: skip
        return b"".join(write_predictions(head, lines))

    def monitor(
        self,
        data: bytes,
        *,
        change: Change = lambda body: None,
        reference: Manifest | None = None,
        test: Manifest | None = None,
    ) -> str:
        """Log a monitor; return its id."""
        read = read_predictions(io.BytesIO(data))
        lengths = [[len(row["text"]) for row in some] for some in (self.came, rows())]
        labelled = read.head.labelled
        body = monitor_body(
            read,
            read_predictions(io.BytesIO(self.predictions())),
            seed=13,
            costs={"unit": "hours", "otherwise": "1", "mistakes": COST["mistake"]}
            if labelled else None,
            thresholds=THRESHOLDS,
            field_of_groups="matter" if labelled else None,
            measured={"lengths": length_drift(*lengths)},
        )  # fmt: skip
        body |= {"purpose": "monitor", "split": "monitor", "rights": [self.new_right]}
        body["environment"] = self.chain.made["evaluation"].body["environment"]
        change(body)
        test = self.new if test is None else test
        named = [Input("checkpoint", "checkpoint", self.checkpoint.id)]
        reference = self.reference if reference is None else reference
        if reference is not self.new:
            named.append(Input("reference", "evaluation", reference.id))
        made = self.chain.log(
            f"monitor-{len(data)}", data, kind="evaluation",
            name="evaluations/acme/second.monitor",
            parents=[self.last] if hasattr(self, "last") else [], body=body,
            inputs=[*named, Input("test", "dataset", test.id)],
            attachments=[Attachment("predictions", Digest.of(data), len(data))],
        )  # fmt: skip
        self.last, self.monitored = made.id, made
        return str(made.id)


@pytest.fixture
def store(chain: Any, new_person: Callable[[str], Person]) -> Monitored:
    return Monitored(chain, new_person("auditor"))


@pytest.mark.parametrize("labelled", [True, False])
def test_what_follows_is_computed_again(store: Monitored, labelled: bool) -> None:
    if labelled:
        store.new, store.new_right = store.put("labelled", store.labelled)
    made = store.monitor(store.answers(labelled=labelled))
    found = store.verify(made)
    assert (found.code, found.json["verdict"]) == (0, "trusted"), found.out
    assert store.check(made)[:2] == ("pass", "")


def calm(body: dict[str, Any]) -> None:
    body["drift"]["verdict"] = "ok"


def still(body: dict[str, Any]) -> None:
    body["drift"]["labels"] = "9.0000"


def sure(body: dict[str, Any]) -> None:
    body["drift"]["confidenceShift"] = "0.0000"


def another_count(body: dict[str, Any]) -> None:
    body["count"] = 400


@pytest.mark.parametrize("change", [calm, still, sure, another_count])
def test_another_drift_than_follows_is_invalid(store: Monitored, change: Change) -> None:
    made = store.monitor(store.answers(labelled=False), change=change)
    assert store.check(made)[:2] == ("fail", "differs")
    assert store.verify(made).code == 3


def test_other_lengths_than_those_of_the_data_are_invalid(store: Monitored) -> None:
    def shorter(body: dict[str, Any]) -> None:
        body["drift"]["lengths"] = "0.0001"

    made = store.monitor(store.answers(labelled=False), change=shorter)
    assert store.check(made)[:2] == ("fail", "other-test-set")


def test_labels_that_are_there_cannot_be_left_untold(store: Monitored) -> None:
    # ATTACK: nobody knows what is right, where the figures would show that the model fell.
    store.new, store.new_right = store.put("labelled", store.labelled)
    made = store.monitor(store.answers(labelled=False))
    assert store.check(made)[:2] == ("fail", "other-test-set")


def test_it_is_held_against_a_test_of_its_checkpoint(store: Monitored) -> None:
    data = store.answers(labelled=False)
    assert store.check(store.monitor(data, reference=store.new))[:2] == ("fail", "undeclared")
    store.monitor(store.answers(labelled=False, sure=700_000))
    one = store.monitored
    made = store.monitor(store.answers(labelled=False, sure=800_000), reference=one)
    assert store.check(made)[:2] == ("fail", "undeclared")


def test_the_locked_test_set_is_nothing_that_came_later(store: Monitored) -> None:
    store.new_right, store.new_ids, store.came = store.right, store.ids, rows()
    made = store.monitor(store.answers(labelled=False), test=store.test)
    found = store.verify(made)
    assert found.code == 3
    states = {one["id"]: one["state"] for one in found.json["checks"]}
    assert states["runs"] == "fail"
    assert states[CHECK] == "fail"  # and its labels are known
