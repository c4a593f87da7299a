"""On a page somebody who has installed nothing answers or disputes a card, and signs that."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.crypto.multikey import fingerprint, key_words
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from tests.conftest import Person
from tests.web import webdriver
from tests.web.conftest import EVERY_BROWSER
from tests.web.draft.drafting import (
    PASSPHRASE,
    answer,
    download,
    make_key,
    opened,
    say_who,
    sign,
    subject_of,
)

pytestmark = [pytest.mark.web]


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
    report = publisher.run("verify", "answers.json", "--json").json
    assert report["verdict"] == "valid"  # nobody has said that the key is believed
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
