"""What people do with the page: drop, choose, search, print, copy, stop; it uses no network."""

import os

import pytest

from lyrikstore.canon.digest import Digest
from tests.web.conftest import EVERY_BROWSER, drop

pytestmark = [pytest.mark.web]


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


def test_the_command_that_does_the_same_is_safe_to_copy(open_page, delivery, tmp_path) -> None:
    """ATTACK: a name that a shell would act on."""
    hostile = delivery.rename(tmp_path / "x;touch y")
    (hostile / "data").rename(hostile / "$(id)")
    window = open_page()
    window.at("2027-01-01T00:00:00Z")
    window.give(hostile)
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
