"""One judge: what is refused before a use is refused after a forced one, for the same reason."""

import json
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.credentials.did.document import build_document
from lyrikstore.credentials.terms.model import Use
from lyrikstore.credentials.trust import PinnedDocument, Trust, TrustedIssuer
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import encode_multikey
from lyrikstore.curate.reading.datasets import StoredDatasets
from lyrikstore.curate.terms.sources import Asker, sources_of_datasets
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.report import CheckState, Verdict
from lyrikstore.verify.report_text import became_of_right, headline, meaning, rights_alone
from lyrikstore.verify.rights.required import check_rights
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import Readers
from lyrikstore_cli.report import to_believe
from tests.contexts import context_of
from tests.sweep import examples
from tests.verify.rights.stage import DAY, OTHER, TRAINER, Scene, Stage

CASES: list[tuple[Scene, str]] = [
    (Scene(), ""),
    (Scene(status="clear"), ""),
    (Scene(period="over"), "expired"),
    (Scene(period="to come"), "not-yet-valid"),
    (Scene(status="revocation"), "revoked"),
    (Scene(status="suspension"), "suspended"),
    (Scene(status="absent"), "no-list"),
    (Scene(status="stale"), "stale-list"),
    (Scene(permits=False), "not-stated"),
    (Scene(seats="many"), "prohibited"),
    (Scene(seats="unsaid"), "undeclared"),
    (Scene(about="other"), "other-dataset"),
    (Scene(logged="after"), "not-logged"),
    (Scene(key="stolen"), "compromised"),
    (Scene(issuer="unknown"), "unknown-issuer"),
    (Scene(by_grant=True), ""),
    (Scene(by_grant=True, status="clear"), ""),
    (Scene(by_grant=True, period="over"), "expired"),
    (Scene(by_grant=True, period="to come"), "not-yet-valid"),
    (Scene(by_grant=True, status="revocation"), "revoked"),
    (Scene(by_grant=True, status="absent"), "no-list"),
    (Scene(by_grant=True, permits=False), "not-stated"),
    (Scene(by_grant=True, seats="many"), "prohibited"),
    (Scene(by_grant=True, logged="after"), "not-logged"),
    (Scene(by_grant=True, key="stolen"), "compromised"),
    (Scene(by_grant=True, issuer="unknown"), "unknown-issuer"),
    (Scene(by_grant=True, about="other"), "other-dataset"),
    (Scene(by_grant=True, holder="other"), "other-holder"),
    (Scene(by_grant=True, holder="unpinned"), "no-document"),
    (Scene(by_grant=True, terms="replaced"), ""),
    (Scene(by_grant=True, terms="revoked"), "revoked"),
    (Scene(parts="alike"), ""),
    (Scene(parts="freer"), ""),
    (Scene(parts="forbidding"), "prohibited"),
    (Scene(by_grant=True, parts="alike"), ""),
    (Scene(by_grant=True, parts="freer"), ""),
    (Scene(by_grant=True, parts="freer", permits=False), "not-stated"),
    (Scene(by_grant=True, parts="freer", terms="replaced"), ""),
]

SCENES = st.builds(
    Scene,
    by_grant=st.booleans(),
    period=st.sampled_from(["fine", "fine", "over", "to come"]),
    status=st.sampled_from(["none", "clear", "revocation", "suspension", "absent", "stale"]),
    permits=st.sampled_from([True, True, False]),
    seats=st.sampled_from(["fine", "fine", "many", "unsaid"]),
    about=st.sampled_from(["this", "this", "other"]),
    logged=st.sampled_from(["before", "before", "after"]),
    key=st.sampled_from(["fine", "fine", "stolen"]),
    issuer=st.sampled_from(["known", "known", "unknown"]),
    holder=st.sampled_from(["user", "user", "other", "unpinned"]),
    terms=st.sampled_from(["fine", "fine", "replaced", "revoked"]),
    parts=st.sampled_from(["none", "none", "alike", "freer", "forbidding"]),
)


def compare(world: SimpleNamespace, scene: Scene) -> str:
    """Play the scene, hold the guard against the verifier, and return the reason they give."""
    with tempfile.TemporaryDirectory() as home:
        stage = Stage(world, scene, Path(home))
        before, right = stage.guard()
        check = stage.verify(stage.force())
        if right is not None:
            assert (check.state, check.detail.get("reason", "")) == ("pass", ""), check
            return ""
        assert check.state != "pass", (before, check)
        assert check.detail["reason"] == before
        # The one difference: whoever verifies may know nobody, whoever trains may not.
        assert (check.state == "warn") == (before == "unknown-issuer")
        return before


