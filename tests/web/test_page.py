"""The page in a real browser: the four verdicts, records, lineage, grants, revocation."""

import json
import shutil
import time

import pytest

from lyrikstore.testing.keys import signer_for
from tests.differential.judges import answer, differences
from tests.web.conftest import AT, EVERY_BROWSER, attested, browsers

pytestmark = [pytest.mark.web]


RECIPE = """recipe = 1
[[step]]
use = "drop-empty/1"
"""


def timeless(check):
    """Return what a check says to programs, but for the moment: the page asks at another one."""
    found = answer(check)
    found["detail"].pop("at", None)
    return found


def same_as_the_command_line(window, publisher, delivery, *more):
    """Whatever the page answers, the command line answers, check by check."""
    data = ("--data", delivery / "data")
    ours = publisher.run("verify", delivery, *data, "--json", *more).json
    page = window.report
    for check, other in zip(page["checks"], ours["checks"], strict=True):
        if check["id"] in {"log.memory", "trust.issuer", "log.anchor"}:
            continue  # the page keeps no memory; trust was given in another way
        assert (check["id"], timeless(check)) == (other["id"], timeless(other))
    assert page["subject"] == ours["subject"]


@EVERY_BROWSER
def test_the_four_verdicts(open_page, publisher, delivery, did) -> None:
    window = open_page()
    window.give(delivery)
    assert window.verify() == "valid"
    assert "does not know who signed" in window.page.text_content("#verdict")
    window.shot("verdict-valid")

    window.page.fill("#did", did)
    assert window.verify() == "trusted"
    same_as_the_command_line(window, publisher, delivery)
    window.shot("verdict-trusted")
    assert window.page.locator("#shards tr").count() == len(list((delivery / "data").iterdir()))

    first = min((delivery / "data").iterdir())
    content = first.read_bytes()
    first.unlink()
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "incomplete"
    window.shot("verdict-incomplete")
    same_as_the_command_line(window, publisher, delivery)

    first.write_bytes(content[:-1] + b"!")
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    same_as_the_command_line(window, publisher, delivery)
    row = window.page.locator(f"#shards tr[data-path='{first.name}']")
    assert "differs" in row.text_content()
    window.shot("verdict-invalid")


def test_a_trust_file_counts_as_on_the_command_line(open_page, publisher, delivery, did) -> None:
    publisher.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    window = open_page()
    window.page.set_input_files("#trust", publisher.home / ".config" / "lyrikstore" / "trust.toml")
    window.give(delivery)
    assert window.verify() == "trusted"
    checks = {check["id"]: check for check in window.report["checks"]}
    data = ("--data", delivery / "data")
    ours = publisher.ok("verify", delivery, *data, "--json").json["checks"]
    for check in ours:
        if check["id"] != "log.memory":
            assert timeless(checks[check["id"]]) == timeless(check)


@browsers("firefox")  # WebKit's driver keeps no downloads
def test_the_report_is_the_command_lines(open_page, publisher, delivery, did) -> None:
    publisher.ok("trust", "add", did, "--name", "Acme", "--names", "datasets/acme/*")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    (delivery / "data" / "new <b>.txt").write_text("x")
    window = open_page()
    window.page.set_input_files("#trust", publisher.home / ".config" / "lyrikstore" / "trust.toml")
    window.at(at)
    window.give(delivery)
    assert window.verify() == "invalid"
    data = ("--data", delivery / "data")
    ours = publisher.run("verify", delivery, *data, "--at", at, "--json").json
    kept = window.keep()
    for report in (kept, ours):  # the page keeps no memory
        report["checks"] = [check for check in report["checks"] if check["id"] != "log.memory"]
    assert differences(ours, kept) == []


@pytest.mark.parametrize(
    ("reader", "name", "text"),
    [
        ("jsonl/1", "rows.jsonl", '{"text": "ä"}\r\n{"text": 2}\n{"text": 2}\n'),
        ("csv/2", "rows.csv", '\ufeff\ntext;label\n"a ""b""\nc";1\n\nd;\n'),
        ("csv/1", "rows.csv", '\ufefftext,label\n"a ""b""\nc",1\n\nd,\n'),
    ],
)
def test_records_of_rows(open_page, publisher, tmp_path, did, reader, name, text) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / name).write_bytes(text.encode())
    times = 1 if reader == "csv/2" else 3000  # a table has one header
    (rows / f"z{name}").write_bytes(text.encode() * times)
    (rows / "README.md").write_text("About these rows.\n")
    publisher.ok("commit", rows, "-d", f"acme/{name}", "--reader", reader)
    folder = tmp_path / "other"
    publisher.ok("issue", f"acme/{name}", "-o", folder, "--permit", "train")
    window = open_page()
    window.page.fill("#did", did)
    window.give(folder)
    assert window.verify() == "trusted"
    same_as_the_command_line(window, publisher, folder)
    assert "recomputed over" in window.page.text_content("[data-check='records.root']")


