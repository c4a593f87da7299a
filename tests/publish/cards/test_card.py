"""A card says what signed objects say, each statement with its evidence, and nothing else."""

import re
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from huggingface_hub import ModelCard
from markdown_it import MarkdownIt
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.json import encode, parse
from lyrikstore.history.commit.appender import Appender
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import parse_manifest, sign_manifest
from lyrikstore.publish.cards.card import CardResult, answers_of
from lyrikstore.publish.cards.document import CardDocument, build_card
from lyrikstore.publish.cards.facts import CardFacts, gather
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.rendering.page import to_page
from lyrikstore.publish.cards.statement import STATES
from lyrikstore.publish.markdown import escape
from lyrikstore.publish.status.revoked_rights import Withdrawal
from lyrikstore.testing.keys import signer_for
from tests.publish.cards.making import (
    PICKS,
    answer_all,
    answered,
    challenged,
    evaluate_again,
    make,
    statement_of,
)

NASTY = (
    "<script>alert(1)</script> | [x](http://evil.example) ![y](z)\n\n# Not a heading\u202e\u200b"
)


@pytest.fixture(scope="module")
def card(full_chain: Any) -> CardResult:
    return make(full_chain)


def built(facts: CardFacts, *profiles: str) -> CardDocument:
    """Return the card of facts that were changed."""
    loaded = [load_profile(one) for one in profiles or ("huggingface",)]
    return build_card(facts, answers_of(facts), loaded)


def facts_of(chain: Any) -> CardFacts:
    return gather(chain.repository, chain.made["checkpoint"])


def said(document: CardDocument, fact: str) -> list[Any]:
    return [one for one in document.statements if one.fact == fact]


def test_the_hub_can_read_it(card: CardResult) -> None:
    read = ModelCard(card.renderings["markdown"].decode())
    data = read.data.to_dict()
    assert data["library_name"] == "peft"
    assert data["pipeline_tag"] == "text-classification"
    results = {result.metric_type: result for result in read.data.eval_results or []}
    assert results["accuracy"].metric_value == 0.75
    assert results["f1"].metric_value == 0.75
    assert results["accuracy"].dataset_name == "datasets/acme/clean.test"
    # Names of a store are not names on the Hub; nothing may link to a stranger's model.
    assert not {"base_model", "datasets", "license"} & data.keys()


def test_the_hub_reads_each_of_two_evaluations(chain: Any) -> None:
    evaluate_again(chain, "0.61")
    read = ModelCard(make(chain).renderings["markdown"].decode())
    found = [one for one in read.data.eval_results or [] if one.metric_type == "accuracy"]
    assert [one.metric_value for one in found] == [0.75, 0.61]


def test_the_hub_reads_a_licence_that_somebody_attests(chain: Any) -> None:
    answered(chain, {"model-licence": 'Acme "1.0": yes\nlicense: mit'})
    data = ModelCard(make(chain).renderings["markdown"].decode()).data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", 'Acme "1.0": yes license: mit')


def test_every_statement_has_evidence_that_resolves(full_chain: Any, card: CardResult) -> None:
    document = card.document
    assert document.content == parse(card.renderings["card"])
    assert card.renderings["card"] == encode(document.content)
    listed = {Digest.parse(one["id"]) for one in document.content["evidence"]}  # type: ignore[index, union-attr, call-overload]
    for one in document.statements:
        assert one.evidence, one.id
        assert one.state in STATES
        assert {identity for identity, _ in one.evidence} <= listed
    assert listed == set(document.evidence)
    assert len({one.id for one in document.statements}) == len(document.statements)
    for identity in listed:
        assert full_chain.repository.is_logged(identity)


@pytest.mark.parametrize("rendering", ["markdown", "html"])
def test_a_rendering_names_the_evidence_of_each_line(card: CardResult, rendering: str) -> None:
    text = card.renderings[rendering].decode()
    links, anchors = (
        set(re.findall(pattern, text))
        for pattern in (r'(?:href="|\]\()#([^")]+)["\)]', r' id="([^"]+)"')
    )
    assert links <= anchors
    assert len(anchors) == len(re.findall(r' id="', text))  # each names one place
    anchors = {one for one in anchors if re.fullmatch("[0-9a-f]{8,}", one)}
    labels = {str(one).removeprefix("blake3:")[:8] for one in card.document.evidence}
    assert anchors == labels
    assert all(str(one) in text for one in card.document.evidence)
    if rendering == "markdown":
        stated = [line for line in text.splitlines() if 'id="s-' in line and "- **" not in line]
        cited = [one for one in stated if re.search(r"\[[0-9a-f]{8}\]\(#[0-9a-f]{8}\)", one)]
        assert len(cited) > 30


