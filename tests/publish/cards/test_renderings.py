"""Renderings are functions of card.json, byte for byte, and the first two pages decide (M6, M7)."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typst

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.json import parse
from lyrikstore.publish.cards.card import CardResult
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering import renderings
from lyrikstore.publish.cards.rendering.layout.statements import labels_of, shorten
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.publish.cards.rendering.renderings import render
from lyrikstore.verify.report import CheckState, Verdict
from tests.conftest import Person
from tests.kinds import refused
from tests.publish.cards.making import (
    answer_all,
    challenged,
    draft,
    evaluate_again,
    judge,
    make,
    reason,
)

PROFILES = ("huggingface", "us-legal", "eu-ai-act")
ROLES = ("card", "markdown", "html")
DIGESTS = """
import sys
from pathlib import Path
from lyrikstore.canon.digest import Digest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.card import draft_card
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.renderings import render
repository = Repository.open(Path(sys.argv[1]) / ".lyrikstore")
model = repository.resolve("checkpoints/acme/classifier")
card = draft_card(repository, model, [load_profile(name) for name in sys.argv[2:]])
for data in render(card.content).values():
    print(Digest.of(data))
"""


def test_another_version_of_the_maker_of_pdfs_makes_no_other_card(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was approved stays so when a package is upgraded."""
    monkeypatch.setitem(renderings._VERSIONS, "pdf", lambda: "pdf/1 typst 0.1")
    monkeypatch.setitem(renderings._MAKE, "pdf", lambda _: b"%PDF old")
    old = make(chain)
    assert old.renderings["pdf"] == b"%PDF old"
    monkeypatch.setitem(renderings._VERSIONS, "pdf", lambda: "pdf/1 typst 0.2")
    monkeypatch.setitem(renderings._MAKE, "pdf", lambda _: b"%PDF new")
    again = make(chain, rendering="pdf")
    assert not again.changed
    assert again.renderings["pdf"] == b"%PDF old"
    found = judge(chain, again.renderings["pdf"]).check("card.sources")
    assert (found.state, found.detail["roles"]) == (CheckState.STATED, ["pdf"])
    monkeypatch.setitem(renderings._VERSIONS, "pdf", lambda: "pdf/1 typst 0.1")
    assert make(chain).changed  # not what this version makes


def test_what_is_too_long_to_be_read_again_is_not_attached(
    chain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renderings, "MAX_CARD", len(draft(chain).data))
    made = make(chain)
    assert "html" not in made.renderings
    assert judge(chain, made.renderings["card"]).check("card.sources").state.value == "pass"
    with pytest.raises(InvalidInputError) as refused:
        make(chain, rendering="html")
    assert refused.value.kind == "too-large"


@pytest.fixture(scope="module")
def whole(world: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, CardResult]:
    """A chain whose model was answered for, disputed and tested twice; its card."""
    chain = world.Chain(tmp_path_factory.mktemp("whole")).build()
    answer_all(chain)
    challenged(chain, "Ürsprünglich \u4e2d\u6587 <b>", "subject.name")
    evaluate_again(chain, "0.61")
    return chain, make(chain, profiles=[load_profile(one) for one in PROFILES])


def test_m6_twice_the_same(whole: tuple[Any, CardResult]) -> None:
    chain, card = whole
    again = draft(chain, profiles=[load_profile(one) for one in PROFILES])
    assert render(again.content) == card.renderings
    assert render(parse(card.renderings["card"])) == card.renderings  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "variables",
    [
        {"TZ": "Asia/Tokyo"},
        {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7"},
    ],
    ids=lambda one: "-".join(one.values()),
)
def test_m6_whatever_zone_language_or_order_of_hashes(
    whole: tuple[Any, CardResult], variables: dict[str, str]
) -> None:
    chain, card = whole
    done = subprocess.run(
        [sys.executable, "-c", DIGESTS, chain.home, *PROFILES],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        check=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[3],
    )
    expected = [str(Digest.of(data)) for data in card.renderings.values()]
    assert done.stdout.decode().split() == expected


