"""Rights that have ended since they were used: said, unless something gives them now."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.history.commit.policy_change import with_writer
from lyrikstore.verify.report import Check
from lyrikstore.verify.rights.recorded import reasons_of
from lyrikstore.verify.rights.sources import check_sources
from tests.lineages import lineage_of
from tests.verify.rights.stage import DAY, OTHER, Scene, Stage


def said(check: Check) -> tuple[str, Any]:
    return str(check.state), check.detail.get("reason")


@pytest.mark.parametrize("by_grant", [False, True])
@pytest.mark.parametrize("limited", [False, True])
def test_a_right_that_ended_is_said_afterwards(
    world: SimpleNamespace, tmp_path: Path, *, by_grant: bool, limited: bool
) -> None:
    """ATTACK A117: a licence has run out, or its period of use, and the model goes on."""
    stage = Stage(world, Scene(by_grant=by_grant, limited=limited), tmp_path)
    run, end = stage.force(), stage.now + (5 if limited else 9) * DAY
    check = stage.verify(run, at=end)
    assert said(check) == ("pass", None), check
    assert check.detail["until"] == format_timestamp(end)
    assert check.detail["deleteOnExpiry"] is limited
    check = stage.verify(run, at=end + DAY)
    assert said(check) == ("warn", "ended-later"), check
    assert format_timestamp(end) in check.summary
    assert ("deleted" in check.summary) == limited


@pytest.mark.parametrize(("by", "renewed"), [(None, True), (OTHER, False)])
def test_what_gives_the_right_now_ends_it_for_nobody(
    world: SimpleNamespace, tmp_path: Path, by: Any, *, renewed: bool
) -> None:
    """ATTACK A117: by a key of their own, whoever used the data renews the right to it."""
    stage = Stage(world, Scene(), tmp_path)
    run = stage.force()
    renewal = stage.renew(by)
    check = stage.verify(run, at=stage.now + 30 * DAY)
    assert said(check) == (("pass", None) if renewed else ("warn", "ended-later")), check
    if renewed:
        assert check.detail["until"] == format_timestamp(stage.now + 900 * DAY)
        assert check.detail["renewedBy"] == [str(Digest.of(renewal))]
        assert said(stage.verify(run, at=stage.now + 901 * DAY)) == ("warn", "ended-later")


def test_a_renewal_by_the_same_key_counts_for_who_knows_nobody(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    stage = Stage(world, Scene(issuer="unknown"), tmp_path)
    run = stage.force()
    assert said(stage.verify(run, at=stage.now + 30 * DAY)) == ("warn", "ended-later")
    stage.renew()
    check = stage.verify(run, at=stage.now + 30 * DAY)
    assert (said(check), reasons_of(check)) == (("warn", "unknown-issuer"), {"unknown-issuer"})


def test_a_clock_set_back_does_not_hide_the_end(world: SimpleNamespace, tmp_path: Path) -> None:
    stage = Stage(world, Scene(), tmp_path)
    run, then = stage.force(), stage.now
    stage.now = then + 30 * DAY
    stage._change(with_writer(OTHER.did, None))
    assert stage.repository.floor() > then + 9 * DAY
    assert said(stage.verify(run, at=then)) == ("warn", "ended-later")


@pytest.mark.parametrize("renewed", [False, True])
def test_a_model_whose_rights_ended_is_not_trained_on_from(
    world: SimpleNamespace, tmp_path: Path, *, renewed: bool
) -> None:
    stage = Stage(world, Scene(), tmp_path, through="base")
    if renewed:
        stage.renew()
    run, later = stage.force(), stage.now + 30 * DAY
    assert stage.guard(later)[0] == ("" if renewed else "expired")
    check = stage.verify(run, at=later)
    assert said(check) == (("pass", None) if renewed else ("warn", "ended-later")), check


def sources(stage: Stage, at: Any) -> Check:
    manifest = stage.publisher.manifest
    return check_sources(stage.repository, manifest, lineage_of(manifest), trust=stage.trust, at=at)


def test_data_that_has_to_be_deleted_is_named(world: SimpleNamespace, tmp_path: Path) -> None:
    """ATTACK A118: terms that require deletion have ended, and nobody says so."""
    stage = Stage(world, Scene(limited=True), tmp_path)
    assert str(sources(stage, stage.now + 5 * DAY).state) == "n/a"
    check = sources(stage, stage.now + 6 * DAY)
    assert said(check) == ("warn", "not-deleted"), check
    (due,) = check.detail["due"]
    assert due == {
        "dataset": str(stage.publisher.manifest.id),
        "by": format_timestamp(stage.now + 5 * DAY),
        "here": [stage.publisher.manifest.name],
    }
    stage.renew(OTHER)
    assert said(sources(stage, stage.now + 6 * DAY)) == ("warn", "not-deleted")
    stage.renew()
    assert str(sources(stage, stage.now + 6 * DAY).state) == "n/a"
