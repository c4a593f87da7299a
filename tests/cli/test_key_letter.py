"""A letter about a key: what it says, on one page, in HTML and in PDF, read by other software."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pypdfium2
import pytest
import zxingcpp
from mnemonic import Mnemonic

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.crypto.multikey import parse_did_key
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.policy.policy import Policy
from lyrikstore.publish.identity.key_letter import KeyLetter, letter_page, letter_pdf
from lyrikstore.testing.keys import key_for
from tests.people import is_known_user

DAY = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)


def read_pdf(data: bytes) -> tuple[str, list[str]]:
    """Return the text of the only page, and what its QR codes hold."""
    document = pypdfium2.PdfDocument(data)
    assert len(document) == 1
    page = document[0]
    codes = zxingcpp.read_barcodes(page.render(scale=2).to_numpy())
    return page.get_textpage().get_text_range(), [code.text for code in codes]


def crowded(name: str) -> KeyLetter:
    """Return a letter in a store with more writers than a page shows, whose names are long."""
    key = key_for("owner").public
    logs = [VerifierKey(name, key_for(f"log {at}").public) for at in range(9)]
    did = KeyLetter.about(key, at=DAY).did
    policy = Policy.first(did, logs)
    return KeyLetter.about(key, at=DAY, store=Digest.of(b"store"), policy=policy)


def test_a_pdf_says_who_signs_and_a_qr_code_holds_the_did(publisher) -> None:
    made = publisher.ok("key", "letter", "-o", "annex.pdf", "--json").json
    did = publisher.did()
    policy = publisher.ok("show", "policies/store/main", "--json").json
    assert made["did"] == did
    assert made["roles"] == ["owner"]
    assert made["logKeys"] == policy["manifest"]["body"]["policy"]["logs"]
    assert made["store"] == policy["id"]
    text, codes = read_pdf((publisher.folder / "annex.pdf").read_bytes())
    assert codes == [did]
    joined = "".join(text.split())
    for fact in (did, made["fingerprint"], made["store"], made["date"], *made["logKeys"]):
        assert fact in joined
    for number, word in enumerate(made["words"], 1):
        assert f"{number}. {word}" in text


def test_the_words_lead_back_to_the_key(new_person) -> None:
    person = new_person("alone")
    person.ok("key", "new", "--no-passphrase")
    made = person.ok("key", "letter", "-o", "annex.html", "--json").json
    assert (made["store"], made["roles"], made["logKeys"]) == (None, [], [])
    spoken = Mnemonic("english")
    words = made["words"]
    assert bytes(spoken.to_entropy(words)) == parse_did_key(made["did"]).raw
    # Eight bits check an order: each wrong one passes with a chance of 1 in 256.
    turned = [" ".join([*words[at:], *words[:at]]) for at in range(1, len(words))]
    assert sum(spoken.check(phrase) for phrase in turned) < 5
    # Whoever has the DID alone makes the same letter again, though they have no key.
    other = new_person("other")
    again = other.ok("key", "letter", made["did"], "-o", "copy.html", "--json").json
    assert {**again, "written": made["written"]} == made
    program = shutil.which("ssh-keygen")
    if program and is_known_user():
        public = person.folder / "key.pub"
        public.write_text(person.ok("key", "export", "--format", "openssh").out)
        shown = subprocess.run([program, "-l", "-f", public], capture_output=True, text=True)
        assert shown.stdout.split()[1] == made["fingerprint"]


def test_the_private_key_is_not_touched(new_person) -> None:
    person = new_person("locked")
    secret = person.folder / "secret"
    secret.write_text("long enough\n")
    person.ok("key", "new", "--passphrase-file", secret)
    secret.unlink()
    person.ok("key", "letter", "-o", "annex.html", "--no-input")
    assert person.did().encode() in (person.folder / "annex.html").read_bytes()


def test_a_file_that_is_there_stays(publisher) -> None:
    file = publisher.folder / "annex.html"
    file.write_text("signed by both\n")
    assert publisher.fails(15, "key", "letter", "-o", file, "--json").kind == "exists"
    assert file.read_text() == "signed by both\n"
    publisher.ok("key", "letter", "-o", file, "--force")
    assert publisher.did() in file.read_text()
    assert publisher.fails(2, "key", "letter", "-o", "annex.doc", "--json").kind == "usage"


def test_whose_letter_it_is(publisher, new_person) -> None:
    """The key that signs by default; in a store, only one that may say something there."""
    publisher.ok("key", "new", "next", "--no-passphrase")
    old, new = publisher.did(), publisher.did("next")
    without = publisher.ok("key", "letter", "next", "-o", "next.html", "--json").json
    assert (without["did"], without["store"]) == (new, None)
    publisher.ok("key", "rotate", "next")
    refused = publisher.fails(14, "key", "letter", "-o", "old.html", "--json")
    assert refused.kind == "key-retired"
    assert new in refused.error["hint"]
    assert not (publisher.folder / "old.html").exists()
    publisher.environment["LYRIKSTORE_SIGNER"] = "next"
    assert publisher.ok("key", "letter", "-o", "a.html", "--json").json["did"] == new
    publisher.environment["LYRIKSTORE_SIGNER"] = "nobody"
    assert publisher.fails(12, "key", "letter", "-o", "b.html", "--json").kind == "key-missing"
    stranger = new_person("stranger")
    assert stranger.ok("key", "letter", old, "-o", "c.html", "--json").json["did"] == old


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "データ" * 28])
def test_a_pdf_is_one_page_whatever_a_log_is_called(name: str) -> None:
    letter = crowded(name)
    assert len(letter.log_keys) == 9
    made = letter_pdf(letter)
    assert made == letter_pdf(letter)
    text, codes = read_pdf(made)
    assert codes == [letter.did]
    assert "Further log keys 6" in " ".join(text.split())


def test_a_name_is_text_and_nothing_else() -> None:
    name = '#panic("x")<script>alert(1)</script>$*_`#image("/etc/passwd")'
    letter = crowded(name)
    assert "".join(name.split()) in "".join(read_pdf(letter_pdf(letter))[0].split())
    page = letter_page(letter.to_json(), tool="lyrikstore 0")
    assert page.count(b"<script") == 1  # its facts
    assert b"alert(1)<" not in page
    assert b"&lt;script&gt;" in page


def test_without_typst_html_is_left(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    letter = KeyLetter.about(key_for("owner").public, at=DAY)
    with pytest.raises(InvalidInputError) as caught:
        letter_pdf(letter)
    assert caught.value.kind == "missing-extra"
    assert "lyrikstore[pdf]" in caught.value.hint
    assert letter.did.encode() in letter_page(letter.to_json(), tool="lyrikstore 0")


@pytest.mark.web
@pytest.mark.parametrize("name", ["acme", "x" * 255, "é" * 127, "<script>alert(1)</script>"])
def test_html_prints_on_one_page(browser, name: str, tmp_path) -> None:
    letter = crowded(name)
    page = tmp_path / "letter.html"
    page.write_bytes(letter_page(letter.to_json(), tool="lyrikstore 0"))
    complaints: list[str] = []
    context = browser.new_context(offline=True)
    window = context.new_page()
    window.on("console", lambda message: complaints.append(message.text))
    window.goto(page.as_uri())
    printed = window.pdf(prefer_css_page_size=True)
    context.close()
    assert complaints == []
    text, codes = read_pdf(printed)
    assert codes == [letter.did]
    joined = "".join(text.split())
    assert letter.log_keys[0] in joined
    assert "PlaceanddateSignature" in joined
