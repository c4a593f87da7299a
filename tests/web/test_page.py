"""The page in a real browser: the four verdicts, records, lineage, no network."""

import json
import os
import shutil
import time

import pytest

from lyrikstore.canon.digest import Digest
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


def drop(page, path, where="#drop") -> None:
    """Drop a file or folder on the page, as from the desktop, and wait until it says something."""
    page.locator(where).scroll_into_view_if_needed()
    box, before = page.locator(where).bounding_box(), page.text_content("#given")
    place = {"x": box["x"] + 9, "y": box["y"] + 9}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
    page.wait_for_selector(f"#given:not(:text('{before}'))")


@pytest.mark.disk  # Chromium takes nothing from below /dev
def test_what_is_dropped(open_page, delivery, tmp_path, did) -> None:
    (revocations,) = delivery.glob("status-revocation-*")
    later = tmp_path / revocations.name
    revocations.rename(later)
    window = open_page()
    window.page.fill("#did", did)
    drop(window.page, delivery)
    assert window.verify() == "incomplete"
    drop(window.page, later)
    assert window.verify() == "trusted"
    (tmp_path / "nothing").mkdir()
    drop(window.page, tmp_path / "nothing")
    assert "Nothing was dropped that can be read" in window.page.text_content("#given")


def test_the_same_file_can_be_chosen_again(open_page, delivery) -> None:
    """A browser says nothing of a choice that an input holds already."""
    window = open_page()
    for name, chosen in (("folder", delivery), ("files", delivery / "README.md")):
        window.page.set_input_files(f"#{name}", chosen)
        assert window.page.input_value(f"#{name}") == ""
    (delivery / "trust.toml").write_text("version = 1")
    window.page.set_input_files("#trust", delivery / "trust.toml")
    assert window.page.input_value("#trust") == ""
    assert "trust.toml" in window.page.text_content("#believed")


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
def test_line_ends_rewritten_in_transit_are_told(open_page, publisher, delivery, did) -> None:
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
    licence = ("--license", "LicenseRef-Ours", "--licence-text", text)
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


