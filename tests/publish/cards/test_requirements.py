"""What a card has to be, by number: M8 (pictures, figures that are computed again), M9 (profiles).

That one changed probability is found, M8 too, is tests/publish/test_recomputed.py.
"""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from lyrikstore.publish.cards.document import build_card
from lyrikstore.publish.cards.facts import CardFacts, gather
from lyrikstore.publish.cards.profiles.profile import shipped_profiles
from lyrikstore.publish.cards.rendering.layout.first_page import item_anchor
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.rendering.page import to_html

REPOSITORY = Path(__file__).resolve().parents[3]
PROMISE = re.compile(r"\bis compliant", re.IGNORECASE)
FOLDERS = ("lyrikstore", "cli", "docs", "spec", "examples", "page")
OF_OTHERS = {"node_modules", "__pycache__", ".venv"}
SVG = "{http://www.w3.org/2000/svg}"
SHIPPED = shipped_profiles()
WANTED = {"eu-ai-act", "us-health", "us-mrm", "us-legal", "huggingface", "us-ca-ab2013"}


@pytest.fixture(scope="module")
def known(full_chain: Any) -> dict[str, CardFacts]:
    """Facts of a dataset, and of a generative model text: every profile asks one of them."""
    found = gather(full_chain.repository, full_chain.made["checkpoint"])
    model = found.checkpoint
    return {
        "checkpoint": replace(found, subject=replace(model, body={**model.body, "task": "sft"})),
        "dataset": gather(full_chain.repository, full_chain.made["train"]),
    }


def test_m8_pictures(known: dict[str, CardFacts]) -> None:
    page = to_html(build_card(known["checkpoint"], (), [SHIPPED["huggingface"]]).content).decode()
    found = re.findall(r"<svg\b.*?</svg>", page, re.DOTALL)
    assert len(found) == page.count("<svg") >= 2
    for one in found:
        (title,) = ElementTree.fromstring(one).findall(f"{SVG}title")
        assert (title.text or "").strip()


def test_m9_profiles_are_shipped() -> None:
    assert SHIPPED.keys() >= WANTED


@pytest.mark.parametrize("name", SHIPPED)
def test_m9_every_item_is_in_the_card(known: dict[str, CardFacts], name: str) -> None:
    profile = SHIPPED[name]
    card = build_card(known[profile.about], (), [profile])
    shown: Any = card.content["profiles"]
    assert [one["id"] for one in shown[0]["items"]] == [one.id for one in profile.items]
    assert (shown[0]["asOf"], shown[0]["reviewedBy"]) == (profile.as_of, "")
    assert [one["cite"] for one in shown[0]["sources"]] == [one["cite"] for one in profile.sources]
    page, text = to_html(card.content).decode(), to_markdown(card.content).decode()
    # Once each, in its place among the annexes.
    rows = {
        row.get("id"): " ".join("".join(row.itertext()).split())
        for row in ElementTree.fromstring(_body(page)).iter("tr")
    }
    for item in profile.items:
        row = rows.pop(item_anchor(profile.id, item.id))
        assert row.startswith(item.clause), item.id
        assert f"{item.asks}:" in row, item.id
    for rendering in (card.data.decode(), page, text):
        assert profile.as_of in rendering
        assert not PROMISE.search(rendering)


def test_m9_nothing_that_is_shipped_says_so() -> None:
    for folder in FOLDERS:
        for path in (REPOSITORY / folder).rglob("*"):
            if path.is_file() and not OF_OTHERS.intersection(path.parts):
                found = PROMISE.search(path.read_bytes().decode("utf-8", "replace"))
                assert found is None, path


def _body(page: str) -> str:
    """Return the body of a page, which is XML but for the entities of HTML."""
    (body,) = re.findall(r"<body\b.*</body>", page, re.DOTALL)
    return body
