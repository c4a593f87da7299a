"""Cards of datasets: the same machine, another subject."""

from pathlib import Path
from typing import Any

import pytest

from lyrikstore.canon.errors import ConflictError, FormatError, InvalidInputError
from lyrikstore.canon.json import encode, parse
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, sign_manifest
from lyrikstore.publish.cards.approval import approve_card
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.publish.cards.vocabulary import say_all
from lyrikstore.publish.imports.import_credentials import Content
from lyrikstore.publish.issue.attest_card import attest_card
from lyrikstore.testing.keys import signer_for
from tests.contexts import context_of
from tests.publish.cards.making import (
    answer_of,
    answered,
    draft,
    judge,
    make,
    policy,
    reason,
    statement_of,
    status_of,
    trusting,
    with_role,
)


def test_the_card_of_a_dataset(chain: Any) -> None:
    made = make(chain, "train")
    assert made.manifest.name == "cards/acme/clean.train.data"
    assert [(one.role, one.id) for one in made.manifest.inputs_in("subject")] == [
        ("subject", chain.made["train"].id)
    ]
    subject: Any = made.document.content["subject"]
    assert (subject["kind"], subject["name"]) == ("dataset", "datasets/acme/clean.train")
    assert [one["profile"] for one in made.manifest.body["profiles"]] == ["dataset/3"]
    # What is known stands once, of the dataset that was committed; what was done, of this one.
    assert statement_of(made, "data.licence:datasets/acme/contracts")["state"] == "stated"
    derived = statement_of(made, "data.derived:datasets/acme/clean.train")
    assert derived["value"]["dropped"] == 1
    ids = [one["id"] for one in made.document.content["statements"]]  # type: ignore[index, union-attr, call-overload]
    assert not [one for one in ids if one.startswith(("model.", "run.", "evaluation."))]
    report = judge(chain, made.renderings["html"])
    for check in ("card", "card.sources", "card.current"):
        assert report.check(check).state.value == "pass", report.check(check)
    again = make(chain, "train")
    assert not again.changed
    assert again.renderings == made.renderings


def test_an_answer_about_a_dataset(chain: Any) -> None:
    make(chain, "raw")
    answered(chain, {"contact": {"text": "Ada", "scope": "name"}}, nickname="raw")
    made = make(chain, "raw")
    assert answer_of(made, "contact")["state"] == "attested"
    document = parse(chain.repository.credential(made.document.answers[0]))
    assert document["credentialSubject"]["type"] == "Dataset"  # type: ignore[index, call-overload]
    assert reason(judge(chain, made.renderings["markdown"]), "card.approval") == "draft"


@pytest.mark.parametrize("member", ["manifest", "name"])
def test_an_answer_about_the_same_bytes_elsewhere_is_none(chain: Any, member: str) -> None:
    """ATTACK: what is said of one dataset is said of another that holds the same."""
    raw = chain.made["raw"]
    chain.log(
        "copy", kind="dataset", name="datasets/acme/copy", body=raw.body, tree=raw.tree,
        files=raw.files,
    )  # fmt: skip
    said = {"liability": "none", "answers": {"contact": {"text": "Ada", "scope": "name"}}}
    made = attest_card(
        draft(chain, "raw").data, "answers", said, signer=signer_for("expert"), clock=chain.clock
    )
    document: Any = parse(made.data)
    del document["proof"]
    copy = chain.made["copy"]
    other = {"manifest": copy.id.urn, "name": copy.name}[member]
    document["credentialSubject"][member] = other
    data = encode(add_proof(document, signer_for("expert"), created=chain.clock()))
    content = Content.of(chain.repository)
    assert content.has(parse(made.data)["credentialSubject"])  # type: ignore[index, call-overload, arg-type]
    assert not content.has(document["credentialSubject"])
    with open_transaction(chain.repository) as transaction:
        transaction.log_credential(data)
        transaction.commit()
    for nickname in ("raw", "copy"):
        ids = [one["id"] for one in draft(chain, nickname).content["statements"]]  # type: ignore[index, union-attr, call-overload]
        assert f"answer.contact:{signer_for('expert').did}" not in ids


def test_an_answer_that_a_scan_contradicts(chain: Any) -> None:
    raw = chain.made["raw"]
    scanned = chain.dataset(
        "scanned",
        "datasets/acme/scanned",
        {"a.txt": b"mail someone@example.org\n"},
        body={
            "origin": "filtered",
            "derivation": {
                "counts": {"in": 4, "kept": 1, "dropped": 3, "changed": 0, "elsewhere": 0},
                "dropped": {"duplicate": 3},
                "changed": {},
                "reported": {"found-email": 1},
            },
        },
        inputs=[
            Input("source", "dataset", raw.id),
            Input("filter", "filter", chain.made["filter"].id),
        ],
        **_decisions(chain),
    )
    assert scanned.body["derivation"]["reported"]
    answered(
        chain,
        {"holds-personal-data": {"text": "We looked.", "choice": "No personal data"}},
        nickname="scanned",
    )
    made = make(chain, "scanned")
    found = answer_of(made, "holds-personal-data")
    assert found["state"] == "contradicted"
    assert "a filter found" in found["was"]