TERMS = """
[[partition]]
name = "all"
permits = ["train"]

[[quality]]
metric = "labelAgreementKappa"
value = "0.87"
method = "3 annotators"

[[measure]]
use = "exactDuplicateRate/1"

[[measure]]
use = "wordCount/1"

[[measure]]
use = "missingMetadataRate/1"
parameters = { column = "origin" }
"""


@EVERY_BROWSER
def test_measured_claims_are_measured_again(open_page, publisher, tmp_path, did) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    for name, texts in (("a", ["one", "two words"]), ("b", ["\xe4\u2003\x85 \xfcber", "one"])):
        lines = "".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in texts)
        (rows / f"{name}.jsonl").write_bytes(lines.encode() * 3001)
    (tmp_path / "terms.toml").write_text(TERMS)
    publisher.ok("commit", rows, "-d", "acme/rows", "--reader", "jsonl/1")
    folder = tmp_path / "other"
    publisher.ok("issue", "acme/rows", "-o", folder, "--terms", tmp_path / "terms.toml")
    window = open_page()
    window.page.fill("#did", did)
    window.give(folder)
    assert window.verify() == "trusted"
    same_as_the_command_line(window, publisher, folder)
    [check] = [one for one in window.report["checks"] if one["id"] == "quality"]
    results = {row["result"] for row in check["detail"]["measurements"]}
    assert results == {"equal", "within-rounding"}
    claims = window.page.text_content("#claims")
    assert "0.87 (human-asserted; 3 annotators)" in claims
    assert "(measured; recomputed: equal)" in claims
    assert "you maytrain" in claims

    shutil.rmtree(folder / "data")
    window = open_page()
    window.give(folder)
    assert window.verify() == "incomplete"
    assert "none was recomputed" in window.page.text_content("#open")


@EVERY_BROWSER
def test_line_ends_rewritten_in_transit_are_reported(open_page, publisher, delivery, did) -> None:
    first = min((delivery / "data").iterdir())
    first.write_bytes(first.read_bytes().replace(b"\n", b"\r\n"))
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    [check] = [one for one in window.report["checks"] if one["id"] == "data.files"]
    assert check["detail"]["reason"] == "line-ends"
    same_as_the_command_line(window, publisher, delivery)


def test_a_licence_text_that_was_altered_is_called_so(open_page, publisher, tmp_path) -> None:
    rows, text, folder = tmp_path / "rows", tmp_path / "text", tmp_path / "licensed"
    rows.mkdir()
    (rows / "a.txt").write_text("one\n")
    text.write_text("You may train.\n")
    licence = ("--licence", "LicenseRef-Ours", "--licence-text", text)
    publisher.ok("commit", rows, "-d", "acme/licensed", *licence)
    publisher.ok("issue", "acme/licensed", "-o", folder, "--permit", "train")
    (folder / "LICENCE.txt").write_text("You may do anything.\n")
    window = open_page()
    window.give(folder)
    assert window.verify() == "incomplete"
    [check] = [one for one in window.report["checks"] if one["id"] == "terms"]
    assert check["detail"]["reason"] == "altered"
    same_as_the_command_line(window, publisher, folder)