def test_labels_stay_as_others_come(chain: Any) -> None:
    def labels() -> set[str]:
        return set(re.findall(r'<a id="([0-9a-f]+)">', make(chain).renderings["markdown"].decode()))

    before = labels()
    answer_all(chain)
    evaluate_again(chain, "0.5")
    assert before < labels()


def test_its_manifest_covers_it(full_chain: Any, card: CardResult) -> None:
    manifest = parse_manifest(card.manifest.encode())
    for role, data in card.renderings.items():
        (attachment,) = manifest.attachments_in(role)
        assert attachment.id == Digest.of(data)
        assert full_chain.repository.blobs.read(attachment.id, max_bytes=1 << 20) == data
    (profile,) = manifest.attachments_in("profile")
    assert profile.id == load_profile("huggingface").digest
    document, body = card.document, manifest.body
    assert body["statements"] == len(document.statements)
    assert body["notEstablished"] == document.states["not-established"]
    assert sorted(body["evidence"]) == sorted(map(str, document.evidence))
    assert body["states"] == document.states
    assert body["profiles"][0]["open"] == document.open["huggingface/5"]
    assert "answers" not in body
    inputs, made = {item.id for item in manifest.inputs}, full_chain.made
    for nickname in ("checkpoint", "run", "base", "train", "test", "raw", "filter", "evaluation"):
        assert made[nickname].id in inputs, nickname


def test_it_shows_the_honest_result(card: CardResult) -> None:
    text = card.renderings["markdown"].decode()
    verdict = "by accuracy, the baseline is better, by 0.05; their intervals overlap"
    assert verdict in text
    decided = statement_of(card, "evaluation.decision:evaluations/acme/classifier")["text"]
    decided = f"{decided[0].upper()}{decided[1:]}"
    assert text.index(escape(decided)) < text.index("What it is for, and what not")
    name = "evaluation.metric:evaluations/acme/classifier accuracy"
    assert statement_of(card, name)["text"] == (
        "model 0.75 (0.50 to 0.99); baseline 0.80 (0.50 to 0.99); commonest label 0.5 (0.1 to 0.9)"
    )
    derived = statement_of(card, "data.derived:datasets/acme/clean.train")
    assert "4 records seen, 3 kept here, 1 of them changed, 1 dropped" in derived["text"]
    assert statement_of(card, "model.base-rights")["text"] == "Apache-2.0, says the package"


def test_it_shows_what_a_right_rests_on_and_claims_none_for_today(full_chain: Any) -> None:
    facts = facts_of(full_chain)
    assert facts.run is not None
    right = dict(facts.run.body["rights"][0])
    del right["validUntil"]  # a credential need not have an end
    right |= {"partitions": ["open", "client"], "grant": str(Digest.of(b"a grant"))}
    document = built(
        replace(facts, run=replace(facts.run, body={**facts.run.body, "rights": [right]}))
    )
    (found,) = said(document, "rights.train")
    assert "(partitions open, client): train, by" in found.text
    assert "to no end" in found.text
    assert Digest.of(b"a grant") in document.evidence
    assert "whether a credential still holds today" in to_markdown(document.content).decode()


def test_it_shows_a_revoked_right_as_revoked(full_chain: Any) -> None:
    facts = facts_of(full_chain)
    assert facts.run is not None
    assert facts.revocations == {}
    assert said(built(facts), "rights.withdrawn") == []
    right = Digest.parse(facts.run.body["rights"][0]["credential"])
    taken = {right: Withdrawal("revoked", Digest.of(b"a list"), 17)}
    document = built(replace(facts, revocations=taken))
    (found,) = said(document, "rights.withdrawn")
    assert found.text == "revoked, by log entry 17"
    assert Digest.of(b"a list") in document.evidence
    first = to_markdown(document.content).decode().split("\n## Where the model comes from\n")[0]
    assert "revoked, by log entry 17" in first


