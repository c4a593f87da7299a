"""What terms said at an earlier moment: by the log of that moment, not by what came later."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from lyrikstore.credentials.terms.model import Answer, Use
from lyrikstore.curate.terms.combined import mix
from lyrikstore.curate.terms.past_repository import PastRepository
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.commit.policy_change import change_policy, revoked
from tests.verify.rights.stage import DAY, OTHER, TRAINER, Scene, Stage


def answer(stage: Stage, at: datetime, log_of: datetime | None = None) -> Answer:
    """Return what may be done at a moment, by the log of that moment or by all of it."""
    log = stage.repository if log_of is None else PastRepository(stage.repository, log_of)
    asker = Asker(stage.trust, at, TRAINER.did)
    sources = sources_of_datasets(log, [stage.publisher.manifest], asker)
    ruling = mix(sources, Use(("train",), at, seats=2)).ruling
    assert ruling is not None
    return ruling[0]


@pytest.mark.parametrize("by_grant", [False, True])
@pytest.mark.parametrize("issuer", ["known", "foreign"])
def test_what_takes_it_back_later_is_not_there_yet(
    world: SimpleNamespace, tmp_path: Path, issuer: str, by_grant: bool
) -> None:
    """Lists of other organisations raise no floor: these are later by their own date."""
    stage = Stage(world, Scene(status="clear", issuer=issuer, by_grant=by_grant), tmp_path)
    stage.trust = world.trusting(world.OWNER.did, OTHER.did)
    ((entry, _),) = stage.entries
    stage.log(stage.status_list(entry, stage.now + 2 * DAY, value=True))
    for at, expected in ((DAY, "permitted"), (2 * DAY, ""), (3 * DAY, "")):
        moment = stage.now + at
        assert (answer(stage, moment, moment) == Answer.PERMITTED) == (expected == "permitted")
        assert answer(stage, moment) != Answer.PERMITTED  # the log knows by now


def test_what_stands_behind_a_later_date_is_later_whatever_it_claims(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    """ATTACK A112: a credential is dated back, so that it seems to have been there."""
    stage = Stage(world, Scene(logged="after", status="clear"), tmp_path)
    run = stage.force(created=stage.now + 2 * DAY)  # by whoever keeps the log
    late = [one for one in stage.late if one == stage.credential]
    assert late
    assert stage.repository.index_of(run.id) < len(stage.repository.entries()) - len(late)
    moment = stage.now + DAY
    assert answer(stage, moment, moment) == Answer.UNKNOWN
    assert answer(stage, moment) == Answer.PERMITTED
    assert answer(stage, moment, moment + DAY) == Answer.PERMITTED


def test_policies_and_grants_are_those_of_that_moment(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    stage = Stage(world, Scene(by_grant=True), tmp_path)
    change_policy(  # by the very key that it revokes, so that its date raises no floor
        stage.repository,
        revoked(world.OWNER.did, 4, OTHER.did),
        signer=world.OWNER,
        clock=lambda: stage.now + 2 * DAY,
    )
    stage.repository.refresh()
    assert answer(stage, stage.now + DAY, stage.now + DAY) == Answer.PERMITTED
    assert answer(stage, stage.now + DAY) != Answer.PERMITTED
    then = PastRepository(stage.repository, stage.now + DAY)
    assert then.policy.suspects == {}
    # Before the store was, nothing was permitted; what it is called is known all the same.
    before = PastRepository(stage.repository, stage.now - DAY)
    assert [one.index for one in before.entries()] == [0]
    assert answer(stage, stage.now - DAY, stage.now - DAY) == Answer.UNKNOWN
    assert before.manifest(stage.publisher.manifest.id) == stage.publisher.manifest


def test_a_misdated_entry_is_where_it_stands(world: SimpleNamespace, tmp_path: Path) -> None:
    """Its date is no date: neither does it hide what follows, nor is it later than its place."""
    stage = Stage(world, Scene(status="clear"), tmp_path)
    run = stage.force(created=stage.now + 300 * DAY)
    moment = stage.now + timedelta(hours=1)
    later = stage.run_again(run)  # behind the wrong date
    ids = [one.id for one in PastRepository(stage.repository, moment).entries()]
    assert (run.id in ids, later.id in ids) == (False, False)
    index = stage.repository.index_of(run.id)
    floors = stage.repository.floors()
    assert floors.size_at(moment) == index
    assert floors.size_at(stage.now + 301 * DAY) is None
