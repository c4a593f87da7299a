"""Rules, waivers and uses that are refused before anything is signed, each by its kind."""

from pathlib import Path
from time import monotonic

import pytest

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.governance import preview
from lyrikstore.governance.decide import decide_use
from lyrikstore.governance.preview import check_use, diff_rules, foresee_denial
from lyrikstore.history.commit.policy_change import rotated
from lyrikstore.testing.keys import signer_for
from tests.kinds import refused
from tests.verify.rules.stage import OFFICER, OWNER, TRAINER, RulesStage
from tests.verify.rules.test_check import NO_X

WRONG = """
[[case]]
name = "the agreement x"
action = "train"
facts = { agreements = ["x"] }
answer = "permit"
"""


@pytest.fixture
def stage(tmp_path: Path) -> RulesStage:
    return RulesStage(tmp_path)


def test_a_pack_with_a_wrong_case_is_not_signed(stage: RulesStage) -> None:
    before = len(stage.repository.entries())
    pack = Path(stage.pack(NO_X))
    pack.write_text(pack.read_text("utf-8") + WRONG, "utf-8")
    with refused("wrong-case"):
        stage.add(str(pack))
    with refused("bad-rules"):
        stage.add(stage.pack(NO_X.replace("agreements", "agrements"), version="2"))
    assert len(stage.repository.entries()) == before


def test_core_is_added_with_the_first_pack(stage: RulesStage) -> None:
    made = stage.add(stage.pack(NO_X))
    assert [one.name for one in made.manifests] == ["rules/acme/core", "rules/acme/own"]
    again = stage.add(stage.pack(NO_X, version="2"))
    assert [one.name for one in again.manifests] == ["rules/acme/own"]
    assert again.manifests[0].parents == (made.manifests[1].id,)


def test_two_packs_have_no_different_rules_of_one_id(stage: RulesStage) -> None:
    stage.add(stage.pack(NO_X))
    stage.add(stage.pack(NO_X, name="same"))
    with refused("rule-twice"):
        stage.add(stage.pack(NO_X.replace('"x")', '"y")'), name="other"))


def test_a_denied_use_signs_nothing(stage: RulesStage) -> None:
    stage.add("core")
    notes = stage.dataset()
    before = len(stage.repository.entries())
    with refused("rules-denied") as error:
        stage.train(notes)
    assert len(stage.repository.entries()) == before
    (one, two) = error.value.details["denied"]
    assert (one["rule"], two["rule"]) == ("core-purpose", "core-rights")
    assert one["remedy"]
    assert one["evidence"] == [str(notes.id)]


def test_only_rules_in_force_are_waived(stage: RulesStage) -> None:
    notes = stage.dataset()
    with refused("unknown-rule"):
        stage.waive("core-rights", notes)
    stage.add(stage.pack(NO_X))
    with refused("unknown-rule"):
        stage.waive("own-y", notes)
    with refused("not-waivable"):
        stage.waive("core-rights", notes)
    with refused("wrong-object"):
        stage.waive("own-x", stage.force(notes))


def test_only_a_key_of_a_role_that_names_waivers_waives(stage: RulesStage) -> None:
    """The roles of owner and writer have ``*``, which does not name the kind."""
    stage.add(stage.pack(NO_X))
    notes = stage.dataset()
    for signer in (OWNER, TRAINER):
        with refused("not-waiver"):
            stage.waive("own-x", notes, signer)
    assert stage.waive("own-x", notes).author == OFFICER.did


def test_a_waiver_does_not_lift_for_who_succeeds_its_key(stage: RulesStage) -> None:
    stage.add(stage.pack(NO_X))
    notes = stage.dataset(described={"agreements": "x"})
    stage.permit(notes)
    stage.waive("own-x", notes)
    stage.train(notes)
    stage.change(rotated(TRAINER.did, signer_for("another").did))
    # From now on the trainer works with the key of the officer.
    stage.change(rotated(OFFICER.did, signer_for("successor").did))
    successor = check_use(stage.context(signer_for("successor")), str(notes.id))
    assert successor.answer == "deny"
    other = check_use(stage.context(signer_for("another")), str(notes.id))
    assert other.answer == "permit-by-waiver"


def test_a_preview_signs_nothing(stage: RulesStage) -> None:
    notes = stage.dataset()
    filtered = stage.dataset("filtered", notes)
    context = stage.context()
    before = len(stage.repository.entries())
    with refused("no-rules"):
        check_use(context, str(notes.id))
    assert check_use(context, str(notes.id), packs=["core"]).answer == "deny"
    assert check_use(context, str(notes.id), packs=[stage.pack()]).answer == "deny"
    with refused("wrong-object"):
        check_use(context, "filters/acme/filtered", packs=["core"])
    assert check_use(context, str(filtered.id), packs=["core"]).use.data == (filtered.id,)
    assert len(stage.repository.entries()) == before


def test_a_denial_is_foreseen_and_refuses_nothing(
    stage: RulesStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = stage.dataset()
    parts = [stage.dataset(f"split.{part}", notes) for part in ("train", "test")]
    assert foresee_denial(stage.context(), parts, "train") is None  # no rules
    stage.add("core")
    denied = foresee_denial(stage.context(), parts, "train")
    assert denied is not None
    assert (denied.rules, denied.unchecked) == (("core-purpose", "core-rights"), "")
    issued = foresee_denial(stage.context(), parts, "issue")
    assert issued is not None
    assert issued.rules == ("core-rights",)
    stage.permit(notes)
    for action in ("train", "issue"):
        assert foresee_denial(stage.context(), parts, action) is None

    def no_engine(*_: object) -> None:
        raise InvalidInputError("missing-extra", "the extra rules is not installed")

    monkeypatch.setattr(preview, "decide_use", no_engine)
    unknown = foresee_denial(stage.context(), parts, "train")
    assert unknown is not None
    assert (unknown.rules, unknown.unchecked) == ((), "the extra rules is not installed")


def test_a_comparison_of_packs_names_what_changes(stage: RulesStage) -> None:
    stage.add(stage.pack())
    data = stage.dataset(described={"agreements": "x"})
    stage.permit(data)
    run = stage.train(data)
    changes, count = diff_rules(stage.context(), "rules/acme/own", stage.pack(NO_X, version="2"))
    assert count == 1
    (change,) = changes
    assert (change.name, change.before.answer, change.after.answer) == (run.name, "permit", "deny")
    assert change.after.forbidding == ("own-x",)


def test_a_thousand_partitions_are_decided_within_seconds(stage: RulesStage) -> None:
    stage.add("core")
    data = []
    for part in range(4):
        paths = [f"f{number:03}.txt" for number in range(250)]
        data.append(stage.dataset(f"notes{part}", paths=paths, records=250))
        parted = [
            Partition(path[:4], select=(Selector(path=path),), permits=("train",))
            for path in paths[1:]
        ]
        stage.permit(data[-1], Terms((*parted, Partition("rest", permits=("train",)))))
    times = []
    for _ in range(3):
        begun = monotonic()
        decided = decide_use(stage.context(), stage.use(*data))
        times.append(monotonic() - begun)
    assert decided is not None
    assert (len(decided.answers), decided.answer) == (1000, "permit")
    assert min(times) < 2
