"""Somebody with a model, an expert who signs answers about it, and answers that choose."""

from pathlib import Path
from typing import Any

from tests.conftest import Person

CARD = ("card", "checkpoints/acme/tiny", "--json")
ANSWERS = """
liability = "for gross negligence, up to 10,000 EUR"

[answers]
intended-use = "Sorting licences before a lawyer reads them."
limitations = { text = "It takes one for another.", scope = "name" }
risks = { text = "Nobody has asked.", state = "unknown" }
"""


def give_model(publisher: Person) -> Person:
    """Somebody with a store, and a model in it."""
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    return publisher


def answering_expert(new_person: Any, shop: Person) -> tuple[Person, Path]:
    """Somebody with a key and no store, who was sent the draft of a card, and signed answers."""
    found: Person = new_person("expert")
    found.ok("key", "new", "--no-passphrase")
    shop.ok("card", "checkpoints/acme/tiny", "--draft", found.folder / "draft")
    (found.folder / "a.toml").write_text(ANSWERS)
    attest = ("attest", "draft", "--kind", "answers", "--statement", "a.toml")
    found.ok(*attest, "-o", "a.json", "--issuer-name", "Dr <b>Ada</b>")
    return found, found.folder / "a.json"


def pick(choice: str, **more: Any) -> dict[str, Any]:
    return {"text": "I looked.", "choice": choice, **more}