def compare_through(world: SimpleNamespace, scene: Scene, through: str) -> str:
    """Play the scene for what only a model leads to; return the reason of guard and verifier.

    Runs of earlier versions recorded nothing for it: the verifier tells whether they could have.
    """
    with tempfile.TemporaryDirectory() as home:
        stage = Stage(world, scene, Path(home), through=through)
        before, right = stage.guard()
        found = stage.verify(stage.force(recorded=False))
        expected = {"": "base-not-recorded", "unknown-issuer": "unknown-issuer"}
        reason = expected.get(before, "base-not-permitted")
        assert (found.state, found.detail["reason"]) == ("warn", reason), (before, found)
        assert stage.publisher.manifest.name in found.summary
        assert stage.model.name in found.summary
    with tempfile.TemporaryDirectory() as home:
        stage = Stage(world, scene, Path(home), through=through)
        found = stage.verify(stage.force())
        assert (found.state == "pass") == (right is not None), found
        assert found.detail.get("reason", "") == before
        return before


@pytest.mark.parametrize(("scene", "reason"), CASES)
def test_the_data_of_a_base_is_judged_as_ones_own(
    world: SimpleNamespace, scene: Scene, reason: str
) -> None:
    """ATTACK A106: the licence of data is washed off by a model that is trained on."""
    assert compare_through(world, scene, "base") == reason


@pytest.mark.parametrize(("scene", "reason"), [*CASES[:3], *CASES[8:9]])
def test_the_data_of_a_model_that_wrote_data_is_judged_as_ones_own(
    world: SimpleNamespace, scene: Scene, reason: str
) -> None:
    """ATTACK A107: the licence of data is washed off by what a model of it writes."""
    assert compare_through(world, scene, "generator") == reason


@pytest.mark.parametrize(("scene", "reason"), CASES)
def test_each_fault_has_its_reason(world: SimpleNamespace, scene: Scene, reason: str) -> None:
    assert compare(world, scene) == reason


def test_what_the_guard_refuses_the_verifier_refuses(world: SimpleNamespace) -> None:
    @given(scene=SCENES, through=st.sampled_from(["", "base", "generator"]))
    @settings(deadline=None, max_examples=examples(60))
    def agree(scene: Scene, through: str) -> None:
        if through:
            compare_through(world, scene, through)
        else:
            compare(world, scene)

    agree()


@pytest.mark.parametrize(("held", "reason"), [(TRAINER, ""), (OTHER, "other-holder")])
def test_a_name_of_a_key_is_not_the_key(
    world: SimpleNamespace, tmp_path: Path, held: Signer, reason: str
) -> None:
    """A document lists a key under the name of the user's: the user's own, or another."""
    stage = Stage(world, Scene(by_grant=True, holder="unpinned"), tmp_path)
    keys = {encode_multikey(TRAINER.public): encode_multikey(held.public)}
    document = json.dumps(build_document("did:web:buyer.example", keys)).encode()
    pinned = (PinnedDocument("did:web:buyer.example", document),)
    stage.trust = replace(stage.trust, documents=pinned)
    assert stage.guard()[0] == reason
    check = stage.verify(stage.force())
    assert (check.state, check.detail.get("reason", "")) == ("fail" if reason else "pass", reason)


@pytest.mark.parametrize("about", ["this", "other"])
def test_whoever_is_believed_for_another_name_grants_nothing_under_it(
    world: SimpleNamespace, tmp_path: Path, about: str
) -> None:
    """ATTACK A44: terms and a grant name the manifest and content, and a name of the attacker's."""
    stage = Stage(world, Scene(by_grant=True, about=about), tmp_path)
    name = {"this": stage.publisher.manifest.name, "other": "datasets/acme/freer"}[about]
    stage.trust = Trust((TrustedIssuer(world.OWNER.did, "Acme", names=(name,)),))
    assert stage.guard()[0] == ("" if about == "this" else "other-dataset")
    asker = Asker(stage.trust, stage.now, TRAINER.did)
    (source,) = sources_of_datasets(stage.repository, [stage.publisher.manifest], asker)
    assert len(source.grants) == (about == "this")


