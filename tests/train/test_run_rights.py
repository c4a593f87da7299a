"""What a run may learn from and an evaluation may measure with: by a right, or not at all."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.timestamps import now
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.history.repository.repository import Repository
from lyrikstore.testing.keys import signer_for
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.preflight import preflight
from lyrikstore.verify.evaluation.words import verdict_in_words
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.store.object import verify_object
from tests.contexts import context_of
from tests.credentialed import log_credential
from tests.train.stored import assert_sound, size

pytestmark = [pytest.mark.train]


@pytest.fixture(scope="module")
def untested(workshop):
    """A checkpoint of a run without a test set, and before it two datasets to test it on."""
    for name in ("unmeasured", "lent"):
        workshop.put_dataset(f"datasets/acme/{name}", [("a.txt", b"text", {"family": "mit"})])
    config = workshop.tiny.replace('test = "acme/tiny.test"\n', "")
    return workshop.train(config.replace('acme/tiny"', 'acme/untested"'))


@pytest.mark.ci
def test_what_may_not_be_used_to_evaluate_is_not(workshop, untested):
    repo = workshop.repo
    data = repo.resolve("acme/unmeasured")
    workshop.permit(data, "train")
    before = size(workshop)
    with pytest.raises(PolicyError, match="evaluate is not permitted") as caught:
        workshop.evaluate("checkpoints/acme/untested", "acme/unmeasured")
    assert caught.value.kind == "rights-missing"
    assert size(workshop) == before
    workshop.permit(data, "evaluate")
    found = workshop.evaluate("checkpoints/acme/untested", "acme/unmeasured")
    assert found.body["count"] == 1
    (right,) = found.body["rights"]
    assert right["dataset"] == str(data.id)
    assert right["permits"] == ["evaluate"]
    credential = Digest.parse(right["credential"])
    assert repo.index_of(credential, "credential") < repo.index_of(found.id)
    report = verify_object(
        context_of(Repository.open(repo.root), trust=workshop.trust, clock=now), found.id
    )
    assert report.check("rights").state is CheckState.PASS, report.check("rights")
    assert found.inputs_in("test")[0].id == repo.resolve("acme/unmeasured").id


@pytest.mark.ci
def test_a_test_set_that_may_only_be_evaluated_on_is_named_and_counted_and_not_learned(workshop):
    """And what is learned from may be several datasets, in the order they are listed."""
    repo = workshop.repo
    leaked = b"seen before, in the training data"
    more = [("m.txt", leaked, {"family": "mit"}), ("n.txt", b"more", {"family": "bsd"})]
    workshop.permit(workshop.put_dataset("datasets/acme/more", more), "train")
    held = workshop.put_dataset(
        "datasets/acme/held",
        [
            ("h.txt", leaked, {"family": "mit"}),
            *((f"i{n}.txt", b"new %d" % n, more[0][2]) for n in range(5)),
        ],
    )
    config = workshop.tiny.replace('"acme/tiny.test"', '"acme/held"')
    config = config.replace('train = "acme/tiny.train"', 'train = ["acme/more", "acme/tiny.train"]')
    config = config.replace('acme/tiny"', 'acme/united"')
    warned = [one.code for one in workshop.train(config).warnings]
    assert warned == [
        "test-not-permitted",
        "few-validation",
    ]  # known before the first step, not after the last
    assert workshop.log[-1].phase == "done"
    workshop.permit(held, "evaluate")
    made = workshop.train(config)
    assert [one.code for one in made.warnings] == ["few-validation"]
    both = [repo.resolve(name).id for name in ("acme/more", "acme/tiny.train")]
    for manifest in (made.run, made.checkpoint):
        assert [item.id for item in manifest.inputs_in("train")] == both
    assert [item.id for item in made.run.inputs_in("test")] == [held.id]
    assert str(held.id) not in {right["dataset"] for right in made.run.body["rights"]}
    assert made.run.body["config"]["data"]["train"] == ["acme/more", "acme/tiny.train"]
    assert made.run.body["order"]["records"]["train"] == 2 + 24
    found = workshop.evaluate("checkpoints/acme/united", "acme/held")
    assert found.body["overlap"]["exact"] == 1
    assert verdict_in_words(found.body).startswith("no verdict: 16.7 %")
    assert [item.id for item in found.inputs_in("train")] == both
    report = verify_object(
        context_of(Repository.open(repo.root), trust=workshop.trust, clock=now), found.id
    )
    assert report.check("rights").state is CheckState.PASS, report.check("rights")
    assert_sound(workshop)


def test_files_that_somebody_prohibits_to_train_on_are_warned_of_before_the_run(workshop):
    repo, taken = workshop.repo, ("a.txt", b"somebody else's text", {"family": "mit"})
    workshop.permit(workshop.put_dataset("datasets/acme/taken", [taken]), "train")
    theirs = workshop.put_dataset("datasets/press/letters", [("b.txt", *taken[1:])])
    terms = Terms((Partition("all", ("evaluate",), ("train",)),))
    valid = (now() - timedelta(hours=1), now() + timedelta(days=30))
    log_credential(repo, theirs, signer_for("a publisher"), terms, valid)
    config = TrainConfig.parse(workshop.tiny.replace("acme/tiny.train", "acme/taken").encode())
    plan = preflight(workshop.context(), config)
    assert [one.code for one in plan.warnings] == ["same-bytes"]
    assert "datasets/press/letters" in plan.warnings[0].text


def test_no_right_to_one_of_several_is_no_right_to_all(workshop):
    workshop.put_dataset("datasets/acme/closed", [("c.txt", b"closed", {"family": "mit"})])
    before = size(workshop)
    for listed, error, kind in (
        (["acme/tiny.train", "acme/closed"], PolicyError, "rights-missing"),
        (["acme/tiny.train", "acme/tiny.train~0"], InvalidInputError, "named-twice"),
        (["acme/tiny.train", "acme/tiny.validation"], InvalidInputError, "same-data"),
    ):
        with pytest.raises(error) as caught:
            workshop.train(workshop.tiny.replace('"acme/tiny.train"', str(listed)))
        assert caught.value.kind == kind
    assert size(workshop) == before


@pytest.mark.ci
def test_a_baseline_learns_from_nothing_that_may_not_be_trained_on_any_more(workshop, untested):
    data = workshop.repo.resolve("acme/lent")
    workshop.permit(data, "evaluate")
    before = size(workshop)
    # Whoever permitted the training data is believed about the test set alone by now.
    (me, *_) = workshop.trust.issuers
    narrow = replace(workshop.trust, issuers=(replace(me, names=("datasets/acme/lent",)),))
    with pytest.raises(
        PolicyError, match=r"acme/tiny\.train .* may not be used to train"
    ) as caught:
        workshop.evaluate("checkpoints/acme/untested", "acme/lent", trust=narrow)
    assert caught.value.kind == "rights-missing"
    assert size(workshop) == before
    assert workshop.evaluate("checkpoints/acme/untested", "acme/lent").body["count"] == 1


def test_no_right_no_run(workshop):
    workshop.put_dataset("datasets/acme/unpermitted", [("a.txt", b"text", {"family": "mit"})])
    before = size(workshop)
    for ref in ("acme/unpermitted",):
        with pytest.raises(PolicyError) as caught:
            workshop.train(workshop.tiny.replace("acme/tiny.train", ref))
        assert caught.value.kind == "rights-missing"
    with pytest.raises(PolicyError):
        workshop.train(workshop.tiny.replace('purpose = "train"', 'purpose = "redistribute"'))
    assert size(workshop) == before
    # ATTACK: what may be measured with is trained on, under the purpose that it may be used for.
    measured = workshop.put_dataset(
        "datasets/acme/measured", [("a.txt", b"text", {"family": "mit"})]
    )
    workshop.permit(measured, "evaluate", "research")
    before = size(workshop)
    for purpose in ("evaluate", "research"):
        config = workshop.tiny.replace("acme/tiny.train", "acme/measured")
        with pytest.raises(PolicyError, match="train is not permitted"):
            workshop.train(config.replace('purpose = "train"', f'purpose = "{purpose}"'))
    assert size(workshop) == before
    assert not workshop.leftovers