@pytest.mark.parametrize("role", ROLES)
def test_m6_one_flipped_byte_anywhere_fails(whole: tuple[Any, CardResult], role: str) -> None:
    chain, card = whole
    data = card.renderings[role]
    places = {0, len(data) - 1, *range(97, len(data), max(1, len(data) // 8))}
    for at in sorted(places):
        edited = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        report = judge(chain, edited)
        assert report.verdict is Verdict.INVALID, at
        assert reason(report, "card") == "edited", at


@pytest.fixture
def handed(publisher: Person) -> Person:
    model = publisher.folder / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    (model / "tokenizer.json").write_text('{"model":{}}')
    publisher.ok("commit", model, "-d", "checkpoints/acme/tiny")
    return publisher


@pytest.mark.parametrize("ending", ["json", "md", "html"])
def test_m6_on_the_command_line(handed: Person, ending: str) -> None:
    card = ("card", "checkpoints/acme/tiny", "--profile", "eu-ai-act", "-o")
    for name in ("one", "other"):
        handed.ok(*card, f"{name}.{ending}")
    one, other = (handed.folder / f"{name}.{ending}" for name in ("one", "other"))
    data = one.read_bytes()
    assert data == other.read_bytes()
    handed.ok("verify", one)
    for at in (len(data) // 3, len(data) // 2, len(data) - 100):
        one.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        handed.fails(3, "verify", one)


def test_what_no_rendering_is_called(handed: Person, chain: Any) -> None:
    handed.fails(2, "card", "checkpoints/acme/tiny", "-o", "card.docx")
    with pytest.raises(InvalidInputError) as refused:
        make(chain, rendering="docx")
    assert refused.value.kind == "no-rendering"
    assert chain.repository.refs.get("cards/acme/classifier") is None


def test_every_picture_is_xml_and_says_what_it_shows(whole: tuple[Any, CardResult]) -> None:
    _, card = whole
    found = re.findall(r"<svg.*?</svg>", card.renderings["html"].decode(), re.DOTALL)
    assert len(found) >= 3  # where it comes from, and two evaluations
    for one in found:
        title = ElementTree.fromstring(one).find("{http://www.w3.org/2000/svg}title")
        assert title is not None
        assert title.text


def test_nothing_says_that_a_law_is_satisfied(whole: tuple[Any, CardResult]) -> None:
    _, card = whole
    for data in card.renderings.values():
        assert not re.search(rb"\bis compliant|\bcomplies with", data, re.IGNORECASE)
        assert b"no lawyer" in data or data.startswith(b'{"counts"')


def test_labels_are_as_short_as_distinguishes_them() -> None:
    ids = ["blake3:" + "ab" * 32, "blake3:" + "ab" * 5 + "cd" * 27, "blake3:" + "01" * 32]
    labels = labels_of(ids)
    assert labels == {ids[0]: "ababababaaba"[:0] + ids[0][7:18], **{i: i[7:18] for i in ids[1:]}}
    assert labels_of(ids[:1] * 2) == {ids[0]: "abababab"}
    assert shorten(f"by did:key:z6Mk{'x' * 44} of {ids[0]}") == (
        f"by did:key:z6Mk{'x' * 8}…xxxx of blake3:abababab…abab"
    )


def test_markdown_is_what_a_card_says_and_no_more(whole: tuple[Any, CardResult]) -> None:
    _, card = whole
    text = to_markdown(card.document.content)
    assert text == card.renderings["markdown"]
    assert b"\r" not in text
    assert text.endswith(b"\n")
    assert max(map(len, text.split(b"\n"))) < 6000


def test_a_letter_that_no_font_has_is_named(chain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_(*_: Any, **__: Any) -> bytes:
        raise typst.TypstError("no font has it")

    monkeypatch.setattr(typst, "compile", compile_)
    with refused("not-printable"):
        make(chain, rendering="pdf")