@pytest.mark.parametrize("by_grant", [False, True])
def test_a_right_says_what_gives_it_and_until_when(
    world: SimpleNamespace, tmp_path: Path, *, by_grant: bool
) -> None:
    stage = Stage(world, Scene(by_grant=by_grant), tmp_path)
    said: dict[str, Any] = {
        "dataset": str(stage.publisher.manifest.id),
        "credential": str(Digest.of(stage.credential)),
        "issuer": world.OWNER.did,
        "permits": ["evaluate", "train"] if by_grant else ["train"],
        "validUntil": format_timestamp(stage.now + 9 * DAY),
    }
    if stage.grant is not None:
        said["grant"] = str(Digest.of(stage.grant))
    assert stage.guard() == ("", said)
    right = stage.ruling().right
    assert right is not None
    assert right.name == stage.publisher.manifest.name
    del said["validUntil"]
    said["partitions"] = ["a", "b"]
    assert replace(right, valid_until=None, partitions=("a", "b")).to_json() == said


@pytest.mark.parametrize(
    ("by_grant", "parts", "permits"),
    [
        (False, "alike", ["train"]),
        (False, "freer", ["train"]),
        (True, "alike", ["evaluate", "train"]),
        (True, "freer", ["train", "evaluate"]),
    ],
)
def test_a_right_over_several_partitions_says_which_and_what_all_permit(
    world: SimpleNamespace, tmp_path: Path, by_grant: bool, parts: str, permits: list[str]
) -> None:
    """Each word once, as a run records it, whether terms or a grant or both say it."""
    stage = Stage(world, Scene(by_grant=by_grant, parts=parts), tmp_path)
    reason, right = stage.guard()
    assert right is not None, reason
    assert (right["permits"], right["partitions"]) == (permits, ["a", "rest"])
    assert ("grant" in right) == by_grant
    run = stage.force(right=right)  # which its schema takes
    assert stage.verify(run).state == "pass"


@pytest.mark.parametrize("by_grant", [False, True])
def test_what_may_not_be_used_at_all_is_neither_a_wrong_nor_a_right(
    world: SimpleNamespace, tmp_path: Path, *, by_grant: bool
) -> None:
    """Terms refuse all partitions; records that cannot be read would show which are used."""
    stage = Stage(world, Scene(by_grant=by_grant, permits=False), tmp_path)
    read, unread = stage.ruling(), stage.ruling("records cannot be read")
    assert read.fault is not None
    assert (read.fault.code, read.open, read.right) == ("not-stated", (), None)
    assert (unread.fault, unread.right, unread.issuer) == (None, None, world.OWNER.did)
    assert [one.code for one in unread.open] == ["absent"]
    assert unread.against is not None


def test_what_a_grant_to_the_user_lacks_says_most(world: SimpleNamespace, tmp_path: Path) -> None:
    for user, codes in ((TRAINER, ["expired", "not-stated"]), (None, ["not-stated"])):
        stage = Stage(world, Scene(by_grant=True, period="over"), tmp_path / str(len(codes)))
        use = Use(("train",), stage.now, **stage.use)
        with pytest.raises(PolicyError) as caught:
            check_rights(
                *(stage.repository, [stage.publisher.manifest], use),
                trust=stage.trust,
                user=None if user is None else user.did,
            )
        assert caught.value.kind == "rights-missing"
        (missing,) = caught.value.details["missing"]
        assert missing["code"] == codes[0]
        assert [one["code"] for one in missing["candidates"]] == codes