@EVERY_BROWSER
def test_lineage_over_several_steps(open_page, publisher, tmp_path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    publisher.ok("filter", "acme/docs", "--recipe", recipe, "--as", "acme/clean")
    publisher.ok("filter", "acme/clean", "--recipe", recipe, "--as", "acme/cleaner")
    folder = tmp_path / "second"
    publisher.ok("issue", "acme/cleaner", "-o", folder, "--permit", "train")
    window = open_page()
    window.give(folder)
    window.verify()
    steps = window.page.locator("#lineage rect")
    assert steps.count() == 3  # itself, its source and its filter, as its own manifest says
    assert window.page.locator("#lineage rect.signed").count() == 1
    (folder / "clean.json").write_text(publisher.ok("show", "acme/clean", "--raw").out)
    window = open_page()
    window.give(folder)
    window.verify()
    assert window.page.locator("#lineage li").count() == 5
    window.shot("lineage")


def test_what_others_attest_is_shown(open_page, tmp_path) -> None:
    window = open_page()
    window.at(AT)
    window.give(attested(tmp_path))
    window.verify()
    rows = window.page.locator("#others > li")
    assert rows.count() == 1
    assert rows.first.text_content().startswith("! Valid quality ")
    assert rows.first.locator("[data-check=proof]").get_attribute("data-state") == "pass"


def test_a_grant_is_not_called_as_its_holder(open_page, publisher, delivery, tmp_path) -> None:
    buyer = signer_for("buyer").did
    granted = ("--to", buyer, "--to-name", "Buyer AG", "--permit", "train", "--until", "90d")
    publisher.ok("grant", delivery, *granted, "-o", tmp_path / "grant.json")
    window = open_page()
    window.page.set_input_files("#files", [tmp_path / "grant.json", delivery / "credential.json"])
    window.page.select_option("#target", "grant.json")
    window.verify()
    judged = window.page.locator("#facts dd").first.text_content()
    assert judged.startswith("Licence grant: datasets/acme/docs, urn:blake3:")
    claims = window.page.text_content("#claims")
    assert f"granted toBuyer AG, {buyer}" in claims
    assert "you maytrain" in claims
    assert "Buyer" not in window.page.title()
    assert window.page.is_hidden("#origins")


def test_a_grant_for_another_version_is_named(open_page, publisher, tmp_path) -> None:
    texts, newer = tmp_path / "texts", tmp_path / "newer"
    texts.mkdir()
    for version in (tmp_path / "older", newer):
        (texts / "a.txt").write_text(version.name)
        publisher.ok("commit", texts, "-d", "acme/twice", "--yes")
        publisher.ok("issue", "acme/twice", "-o", version, "--permit", "train")
    granted = ("--to", signer_for("buyer").did, "--permit", "train", "--until", "90d")
    publisher.ok("grant", tmp_path / "older", *granted, "-o", tmp_path / "grant.json")
    window = open_page()
    window.give(newer)
    window.verify()
    assert not any("another version" in line for line in window.report["notProven"])
    shutil.copy(tmp_path / "grant.json", newer)
    window = open_page()
    window.give(newer)
    window.verify()
    ours = publisher.run("verify", newer, "--json").json["notProven"]
    (said,) = [line for line in ours if "another version" in line]
    assert said in window.report["notProven"]

    window = open_page()
    window.page.set_input_files("#files", [newer / "grant.json", newer / "credential.json"])
    window.page.select_option("#target", "grant.json")
    window.verify()
    checks = {check["id"]: check for check in window.report["checks"]}
    ours = publisher.run("verify", newer / "grant.json", "--json").check("grant.terms")
    assert answer(checks["grant.terms"]) == answer(ours)
    assert ours["detail"]["reason"] == "other-version"


def test_what_names_no_data_is_judged_without(open_page, publisher, delivery, did) -> None:
    """A grant beside a whole delivery: the command line refuses the data, so nothing names it."""
    granted = ("--to", signer_for("buyer").did, "--permit", "train", "--until", "90d")
    publisher.ok("grant", delivery, *granted, "-o", delivery / "grant.json")
    window = open_page()
    window.give(delivery)
    window.page.set_input_files("#files", delivery / "grant.json")
    window.page.select_option("#target", "grant.json")
    window.page.fill("#did", did)
    assert window.verify() == "trusted"
    command = window.page.text_content("#same").split()
    assert command[2:] == ["grant.json"]
    assert publisher.ok(*command[1:], "--json", cwd=delivery).json["verdict"] == "trusted"
    assert "of them wrong" not in window.page.text_content("#count")


@EVERY_BROWSER
def test_a_log_proof_given_later_counts(open_page, delivery, tmp_path, did) -> None:
    proof = delivery / "log.tlog-proof"
    later = tmp_path / "newer.tlog-proof"
    later.write_bytes(proof.read_bytes())
    proof.unlink()
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "incomplete"
    window.page.set_input_files("#files", later)
    assert window.verify() == "trusted"


def test_revoked(open_page, publisher, tmp_path, delivery, did) -> None:
    publisher.ok("credential", "revoke", delivery, "-o", tmp_path / "public")
    (newer,) = (tmp_path / "public").glob("revocation-*")
    (delivery / f"status-{newer.name}").write_bytes(newer.read_bytes())
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    assert window.page.get_attribute("[data-check=status]", "data-state") == "fail"
