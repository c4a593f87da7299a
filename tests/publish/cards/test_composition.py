"""Facts of card/8 about the data and the model: funnel, licences, identifiers, architecture."""

from typing import Any

from msgspec.structs import replace

from lyrikstore.curate.personal import presidio, rampart
from lyrikstore.curate.personal.kinds import FOUND_BY, KINDS
from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import CardForm, form_with
from lyrikstore.publish.cards.vocabulary import say_all
from lyrikstore.verify.datasets.licences import LicenceCount
from tests.publish.cards.test_personal_found import REDACT, SCAN, derive, train_on

NEW = {
    "evaluation.decision", "data.funnel", "data.licence-mix", "data.identifiers",
    "model.architecture",
}  # fmt: skip


def said(facts: Any, fact: str) -> list[Any]:
    return [one for one in say_all(facts) if one.fact == fact]


def test_earlier_forms_have_none_of_them(chain: Any) -> None:
    facts = gather(chain.repository, chain.made["checkpoint"])
    assert {one.fact for one in say_all(facts)} >= NEW
    for number in range(1, 8):
        made = build_card(facts, (), (), CardForm(f"card/{number}"))
        assert NEW.isdisjoint(one.fact for one in made.statements)
        values = [one.value for one in made.statements if one.fact == "data.derived"]
        assert not [value for value in values if "seen" in value]  # type: ignore[operator]


def test_the_table_of_detectors_is_theirs() -> None:
    assert FOUND_BY["presidio"] == {*presidio._KINDS.values(), "id-number"}
    assert FOUND_BY["rampart"] == {*rampart._KINDS.values()}
    assert FOUND_BY["patterns"] <= KINDS.keys()


def scanned(chain: Any, steps: str) -> tuple[list[Any], dict[str, Any]]:
    train_on(chain, derive(chain, steps, "acme/contracts", "acme/scanned"))
    model = chain.repository.resolve(chain.made["checkpoint"].name)
    facts = gather(chain.repository, model)
    tables = said(facts, "data.identifiers")
    rows = {row["identifier"]: row for one in tables if one.value for row in one.value["rows"]}
    return tables, rows


def test_without_a_scan_nothing_is_said_of_identifiers(chain: Any) -> None:
    facts = gather(chain.repository, chain.made["checkpoint"])
    (one,) = said(facts, "data.identifiers")
    assert (one.state, one.value) == ("not-established", None)


def test_a_scan_says_what_it_did_not_look_for(chain: Any) -> None:
    tables, rows = scanned(chain, SCAN + 'kinds = ["email", "organisation", "location"]\n')
    assert [one.state for one in tables if one.value] == ["measured"]
    assert len(rows) == 18
    status = {letter: row["status"] for letter, row in rows.items()}
    assert status.pop("F") == "looked-for"
    assert status.pop("B") == "looked-for"
    assert {*status.values()} == {"not-looked-for"}
    assert rows["F"]["detectors"][0].startswith("patterns/")


def test_any_other_number_is_looked_for_in_part(chain: Any) -> None:
    _, rows = scanned(chain, SCAN + REDACT)
    assert (rows["R"]["status"], rows["P"]["status"]) == ("in-part", "not-looked-for")
    assert not [row for row in rows.values() if row["left"]]


def test_the_funnel_begins_with_what_was_committed(chain: Any) -> None:
    scanned(chain, SCAN)
    model = chain.repository.resolve(chain.made["checkpoint"].name)
    (one,) = [
        one
        for one in said(gather(chain.repository, model), "data.funnel")
        if one.value["role"] == "train"
    ]
    first, last = one.value["steps"]
    assert (first["name"], "seen" in first) == ("datasets/acme/contracts", False)
    assert (last["from"], last["seen"]) == (["datasets/acme/contracts"], first["kept"])
    assert last["seen"] == last["kept"] + last["elsewhere"] + sum(last["dropped"].values())


def test_licences_of_records_are_values_of_the_data(chain: Any) -> None:
    found = gather(chain.repository, chain.made["checkpoint"])
    count = LicenceCount(None, "licence", 10, 3, (("MIT", 5), ("LicenseRef-Jane-Doe", 2)))
    facts = replace(found, licences={one.id: count for one in found.each_dataset})
    (hidden,) = said(facts, "data.licence-mix")
    assert (hidden.value["licences"], hidden.state) == ({}, "stated")
    assert "Jane" not in hidden.text
    (shown,) = said(replace(facts, form=form_with(values=True)), "data.licence-mix")
    sources = hidden.value["byRecord"] // 7
    assert shown.value["licences"] == {"MIT": 5 * sources, "LicenseRef-Jane-Doe": 2 * sources}
    assert (shown.value["byRecord"], shown.value["unstated"]) == (0, 3 * sources)


def test_the_architecture_has_no_settings_of_what_was_not_taken(chain: Any) -> None:
    found = gather(chain.repository, chain.made["checkpoint"])
    assert found.run is not None
    config = {**found.run.body["config"], "lora": {"rank": 16, "targets": ["query"]}}
    run = replace(found.run, body={**found.run.body, "config": config})

    def of(**body: Any) -> Any:
        model = replace(found.subject, body={**found.subject.body, **body})
        (one,) = said(replace(found, subject=model, run=run), "model.architecture")
        return one

    passed = {
        "format": "peft-lora/1", "metrics": {"macroF1": "0.5"}, "settings": {"rank": "8"},
        "taken": False, "by": "folds", "difference": {"value": "-0.1"},
    }  # fmt: skip
    won = {
        "format": "tfidf/2", "metrics": {"macroF1": "0.6"}, "settings": {"C": "4"}, "taken": True
    }  # fmt: skip
    taken = {"metric": "macroF1", "method": "folds", "reason": "r", "candidates": [won, passed]}
    words = of(origin="trained", format="tfidf/2", chosen=taken)
    assert words.state == "derived"
    assert words.value["settings"]["C"] == "4"
    assert not {"rank", "targets"} & words.value["settings"].keys()
    adapted = of(origin="trained", format="peft-lora/1")
    assert adapted.value["settings"]["rank"] == 16
    foreign = of(origin="trained", format="files/1")
    assert foreign.state == "not-established"
