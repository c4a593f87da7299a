"""Runs that compare their candidates by folds: what they sign, keep and learned from."""

import io

import numpy as np
import pytest
from msgspec.structs import replace

from lyrikstore.history.gc.still_held import still_held
from lyrikstore.history.repository.retired import retirements
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.labels import label_warnings, rare_labels
from lyrikstore.train.predict.predict import predict_records
from lyrikstore.train.reproduction.reproduce import plan_again, reproduce_run
from lyrikstore.train.resolve_checkpoint import learned_from, records_deciding
from lyrikstore.train.run import _with_folds_announced
from lyrikstore.train.tasks.labelling import groups_of_labels
from lyrikstore.verify.evaluation.choice.cross_validation import read_cross_validation
from lyrikstore.verify.evaluation.choice.folds import FoldedRecords
from tests.kinds import refused

pytestmark = pytest.mark.train


def config_of(workshop, name, candidates, more=""):
    text = workshop.tiny.replace("checkpoints/acme/tiny", f"checkpoints/acme/{name}")
    if candidates == ["tfidf"]:
        text = text.replace('base = "checkpoints/acme/minilm"', 'base = "linear"')
    listed = ", ".join(f'"{one}"' for one in candidates)
    return text.replace('["lora"]', f"[{listed}]") + more


@pytest.fixture(scope="module")
def refitted(workshop):
    """Word counts and vectors of groups of texts: a package's paragraphs belong together."""
    config = config_of(workshop, "folded", ["tfidf", "embeddings"])
    return workshop.train(config.replace('label = "family"', 'label = "family"\ngroup = "package"'))


@pytest.fixture(scope="module")
def unfitted(workshop):
    return workshop.train(config_of(workshop, "held-out", ["tfidf"], "refit = false\n"))


def kept(workshop, checkpoint):
    (attached,) = checkpoint.attachments_in("validation")
    with workshop.repo.blobs.open(attached.id) as stream:
        return read_cross_validation(io.BytesIO(stream.read()))


def test_a_run_says_before_its_first_step_what_folds_compare(workshop, refitted) -> None:
    body = refitted.run.body
    assert body["folds"] == {
        "count": 5,
        "repeats": 3,  # of fewer than 300 records
        "candidates": [one["format"] for one in body["candidates"]],
    }
    assert body["refit"] is True
    assert body["config"]["training"]["refit"] is True
    chosen = refitted.checkpoint.body["chosen"]
    assert {one["by"] for one in chosen["candidates"]} == {"folds"}
    assert all("C" in one["settings"] for one in chosen["candidates"])
    assert "outOfFoldMacroF1" in refitted.metrics
    assert "validationMacroF1" not in refitted.metrics


def test_what_is_kept_decides_again_and_keeps_groups_together(workshop, refitted) -> None:
    found, body = kept(workshop, refitted.checkpoint), refitted.checkpoint.body
    assert body["validation"] == {"format": "validation/2", "count": 48}
    assert (found.pool.training, found.pool.validation) == (24, 24)
    assert found.pool.seed == refitted.run.body["seed"]
    again = found.decide([one["format"] for one in refitted.run.body["candidates"]])
    assert again.to_body()["decision"] == body["decision"]
    assert again.taken.candidate == body["format"].partition("/")[0]
    packages = [
        entry.meta["package"]
        for part in ("train", "validation")
        for entry in workshop.repo.tree(workshop.repo.resolve(f"acme/tiny.{part}")).entries
    ]
    assert len(set(found.pool.groups)) == len(set(packages)) < 48
    for group in set(found.pool.groups):
        own = np.array([one == group for one in found.pool.groups])
        assert all(len(set(dealt[own].tolist())) == 1 for dealt in found.pool.folds)


def test_what_was_refitted_learned_from_validation_too(workshop, refitted, unfitted) -> None:
    repo = workshop.repo
    both = [repo.resolve(f"acme/tiny.{part}") for part in ("train", "validation")]
    assert refitted.checkpoint.body["refit"] is True
    assert learned_from(repo, refitted.checkpoint) == both
    assert records_deciding(refitted.checkpoint, refitted.run) == 48
    assert "refit" not in unfitted.checkpoint.body
    assert "refit" not in unfitted.run.body
    assert unfitted.run.body["config"]["training"]["refit"] is False
    assert learned_from(repo, unfitted.checkpoint) == both[:1]
    assert records_deciding(unfitted.checkpoint, unfitted.run) == 48, "the folds had both"


def test_nearest_records_are_looked_for_among_all_that_was_learned_from(
    workshop, refitted, tmp_path
) -> None:
    repo = workshop.repo
    entry = repo.tree(repo.resolve("acme/tiny.validation")).entries[0]
    (tmp_path / "asked.txt").write_bytes(repo.blobs.read(entry.blake3, max_bytes=1 << 20))
    asked = tmp_path / "asked.txt"
    with predict_records(
        workshop.context(), "checkpoints/acme/folded", asked, explain=True
    ) as all_:
        (found,) = all_
    nearest = found.similar[0]
    assert nearest["dataset"] == "datasets/acme/tiny.validation"


def test_a_run_that_is_done_again_deals_the_same_folds(workshop, unfitted) -> None:
    plan = plan_again(
        workshop.context(), unfitted.run, TrainConfig.from_json(dict(unfitted.run.body["config"]))
    )
    assert plan.by_folds == ("tfidf",)
    assert reproduce_run(workshop.context(), "checkpoints/acme/held-out").verdict == "match"


