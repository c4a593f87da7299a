"""Two pages decide, each fact is printed once, and all else links to it (ADR 0043)."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.layout.blocks import Box, Heading, Panels
from lyrikstore.publish.cards.rendering.layout.contents import CardContents
from lyrikstore.publish.cards.rendering.layout.finding import worst_finding
from lyrikstore.publish.cards.rendering.layout.pages import layout_of
from lyrikstore.publish.cards.rendering.layout.statements import anchors_of, shorten
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.rendering.page import to_html, to_page
from lyrikstore.publish.cards.rendering.renderings import render
from tests.publish.cards.making import answer_all, answered, challenged, draft, evaluate_again

STORE = Path(__file__).resolve().parents[2] / "compat" / "2026-12-01" / "store"
DRAWN = {
    "evaluation.metric",
    "evaluation.slice",
    "evaluation.class",
    "data.funnel",
    "data.licence-mix",
    "data.identifiers",
}
"""Facts of which charts and tables print the value."""

QUESTIONS = {
    "is it better than what we have": "decision",
    "what is the worst": "worst",
    "who approved": "status",
    "what data": "data",
    "what may I not do": "data",
    "what changed": "changed",
}
"""Question of the reading test → the box of the first page that answers it."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The card of a trained and evaluated model, as an earlier version left it, for a regulator."""
    store = shutil.copytree(STORE, tmp_path_factory.mktemp("measured") / "store")
    repository = Repository.open(store)
    model = repository.resolve("checkpoints/acme/clauses")
    return draft_card(repository, model, [load_profile("eu-ai-act")]).content


