"""What changed between two cards, by statement (S3)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.publish.cards.compare import DIFFERENCES, compare_cards
from lyrikstore.testing.keys import signer_for
from tests.conftest import Person
from tests.publish.cards.making import PICKS, answered, evaluate_again, make, next_version


def content(card: Any) -> Any:
    return card.document.content


def test_s3_each_statement_that_changed_and_no_other(chain: Any) -> None:
    answered(chain, {"contact": "Ada", "limitations": "It fails."})
    before = make(chain)
    assert compare_cards(content(before), content(before)) == []
    answered(chain, {"contact": "Grace"})
    found = compare_cards(content(before), content(make(chain)))
    assert [(one.difference, one.statement_id) for one in found] == [
        ("changed", f"answer.contact:{signer_for('expert').did}")
    ]
    assert (found[0].was, found[0].now) == ("Ada (attested)", "Grace (attested)")
    assert found[0].title == "Whom does one ask?"


def test_s3_what_goes_stale_is_named_with_the_new_figures(chain: Any) -> None:
    answered(chain, {"limitations": "It fails."})
    before = make(chain)
    evaluate_again(chain, "0.61")
    found = compare_cards(content(before), content(make(chain)))
    states = [one for one in found if one.difference == "state"]
    assert [one.statement_id for one in states] == [
        f"answer.limitations:{signer_for('expert').did}"
    ]
    assert states[0].now == "It fails. (stale)"
    new = {one.statement_id: one.now for one in found if one.difference == "new"}
    name = "evaluation.metric:evaluations/acme/classifier accuracy 2"
    assert new[name].startswith("model 0.61 (0.40 to 0.98)")
    assert {one.difference for one in found} <= {"new", "state"}  # nothing that stood there is gone


def test_s3_another_version_and_another_profile(chain: Any) -> None:
    before = make(chain)
    next_version(chain)
    after = make(chain, "next", profiles=[PICKS])
    found = {one.statement_id: one for one in compare_cards(content(before), content(after))}
    assert found["subject.version"].difference == "changed"
    assert found["run.reported:step"].now == "99 (stated)"
    assert found["answer.risks"].difference == "gone"
    assert found["answer.personal-data"].difference == "new"
    assert found["evaluation.data"].difference == "new"  # nobody has evaluated this version


SAID = st.dictionaries(
    st.sampled_from("abcde"),
    st.tuples(st.sampled_from(["x", "y"]), st.sampled_from(["stated", "stale"])),
)


@given(SAID, SAID)
def test_changes_are_those_of_the_two_sets(one: Any, other: Any) -> None:
    def card(said: Any) -> Any:
        return {
            "statements": [
                {"id": name, "title": name, "text": text, "state": state}
                for name, (text, state) in said.items()
            ]
        }

    found = compare_cards(card(one), card(other))
    assert {change.statement_id for change in found} == {
        name for name in {*one, *other} if one.get(name) != other.get(name)
    }
    assert len({change.statement_id for change in found}) == len(found)
    assert {change.difference for change in found} <= set(DIFFERENCES)
    back = {change.statement_id: change for change in compare_cards(card(other), card(one))}
    assert all(back[change.statement_id].now == change.was for change in found)


def test_on_the_command_line(publisher: Person) -> None:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    card = ("card", "checkpoints/acme/tiny", "--diff", "--json")
    assert publisher.ok(*card).json["differences"] == []  # of the first there is none before
    (publisher.folder / "a.toml").write_text(
        'liability = "none"\n[answers]\ncontact = "\x1b[2JAda"\n'.replace("\x1b", "\\u001b")
    )
    found = publisher.ok(*card, "--answers", "a.toml").json["differences"]
    assert [one["difference"] for one in found] == ["new", "gone"]
    assert publisher.ok(*card).json["differences"] == []
    (publisher.folder / "a.toml").write_text('liability = "none"\n[answers]\ncontact = "Grace"\n')
    shown = publisher.ok(*card[:-1], "--answers", "a.toml").out
    assert "\x1b" not in shown
    assert "    + Grace (attested)" in shown
