"""The check ``rules`` finds uses that the rules in force did not permit, each with its reason."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.json import encode, parse
from lyrikstore.governance.decide import decide_use
from lyrikstore.governance.packs import add_rules
from lyrikstore.governance.waive import waive_rule
from lyrikstore.history.commit.policy_change import revoked, rotated, with_approvers
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.rules import engine
from lyrikstore.testing.keys import signer_for
from tests.kinds import refused
from tests.verify.facts.test_models import ModelBench
from tests.verify.rules.stage import OFFICER, OWNER, TRAINER, RulesStage, found

HEALTH = {"classification": {"phi": "present"}, "agreements": "baa"}
NO_X = """
id = "own-x"
effect = "forbid"
about = "No data with the agreement x."
remedy = "use other data"
waivable = true
cedar = '''forbid (principal, action, resource is Lyrik::Dataset)
when { resource.agreements.contains("x") };'''
"""

EVALUATED = """
id = "own-evaluated"
effect = "forbid"
about = "An approved model was evaluated."
remedy = "evaluate it"
cedar = '''forbid (principal, action == Lyrik::Action::"approve", resource)
unless { resource.evaluated == "yes" };'''
"""


@pytest.fixture
def stage(tmp_path: Path) -> RulesStage:
    return RulesStage(tmp_path)


@pytest.fixture
def ruled(stage: RulesStage) -> RulesStage:
    """A store whose namespace has rules."""
    stage.add("core")
    return stage


def permitted(stage: RulesStage, name: str = "notes", **others: Any) -> Any:
    data = stage.dataset(name, **others)
    stage.permit(data)
    return data


def test_without_rules_nothing_is_decided(stage: RulesStage) -> None:
    run = stage.train(permitted(stage))
    assert run.inputs_in("decision") == ()
    assert found(stage.check(run)) == ("n/a", None)


def test_a_permitted_run_has_its_decision_before_it(ruled: RulesStage) -> None:
    run = ruled.train(permitted(ruled))
    decision = ruled.decision_of(run)
    index = ruled.repository.index_of(run.id)
    assert ruled.repository.index_of(decision.id) == index - 1
    assert decision.body["answer"] == "permit"
    check = ruled.check(run)
    assert found(check) == ("pass", None)
    assert check.detail["decisions"] == 1


def test_a_run_that_no_rule_was_asked_about(ruled: RulesStage) -> None:
    """ATTACK A169."""
    run = ruled.force(permitted(ruled))
    assert found(ruled.check(run)) == ("fail", "no-decision")


def test_a_run_of_before_the_rules_has_no_decision(stage: RulesStage) -> None:
    run = stage.train(permitted(stage))
    stage.add("core")
    assert found(stage.check(run)) == ("n/a", None)


def test_the_rules_of_the_data_bind_under_another_name(ruled: RulesStage) -> None:
    """ATTACK A174: data of a namespace with rules is used under the name of another one."""
    notes = ruled.dataset()
    other = ruled.dataset("elsewhere/notes", notes)
    name = "runs/elsewhere/first"
    with refused("rules-denied"):
        ruled.train(other, name=name)
    run = ruled.force(other, name=name)
    assert found(ruled.check(run)) == ("fail", "no-decision")
    assert found(ruled.check(ruled.force(ruled.dataset("free/notes"), name=name))) == ("n/a", None)


def test_a_forged_fact_in_a_signed_request(ruled: RulesStage) -> None:
    """ATTACK A171: the request says of the data what nobody has signed."""
    data = permitted(ruled)
    decided = decide_use(ruled.context(), ruled.use(data))
    assert decided is not None
    document: Any = parse(decided.question.data)
    document["resources"][0]["facts"]["classification"]["health"] = "absent"
    question = replace(decided.question, data=encode(document))
    run = ruled.force(data, decided=replace(decided, question=question))
    assert found(ruled.check(run)) == ("warn", "other-facts")  # permitted by the true ones, too


def test_a_denied_run_with_a_forged_answer(ruled: RulesStage) -> None:
    data = ruled.dataset()  # nobody permits anything
    run = ruled.force(data, decided=ruled.forged(data))
    assert found(ruled.check(run)) == ("fail", "denied")


def test_a_decision_for_another_purpose(ruled: RulesStage) -> None:
    """ATTACK A172: a run cites a decision about something else."""
    data, other = permitted(ruled), permitted(ruled, "other")
    first = ruled.decision_of(ruled.train(data))
    purpose = ruled.force(data, cited=first, purpose="internalOperations")
    assert found(ruled.check(purpose)) == ("fail", "other-use")
    assert found(ruled.check(ruled.force(other, cited=first))) == ("fail", "other-use")
    assert found(ruled.check(ruled.force(data, cited=first, signer=OWNER))) == ("fail", "other-key")


def test_a_decision_of_before_a_revocation_is_cited_later(ruled: RulesStage) -> None:
    """ATTACK A175: what a decision read of the log is not so any more."""
    ruled.add("health")
    notes = ruled.dataset(described={"classification": {"phi": "present"}})
    clean = ruled.scanned(notes, 0)
    ruled.permit(notes)
    status = ruled.attest(clean)
    run = ruled.train(clean)
    assert found(ruled.check(run)) == ("pass", None)
    ruled.say(status, revoked=True)
    assert found(ruled.check(run)) == ("warn", "refused-today")
    with refused("rules-denied"):
        ruled.train(clean)
    later = ruled.force(clean, cited=ruled.decision_of(run))
    assert found(ruled.check(later)) == ("fail", "denied")


def test_rules_that_were_replaced(ruled: RulesStage) -> None:
    """ATTACK A170: a decision by rules that were replaced, which permit what the new ones deny."""
    data = permitted(ruled, described={"agreements": "x"})
    before = decide_use(ruled.context(), ruled.use(data))
    harmless = permitted(ruled, "other")
    fine = decide_use(ruled.context(), ruled.use(harmless, name="runs/acme/other"))
    ruled.add(ruled.pack(NO_X))
    run = ruled.force(data, decided=before)
    assert found(ruled.check(run)) == ("fail", "other-rules")
    other = ruled.force(harmless, decided=fine, name="runs/acme/other")
    assert found(ruled.check(other)) == ("warn", "other-rules")


def test_a_new_version_of_a_pack_refuses_today(ruled: RulesStage) -> None:
    ruled.add(ruled.pack())
    run = ruled.train(permitted(ruled, described={"agreements": "x"}))
    assert found(ruled.check(run)) == ("pass", None)
    ruled.add(ruled.pack(NO_X, version="2"))
    assert found(ruled.check(run)) == ("warn", "refused-today")
    ruled.add(ruled.pack(version="3"))
    assert found(ruled.check(run)) == ("pass", None)


def test_without_the_engine_nothing_is_decided(
    ruled: RulesStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = permitted(ruled)
    run = ruled.train(data)
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    assert found(ruled.check(run)) == ("unchecked", "no-engine")
    with refused("missing-extra"):
        ruled.train(data)


def test_a_waived_rule_is_shown(ruled: RulesStage) -> None:
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": "x"})
    with refused("rules-denied"):
        ruled.train(data)
    waiver = ruled.waive("own-x", data)
    run = ruled.train(data)
    decision = ruled.decision_of(run)
    assert decision.body["answer"] == "permit-by-waiver"
    assert [one.id for one in decision.inputs_in("waiver")] == [waiver.id]
    check = ruled.check(run)
    assert found(check) == ("warn", "waived")
    assert check.detail["waivers"] == [str(waiver.id)]


def test_an_expired_waiver_lifts_nothing(ruled: RulesStage) -> None:
    """ATTACK A173: a run rests on a waiver whose last day is over."""
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": "x"})
    ruled.waive("own-x", data, days=30)
    run = ruled.train(data)
    old = decide_use(ruled.context(), ruled.use(data))
    ruled.clock.advance(days=31)
    ruled.dataset("later")  # so that the log has the date
    with refused("rules-denied"):
        ruled.train(data)
    forged = ruled.force(data, decided=old)
    assert found(ruled.check(forged)) == ("fail", "denied")
    assert found(ruled.check(run)) == ("warn", "refused-today")


def test_a_waiver_that_is_signed_again_with_a_past_day_ends(ruled: RulesStage) -> None:
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": "x"})
    ruled.waive("own-x", data)
    ruled.train(data)
    ruled.waive("own-x", data, days=-1)
    with refused("rules-denied"):
        ruled.train(data)


def test_who_trains_does_not_waive(ruled: RulesStage) -> None:
    """ATTACK A167: who trains lifts the rule that stands in the way."""
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": "x"})
    ruled.waive("own-x", data)
    officer = ruled.context(OFFICER)
    decided = decide_use(officer, ruled.use(data))
    assert decided is not None
    assert decided.answer == "deny"


def test_a_waived_id_that_another_rule_gets(ruled: RulesStage) -> None:
    """ATTACK A168: a new version of the pack gives another rule the id that was waived."""
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": ["x", "y"]})
    ruled.waive("own-x", data)
    ruled.train(data)
    ruled.add(ruled.pack(NO_X, version="2"))  # the same rule
    run = ruled.train(data)
    ruled.add(ruled.pack(NO_X.replace('"x")', '"y")'), version="3"))
    with refused("rules-denied"):
        ruled.train(data)
    assert "refused today" in str(ruled.check(run).detail["problems"])


def test_a_decision_names_the_waivers_that_lift(ruled: RulesStage) -> None:
    ruled.add(ruled.pack(NO_X))
    data = permitted(ruled, described={"agreements": "x"})
    ruled.waive("own-x", data)
    decided = decide_use(ruled.context(), ruled.use(data))
    assert decided is not None
    hidden = replace(decided, answers=tuple(replace(a, lifted=()) for a in decided.answers))
    run = ruled.force(data, decided=hidden)
    assert found(ruled.check(run)) == ("fail", "other-waivers")


def test_a_waiver_of_no_rule_is_found_by_itself(ruled: RulesStage) -> None:
    data = ruled.dataset()
    core = ruled.repository.refs["rules/acme/core"].id
    for number, (rule, state) in enumerate(
        [("core-output-terms", "n/a"), ("core-rights", "fail"), ("core-other", "fail")]
    ):
        body = {"rule": rule, "until": "2027-01-01", "reason": "checked", "liable": "the head"}
        inputs = [Input("rules", "rules", core), Input("dataset", "dataset", data.id)]
        name = f"waivers/acme/{number}"
        waiver = ruled.sign("waiver", name, OFFICER, body=body, inputs=inputs)
        ruled.log(waiver)
        assert found(ruled.check(waiver))[0] == state, rule


def test_a_pack_that_its_manifest_does_not_state(ruled: RulesStage) -> None:
    core = ruled.repository.manifest(ruled.repository.refs["rules/acme/core"].id)
    for name, body in (("core", {"ruleCount": 1}), ("other", {})):
        stated = {**core.body, **body}
        made = ruled.sign("rules", f"rules/acme/{name}", body=stated, attachments=core.attachments)
        ruled.log(made)
        assert found(ruled.check(made)) == ("fail", "problems")
        with refused("bad-rules"):
            ruled.train(permitted(ruled, f"notes-{name}"))


def test_a_decision_that_does_not_follow_from_its_request(ruled: RulesStage) -> None:
    decided = ruled.forged(ruled.dataset())
    run = ruled.force(ruled.dataset("other"), decided=decided)
    assert found(ruled.check(ruled.decision_of(run))) == ("fail", "other-facts")


def test_an_approval_is_decided_as_of_its_own_index(tmp_path: Path) -> None:
    bench = ModelBench(tmp_path)
    bench.stage.change(with_approvers([OFFICER.did]))
    bench.stage.add(bench.stage.pack(EVALUATED))
    early = bench.approve(bench.card())
    assert found(bench.stage.check(early)) == ("fail", "denied")
    bench.evaluate()
    later = bench.approve(bench.card(b"[]"))
    assert found(bench.stage.check(later)) == ("pass", None)
    assert found(bench.stage.check(early)) == ("fail", "denied")
    none = bench.approve(bench.card(), decision="withdraw")
    assert found(bench.stage.check(none)) == ("n/a", None)


def test_an_evaluation_of_undecided_test_data(tmp_path: Path) -> None:
    bench = ModelBench(tmp_path)
    bench.stage.add("core")
    assert found(bench.stage.check(bench.evaluate())) == ("fail", "no-decision")


def test_rules_that_a_writer_replaces(ruled: RulesStage) -> None:
    """ATTACK A176: who may sign every kind switches the rules off, trains, and puts them back."""
    current = ruled.repository.resolve("rules/acme/core")
    body = {**current.body, "ruleCount": 0}
    empty = ruled.sign("rules", current.name, TRAINER, body=body, attachments=current.attachments)
    ruled.log(empty)
    run = ruled.force(ruled.dataset())
    assert found(ruled.check(run)) == ("fail", "no-decision")
    with refused("unauthorised"):
        add_rules(ruled.context(TRAINER), "legal", "acme")


def test_a_waiver_of_another_namespace(ruled: RulesStage) -> None:
    """ATTACK A178: the rule of one namespace, lifted by a waiver of another that has it, too."""
    pack = ruled.pack(NO_X)
    ruled.add(pack)
    ruled.add(pack, "free")
    data = permitted(ruled, described={"agreements": "x"})
    context = ruled.context(OFFICER)
    until = (ruled.clock() + timedelta(days=30)).date()
    words: dict[str, Any] = {"until": until, "reason": "checked", "liable": "the head"}
    waive_rule(context, "own-x", str(data.id), namespace="free", **words)
    use = replace(ruled.use(data), namespace="free")
    decided = decide_use(ruled.context(), use)
    assert decided is not None
    assert decided.answer == "deny"
    waive_rule(context, "own-x", str(data.id), **words)
    decided = decide_use(ruled.context(), use)
    assert decided is not None
    assert decided.answer == "permit-by-waiver"


def test_rules_that_cannot_be_read_today_change_no_decision_of_before(ruled: RulesStage) -> None:
    run = ruled.train(permitted(ruled))
    current = ruled.repository.resolve("rules/acme/core")
    body = {**current.body, "packVersion": "9"}
    ruled.log(ruled.sign("rules", current.name, body=body, attachments=current.attachments))
    assert found(ruled.check(run)) == ("warn", "refused-today")


def test_keys_that_change_after_a_decision_change_nothing_of_it(ruled: RulesStage) -> None:
    run = ruled.train(permitted(ruled))
    ruled.change(rotated(OWNER.did, signer_for("owner-next").did))
    assert found(ruled.check(run)) == ("pass", None)


def test_rules_by_a_key_that_was_compromised_then_bind_nothing(ruled: RulesStage) -> None:
    run = ruled.train(permitted(ruled))
    index = ruled.repository.index_of(ruled.repository.resolve("rules/acme/core").id)
    ruled.change(revoked(OWNER.did, index, signer_for("owner-next").did))
    check = ruled.check(run)
    assert found(check)[0] in {"warn", "fail"}, check
