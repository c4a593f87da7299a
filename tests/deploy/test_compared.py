"""What was compared of a deployed folder: probe texts, and records of the test part."""

import json

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.train.serving.probe import DeployCheck, TestPartCheck
from lyrikstore.train.serving.texts import TokenCheck
from lyrikstore.verify.deployment.compared import compared_in_words

LATENCY = {"p50": "1.00", "p95": "2.00"}
TEST = Digest.of(b"a test part")


@pytest.mark.train
def test_records_of_the_test_part_are_asked_and_stay_here(shop) -> None:
    folder, made = shop.deploy("words", "onnx")
    check = made["check"]
    assert 0 < check["testPart"]["count"] == check["testPart"]["agreeing"] <= 20
    assert check["servedBy"].startswith("onnxruntime ")
    use = (folder / "USE.md").read_text("utf-8")
    assert compared_in_words(check) in use
    delivered = b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
    test = shop.person.ok("checkout", "acme/topics.test", folder.parent / "test").out
    assert test is not None
    texts = [one.read_bytes().strip() for one in (folder.parent / "test").rglob("*.txt")]
    assert len(texts) >= check["testPart"]["count"]
    assert not [one for one in texts if one in delivered]
    found = shop.person.ok("verify", folder, "--json").json["checks"]
    (made_from,) = (one for one in found if one["id"] == "deployment.made-from")
    assert made_from["detail"]["compared"] == check


@pytest.mark.parametrize(
    ("agreeing", "difference", "holds"), [(20, 0, True), (19, 0, False), (20, 1001, False)]
)
def test_other_labels_of_test_records_are_refused(agreeing, difference, holds) -> None:
    test = TestPartCheck(TEST, 20, agreeing, difference)
    assert DeployCheck(26, 26, 0, LATENCY, test).holds is holds


@pytest.mark.parametrize(("is_held", "holds"), [(False, True), (True, False)])
def test_other_texts_of_test_records_are_counted_and_said(is_held, holds) -> None:
    check = TokenCheck(8, 8, 128, 127, 1, LATENCY, TestPartCheck(TEST, 20, 17), is_held)
    assert check.holds is holds
    found = check.to_json()
    assert found["testPart"] == {"testSet": str(TEST), "count": 20, "agreeing": 17}
    words = compared_in_words(found)
    assert "17 of 20" in words
    assert "3 records otherwise" in words


def test_what_nobody_compared_is_not_called_compared() -> None:
    texts = json.loads(json.dumps(DeployCheck(26, 26, 0, LATENCY).to_json()))
    assert "no record of a test part" in compared_in_words(texts)
    assert compared_in_words(None).startswith("nobody compared")
