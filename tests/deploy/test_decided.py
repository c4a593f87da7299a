"""A model under rules: what decided it lies in the deployed folder, and is not checked there."""

from pathlib import Path

import pytest

from lyrikstore.history.manifests.manifest import parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.verify.checks import not_proven
from tests.deploy.conftest import CONFIG, Shop
from tests.verify.deployment.folders import judged

pytestmark = pytest.mark.train
NAME = "checkpoints/ruled/words"


def test_a_deployment_under_rules_has_its_decision(shop: Shop, tmp_path: Path) -> None:
    person, folder = shop.person, tmp_path / "folder"
    person.ok("rules", "add", "core", "--namespace", "ruled")
    settings = {"task": "", "label": "page", "base": "linear", "model": "", "epochs": 1}
    config = CONFIG.format(name="words", data="topics", **settings)
    of_ruled = config.replace("checkpoints/acme", "checkpoints/ruled")
    (person.folder / "ruled.toml").write_text(of_ruled)
    person.ok("train", "ruled.toml")
    person.ok("evaluate", NAME, "--on", "acme/topics.test")
    person.ok("deploy", NAME, "--to", "onnx", "-o", folder)

    deployment = parse_manifest((folder / "lyrikstore" / "manifest.json").read_bytes())
    (named,) = deployment.inputs_in("decision")
    beside = folder / "lyrikstore" / f"decision-{named.id.short}.json"
    decision = parse_manifest(beside.read_bytes())
    assert decision.id == named.id
    assert (decision.body["action"], decision.body["answer"]) == ("deploy", "permit")
    trust = f'version = 1\n\n[[issuer]]\ndid = "{person.did()}"\nnickname = "acme"\n'
    report = judged(folder, trust, deployment.created)
    assert str(report.verdict) == "trusted", report.checks
    decided = f"{deployment.name!r}, 'runs/ruled/words', 'evaluations/ruled/words'"
    assert not_proven("rules", decided) in report.not_proven
    repository = Repository.open(person.folder / ".lyrikstore")
    card = draft_card(repository, repository.resolve(NAME))
    said = [one.value for one in card.statements if one.fact == "rights.decision"]
    assert said == ["permit", "permit"]
