"""Another limit of confidence than the checkpoint's: asked, served, signed and verified."""

import json

import pytest

from lyrikstore.verify.deployment.compared import compared_in_words
from tests.deploy.test_folder_check import run

pytestmark = [pytest.mark.train]
LIMIT = ("--abstain-below", "0.999999")


def test_a_limit_of_whoever_asks_or_deploys_is_applied_and_recorded(shop, tmp_path) -> None:
    person, name = shop.person, shop.checkpoint("words")
    shop.predicted("words")
    answered = person.ok("predict", name, "text.txt", *LIMIT, "--json").json
    assert (answered["abstainBelow"], answered["limitFrom"]) == ("0.999999", "option")
    assert answered["predictions"][0]["abstainedFor"] == ["confidence"]
    folder = tmp_path / "limited"
    arguments = ("--as", "acme/limited", "-o", folder)
    made = person.ok("deploy", name, "--to", "onnx", *arguments, *LIMIT, "--json").json
    assert (made["abstainBelow"], made["limitFrom"]) == ("0.999999", "deployment")
    answer = json.loads(run(folder / "answer.py", "words of the pages").stdout)
    assert (answer["answer"], answer["abstainedFor"]) == ([], ["confidence"])
    found = person.ok("verify", folder, "--json").json
    made_from = next(one for one in found["checks"] if one["id"] == "deployment.made-from")
    assert made_from["state"] == "pass"
    limit = made_from["detail"]["limit"]
    assert limit["served"] == "0.999999" > limit["sealed"]
    assert "compared" not in made_from["detail"]
    assert compared_in_words(None) in (folder / "USE.md").read_text("utf-8")
