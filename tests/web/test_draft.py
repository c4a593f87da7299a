"""A page on which somebody who has installed nothing answers a card, and signs the answers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode, parse
from lyrikstore.credentials.model.credential import CARD_ATTESTATION, check_credential_shape
from lyrikstore.crypto.multikey import did_key, fingerprint, key_words
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from lyrikstore.publish.cards.answer import CardAnswer
from lyrikstore.publish.cards.document import CardDocument, build_card, shown_beside
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.testing.keys import signer_for
from lyrikstore.web.draft_page import draft_page
from lyrikstore.web.html import add, new_page
from tests.conftest import Person
from tests.index.conftest import Chain
from tests.web import webdriver
from tests.web.conftest import EVERY_BROWSER, Window
from tests.web.test_accessible import shortcomings

pytestmark = [pytest.mark.web]

READY = "document.querySelector('#draft-sign, #draft-refused') !== null"
PASSPHRASE = "a long sentence, Zürich"
KNOWN = signer_for("expert")
OWN = b"""
profile = "acme/1"
title = "What Acme asks"
about = "checkpoint"
asOf = "2026-11-28"
reviewedBy = ""
banner = ""

[[sources]]
cite = "Acme"
url = "https://acme.example/"
retrieved = "2026-11-24"

[questions.personal-data]
asks = "Is there personal data in it? </script><img src=x onerror=alert(1)> <!-- <script>"
guidance = "Names \\u202Etxt.exe count."
choices = ["yes", "no"]
shows = ["model.task", "data.about"]

[questions.contact]
asks = "Whom does one ask?"

[[items]]
id = "a"
clause = "1"
asks = "personal data"
question = "personal-data"

[[items]]
id = "b"
clause = "2"
asks = "contact"
question = "contact"
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> CardDocument:
    """A card of a real store, one of whose questions is answered."""
    chain = Chain(tmp_path_factory.mktemp("chain")).build()
    facts = gather(chain.repository, chain.made["checkpoint"])
    profiles = [Profile.parse(OWN), load_profile("huggingface")]
    question = profiles[1].questions["intended-users"]
    answered = CardAnswer(
        question="intended-users",
        state="value",
        text="Lawyers.",
        choice="",
        scope="version",
        seen=shown_beside(question, build_card(facts, [], profiles).statements),
        by=KNOWN.did,
        person="Dr Ada",
        credential=Digest.of(b"credential"),
        about=facts.subject.id,
        index=9,
        asks=question.asks,
    )
    return build_card(facts, [answered], profiles)


def shown(card: CardDocument) -> tuple[Element, Element]:
    """Return a document that shows a card."""
    html, body = new_page(str(card.content["subject"]))
    add(SubElement(body, "header"), "h1", "A card")
    main = SubElement(body, "main")
    for name in ("answers", "name", "sign"):  # a card has ids of its own
        add(main, "h2", name, {"id": name})
    for one in card.statements:
        add(main, "p", f"{one.title}: {one.text}")
    return html, body


def subject_of(card: CardDocument) -> dict[str, Any]:
    """Return the model as an attestation names it."""
    model: Any = card.content["subject"]
    return {
        "type": "Checkpoint",
        "id": Digest.of(b"tree").urn,
        "files": Digest.of(b"files").urn,
        "manifest": f"urn:{model['id']}",
        "store": f"urn:{model['store']}",
        "name": model["name"],
    }


