"""Evaluations in a store: on which test set, against which baseline, by which right."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.credentials.terms.model import whole
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.manifests.manifest import Attachment, Input, Manifest
from lyrikstore.history.trees.tree import Tree, TreeEntry
from lyrikstore.verify.store.readers import Readers
from tests.verify.store.lineage import ENVIRONMENT, Lineage, other_train, problems, states


def _evaluation(
    lineage: Lineage,
    test: Digest,
    rights: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    blobs: tuple[bytes, ...] = (),
    **changes: Any,
) -> str:
    def share(value: str) -> dict[str, str]:
        return {"value": value, "low": "0.1", "high": "0.9"}

    few = {"accuracy": share("0.5"), "macroF1": share("0.3")}
    measured = {
        **few,
        "perClass": {"x": {"precision": "1", "recall": "1", "f1": "1", "support": 4}},
        "latencyMs": {"p50": "4.2", "p95": "9.9", "n": 4},
        "wallSeconds": "1.5",
        "cpuSeconds": "2.5",
        "peakMemoryBytes": 1,
    }
    model = lineage.repository.manifest(lineage.ids["model"])
    manifest = lineage.sign(
        "evaluation",
        "evaluations/acme/model",
        {
            "split": "test",
            "count": 4,
            "task": "text-classification",
            "model": measured,
            "baseline": {"method": "tf-idf", "params": {}, **measured},
            "majority": few,
            "confidence": {"method": "bootstrap", "level": "0.95", "resamples": 9, "seed": 1},
            "environment": ENVIRONMENT,
            "overlap": {"exact": 0, "checked": "record ids"},
            "worst": [],
            **({} if rights is None else {"rights": rights}),
            **(body or {}),
        },
        inputs=[
            Input("checkpoint", "checkpoint", model.id),
            Input("test", "dataset", test),
            *(Input("train", "dataset", item.id) for item in model.inputs_in("train")),
        ],
        **changes,
    )
    lineage.log(manifest, blobs=blobs)
    lineage.ids["evaluation"] = manifest.id
    return problems(lineage.object("evaluation"), "runs")


def test_an_evaluation_on_what_was_trained_on(fresh: Lineage) -> None:
    assert "trained on" in _evaluation(fresh, fresh.publisher.manifest.id)
    # The same files once more, under another name.
    again = next(item.id for item in other_train(fresh)["inputs"] if item.role == "train")
    parents = [fresh.ids["evaluation"]]
    assert "trained on" in _evaluation(fresh, again, parents=parents)


@pytest.mark.parametrize("named", [True, False])
def test_an_evaluation_on_another_test_set_than_the_run_named(fresh: Lineage, named: bool) -> None:
    test, right = _test_right(fresh)
    planned = Input("test", "dataset", test if named else fresh.publisher.manifest.id)
    _train_again(fresh, planned)
    assert ("named another test set" in _evaluation(fresh, test, [right])) == (not named)


def _train_again(lineage: Lineage, *planned: Input) -> None:
    old = lineage.repository.manifest(lineage.ids["run"])
    run = lineage.sign("run", old.name, old.body, inputs=[*old.inputs, *planned], parents=[old.id])
    lineage.log(run)
    parent = lineage.repository.resolve("checkpoints/acme/model").id
    inputs = [one for one in lineage.repository.manifest(parent).inputs if one.role != "run"]
    inputs = [Input("run", "run", run.id), *inputs]
    lineage.ids["model"] = lineage.trained(run, inputs=inputs, parents=[parent]).id


@pytest.mark.parametrize(
    ("body", "before", "state"),
    [
        ({"purpose": "monitor"}, True, "fail"),
        ({"purpose": "monitor"}, False, "pass"),
        ({}, True, "pass"),
        ({}, False, "warn"),
    ],
)
def test_a_test_set_comes_before_the_run_and_what_is_monitored_after_it(
    fresh: Lineage, body: dict[str, Any], before: bool, state: str
) -> None:
    """ATTACK: the locked test set, called what came after the run."""
    test, right = _test_right(fresh)
    if before:
        _train_again(fresh)
    _evaluation(fresh, test, [right], body)
    assert states(fresh.object("evaluation"))["runs"] == state


def test_records_of_an_evaluation_are_read_where_they_can_be(fresh: Lineage) -> None:
    """Predictions that are none: nobody can tell who does not look."""
    test, right = _test_right(fresh)
    data = b"no predictions"
    carried = [Attachment("predictions", Digest.of(data), len(data))]
    answers = {"format": "predictions/1", "count": 4}
    _evaluation(fresh, test, [right], {"predictions": answers}, attachments=carried, blobs=(data,))
    unread = fresh.object("evaluation").check("evaluation.recomputed")
    assert (unread.state, unread.detail["reason"]) == ("warn", "not-recomputed")
    readers = Readers(records=lambda *_: iter(()))
    read = fresh.object("evaluation", readers=readers).check("evaluation.recomputed")
    assert (read.state, read.detail["reason"]) == ("fail", "bad-predictions")


def test_a_baseline_that_was_trained_on_other_data(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    assert "other data" not in _evaluation(fresh, test, [right])
    honest = fresh.repository.manifest(fresh.ids["evaluation"])
    inputs = [replace(one, id=test) if one.role == "train" else one for one in honest.inputs]
    made = fresh.sign("evaluation", honest.name, honest.body, inputs=inputs, parents=[honest.id])
    fresh.log(made)
    fresh.ids["evaluation"] = made.id
    assert "other data than the model" in problems(fresh.object("evaluation"), "runs")


def _test_right(lineage: Lineage, **changes: Any) -> tuple[Digest, dict[str, Any]]:
    """Return a test set of other files, with a credential that lets it be evaluated on."""
    publisher = lineage.publisher
    tree = Tree.of([TreeEntry("t.txt", 1, Digest.of(b"t"))])
    body = {**publisher.manifest.body, "records": 1, "fileCount": 1, "bytes": 1}
    test = lineage.sign("dataset", "datasets/acme/test", body, tree=tree.id, files=tree.files_id,
                        attachments=publisher.manifest.attachments)  # fmt: skip
    lineage.log(test, blobs=(b"t", tree.encode()))
    credential = lineage.log_credential(_about_test(lineage, test, "evaluate"))
    right = {
        "dataset": str(test.id),
        "credential": str(credential),
        "issuer": lineage.world.OWNER.did,
        "permits": ["evaluate"],
        **changes,
    }
    return test.id, right


def _about_test(lineage: Lineage, test: Manifest, *permits: str) -> bytes:
    repository = lineage.repository
    changes = {"manifest": test, "tree": repository.tree(test), "records": None}
    index, terms = repository.index_of(test.id), whole(permits)
    data: bytes = lineage.publisher.credential(**changes, log_index=index, terms=terms)
    return data


def test_an_evaluation_rests_on_the_rights_it_recorded(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    _evaluation(fresh, test, [right])
    report = fresh.object("evaluation")
    assert states(report)["rights"] == "pass", report.check("rights")
    assert report.check("rights").detail["rights"] == 2  # of the run, and its own
    assert "'evaluate', 'train'" in report.check("rights").summary
    stranger = fresh.object("evaluation", trust=Trust())
    assert states(stranger)["rights"] == "warn"


@pytest.mark.parametrize(
    ("rights", "state", "expected"),
    [
        (lambda right: None, "unchecked", "records no rights"),
        (lambda right: [], "fail", "the evaluation recorded no right"),
        (lambda right: [{**right, "issuer": "did:key:z6MkOther"}], "fail", "another issuer"),
        (lambda right: [{**right, "credential": str(Digest.of(b""))}], "fail", "is not here"),
        (lambda right: [{**right, "dataset": str(Digest.of(b""))}], "fail", "recorded no right"),
    ],
)
def test_an_evaluation_without_a_right_is_not_permitted(
    fresh: Lineage, rights: Callable[[Any], Any], state: str, expected: str
) -> None:
    test, right = _test_right(fresh)
    _evaluation(fresh, test, rights(right))
    report = fresh.object("evaluation")
    assert states(report)["rights"] == state
    assert expected in problems(report, "rights")
    assert report.verdict == ("incomplete" if state == "unchecked" else "invalid")


def test_what_permits_training_permits_no_evaluation(fresh: Lineage) -> None:
    test, right = _test_right(fresh)
    manifest = fresh.repository.manifest(test)
    data = _about_test(fresh, manifest, "train")
    other = {**right, "credential": str(fresh.log_credential(data))}
    _evaluation(fresh, test, [other])
    assert "does not permit it" in problems(fresh.object("evaluation"), "rights")
    # Logged after the evaluation that names it.
    late = _about_test(fresh, manifest, "evaluate", "test")
    named = {**right, "credential": str(Digest.of(late))}
    _evaluation(fresh, test, [named], parents=[fresh.ids["evaluation"]])
    fresh.log_credential(late)
    assert "logged after" in problems(fresh.object("evaluation"), "rights")
    after, parents = fresh.world.NOW + timedelta(days=700), [fresh.ids["evaluation"]]
    _evaluation(fresh, test, [right], created=after, parents=parents)
    assert "not in force" in problems(fresh.object("evaluation"), "rights")


def test_an_evaluation_by_no_right_names_its_model(fresh: Lineage) -> None:
    test, _ = _test_right(fresh)
    _evaluation(fresh, test, [])
    report = fresh.store()
    assert (report.verdict, report.check("rights").detail["reason"]) == ("invalid", "none-recorded")
    assert report.check("rights").detail["models"] == [str(fresh.ids["model"])]