def test_it_shows_the_rights_of_an_evaluation_or_that_none_are_recorded(full_chain: Any) -> None:
    facts = facts_of(full_chain)
    bare = built(facts)
    (old,) = said(bare, "rights.evaluate")
    assert (old.state, old.text) == (
        "not-established",
        "not established: the evaluation records none",
    )
    right = {
        "dataset": str(full_chain.made["test"].id),
        "credential": str(Digest.of(b"a credential")),
        "issuer": full_chain.signer.did,
        "permits": ["evaluate", "<b>"],
        "validUntil": "2027-11-24T12:00:00Z",
    }
    (evaluation,) = facts.evaluations
    shown = replace(evaluation, body={**evaluation.body, "rights": [right]})
    document = built(replace(facts, evaluations=(shown,)))
    (found,) = said(document, "rights.evaluate")
    assert found.state == "derived"
    assert "evaluate, &#60;b&#62;, by did:key:" in to_markdown(document.content).decode()
    assert Digest.of(b"a credential") in document.evidence
    assert document.states["not-established"] == bare.states["not-established"] - 1


def test_made_twice_it_is_the_same_and_logged_once(chain: Any) -> None:
    answer_all(chain)
    first = make(chain)
    size = chain.repository.checkpoint.size
    chain.clock.moment = chain.clock.moment.replace(year=2027)
    second = make(chain)
    assert (first.changed, second.changed) == (True, False)
    assert second.renderings == first.renderings
    assert second.manifest.id == first.manifest.id
    assert chain.repository.checkpoint.size == size
    assert built(facts_of(chain)).data == first.renderings["card"]


def test_its_profiles_stay_until_others_are_named(chain: Any) -> None:
    first = make(chain, profiles=[PICKS, load_profile("us-legal")])
    assert list(first.document.open) == ["picks/1", "us-legal/2"]
    assert not make(chain).changed
    assert list(make(chain, profiles=[PICKS]).document.open) == ["picks/1"]
    assert list(make(chain).document.open) == ["picks/1"]
    with pytest.raises(InvalidInputError) as refused:
        make(chain, profiles=[PICKS, PICKS])
    assert refused.value.kind == "two-of-a-name"


@pytest.fixture
def hostile(chain: Any) -> CardResult:
    """A card of which every text that a stranger writes is markup somewhere."""
    old = chain.made["raw"]
    field = {"state": "value", "value": NASTY, "basis": "human-asserted"}
    body = {**old.body, "descriptor": {"name": field, "about": field}}
    log_again = {"kind": "dataset", "name": old.name, "tree": old.tree, "files": old.files}
    chain.log("raw", **log_again, body=body, parents=[old.id], attachments=old.attachments)
    run = chain.made["run"]
    inputs = [*run.inputs, replace(run.inputs[1], role="validation", id=chain.made["raw"].id)]
    chain.log("run", kind="run", name=run.name, body=run.body, inputs=inputs, parents=[run.id])
    model = chain.made["checkpoint"]
    inputs = [replace(model.inputs[0], id=chain.made["run"].id), *model.inputs[1:]]
    chain.log(
        "checkpoint",
        kind="checkpoint",
        name=model.name,
        body={**model.body, "labels": [NASTY, f"{NASTY}\u200c"], "metrics": {"<i>": "1"}},
        tree=model.tree,
        files=model.files,
        inputs=inputs,
        parents=[model.id],
    )
    answer_all(chain)
    answered(chain, {"risks": NASTY, "limitations": {"text": NASTY, "state": "unknown"}})
    challenged(chain, NASTY, "subject.name")
    return make(chain)


def test_no_foreign_text_becomes_markup_in_markdown(hostile: CardResult) -> None:
    text = hostile.renderings["markdown"].decode()
    tokens = MarkdownIt("commonmark").enable("table").parse(text.split("---\n", 2)[2])
    flat = [t for token in tokens for t in (token, *(token.children or []))]
    assert not [t for t in flat if t.type in {"html_block", "image"}]
    own = [t.content for t in flat if t.type == "html_inline"]
    assert all(re.fullmatch(r'<a id="[A-Za-z0-9._:/-]+">|</a>', one) for one in own), own
    links = {str(t.attrs["href"]) for t in flat if t.type == "link_open"}
    assert all(re.fullmatch(r"#[A-Za-z0-9._:/-]+", one) for one in links)
    headings = [b.content for a, b in pairwise(tokens) if a.type == "heading_open"]
    assert not [one for one in headings if "Not a heading" in one]
    assert not re.search("[\u202e\u200b\u200c]", text)
    ModelCard(text)


