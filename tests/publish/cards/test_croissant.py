"""The card of a dataset as Croissant 1.1 (S11), judged by mlcroissant and two readers of JSON-LD.

The validator lets members be missing that the specification requires, so they are asked for here.
"""

import json
import logging
import re
import socket
from typing import Any

import mlcroissant
import pytest
import rdflib
from huggingface_hub import DatasetCard
from pyld import jsonld

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import parse
from lyrikstore.history.manifests.manifest import Input
from lyrikstore.publish.cards.card import CardResult
from lyrikstore.publish.cards.offline_card import is_card, store_named
from lyrikstore.publish.cards.profiles.profile import shipped_profiles
from lyrikstore.publish.cards.rendering import croissant
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.publish.cards.vocabulary import VOCABULARY
from lyrikstore.testing.keys import signer_for
from lyrikstore.verify.report import Verdict
from tests.publish.cards.making import answer_all, answered, attested, judge, make, reason

REQUIRED = (
    "@context", "@type", "conformsTo", "name", "description", "url", "creator", "license",
    "datePublished", "distribution",
)  # fmt: skip
KNOWN = {
    "about": "Supply contracts, one clause a record",
    "biases": "mostly German",
    "classification": {"pi": "present", "phi": "absent"},
    "collectedDuring": {"start": "2010-01-01", "end": "2024-12-31"},
    "collectionMethod": ["primary-user-source"],
    "formats": [{"suffix": ".txt", "files": 3}, {"suffix": ".x", "files": 1}],
    "limitations": "nothing before 2010",
    "name": "Contracts of Acme",
    "origin": "Acme Archives",
    "purposes": "clause classification",
    "retention": "until 2040",
}
NASTY = 'a</script><b>"\u202e\u200b\x01{"@value":1}<!-- & [h](https://i.example) https://i.example'

pytestmark = pytest.mark.filterwarnings(  # of rdflib, inside it
    "ignore:ConjunctiveGraph is deprecated:DeprecationWarning",
    "ignore:Dataset.default_context is deprecated:DeprecationWarning",
)


def described(chain: Any, **fields: Any) -> Any:
    """Log a dataset of which this is known, and one that a filter made from it."""
    descriptor = {
        name: {"state": "value", "value": value, "basis": "human-asserted"}
        for name, value in fields.items()
    }
    descriptor["consents"] = {"state": "unknown", "reason": "nobody has asked"}
    descriptor["annotation"] = {"state": "not-applicable", "reason": "it has no labels"}
    raw = chain.dataset(
        "described",
        "datasets/acme/described",
        {"a.txt": b"one\n", "b/c.txt": b"two\n"},
        body={"descriptor": descriptor, "licence": {"expression": "CC-BY-4.0"}},
    )
    chain.issue_credential(raw)
    train = chain.made["train"]
    chain.dataset(
        "filtered",
        "datasets/acme/filtered",
        {"a.txt": b"one\n"},
        body=train.body,
        inputs=[Input("source", "dataset", raw.id), *train.inputs_in("filter")],
        attachments=list(train.attachments_in("decisions")),
    )
    return chain


