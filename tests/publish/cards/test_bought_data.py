"""Whose terms are on the card and in the NOTICE of a model: its publisher's, at any distance."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.credentials.terms.model import Partition, Terms
from lyrikstore.deploy.notice import notice_of
from lyrikstore.history.manifests.manifest import Attachment
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.gathering.form import CardForm
from lyrikstore.verify.rights.about import logged_terms
from tests.publish.cards.buying import (
    FILES,
    LICENCE,
    OUR_NAME,
    PUBLISHER,
    THEIR_NAME,
    bought,
    renamed,
    revoke,
    said,
    tree_of,
    union,
)
from tests.publish.cards.making import judge, log_card, make, statement_of

SOURCES = ("card", "card.sources", "card.current")


@pytest.fixture(scope="module")
def buying(untouched_chain: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return bought(untouched_chain.copy(tmp_path_factory.mktemp("buyer")))


@pytest.fixture
def buyer(buying: Any, tmp_path: Any) -> Any:
    """A buyer's store of one's own."""
    return buying.copy(tmp_path / "buyer")


def notice(chain: Any, nickname: str = "second") -> Any:
    """Return the NOTICE of a model."""
    return notice_of(chain.repository, gather(chain.repository, chain.made[nickname]))


def facts_of(card: Any) -> set[str]:
    """Return the names of the facts that a card has statements of."""
    return {one["id"].partition(":")[0] for one in card.document.content["statements"]}


@pytest.mark.parametrize("nickname", ["bought", "part", "first", "second", "merged", "written"])
def test_the_card_has_the_terms_of_whoever_published_the_data(buyer: Any, nickname: str) -> None:
    made = make(buyer, nickname)
    subject = f"{OUR_NAME} {buyer.theirs.short}"
    assert statement_of(made, f"rights.credential:{subject}")["by"] == PUBLISHER.did
    assert statement_of(made, f"rights.prohibits:{subject}")["value"] == ["derivativeModels"]
    assert statement_of(made, f"rights.requires:{subject}")["value"] == [
        "attribution",
        "deleteOnExpiry",
    ]
    named = statement_of(made, f"rights.attribution:{subject}")
    assert (named["value"], named["by"]) == ({"name": THEIR_NAME, "by": "Pub Ltd"}, PUBLISHER.did)
    use_until = "2027-03-04T12:00:00Z"
    assert statement_of(made, f"rights.deletion:{subject} all")["value"] == use_until
    assert statement_of(made, f"rights.licence:{subject} all")["value"] == "LicenseRef-Pub-1.0"
    publisher = statement_of(made, f"data.publisher:{OUR_NAME}")
    assert publisher["value"]["manifest"] == str(buyer.made["foreign"].id)
    assert statement_of(made, f"data.title:{OUR_NAME}")["by"] == PUBLISHER.did
    assert str(buyer.theirs) in made.manifest.body["evidence"]
    assert buyer.made["bought"].id in {one.id for one in made.manifest.inputs}
    report = judge(buyer, made.renderings["markdown"])
    assert {str(report.check(one).state) for one in SOURCES} == {"pass"}, report.checks


def test_a_model_at_the_root_has_its_licence_on_the_card_of_every_later_one(buyer: Any) -> None:
    base = buyer.made["base"]
    asserted = base.body["rights"]["asserted"]
    assert statement_of(make(buyer, "first"), "model.base-rights")["value"] == asserted
    second = make(buyer, "second")
    assert statement_of(second, f"model.base-rights:{base.name}")["value"] == asserted
    bill = json.loads(second.renderings["cyclonedx"])
    models = {one["bom-ref"]: one for one in bill["components"]}
    assert models[str(base.id)]["licenses"][0]["license"]["name"] == asserted
    assert "licenses" not in models[str(buyer.made["first"].id)]


@pytest.mark.parametrize("form", ["card/1", "card/2"])
def test_cards_of_before_stay_what_they_were(buyer: Any, form: str) -> None:
    made = make(buyer, "second", form=CardForm(form))
    assert not {"data.publisher", "rights.attribution", "rights.deletion"} & facts_of(made)
    assert str(buyer.theirs) not in made.manifest.body["evidence"]
    report = judge(buyer, made.renderings["markdown"])
    assert {str(report.check(one).state) for one in SOURCES} == {"pass"}, report.checks
    now = make(buyer, "second")
    assert (now.changed, now.manifest.body["profile"]) == (True, "card/8")


def test_a_card_of_today_that_keeps_the_terms_back_is_false(buyer: Any) -> None:
    """ATTACK A110: what an earlier form leaves out is left out of a card of today."""
    honest = make(buyer, "second", form=CardForm("card/2"))
    lying = honest.renderings["card"].replace(b'"card/2"', b'"card/3"')
    body = {"profile": "card/3"}
    card = log_card(buyer, honest.manifest, {"card": lying}, buyer.signer, body=body)
    assert judge(buyer, card.encode()).check("card.sources").detail["reason"] == "differs"


def test_what_a_filter_took_out_is_not_named_by_a_digest(buyer: Any) -> None:
    """ATTACK A72: the tree of the data that was bought is a digest of all that it held."""
    for nickname in ("part", "second"):
        made = make(buyer, nickname)
        tree = buyer.made["bought"].tree.hex.encode()
        assert not [role for role, data in made.renderings.items() if tree in data]


def test_the_notice_has_the_terms_of_whoever_published_the_data(buyer: Any) -> None:
    found = notice(buyer)
    for words in (
        f"through the model checkpoints/house/first ({buyer.made['first'].id})",
        f"published as {THEIR_NAME} ({buyer.made['foreign'].id})",
        f"credential: {buyer.theirs}, issued by {PUBLISHER.did}",
        f"attribution: {THEIR_NAME}, by Pub Ltd",
        "licence: LicenseRef-Pub-1.0",
        "due 2027-03-04T12:00:00Z",
        "(derivativeModels): prohibited",
        f"text of the licence: licences/{Digest.of(LICENCE).hex}.txt",
        "rights, as asserted by whoever imported it: Apache-2.0, says the package",
    ):
        assert words in found.text, words
    assert found.licences[f"licences/{Digest.of(LICENCE).hex}.txt"] == LICENCE
    assert found.withheld == {OUR_NAME: True, "datasets/acme/contracts": False}
    assert (
        "checkpoints/house/first"
        not in found.text.partition("Base model")[2].partition("made in this store")[2]
    )
    assert notice(buyer, "checkpoint").withheld == {"datasets/acme/contracts": False}


def test_a_run_that_recorded_less_hides_no_prohibition(buyer: Any) -> None:
    # As programs of before did: nothing is recorded of what the base learned from.
    second = buyer.made["run-second"]
    assert str(buyer.made["bought"].id) not in {one["dataset"] for one in second.body["rights"]}
    first = buyer.made["run-first"]
    run = replace(first, body={**first.body, "rights": []})
    facts = gather(buyer.repository, buyer.made["second"])
    assert facts.closure is not None
    assert [one.name for one in facts.closure.runs] == ["runs/house/second", "runs/house/first"]
    closure = replace(facts.closure, runs=(facts.closure.runs[0], run))
    found = notice_of(buyer.repository, replace(facts, closure=closure))
    assert found.withheld[OUR_NAME] is True


def test_only_partitions_that_were_used_put_duties_on_a_model(buyer: Any) -> None:
    parts = Terms(
        (
            Partition("all", permits=("train", "derivativeModels")),
            Partition("other", prohibits=("derivativeModels",), requires=("shareAlike",)),
        )
    )
    facts = gather(buyer.repository, buyer.made["first"])
    assert facts.run is not None
    assert facts.closure is not None
    (right,) = facts.run.body["rights"]
    (credential,) = facts.terms[buyer.made["bought"].id].credentials
    document: Any = json.loads(json.dumps(credential.document))
    document["credentialSubject"]["licence"] = {
        "partitions": [one.to_json() for one in parts.partitions]
    }
    terms = {
        **facts.terms,
        buyer.made["bought"].id: replace(
            facts.terms[buyer.made["bought"].id],
            credentials=(replace(credential, document=document),),
        ),
    }

    def noticed(**more: Any) -> Any:
        rights = [{**right, "permits": ["train", "derivativeModels"], **more}]
        run = replace(facts.run, body={"rights": rights})  # type: ignore[type-var]
        closure = replace(facts.closure, runs=(run,))  # type: ignore[type-var]
        return notice_of(buyer.repository, replace(facts, terms=terms, closure=closure))

    used = noticed(partitions=["all"])
    assert ("shareAlike" in used.text, used.withheld) == (False, {})
    assert "shareAlike" in noticed().text
    assert noticed(partitions=["other"], permits=["train"]).withheld == {OUR_NAME: True}


def test_what_was_revoked_is_reported(buyer: Any) -> None:
    before = make(buyer, "second")
    taken = revoke(buyer)
    made = make(buyer, "second")
    one = statement_of(made, f"rights.withdrawn:credential {buyer.theirs.short}")
    assert (one["value"], one["evidence"]) == ("revoked", [str(buyer.theirs), str(taken)])
    assert "revoked, by log entry" in notice(buyer).text
    later = judge(buyer, before.renderings["markdown"]).check("card.current")
    assert str(later.state) == "warn"


def test_a_description_for_loaders_has_the_publishers_terms(buyer: Any) -> None:
    union(buyer)
    for nickname in ("bought", "union"):
        found = json.loads(make(buyer, nickname).renderings["croissant"])
        assert [one["@id"] for one in found["publisher"]] == [PUBLISHER.did]
        assert f"{THEIR_NAME}, by Pub Ltd" in found["creditText"]
        assert "LicenseRef-Pub-1.0" in {one["name"] for one in found["license"]}
        place = found
        if nickname == "union":
            sources = {one["name"]: one for one in found["prov:wasDerivedFrom"]}
            assert {"house/bought", "acme/contracts"} <= sources.keys()
            assert "usageInfo" in sources["acme/contracts"]
            place = sources["house/bought"]
            assert [one["name"] for one in place["license"]] == ["LicenseRef-Pub-1.0"]
        (offer,) = place["usageInfo"]
        assert offer["odrl:assigner"] == {"@id": PUBLISHER.did}
        assert offer["odrl:prohibition"][0]["odrl:action"] == {"@id": "lyrik:derivativeModels"}
    revoke(buyer)
    found = json.loads(make(buyer, "bought").renderings["croissant"])
    assert not {"usageInfo", "creditText"} & found.keys()


def test_a_bill_of_materials_has_the_publishers_licence_and_duties(buyer: Any) -> None:
    bill = json.loads(make(buyer, "second").renderings["cyclonedx"])
    data = {one["bom-ref"]: one for one in bill["components"]}[str(buyer.made["bought"].id)]
    assert data["licenses"] == [{"expression": "LicenseRef-Pub-1.0", "acknowledgement": "declared"}]
    names = {one["name"].partition(":")[2].partition(":")[2].partition(":")[0]
             for one in data["properties"]}  # fmt: skip
    assert {"rights.attribution", "rights.deletion", "rights.licence", "data.publisher"} <= names
    assert PUBLISHER.did in data["data"][0]["governance"]["stewards"][0]["organization"]["name"]


OTHER = {**FILES, "z.txt": b"more\n"}


@pytest.mark.parametrize("lie", ["name", "files"])
def test_terms_of_something_else_are_nobodys(buyer: Any, lie: str) -> None:
    """ATTACK A44: what the publisher says of other data is taken for terms of this."""
    foreign = buyer.made["foreign"]
    part = Partition("all", permits=("train", "derivativeModels"))
    about, more = renamed(foreign, "datasets/pub/other"), dict[str, Any]()
    if lie == "files":
        tree = tree_of(OTHER)
        body = {**foreign.body, "records": 3, "fileCount": 3, "bytes": foreign.body["bytes"] + 5}
        about = replace(foreign, tree=tree.id, files=tree.files_id, body=body)
        more = {"files": OTHER}
    false = said(buyer, about, terms=Terms((part,)), **more)
    found = logged_terms(buyer.repository, buyer.made["bought"])
    assert [one.id for one in found.documents] == [buyer.theirs, false]
    assert [one.id for one in found.credentials] == [buyer.theirs]
    assert str(false) not in make(buyer, "second").manifest.body["evidence"]
    assert str(false) not in notice(buyer).text


def test_data_under_the_manifest_of_another_dataset_has_no_card(buyer: Any) -> None:
    foreign = buyer.made["foreign"]
    buyer.dataset(
        "stolen",
        "datasets/house/stolen",
        {"a.txt": b"data of somebody who permits nothing\n"},
        body={"origin": "imported"},
        attachments=[Attachment("foreign-manifest", foreign.id, len(foreign.data))],
    )
    with pytest.raises(FormatError) as caught:
        make(buyer, "stolen")
    assert caught.value.kind == "bad-import"


def test_a_licence_text_that_only_the_buyer_has_is_not_redistributed(buyer: Any) -> None:
    """ATTACK A111: a publisher calls a file of the buyer's the text of their licence."""
    secret = next(iter(FILES.values()))
    said(buyer, buyer.made["foreign"], texts=[("LicenseRef-Pub-1.0", secret)])
    found = notice(buyer)
    assert f"text of the licence: {Digest.of(secret)}, which" in found.text
    assert secret not in found.licences.values()