@EVERY_BROWSER
def test_files_are_paged_and_found(open_page, publisher, tmp_path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(1234):
        (many / f"{number:05}.txt").write_text(f"{number}" if number else "")
    publisher.ok("commit", many, "-d", "acme/many")
    folder = tmp_path / "other"
    publisher.ok("issue", "acme/many", "-o", folder, "--permit", "train")
    (folder / "data" / "01000.txt").write_text("9999")
    window = open_page()
    window.give(folder)
    assert window.verify() == "invalid"
    page = window.page
    rows = page.locator("#shards tr")
    assert rows.count() == 100
    assert rows.first.get_attribute("data-path") == "01000.txt"  # what is wrong comes first
    page.click("#later")
    page.wait_for_selector("#earlier:enabled")
    assert "101 to 200 of 1234" in page.text_content("#count")
    page.fill("#seek", "0012")
    assert rows.count() == 11
    page.fill("#seek", "")
    page.check("#wrong")
    assert rows.count() == 1


def test_what_is_printed_is_a_record(open_page, delivery, did, tmp_path) -> None:
    trust = tmp_path / "trust.toml"
    trust.write_text(f'version = 1\n[[issuer]]\ndid = "{did}"\nnickname = "Acme"\n')
    window = open_page()
    page = window.page
    page.set_input_files("#trust", trust)
    window.give(delivery)
    assert window.verify() == "trusted"
    page.emulate_media(media="print")
    assert page.is_hidden("#drop")
    assert page.is_hidden("#did")
    assert page.is_hidden("#verify")
    assert page.is_hidden("#kept")
    facts = page.text_content("#facts")
    assert window.report["at"] in facts
    assert str(Digest.of(trust.read_bytes()))[len("blake3:") :] in facts
    assert page.get_attribute("meta[name=sources]", "content") in facts
    assert f"Acme, {did}" in facts
    assert page.is_visible("#open li")
    # Reading on from the verdict: first what was not proven.
    order = page.evaluate(
        "[...document.querySelectorAll('#answer h2, #answer h3')].map((one) => one.textContent)"
    )
    assert order[1:4:2] == ["Not proven", "What others say about it"]
    assert page.title() == "trusted: datasets/acme/docs"


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


def test_the_command_that_does_the_same_is_safe_to_copy(open_page, delivery, tmp_path) -> None:
    """ATTACK: a name that a shell would act on."""
    odd = delivery.rename(tmp_path / "x;touch y")
    (odd / "data").rename(odd / "$(id)")
    window = open_page()
    window.at("2027-01-01T00:00:00Z")
    window.give(odd)
    window.verify()
    said = window.page.text_content("#same")
    assert said.startswith("lyrikstore verify credential.json --data FOLDER")
    assert said.endswith(" --at 2027-01-01T00:00:00Z")


@pytest.mark.disk
def test_a_drop_beside_the_box_is_a_drop(open_page, delivery) -> None:
    """A browser would open what is dropped there, in the place of the page."""
    window = open_page()
    drop(window.page, delivery, "footer")
    window.page.wait_for_selector("#verify:enabled")
    assert window.verify() == "valid"


def test_two_folders_are_never_mixed(open_page, delivery) -> None:
    first = min((delivery / "data").iterdir())
    good = first.read_bytes()
    first.write_bytes(b"other")
    (delivery / "aside").mkdir()
    (delivery / "aside" / first.name).write_bytes(good)
    window = open_page()
    window.give(delivery)
    assert window.verify() == "invalid"
    assert "“data”" in window.page.text_content("#given")


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


def test_it_stops_when_asked(open_page, delivery) -> None:
    tree = delivery / "tree.jsonl"
    listed = tree.read_bytes()
    tree.unlink()  # without a list every file is read, whatever its length
    large = delivery / "data" / "large.bin"
    with large.open("wb") as file:
        file.truncate(64 << 30)
    window = open_page()
    page = window.page
    window.give(delivery)
    for stop in (
        lambda: page.click("#stop"),
        lambda: page.set_input_files("#files", delivery / "log.tlog-proof"),
        lambda: page.click("#clear"),
    ):
        page.click("#verify")
        page.wait_for_selector("#bar:not([hidden])")
        assert page.is_disabled("#verify")
        page.wait_for_selector("#progress:text('hashing')")
        assert page.is_visible("#hashed")
        stop()
        page.wait_for_selector("#stop", state="hidden")
        assert "nothing was judged" in page.text_content("#progress")
        assert page.is_hidden("#bar")
        assert page.is_hidden("#answer")
        assert page.is_hidden("#files-shown")
        while page.workers:  # they end by themselves, soon
            page.wait_for_timeout(20)
    assert page.is_disabled("#verify")  # nothing is given any more
    large.unlink()
    tree.write_bytes(listed)
    window.give(delivery)
    assert window.verify() == "valid"


@pytest.mark.slow
def test_a_stream_is_read_to_its_end_whenever_memory_is_collected(open_page, delivery) -> None:
    (delivery / "tree.jsonl").unlink()
    with (delivery / "data" / "large.bin").open("wb") as file:
        file.truncate(2 << 30)
    window = open_page()
    window.give(delivery)
    for _ in range(8):  # it stood still in about the fourth
        assert window.verify() == "invalid"


def test_a_file_that_changes_meanwhile_is_no_success(open_page, delivery, did) -> None:
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    first = min((delivery / "data").iterdir())
    first.write_bytes(first.read_bytes())
    os.utime(first, (1, 1))
    assert window.verify() == "incomplete"
    [check] = [one for one in window.report["checks"] if one["id"] == "data.files"]
    assert check["detail"]["unreadable"] == [first.name]

    os.utime(delivery / "credential.json", (1, 1))
    window.page.click("#verify")
    window.page.wait_for_selector("#progress:text('credential.json cannot be read')")


def test_revoked(open_page, publisher, tmp_path, delivery, did) -> None:
    publisher.ok("revoke", delivery, "-o", tmp_path / "public")
    (newer,) = (tmp_path / "public").glob("revocation-*")
    (delivery / f"status-{newer.name}").write_bytes(newer.read_bytes())
    window = open_page()
    window.page.fill("#did", did)
    window.give(delivery)
    assert window.verify() == "invalid"
    assert window.page.get_attribute("[data-check=status]", "data-state") == "fail"


def test_the_page_cannot_use_the_network(open_page) -> None:
    window = open_page()
    window.allowed = True
    violated = window.page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener(
            "securitypolicyviolation", (event) => seen.push(event.violatedDirective));
          await fetch("https://example.org/").catch(() => undefined);
          const image = new Image();
          image.src = "https://example.org/x.png";
          await new Promise((resolve) => setTimeout(resolve, 300));
          return seen;
        }"""
    )
    assert "connect-src" in violated
    assert "img-src" in violated
    # The browser tells of what it blocked as a request, and on the console.
    window.requests.clear()
    window.complaints.clear()
