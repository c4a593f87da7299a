"""The data of a base model: what cannot be followed, what deploying and training on ask."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import NotFoundError, PolicyError, VerificationError
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.deploy.deploy import verified
from lyrikstore.history.repository.refs import Flagged
from lyrikstore.train.permitted import check_stages
from lyrikstore.verify.rights.recorded import check_rights as rights_of_runs
from lyrikstore.verify.rights.recorded import reasons_of
from tests.contexts import context_of
from tests.lineages import lineage_of
from tests.verify.rights.models import log_model
from tests.verify.rights.stage import TRAINER, Scene, Stage


@pytest.mark.parametrize(("permits", "kind"), [(True, "not-verified"), (False, "rights-missing")])
def test_a_model_whose_base_data_did_not_permit_it_is_not_deployed(
    world: SimpleNamespace, tmp_path: Path, *, permits: bool, kind: str
) -> None:
    """Of a run that recorded less; where the data did permit it, other checks go on."""
    stage = Stage(world, Scene(permits=permits), tmp_path, through="base")
    run = stage.force(recorded=False)
    model = log_model(stage.repository, run, stage.used[0], TRAINER, "classifier")
    with pytest.raises((PolicyError, VerificationError)) as caught:
        verified(context_of(stage.repository, trust=stage.trust, clock=lambda: stage.now), model)
    assert caught.value.kind == kind
    # Training on from it is no matter of what was recorded: the guard asks as of now.
    context = context_of(stage.repository, trust=stage.trust, clock=lambda: stage.now)
    check_stages(context, lineage_of(), [], model, [])


@pytest.mark.parametrize("through", ["base", "generator"])
def test_what_cannot_be_followed_permits_nothing(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    """ATTACK A108: a clone lacks what a base model learned from, or which model wrote data."""
    stage = Stage(world, Scene(), tmp_path, through=through)
    run, gone = stage.force(), {stage.publisher.manifest.id}
    known = lineage_of(*(o for o in (*stage.used, *stage.before, run) if o.id not in gone))
    check = rights_of_runs(stage.repository, known, trust=stage.trust, at=stage.now)
    assert (check.state, check.detail["reason"]) == ("unchecked", "absent")
    reads = type(stage.repository).manifest

    def manifest(repository: Any, identity: Digest) -> Any:
        if identity in gone:
            raise NotFoundError("no-blob", "it is not here")
        return reads(repository, identity)

    monkeypatch.setattr(type(stage.repository), "manifest", manifest)
    with pytest.raises(NotFoundError):
        stage.guard()


def test_a_base_that_lost_its_effect_is_followed_still(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer's key was stolen: what rests on a base that it signed keeps its verdict."""
    stage = Stage(world, Scene(), tmp_path, through="base")
    source, first, model = stage.before
    known = lineage_of(stage.used[0], source, first, stage.force())
    check = rights_of_runs(stage.repository, known, trust=stage.trust, at=stage.now)
    assert (check.state, check.detail["reason"]) == ("unchecked", "absent")
    flagged = (Flagged(stage.repository.index_of(model.id), model.id, "suspect"),)
    monkeypatch.setattr(type(stage.repository), "flagged", property(lambda _: flagged))
    check = rights_of_runs(stage.repository, known, trust=stage.trust, at=stage.now)
    assert check.state == "pass", check


def test_what_cannot_be_checked_hides_nothing_that_is_not_permitted(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    """ATTACK: whoever deploys lets something be lost, so that rights are merely unchecked."""
    stage = Stage(world, Scene(permits=False), tmp_path, through="base")
    source, _, model = stage.before
    known = lineage_of(*stage.used, source, model, stage.force(recorded=False))
    check = rights_of_runs(stage.repository, known, trust=stage.trust, at=stage.now)
    assert (check.state, check.detail["reason"]) == ("unchecked", "absent")
    assert reasons_of(check) == {"absent", "base-not-permitted"}


@pytest.mark.parametrize("through", ["base", "generator"])
def test_terms_of_a_model_are_those_of_what_it_rests_on(
    world: SimpleNamespace, tmp_path: Path, through: str
) -> None:
    stage = Stage(world, Scene(permits=False), tmp_path, through=through)
    found = sources_of_datasets(stage.repository, stage.used, Asker(stage.trust, stage.now))
    assert [(one.name, one.through) for one in found] == [
        ("datasets/acme/own", ""),
        (stage.publisher.manifest.name, stage.model.name),
    ]
    answer, who = mix(found).answers["train"]
    assert (answer, who[0][0]) == ("not-stated", stage.publisher.manifest.name)