def test_scores_of_training_records_are_found_when_these_are_retired(workshop, refitted) -> None:
    repo = workshop.repo
    train = repo.resolve("acme/tiny.train").id
    held = {one.version.id for one in still_held(repo, retirements(repo), {train})}
    assert refitted.checkpoint.id in held


def test_a_dear_candidate_is_trained_once_more_for_each_fold(workshop) -> None:
    found = workshop.train(config_of(workshop, "dear", ["tfidf", "lora"]))
    assert found.run.body["folds"]["candidates"][-1] == "peft-lora/1"
    scores = kept(workshop, found.checkpoint)
    assert scores.out_of_fold["lora"].shape[:2] == (1, 48)
    assert not scores.holdout
    lora = next(
        one
        for one in found.checkpoint.body["chosen"]["candidates"]
        if one["format"] == "peft-lora/1"
    )
    assert lora["by"] == "folds"
    body = found.checkpoint.body
    assert ("refit" in body) == (body["format"] != "peft-lora/1"), "it stops by validation"


def test_several_labels_are_compared_by_folds_too(workshop) -> None:
    config = 'task = "multi-label"\n' + config_of(workshop, "several", ["tfidf"])
    found = workshop.train(config)
    body = found.checkpoint.body
    again = kept(workshop, found.checkpoint).decide(
        [one["format"] for one in body["chosen"]["candidates"]]
    )
    assert again.to_body()["decision"] == body["decision"]
    assert {"threshold", "temperature"} <= body["decision"].keys()
    assert "outOfFoldMicroF1" in body["metrics"]


def test_a_run_that_goes_on_keeps_its_folds_whatever_steps_take_by_now(workshop, refitted) -> None:
    config = TrainConfig.from_json(dict(refitted.run.body["config"]))
    plan = plan_again(workshop.context(), refitted.run, config)
    planned = replace(plan, by_folds=())
    assert _with_folds_announced(workshop.repo, planned) == plan


@pytest.mark.parametrize(
    ("records", "folded", "stopped", "wanted"),
    [
        ((40, 9), ["tfidf"], [], ["few-validation"]),
        ((45, 5), ["tfidf"], [], []),
        ((900, 49), [], [], ["few-validation"]),
        ((900, 50), [], ["lora"], []),
        ((900, 1), ["tfidf"], ["lora"], ["few-validation"]),  # validation alone compares it
        ((900, 1), ["tfidf", "lora"], ["lora"], ["few-validation"]),  # validation stops it
        ((900, 50), ["tfidf"], ["lora"], []),
    ],
)
def test_few_records_are_those_that_decide(records, folded, stopped, wanted) -> None:
    found = label_warnings({"a": 20, "b": 20}, records, folded=folded, stopped=stopped)
    assert [one.code for one in found] == wanted


@pytest.mark.parametrize(
    ("labels", "groups", "wanted"),
    [
        ({"a": 1, "b": 49}, None, ["rare-labels"]),
        ({"a": 2, "b": 48}, None, []),
        ({"a": 1, "b": 6}, 6, ["rare-labels"]),
        ({"a": 1, "b": 1}, 1, ["few-groups"]),
    ],
)
def test_labels_of_one_record_or_group_are_warned_of(labels, groups, wanted) -> None:
    found = label_warnings(labels, (40, 10), folded=["tfidf"], groups=groups)
    assert [one.code for one in found] == wanted


def test_rare_labels_are_counted_and_named() -> None:
    assert rare_labels({"a": 1, "b": 9, "c": 1}).startswith("2 of 3 labels have one record in")
    assert rare_labels({"a": 2, "b": 9}) == ""


@pytest.mark.parametrize(
    ("groups", "wanted"), [(1, ["few-groups"]), (4, ["few-groups"]), (5, []), (None, [])]
)
def test_few_groups_are_warned_of(groups, wanted) -> None:
    found = label_warnings({"a": 6, "b": 6}, (40, 10), folded=["tfidf"], groups=groups)
    assert [one.code for one in found] == wanted


def test_of_one_group_nothing_can_be_held_out(workshop) -> None:
    for part in ("train", "validation", "test"):
        files = [
            (f"{part}{at}.txt", f"{label} text {at}".encode(), {"family": label, "client": "one"})
            for at, label in enumerate(("mit", "bsd") * 6)
        ]
        data = workshop.put_dataset(f"datasets/acme/one-group.{part}", files)
        workshop.permit(data, "train", "evaluate")
    config = config_of(workshop, "one-group", ["tfidf"]).replace("acme/tiny.", "acme/one-group.")
    found = workshop.train(config.replace('label = "family"', 'label = "family"\ngroup = "client"'))
    assert {"folds", "refit"} & found.run.body.keys() == set()
    assert "few-groups" in [one.code for one in found.warnings]
    assert "validationMacroF1" in found.metrics


def test_groups_of_labels_are_counted_once_each() -> None:
    expected = np.array([[True, False], [False, True]] * 6)
    for groups, wanted in (([0, 1, 0, 2, 0, 3] * 2, {"a": 1, "b": 3}), (None, {"a": 6, "b": 6})):
        assert groups_of_labels(FoldedRecords(7, 6, expected, groups), ["a", "b"]) == wanted


def test_a_generative_model_compares_nothing_by_folds(workshop) -> None:
    text = workshop.tiny.replace('label = "family"', 'prompt = "q"\ncompletion = "a"')
    text = text.replace('["lora"]', '["decoder"]') + "refit = true\n"
    with refused("bad-config"):
        TrainConfig.parse(f'task = "sft"\n{text}'.encode())