def test_no_foreign_text_becomes_markup_in_html(hostile: CardResult) -> None:
    html, body = to_page(hostile.document.content)
    assert not [one for one in html.iter() if one.tag in {"script", "img", "iframe", "i", "base"}]
    links = {str(one.get("href")) for one in body.iter("a")}
    assert all(re.fullmatch(r"#[A-Za-z0-9._:/-]+", one) for one in links)
    assert any("<script>alert(1)</script>" in text for text in texts(body))
    text = hostile.renderings["html"].decode()
    assert "<script" not in text
    assert not re.search("[\u202e\u200b\u200c]", text)
    policy = next(one for one in html.iter("meta") if one.get("http-equiv"))
    assert str(policy.get("content")).startswith("default-src 'none'; style-src 'sha256-")


def texts(element: Element) -> list[str]:
    return [one.text for one in element.iter() if one.text]


def test_a_base_model_s_card_lacks_what_it_lacks(chain: Any) -> None:
    card = make(chain, "base")
    for name in ("model.base", "run.registered", "data.source", "evaluation.data", "model.task"):
        assert statement_of(card, name)["state"] == "not-established", name
    ModelCard(card.renderings["markdown"].decode())


def test_a_profile_that_does_not_apply_says_so_and_asks_nothing(chain: Any) -> None:
    card = make(chain, profiles=[load_profile("eu-gpai-53")])
    (profile,) = card.document.content["profiles"]  # type: ignore[misc]
    assert "doesNotApply" in profile  # type: ignore[operator]
    assert profile["items"] == card.document.content["questions"] == []  # type: ignore[index, call-overload]


def test_evaluations_without_effect_are_left_out(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = make(chain)
    genuine = chain.made["evaluation"]
    with (
        monkeypatch.context() as patched,
        open_transaction(chain.repository) as tx,
    ):
        patched.setattr(Appender, "_check_refs", lambda *_: None)
        forged = sign_manifest(
            kind="evaluation",
            store=chain.repository.store_id,
            name="evaluations/acme/better",
            body={
                **genuine.body,
                "model": {**genuine.body["model"], "accuracy": {"value": "1"}},
            },
            signer=signer_for("mallory"),
            created=chain.clock(),
            inputs=genuine.inputs,
        )
        tx.log_manifest(forged)
        tx.commit()
    assert [item.reason for item in chain.repository.flagged] == ["unauthorised"]
    again = make(chain)
    assert not again.changed
    assert again.renderings == honest.renderings


def test_only_models_and_data_and_only_with_authority(chain: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make(chain, "run")
    assert refused.value.kind == "wrong-object"
    size = chain.repository.checkpoint.size
    with pytest.raises(PolicyError) as denied:
        make(chain, signer=signer_for("mallory"))
    assert denied.value.kind == "unauthorised"
    assert chain.repository.checkpoint.size == size


def test_the_log_shows_what_a_run_was_permitted_by(full_chain: Any, new_person: Any) -> None:
    reader = new_person("reader")
    right = full_chain.made["run"].body["rights"][0]
    shown = reader.ok("log", "runs/acme/classifier", "--store", full_chain.home).out
    ids = [Digest.parse(right[name]).short for name in ("dataset", "credential")]
    assert f"may use dataset {ids[0]} by credential {ids[1]}: train, to 2027-11-24" in shown
    bare = reader.ok("log", "evaluations/acme/classifier", "--store", full_chain.home).out
    assert "records no right to use the data" in bare


def test_the_log_shows_which_runs_came_to_nothing(chain: Any, new_person: Any) -> None:
    tried = chain.made["run"]
    given_up = chain.log(
        "given up",
        kind="run",
        name=tried.name,
        parents=(tried.id,),
        inputs=tried.inputs,
        body={**tried.body, "seed": tried.body["seed"] + 1},
    )
    log = ("log", "runs/acme/classifier", "--store", chain.home)
    reader = new_person("reader")
    shown = reader.ok(*log).out
    made = f"made checkpoint {chain.made['checkpoint'].id.short}"
    assert shown.index(given_up.id.short) < shown.index("no logged checkpoint") < shown.index(made)
    assert [version["checkpoints"] for version in reader.ok(*log, "--json").json["versions"]] == [
        [],
        [str(chain.made["checkpoint"].id)],
    ]
