"""A delivery whose ``data`` is a link to somewhere: read only where whoever verifies named it."""

from pathlib import Path

import pytest

from lyrikstore import verify_delivery


@pytest.fixture
def delivery(publisher) -> Path:
    """A delivery whose data was moved elsewhere, with a link in its place."""
    texts = publisher.folder / "texts"
    texts.mkdir()
    (texts / "one.txt").write_text("one\n")
    publisher.ok("commit", "texts", "-d", "acme/texts")
    publisher.ok("issue", "acme/texts", "-o", "delivery", "--permit", "train")
    folder = publisher.folder / "delivery"
    (folder / "data").rename(publisher.folder / "elsewhere")
    (folder / "data").symlink_to(publisher.folder / "elsewhere")
    return folder


def files_of(report: dict) -> dict:
    return next(check for check in report["checks"] if check["id"] == "data.files")


@pytest.mark.parametrize("listed", [True, False])
def test_it_is_not_read_through(publisher, delivery, listed) -> None:
    if not listed:
        (delivery / "tree.jsonl").unlink()
    refused = publisher.fails(5, "verify", delivery, "--json")
    files = files_of(refused.json)
    assert (files["state"], files["detail"]["reason"]) == ("unchecked", "linked")
    assert "matching" not in files["detail"]
    assert f"--data {delivery / 'data'}" in publisher.fails(5, "verify", delivery).err
    trust = publisher.home / ".config" / "lyrikstore" / "trust.toml"
    assert verify_delivery(delivery, trust_file=trust).verdict == "incomplete"


def test_one_that_leads_nowhere_is_a_link_too(publisher, delivery) -> None:
    (publisher.folder / "elsewhere").rename(publisher.folder / "gone")
    report = publisher.fails(5, "verify", delivery, "--json").json
    assert files_of(report)["detail"]["reason"] == "linked"


@pytest.mark.parametrize("target", ["delivery", "delivery/credential.json"])
def test_what_was_named_is_read_wherever_it_leads(publisher, delivery, target) -> None:
    report = publisher.ok("verify", target, "--data", delivery / "data", "--json").json
    assert files_of(report)["state"] == "pass"
    (publisher.folder / "elsewhere" / "one.txt").unlink()
    (publisher.folder / "elsewhere" / "one.txt").symlink_to(publisher.folder / "texts" / "one.txt")
    report = publisher.fails(3, "verify", target, "--data", delivery / "data", "--json").json
    assert files_of(report)["detail"]["differs"] == [{"path": "one.txt", "reason": "not-a-file"}]


def test_nothing_is_taken_in_through_it(publisher, delivery, new_person) -> None:
    buyer = new_person("buyer")
    buyer.ok("key", "new", "--no-passphrase")
    buyer.ok("init")
    buyer.fails(5, "import", delivery)
