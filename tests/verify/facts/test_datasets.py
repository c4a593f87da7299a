"""Each fact about a dataset follows from what a small store has signed and logged."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.credentials.model.status_entry import StatusEntry
from lyrikstore.credentials.terms.model import Partition, Selector, Terms
from lyrikstore.history.commit.policy_change import revoked, rotated, with_writer
from tests.verify.rights.models import log_model
from tests.verify.rules.stage import ATTESTER, LIST, OWNER, RulesStage


@pytest.fixture
def stage(tmp_path: Path) -> RulesStage:
    return RulesStage(tmp_path)


def facts_of(stage: RulesStage, *used: Any, **others: Any) -> dict[str, Any]:
    """Return the facts of the only partition."""
    (resource,) = stage.facts(*used, **others)
    return dict(resource.facts)


def test_nothing_is_known_of_data_of_which_nothing_is_stated(stage: RulesStage) -> None:
    notes = stage.dataset()
    assert facts_of(stage, notes) == {
        "licences": ["unknown"],
        "rights": "none",
        "issuers": [],
        "permits": [],
        "prohibits": [],
        "classification": dict.fromkeys(
            ("personal", "health", "financial", "privileged"), "not-evaluated"
        ),
        "classificationBasis": "unknown",
        "deidentification": "none",
        "deidentificationAttested": "no",
        "attesters": [],
        "agreements": [],
        "purposes": [],
        "synthetic": {"share": "unknown", "outputTerms": "not-applicable"},
        "labelsReviewed": "not-applicable",
        "residualPerMille": -1,
        "ageDays": 0,
    }


def test_rights_are_those_of_the_credential_in_force(stage: RulesStage) -> None:
    notes = stage.dataset(licence={"expression": "CC-BY-4.0 OR MIT"})
    before = len(stage.repository.entries())
    stage.permit(notes, ("evaluate", "train"))
    (resource,) = stage.facts(notes)
    facts = resource.facts
    assert (facts["rights"], facts["issuers"]) == ("in-force", [OWNER.did])
    assert (facts["permits"], facts["licences"]) == (["evaluate", "train"], ["CC-BY-4.0", "MIT"])
    assert len(resource.evidence) == 2
    assert facts_of(stage, notes, index=before)["rights"] == "none"
    # A use that it does not permit has its rights all the same: the words are facts of their own.
    assert facts_of(stage, notes, acts=("train", "commercialUse"))["permits"] == facts["permits"]


@pytest.mark.parametrize(
    ("purpose", "word"), [("revocation", "revoked"), ("suspension", "suspended")]
)
def test_rights_that_were_revoked_or_suspended(stage: RulesStage, purpose: str, word: str) -> None:
    notes, status = stage.dataset(), StatusEntry(purpose, 5, LIST.format("own"))
    stage.permit(notes, status=[status])
    assert facts_of(stage, notes)["rights"] == "unknown"  # the list is not here
    stage.say(status, OWNER)
    index = len(stage.repository.entries())
    stage.say(status, OWNER, revoked=True)
    assert facts_of(stage, notes)["rights"] == word
    assert facts_of(stage, notes, index=index)["rights"] == "in-force"


def test_rights_that_ended_by_the_dates_of_the_log(stage: RulesStage) -> None:
    notes = stage.dataset()
    stage.permit(notes, days=10)
    stage.clock.advance(days=40)
    assert facts_of(stage, notes)["rights"] == "in-force"  # the log has no later date
    stage.dataset("other")
    facts = facts_of(stage, notes)
    assert (facts["rights"], facts["ageDays"]) == ("ended", 40)


def test_each_partition_has_its_own_words(stage: RulesStage) -> None:
    notes = stage.dataset(paths=("a.txt", "b.txt"), records=2)
    first = Partition("a", select=(Selector(path="a.txt"),), permits=("train",), licence="MIT")
    rest = Partition("rest", permits=("evaluate",), prohibits=("train",))
    stage.permit(notes, Terms((first, rest)))
    one, two = stage.facts(notes)
    assert (one.name.split()[-1], two.name.split()[-1]) == ("a", "rest")
    assert (one.facts["permits"], two.facts["prohibits"]) == (["train"], ["train"])
    assert (one.facts["licences"], two.facts["licences"]) == (["MIT"], ["unknown"])


def test_the_worst_classification_on_the_way_counts(stage: RulesStage) -> None:
    notes = stage.dataset(described={"classification": {"phi": "absent", "pci": "yes"}})
    assert facts_of(stage, notes)["classification"]["health"] == "absent"
    assert facts_of(stage, notes)["classification"]["financial"] == "not-evaluated"
    assert facts_of(stage, notes)["classificationBasis"] == "human-asserted"
    again = stage.dataset("again", notes, described={"classification": {"phi": "present"}})
    assert facts_of(stage, again)["classification"]["health"] == "present"
    assert facts_of(stage, notes)["classification"]["health"] == "absent"  # not used through it


def test_words_of_the_descriptor(stage: RulesStage) -> None:
    notes = stage.dataset(
        described={"agreements": ["baa", "dua"], "purposes": "billing", "synthetic": "all"},
        fields={"text": ["text"], "label": "label"},
        reader="csv/2",
        paths=("a.csv",),
    )
    later = stage.dataset("later", notes, described={"agreements": "consent", "purposes": ["x"]})
    facts = facts_of(stage, later)
    assert (facts["agreements"], facts["purposes"]) == (["baa", "dua"], ["billing"])
    assert facts["synthetic"] == {"share": "all", "outputTerms": "unknown"}
    assert facts["labelsReviewed"] == "unknown"


@pytest.mark.parametrize(
    ("stated", "word"),
    [(["yes"], "trains"), (["yes", "unknown"], "unknown"), (["unknown", "no"], "prohibits")],
)
def test_the_worst_output_terms_count(stage: RulesStage, stated: list[str], word: str) -> None:
    generators = [
        {"name": f"model {n}", "outputTerms": {"permitsTraining": one}}
        for n, one in enumerate(stated)
    ]
    notes = stage.dataset(origin="generated", generators=generators, ignored=0)
    assert facts_of(stage, notes)["synthetic"] == {"share": "all", "outputTerms": word}


def test_a_redaction_counts_if_all_records_passed_through_it(stage: RulesStage) -> None:
    """ATTACK A166: a union of redacted records with those that they were redacted from."""
    notes = stage.dataset()
    redacted = stage.dataset("redacted", notes, steps=("redact/3",))
    assert facts_of(stage, redacted)["deidentification"] == "redacted"
    assert facts_of(stage, stage.dataset("split", redacted))["deidentification"] == "redacted"
    both = stage.dataset("both", redacted, notes)
    assert facts_of(stage, both)["deidentification"] == "none"
    assert facts_of(stage, redacted, notes)["deidentification"] == "none"
    assert facts_of(stage, stage.dataset("on", both))["deidentification"] == "none"
    again = stage.dataset("again", both, steps=("redact/3",))
    assert facts_of(stage, again)["deidentification"] == "redacted"


def test_an_attestation_by_somebody_else_counts(stage: RulesStage) -> None:
    notes = stage.dataset(described={"deidentification": {"method": "safe-harbor"}})
    assert facts_of(stage, notes)["deidentification"] == "safe-harbor"
    redacted = stage.dataset("redacted", notes, steps=("redact/3",))
    stage.attest(redacted, OWNER)  # its own author
    assert facts_of(stage, redacted)["deidentificationAttested"] == "no"
    status = stage.attest(redacted)
    split = stage.dataset("split", redacted)
    facts = facts_of(stage, split)
    assert facts["deidentification"] == "expert-determination"
    assert facts["deidentificationAttested"] == "yes"
    assert len(facts["attesters"]) == 1
    assert OWNER.did not in facts["attesters"]
    assert facts_of(stage, split, notes)["deidentificationAttested"] == "no"
    index = len(stage.repository.entries())
    stage.say(status, revoked=True)
    assert facts_of(stage, split)["deidentificationAttested"] == "no"
    assert facts_of(stage, split, index=index)["deidentificationAttested"] == "yes"


def test_an_attestation_of_something_else_does_not_count(stage: RulesStage) -> None:
    notes = stage.dataset()
    stage.attest(notes, kind="quality")
    stage.attest(stage.dataset("other"))
    assert facts_of(stage, notes)["deidentificationAttested"] == "no"


def test_the_last_scan_of_all_records_counts(stage: RulesStage) -> None:
    notes = stage.dataset()
    assert facts_of(stage, stage.scanned(notes, 0, name="clean"))["residualPerMille"] == 0
    some = stage.scanned(notes, 3, name="some")
    assert facts_of(stage, some)["residualPerMille"] == 3
    rounded = stage.scanned(some, 1, 3, name="rounded")
    assert facts_of(stage, rounded)["residualPerMille"] == 334
    assert facts_of(stage, some, rounded)["residualPerMille"] == 334
    assert facts_of(stage, stage.dataset("on", some))["residualPerMille"] == 3
    after = stage.scanned(notes, 3, 1000, "redact/3", name="after")
    assert facts_of(stage, after)["residualPerMille"] == -1
    assert facts_of(stage, some, notes)["residualPerMille"] == -1


def test_data_of_a_base_counts(stage: RulesStage) -> None:
    """A model is used with all that it learned from."""
    notes, own = stage.dataset(), stage.dataset("own")
    run = stage.force(notes)
    model = log_model(stage.repository, run, notes, OWNER, "first")
    assert [one.name.split()[0] for one in stage.facts(own, model)] == [own.name, notes.name]


def test_an_attester_whose_key_was_suspect_does_not_count(stage: RulesStage) -> None:
    notes = stage.dataset()
    stage.change(with_writer(ATTESTER.did, None))
    index = len(stage.repository.entries())
    stage.attest(notes)
    assert facts_of(stage, notes)["deidentificationAttested"] == "yes"
    stage.change(revoked(ATTESTER.did, index, None))
    assert facts_of(stage, notes)["deidentificationAttested"] == "no"


def test_the_successor_of_an_author_does_not_attest_their_work(stage: RulesStage) -> None:
    notes = stage.dataset()
    stage.attest(notes)
    index = len(stage.repository.entries())
    stage.change(rotated(OWNER.did, ATTESTER.did))
    assert facts_of(stage, notes)["deidentificationAttested"] == "no"
    assert facts_of(stage, notes, index=index)["deidentificationAttested"] == "yes"


def test_what_is_made_from_a_source_does_not_make_it_better(stage: RulesStage) -> None:
    """ATTACK A177: a selection of the data, described as what the data is not."""
    notes = stage.dataset()
    described = {"classification": {"phi": "absent", "pi": "present"}, "agreements": "baa"}
    part = stage.dataset("part", notes, described=described)
    for used in ((part,), (notes, part)):
        facts = facts_of(stage, *used)
        assert facts["classification"]["health"] == "not-evaluated"
        assert facts["classification"]["personal"] == "present"
        assert facts["agreements"] == []