def test_a_grant_to_somebody_else_is_named_beside_the_reason(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    stage = Stage(world, Scene(by_grant=True, holder="other"), tmp_path)
    assert stage.grant is not None
    with pytest.raises(PolicyError) as caught:
        check_rights(
            *(stage.repository, [stage.publisher.manifest], Use(("train",), stage.now, seats=2)),
            trust=stage.trust,
            user=TRAINER.did,
        )
    (missing,) = caught.value.details["missing"]
    assert missing["code"] == "not-stated"
    assert f"grant {Digest.of(stage.grant).short} is here" in missing["reason"]


def test_in_one_log_the_order_decides_what_came_first(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    """Two honest clocks may be 300 seconds apart; a log has one order."""
    stage = Stage(world, Scene(status="clear"), tmp_path)
    ((entry, _),) = stage.entries
    run = stage.force()
    assert stage.verify(run).state == "pass"
    made = stage.now + timedelta(seconds=60)
    stage.log(stage.status_list(entry, made, value=True))
    check = stage.verify(run, at=stage.now + DAY)
    assert (check.state, check.detail["reason"]) == ("warn", "taken-back-later"), check
    assert f"log entry {len(stage.repository.entries()) - 2}" in check.summary
    later = stage.run_again(run)
    check = stage.verify(later, at=stage.now + DAY)
    assert (check.state, check.detail["reason"]) == ("fail", "revoked")


def test_what_was_revoked_before_is_so_by_whatever_clock(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    stage = Stage(world, Scene(status="clear"), tmp_path)
    ((entry, _),) = stage.entries
    stage.log(stage.status_list(entry, stage.now + timedelta(seconds=60), value=True))
    assert stage.guard()[0] == "revoked"
    check = stage.verify(stage.force(), at=stage.now + DAY)
    assert (check.state, check.detail["reason"]) == ("fail", "revoked")


@pytest.mark.parametrize("by_grant", [False, True])
def test_a_clock_set_back_brings_no_licence_back(
    world: SimpleNamespace, tmp_path: Path, *, by_grant: bool
) -> None:
    """ATTACK: a licence ran out yesterday; the clock says that it is the day before that."""
    stage = Stage(world, Scene(by_grant=by_grant, period="over"), tmp_path)
    before = stage.now - 2 * DAY
    assert stage.guard(before)[0] == "expired"
    check = stage.verify(stage.force(before), at=before)
    assert (check.state, check.detail["reason"]) == ("fail", "expired")


@pytest.mark.parametrize("by_grant", [False, True])
def test_a_revoked_right_is_not_called_an_unknown_key(
    world: SimpleNamespace, tmp_path: Path, *, by_grant: bool
) -> None:
    stage = Stage(world, Scene(by_grant=by_grant, status="clear"), tmp_path)
    ((entry, _),) = stage.entries
    run = stage.force()
    stage.log(stage.status_list(entry, stage.now + timedelta(hours=1), value=True))
    report = verify_object(
        context_of(stage.repository, trust=stage.trust, clock=lambda: stage.now + DAY),
        run.id,
        readers=Readers(datasets=StoredDatasets()),
    )
    assert (report.verdict, rights_alone(report)) == ("valid", report.check("rights"))
    assert became_of_right(rights_alone(report)) == "taken-back-later"
    assert "who signed" not in headline(report) + meaning(report)
    assert not any(TRAINER.did in step or "trust add" in step for step in to_believe(report))


def test_an_unknown_issuer_comes_with_a_hint_to_ask_who_that_is(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    stage = Stage(world, Scene(issuer="unknown"), tmp_path)
    report = verify_object(
        context_of(stage.repository, trust=stage.trust, clock=lambda: stage.now),
        stage.force().id,
        readers=Readers(datasets=StoredDatasets()),
    )
    assert report.verdict == "valid"
    assert became_of_right(rights_alone(report)) is None
    (step,) = to_believe(report)
    assert f"trust add {OTHER.did}" in step


@pytest.mark.parametrize("by_grant", [False, True])
def test_what_the_log_revoked_is_revoked_for_a_clock_set_back(
    world: SimpleNamespace, tmp_path: Path, by_grant: bool
) -> None:
    """Lists of another organisation raise no floor; that they stand before the run, counts."""
    stage = Stage(world, Scene(status="clear", issuer="foreign", by_grant=by_grant), tmp_path)
    stage.trust = world.trusting(world.OWNER.did, OTHER.did)
    ((entry, _),) = stage.entries
    assert stage.guard()[0] == ""
    stage.log(stage.status_list(entry, stage.now + 2 * DAY, value=True))
    assert stage.repository.floor() <= stage.now
    assert stage.guard(stage.now + 2 * DAY)[0] == stage.guard()[0] == "revoked"
    check = stage.verify(stage.force(), stage.now + 3 * DAY)
    assert (check.state, check.detail["reason"]) == (CheckState.FAIL, "revoked")
    # One of a time to come that lifts it again lifts nothing yet.
    stage.log(stage.status_list(entry, stage.now + 3 * DAY, value=False))
    stage.log(stage.status_list(entry, stage.now, value=True))
    assert stage.guard()[0] == "revoked"


def test_a_damaged_list_is_not_taken_for_none(world: SimpleNamespace, tmp_path: Path) -> None:
    stage = Stage(world, Scene(status="clear"), tmp_path)
    ((entry, _),) = stage.entries
    root = stage.repository.root
    before = set(root.rglob("*.pack"))
    stage.log(stage.status_list(entry, stage.now + timedelta(seconds=60), value=True))
    run = stage.force()
    (pack, *_) = sorted(
        (path for path in root.rglob("*.pack") if path not in before),
        key=lambda path: path.stat().st_mtime_ns,
    )
    data = bytearray(pack.read_bytes())
    data[40] ^= 255
    pack.chmod(0o600)
    pack.write_bytes(data)
    seen = Repository.open(root)
    report = verify_object(
        context_of(seen, trust=stage.trust, clock=lambda: stage.now + DAY), run.id
    )
    assert report.verdict in {Verdict.INVALID, Verdict.INCOMPLETE}