@pytest.fixture(scope="module")
def written(card: CardDocument, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, as a file."""
    path = tmp_path_factory.mktemp("draft") / "card.html"
    path.write_bytes(draft_page(shown(card), card.content, subject_of(card)))
    return path


HOOK = """const made = URL.createObjectURL; window.blobs = [];
URL.createObjectURL = (blob) => { window.blobs.push(blob); return made.call(URL, blob); };"""


def opened(open_page: Any, path: Path, **options: Any) -> Window:
    """Open the page."""
    window: Window = open_page(path, ready=READY, **options)
    if isinstance(window.page, webdriver.Page):
        window.page.run(HOOK)
    return window


def download(window: Window, css: str) -> bytes:
    """Return the file behind a link."""
    page = window.page
    if not isinstance(page, webdriver.Page):
        with page.expect_download() as download:
            page.click(css)
        return Path(download.value.path()).read_bytes()
    if isinstance(page.browser, webdriver.WebKit):  # its driver keeps no downloads
        page.click(css)
        return str(page.run("return window.blobs.at(-1).text()")).encode()
    with page.expect_download(str(page.get_attribute(css, "download"))) as kept:
        page.click(css)
    return kept.path().read_bytes()


def answer(page: Any, question: str, text: str, state: str = "value") -> None:
    """CardAnswer a question."""
    page.check(f"#draft-state-{question} input[value='{state}']")
    page.fill(f"#draft-text-{question}", text)


def make_key(page: Any, passphrase: str = PASSPHRASE) -> None:
    """Make a new key."""
    page.fill("#draft-passphrase", passphrase)
    page.fill("#draft-again", passphrase)
    page.click("#draft-make")
    page.wait_for_selector("#draft-key-ready")


def say_who(page: Any) -> None:
    """Name the expert."""
    page.fill("#draft-name", "Dr Grace Hopper, physician")
    page.fill("#draft-liability", "I answer for what I say here, up to 1,000 EUR.")


def sign(window: Window) -> dict[str, Any]:
    """Sign, and return what is downloaded."""
    window.page.click("#draft-sign")
    window.page.wait_for_selector("#draft-signed")
    return checked(download(window, "#draft-result"))


def checked(data: bytes) -> dict[str, Any]:
    """Return a document that has the shape, and whose proof its issuer made."""
    document: Any = parse(data)
    assert encode(document) == data
    check_credential_shape(document, CARD_ATTESTATION)
    verified = verify_proof(document)
    assert did_key(verified.key) == document["issuer"]["id"]
    return dict(document)


@EVERY_BROWSER
def test_answers_are_signed(open_page, written, card, tmp_path) -> None:
    window = opened(open_page, written)
    page = window.page
    page.check("#draft-state-personal-data input[value='value']")
    page.check("#draft-choice-personal-data input[value='no']")
    page.check("#draft-scope-personal-data input[value='name']")
    # Signed as it is, what cannot be seen too.
    page.fill("#draft-text-personal-data", "None.\n\u202eNo <b> names\u2028, \U0001f600 & é é.")
    answer(page, "contact", "Asked in vain.", "unknown")
    answer(page, "monitoring", "It is not in use.", "not-applicable")
    say_who(page)
    make_key(page)
    kept = download(window, "#draft-key-file")
    document = sign(window)

    subject = dict(document["credentialSubject"])
    attestation = subject.pop("attestation")
    assert subject == subject_of(card)
    texts = {one.id: one.text for one in card.statements}
    shows = {one["id"]: one["shows"] for one in card.content["questions"]}
    asks = {one["id"]: one["asks"] for one in card.content["questions"]}

    def seen(question: str) -> dict[str, Any]:
        found = [
            {"type": "SeenStatement", "statement": one, "text": texts[one]}
            for one in shows[question]
        ]
        return {"seen": found} if found else {}

    assert shows["personal-data"]
    assert attestation == {
        "type": "Attestation",
        "kind": "answers",
        "card": Digest.of(card.data).urn,
        "answers": [
            {
                "type": "Answer",
                "question": "personal-data",
                "asks": asks["personal-data"],
                "state": "value",
                "text": "None.\n\u202eNo <b> names\u2028, \U0001f600 & é é.",
                "choice": "no",
                "scope": "name",
                **seen("personal-data"),
            },
            {
                "type": "Answer",
                "question": "contact",
                "asks": asks["contact"],
                "state": "unknown",
                "text": "Asked in vain.",
                "scope": "version",
                **seen("contact"),
            },
            {
                "type": "Answer",
                "question": "monitoring",
                "asks": asks["monitoring"],
                "state": "not-applicable",
                "text": "It is not in use.",
                "scope": "version",
                **seen("monitoring"),
            },
        ],
        "liability": "I answer for what I say here, up to 1,000 EUR.",
    }
    assert document["issuer"]["name"] == "Dr Grace Hopper, physician"
    assert document["validFrom"] == document["proof"]["created"]

    key = verify_proof(document).key
    assert page.text_content(".words").split() == list(key_words(key))
    assert fingerprint(key) in page.text_content("#draft-key-ready")
    assert "Nothing was sent" in page.text_content("#draft-signed-head")

    # Another day, the same person.
    file = tmp_path / "key.json"
    file.write_bytes(kept)
    window = opened(open_page, written)
    page = window.page
    answer(page, "contact", "Me.")
    say_who(page)
    page.check("#draft-source input[value='kept-key']")
    page.set_input_files("#draft-file", file)
    page.fill("#draft-old-passphrase", PASSPHRASE + "?")
    page.click("#draft-open")
    webdriver.waited(lambda: page.text_content("#draft-key-problem"))
    assert "passphrase is not" in page.text_content("#draft-key-problem")
    assert page.is_hidden("#draft-key-ready")
    page.fill("#draft-old-passphrase", PASSPHRASE)
    page.click("#draft-open")
    page.wait_for_selector("#draft-key-ready")
    again = sign(window)
    assert again["issuer"]["id"] == document["issuer"]["id"]
    assert again["id"] != document["id"]


@EVERY_BROWSER
@pytest.mark.parametrize("about", ["checkpoints/acme/tiny", "datasets/acme/page"])
def test_what_a_browser_signs_is_verified_and_in_the_card(
    open_page, new_person: Callable[[str], Person], about: str
) -> None:
    publisher = new_person("shop")
    publisher.ok("key", "new", "--no-passphrase")
    publisher.ok("init")
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", about)
    publisher.ok("card", about, "--draft", "ask")
    window = opened(open_page, publisher.folder / "ask" / "card.html")
    answer(window.page, "contact", "Ask Grace.")
    say_who(window.page)
    make_key(window.page)
    download(window, "#draft-key-file")
    document = sign(window)
    (publisher.folder / "answers.json").write_bytes(encode(document))
    told = publisher.run("verify", "answers.json", "--json").json
    assert told["verdict"] == "valid"  # nobody has said that the key is believed
    did = document["issuer"]["id"]
    publisher.ok("trust", "add", did, "--name", "grace", "--role", "expert")
    assert publisher.ok("verify", "answers.json", "--json").json["verdict"] == "trusted"
    publisher.ok("import", "answers.json")
    made = publisher.ok("card", about, "-o", "card.html", "--json").json
    assert made["states"]["attested"] == 1
    assert "Ask Grace." in made["markdown"]
    assert publisher.ok("verify", "card.html", "--json").json["verdict"] == "trusted"


@EVERY_BROWSER
def test_statements_are_disputed(open_page, written, card) -> None:
    window = opened(open_page, written)
    page = window.page
    page.check("#draft-kind input[value='challenge']")
    assert page.is_hidden("#draft-answers")
    wrong = [card.statements[1].id, card.statements[3].id]
    for one in wrong:
        page.check(f"#draft-challenges input[value={json.dumps(one)}]")
    page.fill("#draft-grounds", "It was another version.")
    say_who(page)
    make_key(page)
    download(window, "#draft-key-file")
    attestation = sign(window)["credentialSubject"]["attestation"]
    assert attestation["challenges"] == wrong
    assert attestation["grounds"] == "It was another version."
    assert "answers" not in attestation


@EVERY_BROWSER
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"asks":"Whom does one ask?"', b'"asks":"Is it harmless?"'),
        (b"version 1 of its name", b"version 2 of its name"),
        (b'"cardId":"blake3:', b'"cardId":"blake3:0'),
        (
            b'"subject":{"type":"Checkpoint","id":"urn:',
            b'"subject":{"type":"Checkpoint","id":"url:',
        ),
        (b'"origin":"', b'"origin":"","origin":"'),
    ],
)
def test_a_page_that_was_changed_signs_nothing(open_page, written, tmp_path, old, new) -> None:
    data = written.read_bytes()
    at = data.index(b'id="draft-data"')
    assert data.count(old, at) == 1
    changed = tmp_path / "card.html"
    changed.write_bytes(data[:at] + data[at:].replace(old, new))
    page = opened(open_page, changed).page
    assert "Nothing can be signed with it" in page.text_content("#draft-refused")
    assert page.locator("#draft-sign").count() == 0


def test_a_changed_program_does_not_run(open_page, written, tmp_path) -> None:
    data = written.read_bytes()
    program = data.rindex(b'<script type="module">')
    changed = tmp_path / "card.html"
    changed.write_bytes(
        data[:program] + data[program:].replace(b"Nothing was sent", b"All is well")
    )
    window = open_page(changed, script=False)
    window.allowed = True
    window.complaints.clear()
    assert window.page.locator("#draft-sign").count() == 0


def test_the_policy_allows_this_program_and_this_style(written) -> None:
    text = written.read_text("utf-8")
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    digest = r"'sha256-[A-Za-z0-9+/]{43}='"
    assert re.fullmatch(
        f"default-src 'none'; script-src {digest}; connect-src 'none'; style-src {digest}; "
        "base-uri 'none'; form-action 'none'",
        policy,
    )
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!--" not in text


def test_what_is_missing_is_said(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page

    def complaints() -> str:
        page.click("#draft-sign")
        page.wait_for_selector("#draft-problems li")
        assert page.evaluate("document.activeElement.id") == "draft-problems"
        assert page.is_hidden("#draft-signed")
        return page.text_content("#draft-problems")

    found = complaints()
    for words in ("Nothing is answered", "Your name is missing", "What you answer for", "no key"):
        assert words in found
    page.check("#draft-state-personal-data input[value='value']")
    answer(page, "contact", "x" * 4001)
    answer(page, "monitoring", "a\tb", "unknown")
    page.fill("#draft-name", " ")
    found = complaints()
    for words in ("nothing is chosen", "the answer is missing", "4001 characters", "U+0009"):
        assert words in found
    page.click("#draft-problems li:last-child a")
    assert page.evaluate("document.activeElement.name") == "source"
    page.fill("#draft-text-contact", "\U0001f600" * 4000)
    assert page.text_content("#draft-text-contact-count") == "4,000 of 4,000 characters"
    assert "4001 characters" not in complaints()
    for first, second, words in (
        ("short", "short", "at least 12"),
        (PASSPHRASE, PASSPHRASE + "!", "differ"),
    ):
        page.fill("#draft-passphrase", first)
        page.fill("#draft-again", second)
        page.click("#draft-make")
        page.wait_for_selector(f"#draft-key-problem:text('{words}')")
    make_key(page)
    assert "Download your key file first" in complaints()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"format":"lyrikstore-page-key/2"}',
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
        b"\x00" * (1 << 16) + b"\x00",
    ],
)
def test_another_file_is_no_key(open_page, written, tmp_path, content) -> None:
    page = opened(open_page, written).page
    file = tmp_path / "key.json"
    file.write_bytes(content)
    page.check("#draft-source input[value='kept-key']")
    page.set_input_files("#draft-file", file)
    page.fill("#draft-old-passphrase", PASSPHRASE)
    page.click("#draft-open")
    page.wait_for_selector("#draft-key-problem:text('not a key file')")
    assert page.is_hidden("#draft-key-ready")


@EVERY_BROWSER
def test_leaving_asks_while_something_is_in_no_file(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page
    asks = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    assert not page.evaluate(asks)
    answer(page, "contact", "Me.")
    assert page.evaluate(asks)
    say_who(page)
    make_key(page)
    download(window, "#draft-key-file")
    assert page.evaluate(asks)
    sign(window)
    assert not page.evaluate(asks)
    page.fill("#draft-text-contact", "You.")
    assert page.evaluate(asks)
    assert page.is_hidden("#draft-signed")  # for it is not what was signed


@pytest.mark.page
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 640), ("light", 320)])
def test_everybody_can_use_it(open_page, written, scheme, width) -> None:
    """320 pixels are a window of 1,280 at 400 %, 640 at 200 %."""
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    window = opened(open_page, written, **look)
    page = window.page
    assert shortcomings(window) == []
    page.click("#draft-sign")
    page.wait_for_selector("#draft-problems li")
    page.check("#draft-state-personal-data input[value='value']")
    assert shortcomings(window) == []
    page.check("#draft-choice-personal-data input[value='yes']")
    page.fill("#draft-text-personal-data", "Names.")
    say_who(page)
    make_key(page)
    download(window, "#draft-key-file")
    sign(window)
    page.click("#draft-signed summary")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.check("#draft-kind input[value='challenge']")
    assert shortcomings(window) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    window.shot(f"draft-{scheme}-{width}")


def test_by_keyboard_alone(open_page, written) -> None:
    window = opened(open_page, written)
    page = window.page

    def go(to: str) -> None:
        for _ in range(120):
            if page.evaluate(to):
                return
            page.keyboard.press("Tab")
        raise AssertionError(to)

    page.locator("#draft-kind input").first.focus()
    go("document.activeElement.name === 'state-personal-data'")
    page.keyboard.press("ArrowDown")
    go("document.activeElement.name === 'choice-personal-data'")
    page.keyboard.press("Space")
    go("document.activeElement.id === 'draft-text-personal-data'")
    page.keyboard.type("Names.")
    for field, text in (
        ("name", "Ada"),
        ("liability", "None."),
        ("passphrase", PASSPHRASE),
        ("again", PASSPHRASE),
    ):
        go(f"document.activeElement.id === 'draft-{field}'")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_selector("#draft-key-ready")
    go("document.activeElement.id === 'draft-key-file'")
    with page.expect_download():
        page.keyboard.press("Enter")
    go("document.activeElement.id === 'draft-sign'")
    page.keyboard.press("Enter")
    page.wait_for_selector("#draft-signed")
    assert page.evaluate("document.activeElement.id") == "draft-signed-head"
    page.keyboard.press("Tab")
    with page.expect_download() as kept:
        page.keyboard.press("Enter")
    document = checked(Path(kept.value.path()).read_bytes())
    [said] = document["credentialSubject"]["attestation"]["answers"]
    assert (said["choice"], said["text"]) == ("yes", "Names.")


def test_foreign_text_is_shown_and_does_nothing(open_page, written) -> None:
    page = opened(open_page, written).page
    asked = page.text_content("#draft-head-personal-data")
    assert "</script><img src=x onerror=alert(1)> <!-- <script>" in asked
    assert page.locator("#draft img").count() == 0
    assert "\\u202etxt.exe" in page.text_content("#draft-guidance-personal-data")
    answered = page.text_content("[data-question='intended-users'] .evidence")
    assert "Lawyers." in answered
    assert KNOWN.did in answered
    questions = page.evaluate(
        "[...document.querySelectorAll('[data-question]')].map((one) => one.dataset.question)"
    )
    assert questions[-1] == "intended-users"  # the only one that is answered