@pytest.fixture(scope="module")
def known(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A chain of whose dataset much is known, and answered, and disputed."""
    made = world.Chain(tmp_path_factory.mktemp("known")).build()
    chain = described(made, **KNOWN)
    answer_all(chain, nickname="described")
    said = {"upkeep": {"state": "unknown", "text": "nobody wrote it down"}}
    answered(chain, said, "other", nickname="described")
    return chain


@pytest.fixture(scope="module")
def card(known: Any) -> CardResult:
    """Its card."""
    return make(known, "described")


@pytest.fixture(scope="module")
def unanswered(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A chain of whose data nobody said anything."""
    return world.Chain(tmp_path_factory.mktemp("unanswered")).build()


@pytest.fixture
def hostile(chain: Any) -> CardResult:
    """The card of a dataset that a stranger described and answered for."""
    described(chain, **{**dict.fromkeys(KNOWN, NASTY), "collectedDuring": {"start": NASTY}})
    made = chain.made["described"]
    body = {**made.body, "licence": {"expression": NASTY}}
    chain.log(
        "described", kind="dataset", name=made.name, body=body, tree=made.tree, files=made.files,
        parents=[made.id],
    )  # fmt: skip
    make(chain, "described")
    names = ("contents", "suitable-uses", "upkeep", "bias-sources")
    answered(chain, dict.fromkeys(names, NASTY), nickname="described")
    return make(chain, "described")


def read(made: CardResult) -> Any:
    return json.loads(made.renderings["croissant"])


def said(made: CardResult) -> dict[str, str]:
    return {one["name"]: one["value"] for one in read(made)["lyrik:card"]["lyrik:statement"]}


def test_terms_of_the_version_before_are_not_its_own(chain: Any) -> None:
    """ATTACK: a filtered version takes the name of its source, and with it the source's terms."""
    raw, train = chain.made["raw"], chain.made["train"]
    credential = chain.issue_credential(raw)
    chain.dataset(
        "own", raw.name, {"a.txt": b"one\n"}, body=train.body, parents=[raw.id],
        inputs=[Input("source", "dataset", raw.id), *train.inputs_in("filter")],
        attachments=list(train.attachments_in("decisions")),
    )  # fmt: skip
    made = make(chain, "own")
    found = read(made)
    assert credential
    assert "usageInfo" not in found
    assert "alternateName" not in found  # the title is the source's
    (source,) = found["prov:wasDerivedFrom"]
    assert source["@id"] == raw.id.urn
    assert source["usageInfo"]
    assert "prov:wasGeneratedBy" not in source
    report = judge(chain, made.renderings["croissant"])
    assert report.check("card.sources").state.value == "pass"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections."""

    def refuse(*_: Any) -> None:
        raise AssertionError("it looks something up")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def valid(data: bytes, tmp_path: Any, caplog: pytest.LogCaptureFixture) -> mlcroissant.Metadata:
    """Return what the validator reads; its warnings, too, are failures but for one."""
    file = tmp_path / "data.croissant.json"
    file.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        found = mlcroissant.Dataset(str(file)).metadata
    assert not found.ctx.issues.errors
    # How to cite it, nobody says.
    assert [one for one in found.ctx.issues.warnings if "citeAs" not in one] == []
    assert "not standard" not in caplog.text
    return found


@pytest.mark.parametrize("nickname", ["described", "filtered", "raw", "train", "test"])
def test_the_validator_accepts_it(
    known: Any, nickname: str, no_network: None, tmp_path: Any, caplog: Any
) -> None:
    made = make(known, nickname)
    found = valid(made.renderings["croissant"], tmp_path, caplog)
    assert found.ctx.conforms_to.value == croissant.CROISSANT
    assert found.date_published is not None
    assert found.name == known.made[nickname].name.removeprefix("datasets/")
    (files,) = found.distribution
    assert files.id == known.made[nickname].tree.urn
    assert files.includes == ["*", "**/*"]
    missing = [name for name in REQUIRED if not read(made).get(name)]
    assert missing == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(b'"sc:Dataset"', b'"sc:Thing"'), (b"croissant/1.1", b"croissant/9.9"),
     (b'"includes"', b'"exclude"')],
)  # fmt: skip
def test_the_validator_would_refuse_another(
    card: CardResult, right: bytes, wrong: bytes, tmp_path: Any, caplog: Any
) -> None:
    data = card.renderings["croissant"].replace(right, wrong)
    with pytest.raises((mlcroissant.ValidationError, AssertionError)):
        valid(data, tmp_path, caplog)


def test_two_readers_find_the_same(card: CardResult, hostile: CardResult, no_network: None) -> None:
    for made in (card, hostile):
        document = read(made)
        lines = jsonld.to_rdf(document, {"format": "application/n-quads"})
        graph = rdflib.Graph()
        graph.parse(data=made.renderings["croissant"], format="json-ld")
        assert len(graph) == len(set(lines.splitlines()))
        subjects = [str(one) for one in graph.subjects(rdflib.RDF.type, rdflib.SDO.Dataset)]
        assert subjects == [Digest.parse(document_id(made)).urn]


def document_id(made: CardResult) -> str:
    subject: Any = made.document.content["subject"]
    return str(subject["id"])


def test_what_is_known_is_in_its_field(known: Any, card: CardResult) -> None:
    found, own = read(card), known.made["described"]
    assert found["@id"] == found["url"] == own.id.urn
    assert found["identifier"] == [own.tree.urn, own.id.urn]
    assert found["datePublished"] == own.created
    assert found["version"] == 1
    assert found["alternateName"] == "Contracts of Acme"
    assert [one["name"] for one in found["creator"]] == ["Acme Archives"]
    (licence,) = found["license"]
    assert licence["name"] == "CC-BY-4.0"
    assert licence["url"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert own.author in licence["description"]
    assert found["conformsTo"] == [croissant.CROISSANT, croissant.RAI]
    assert found["prov:wasAttributedTo"]["@id"] == own.author
    (files,) = found["distribution"]
    assert files["encodingFormat"] == ["text/plain", "application/octet-stream"]
    assert files["contentSize"] == "8 B"
    assert found["rai:dataCollectionTimeframe"] == ["2010-01-01", "2024-12-31"]
    assert found["rai:dataBiases"][0] == "Known biases: mostly German (stated)"
    assert "The answer to bias-sources." in found["rai:dataBiases"][-1]
    assert signer_for("expert").did in found["rai:dataBiases"][-1]
    assert "pi present" in found["rai:personalSensitiveInformation"][0]
    assert "does not apply" in found["rai:dataAnnotationProtocol"]
    assert "sha256" not in card.renderings["croissant"].decode()


def test_the_terms_are_an_offer(known: Any, card: CardResult) -> None:
    (offer,) = read(card)["usageInfo"]
    assert offer["@type"] == ["CreativeWork", "odrl:Offer"]
    assert offer["odrl:assigner"]["@id"].startswith("did:")
    actions = {one["odrl:action"]["@id"] for one in offer["odrl:permission"]}
    permits = next(
        one for one in card.document.statements if one.id.startswith("rights.permits:")
    ).value
    assert isinstance(permits, list)
    assert f"lyrik:{permits[0]}" in actions
    assert len(actions) == len(permits)
    for one in offer["odrl:permission"]:
        assert one["odrl:target"] == {"@id": known.made["described"].tree.urn}
        # Never more than the credential permits: its time goes with it.
        limits = {item["odrl:leftOperand"]["@id"] for item in one["odrl:constraint"]}
        assert "odrl:dateTime" in limits


def test_a_derived_dataset_names_what_it_was_made_from(known: Any) -> None:
    found = read(make(known, "filtered"))
    (source,) = found["prov:wasDerivedFrom"]
    assert source["@id"] == known.made["described"].id.urn
    # The terms of the source are of the source.
    assert "usageInfo" not in found
    assert source["usageInfo"][0]["@type"][1] == "odrl:Offer"
    (activity,) = found["prov:wasGeneratedBy"]
    assert activity["prov:used"] == [{"@id": known.made["filter"].id.urn}]
    assert "1 dropped" in activity["prov:label"]
    assert "(datasets/acme/described)" in found["description"]
    assert "alternateName" not in found
    assert found["license"][0]["name"] == "CC-BY-4.0"


def test_what_nobody_established_fills_nothing(unanswered: Any) -> None:
    made = make(unanswered, "test")
    found = read(made)
    for member in ("creator", "license"):
        assert found[member][0]["name"].startswith("not established")
    assert found["description"].startswith("not established")
    assert found.keys().isdisjoint({"usageInfo", "publisher", "prov:wasDerivedFrom", "citeAs"})
    rai = {name for name in found if name.startswith("rai:")}
    assert rai == {"rai:dataAnnotationProtocol"}  # somebody says that it does not apply
    assert "(not-applicable)" in found["rai:dataAnnotationProtocol"]
    assert said(made)["not-established:answer.contents"].startswith("not established")


def test_every_statement_is_there_with_its_state(card: CardResult) -> None:
    found = said(card)
    for one in card.document.statements:
        assert found[f"{one.state}:{one.id}"].startswith(one.text), one.id
    assert "up to 10,000 EUR" in found[f"liable:answer.contents:{signer_for('expert').did}"]
    about = read(card)["lyrik:card"]
    assert about["@id"] == Digest.of(card.renderings["card"]).urn
    assert about["creativeWorkStatus"].startswith(("Complete, not yet approved", "Draft"))
    assert "nobody wrote it down" not in read(card)["rai:dataReleaseMaintenancePlan"]


def test_a_disputed_answer_says_so(known: Any) -> None:
    name = f"answer.suitable-uses:{signer_for('expert').did}"
    made = make(known, "described")
    assert not any("disputed" in one for one in read(made)["rai:dataUseCases"])
    statement = {"liability": "none", "challenges": [name], "grounds": "it was not asked"}
    attested(known, "challenge", statement, "validator", nickname="described")
    again = read(make(known, "described"))
    assert [one for one in again["rai:dataUseCases"] if one.endswith(", disputed)")]


def test_its_fields_name_facts_and_questions_that_exist() -> None:
    asked = {one for profile in shipped_profiles().values() for one in profile.questions}
    named = {name for names in croissant.FIELDS.values() for name in names}
    assert {one for one in named if not one.startswith("answer.")} <= VOCABULARY.keys()
    assert {one.partition(".")[2] for one in named if one.startswith("answer.")} <= asked


def test_foreign_text_stays_text(hostile: CardResult, tmp_path: Any, caplog: Any) -> None:
    valid(hostile.renderings["croissant"], tmp_path, caplog)
    text = hostile.renderings["croissant"].decode()
    assert "<" not in text  # nothing ends the script element of a web page
    assert not re.search("[\u202e\u200b\x01]", text)
    found = read(hostile)
    assert '{"@value":1}' in found["rai:dataBiases"][0]
    assert "rai:dataCollectionTimeframe" not in found
    assert "url" not in found["license"][0]
    front = DatasetCard(hostile.renderings["markdown"].decode()).data.to_dict()
    assert front.keys() == {"pretty_name", "license", "license_name", "tags"}


def test_hubs_read_its_front_matter(card: CardResult) -> None:
    found = DatasetCard(card.renderings["markdown"].decode()).data
    assert found.pretty_name == "acme/described"
    assert (found.license, found.to_dict()["license_name"]) == ("other", "CC-BY-4.0")
    assert found.tags == ["lyrikstore", "provenance"]


def test_twice_the_same_and_one_flipped_byte_fails(known: Any, card: CardResult) -> None:
    data = card.renderings["croissant"]
    content: Any = parse(card.renderings["card"])
    assert render(content, ["croissant"])["croissant"] == data
    assert judge(known, data).check("card").state.value == "pass"
    assert is_card(data, ".txt")
    assert is_card(json.dumps(json.loads(data)).encode())
    assert not is_card(b'{"@context": {"@vocab": "https://schema.org/"}, "name": "x"}')
    assert store_named(data) == str(known.repository.store_id)
    for at in (0, len(data) // 3, len(data) // 2, len(data) - 2):
        edited = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        report = judge(known, edited)
        assert report.verdict is Verdict.INVALID, at
        assert reason(report, "card") == "edited", at
    edited = data.replace(b"mostly German", b"mostly French")
    assert "mostly French" in judge(known, edited).check("card").summary