def _decisions(chain: Any) -> dict[str, Any]:
    train = chain.made["train"]
    attached = train.attachments_in("decisions")
    return {"attachments": list(attached)}


def test_who_may_approve_it(chain: Any) -> None:
    made = make(chain, "train", profiles=[_small()])
    policy(chain, with_role("approvers", "ada", threshold=1))
    asked = {"trust": trusting(chain), "clock": chain.clock}
    context = context_of(chain.repository, signer=signer_for("ada"), **asked)
    approve_card(context, made.manifest)
    assert status_of(chain, made.manifest).word == "approved"


def _small(**more: str) -> Profile:
    text = load_profile("dataset").data.decode()
    head = text[: text.index("[questions.motivation]")]
    item = '[[items]]\nid = "1"\nclause = "1"\nasks = "its licence"\nfill = ["data.licence"]\n'
    own = head.replace('"dataset/3"', '"ours/1"') + item
    for old, new in more.items():
        own = own.replace(old, new)
    return Profile.parse(own.encode())


def test_a_profile_of_models(chain: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        make(chain, "train", profiles=[load_profile("us-legal")])
    assert caught.value.kind == "other-kind"
    with pytest.raises(InvalidInputError) as caught:
        make(chain, profiles=[load_profile("dataset")])
    assert caught.value.kind == "other-kind"
    with pytest.raises(InvalidInputError) as caught:
        _small(**{"data.licence": "evaluation.verdict"})
    assert caught.value.kind == "unknown-fact"


def test_a_model_and_a_dataset_of_one_name(chain: Any) -> None:
    chain.dataset("twin", "datasets/acme/classifier", {"a.txt": b"a\n"})
    first, second = make(chain), make(chain, "twin")
    assert (first.manifest.name, second.manifest.name) == (
        "cards/acme/classifier",
        "cards/acme/classifier.data",
    )


def test_the_name_of_another_card(chain: Any) -> None:
    chain.dataset("twin", "datasets/acme/classifier", {"a.txt": b"a\n"})
    old = chain.made["checkpoint"]
    chain.log(
        "odd",
        kind="checkpoint",
        name="checkpoints/acme/classifier.data",
        body=old.body,
        inputs=old.inputs,
        tree=old.tree,
        files=old.files,
    )
    make(chain, "odd")
    with pytest.raises(ConflictError) as caught:
        make(chain, "twin")
    assert caught.value.kind == "other-card"


@pytest.mark.parametrize("roles", [(), ("checkpoint", "subject")])
def test_a_card_is_about_one_thing(chain: Any, roles: tuple[str, ...]) -> None:
    made = make(chain)
    about = {"checkpoint": chain.made["checkpoint"], "subject": chain.made["train"]}
    with pytest.raises(FormatError) as caught:
        sign_manifest(
            kind="card",
            store=chain.repository.store_id,
            name=made.manifest.name,
            body=made.manifest.body,
            signer=chain.signer,
            created=chain.clock(),
            inputs=[Input(role, about[role].kind, about[role].id) for role in roles],
            attachments=made.manifest.attachments,
        )
    assert caught.value.kind == "bad-input"


def test_an_edited_card_is_held_against_its_own(chain: Any) -> None:
    of = {"checkpoint": make(chain), "train": make(chain, "train"), "raw": make(chain, "raw")}
    for made in of.values():
        page = made.renderings["html"].replace(b"Draft: ", b"Fit: ")
        found = judge(chain, page).check("card")
        assert found.detail["nearest"] == str(made.manifest.id)


def test_facts_are_no_others_than_of_the_dataset(chain: Any) -> None:
    facts = gather(chain.repository, chain.made["raw"])
    assert facts.run is None
    assert facts.evaluations == ()
    with pytest.raises(TypeError):
        _ = facts.checkpoint
    found = say_all(facts)
    cited = {identity for one in found for identity, _ in one.evidence}
    assert cited == {chain.made["raw"].id, chain.credential}


def test_from_the_command_line(publisher: Any, tmp_path: Path) -> None:
    data = publisher.folder / "data"
    data.mkdir()
    (data / "a.txt").write_text("one\n")
    publisher.ok("init")
    publisher.ok("commit", "data", "-d", "acme/contracts")
    drafted = publisher.ok("card", "acme/contracts", "--draft", "ask", "--json").json
    assert drafted["name"] == "acme/contracts"
    asked = parse((publisher.folder / "ask" / "card.json").read_bytes())
    assert asked["subject"]["kind"] == "dataset"  # type: ignore[index, call-overload]
    said = publisher.folder / "answers.toml"
    said.write_text('liability = "none"\n[answers]\ncontact = "Ada"\n')
    publisher.ok(
        "attest", "ask", "--kind", "answers", "--statement", "answers.toml", "-o", "a.json"
    )
    publisher.ok("import", "a.json")
    made = publisher.ok("card", "acme/contracts", "-o", "sheet.html", "--json").json
    assert made["states"]["attested"] == 1
    report = publisher.run("verify", "sheet.html", "--json").json
    assert {one["id"]: one["state"] for one in report["checks"]}["card.sources"] == "pass"
    page = publisher.folder / "sheet.html"
    page.write_bytes(page.read_bytes().replace(b"Ada", b"Bob", 1))
    assert publisher.run("verify", "sheet.html").code == 3