@pytest.fixture(scope="module")
def disputed(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The card of a model that was tested twice and disputed, with stale answers, for three."""
    chain = world.Chain(tmp_path_factory.mktemp("disputed")).build()
    answer_all(chain)
    answered(chain, {"risks": {"text": "nobody has looked", "state": "unknown"}}, "validator")
    challenged(chain, "No.", "subject.name")
    evaluate_again(chain, "0.61")
    profiles = [load_profile(one) for one in ("huggingface", "us-legal", "eu-ai-act")]
    return draft(chain, profiles=profiles).content


@pytest.fixture(scope="module")
def dataset(full_chain: Any) -> Mapping[str, Any]:
    return draft(full_chain, "train", [load_profile("dataset")]).content


@pytest.fixture(params=["measured", "disputed", "dataset"])
def card(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.getfixturevalue(request.param)
    return found


def test_every_statement_has_one_place_in_every_rendering(card: Mapping[str, Any]) -> None:
    wanted = set(anchors_of(card["statements"]).values())
    _, body = to_page(card)
    places = Counter(str(one.get("id")) for one in body.iter() if one.get("id"))
    assert set(places) >= wanted
    assert set(places.values()) == {1}
    assert {str(one.get("href"))[1:] for one in body.iter("a")} <= set(places)
    text = to_markdown(card).decode()
    marked = Counter(re.findall(r'<a id="([^"]+)">', text))
    assert set(marked) >= wanted
    assert set(marked.values()) == {1}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(marked)
    assert render(card, ["pdf"])["pdf"].startswith(b"%PDF")  # a place twice would be an error


def test_no_text_of_a_statement_is_printed_twice(card: Mapping[str, Any]) -> None:
    _, body = to_page(card)
    printed = Counter(str(one.text) for one in body.iter() if one.text)
    texts = Counter(shorten(one["text"]) for one in card["statements"])
    for text, count in texts.items():
        if " " not in text:
            continue  # a name or a number, which other texts are too
        whole = printed[text] + printed[f"{text}:"]  # the text of several, with their titles
        assert whole <= count, text
    for one in card["statements"]:
        if one["id"].partition(":")[0] not in DRAWN:
            text = shorten(one["text"])
            as_sentence = printed[f"{text[:1].upper()}{text[1:]}"]
            assert printed[text] + printed[f"{text}:"] + as_sentence >= 1, one["id"]


def test_the_six_questions_are_answered_on_the_first_page(measured: Mapping[str, Any]) -> None:
    boxes: dict[str, Box] = {}
    for block in layout_of(measured):
        if isinstance(block, Heading) and block.page:
            break
        columns = block.columns if isinstance(block, Panels) else [[block]]
        inside = [one for column in columns for one in column]
        boxes |= {one.anchor: one for one in inside if isinstance(one, Box)}
    for question, place in QUESTIONS.items():
        assert place in boxes, question
    said = {name: " ".join("".join(_box(measured, name).itertext()).split()) for name in boxes}
    assert "Use the model, which is better than the nearest training record" in said["decision"]
    assert "Rossi: accuracy 0.8667" in said["worst"]
    assert "No approval was logged when this file was written." in said["status"]
    assert "datasets/acme/clauses: 216 records in 1 file" in said["data"]
    assert "CC-BY-4.0" in said["data"]
    assert "Prohibits: nothing in so many words" in said["data"]
    assert "version 1 of its name, the first" in said["changed"]


def _box(card: Mapping[str, Any], name: str) -> Element:
    _, body = to_page(card)
    return next(one for one in body.iter("section") if one.get("id") == name)


def _statement(name: str, text: str = "it is so", **more: Any) -> dict[str, Any]:
    fact, _, about = name.partition(":")
    return {
        "id": name, "title": fact, "about": about, "text": text, "state": "measured",
        "evidence": [], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("right-withdrawn", _statement("rights.withdrawn:credential 1")),
        ("contradicted", _statement("answer.personal-data:did:key:z6Mk", state="contradicted")),
        ("personal-data", _statement("data.personal-found:datasets/a/b")),
        ("leakage", _statement("evaluation.seen:a", "2 of 100 test records (2.0 %) were seen")),
        ("model-loses", _statement("evaluation.decision:a", value={"use": "baseline"})),
        ("weakest", _statement("evaluation.worst-slice:a", "length long: accuracy 0.6")),
        ("data", _statement("data.found:a", value={"found-email": 3, "label-conflict": 2})),
        ("data", _statement("data.licence-unstated:a")),
        ("none", _statement("evaluation.data:a")),
    ],
)
def test_the_worst_finding_is_the_first_that_holds(kind: str, found: Mapping[str, Any]) -> None:
    order = [
        "right-withdrawn", "contradicted", "personal-data", "leakage", "model-loses", "weakest",
        "data", "none",
    ]  # fmt: skip
    better = [
        _statement("rights.withdrawn:x", state="not-established"),
        _statement("evaluation.seen:b", "1 of 100 test records (1.0 %) were seen in training"),
        _statement("evaluation.near:b", "20 of 100 test records (20.0 %) are nearly the same as"),
        _statement("evaluation.decision:b", value={"use": "undecided"}),
        _statement("evaluation.worst-class:b", "not said: no label has 20 test records"),
        _statement("data.found:b", "found-email: 3 records", value={"found-email": 3}),
    ]
    every = {
        "right-withdrawn": _statement("rights.withdrawn:z"),
        "contradicted": _statement("answer.a:z", state="contradicted"),
        "personal-data": _statement("data.personal-found:z"),
        "leakage": _statement("evaluation.near:z", "21 of 100 test records (21.0 %) are nearly"),
        "model-loses": _statement("evaluation.verdict:z", value="worse"),
        "weakest": _statement("evaluation.worst-class:z", "a: F1 0.1"),
        "data": _statement("data.found:z", value={"label-conflict": 2}),
        "none": _statement("evaluation.data:z"),
    }
    later = [every[one] for one in order[order.index(kind) + 1 :]]
    card = {"format": "card/6", "statements": [*later, *better, found], "evidence": []}
    said = worst_finding(CardContents(card))
    assert said.kind == kind
    assert found in said.statements


def test_the_identifiers_of_hipaa_are_a_table(measured: Mapping[str, Any]) -> None:
    """What no detector covers is said to be not looked for, never to be absent."""
    base = {"identifier": "A", "name": "names", "kinds": [], "detectors": [], "left": []}
    row = {**base, "found": {}, "status": "not-looked-for"}
    mail = {
        **row, "identifier": "F", "name": "e-mail addresses", "status": "looked-for",
        "detectors": ["patterns/2"], "found": {"email": 3}, "left": ["email"],
    }  # fmt: skip
    said = _statement(
        "data.identifiers:datasets/a/b", value={"rows": [row, mail], "searched": ["the text"]}
    )
    _, body = to_page({**measured, "statements": [*measured["statements"], said]})
    rows = [["".join(one.itertext()).strip() for one in row] for row in body.iter("tr")]
    assert ["A names", "not looked for", "", ""] in rows
    assert ["F e-mail addresses", "by: patterns/2", "email 3", "email"] in rows


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "\u202e\u0000\x1b[2J\u2066 \u05d0\u05d1 \ud83d\ude00",
        "</style><script>1</script>&amp;",
    ],
)
def test_hostile_text_stays_text(measured: Mapping[str, Any], text: str) -> None:
    card = {
        **measured,
        "statements": [
            {**one, "text": text, "title": text[:300], "called": text}
            for one in measured["statements"]
        ],
        "evidence": [{**one, "what": text} for one in measured["evidence"]],
        "profiles": [{**one, "title": text} for one in measured["profiles"]],
    }
    page = to_html(card).decode()
    (body,) = re.findall(r"<body\b.*</body>", page, re.DOTALL)
    tags = {one.tag.rpartition("}")[2] for one in fromstring(body).iter()}
    assert not tags & {"script", "style", "img", "iframe"}
    assert not re.search("[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]", page)
    first = next(one for one in fromstring(body).iter("section") if one.get("id") == "data")
    assert len("".join(first.itertext())) < 30_000  # what is long has its place in the annexes
    assert "<script" not in to_markdown(card).decode().split("---\n", 2)[2]


def _printed(page: bytes, folder: Path) -> list[str]:
    """Return the text of each page that Chromium prints."""
    pdfium = pytest.importorskip("pypdfium2")
    file, printed = folder / "card.html", folder / "card.pdf"
    file.write_bytes(page)
    subprocess.run(
        [
            *(str(shutil.which("chromium")), "--headless", "--no-sandbox", "--disable-gpu"),
            *(f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer"),
            *(f"--print-to-pdf={printed}", file.as_uri()),
        ],
        capture_output=True,
        check=True,
        timeout=180,
        env={**os.environ, "HOME": str(folder)},
    )
    document = pdfium.PdfDocument(printed)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return [" ".join(text.split()) for text in texts]


@pytest.mark.web
def test_two_pages_on_paper_and_ten_in_all(measured: Mapping[str, Any], tmp_path: Path) -> None:
    pages = _printed(to_html(measured), tmp_path)
    first, second, third = pages[:3]
    for text in ("checkpoints/acme/clauses", "Draft: ", "CC-BY-4.0", "No lawyer has reviewed"):
        assert text in first, text
    assert second.startswith("In figures")
    assert third.startswith("Who says so")
    assert len(pages) <= 10
