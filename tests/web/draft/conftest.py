"""A card of a real store, and the page on which it is answered."""

from pathlib import Path

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.publish.cards.answer import CardAnswer
from lyrikstore.publish.cards.document import CardDocument, build_card, shown_beside
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.profiles.profile import Profile, load_profile
from lyrikstore.web.pages.draft import draft_page
from tests.index.conftest import Chain
from tests.web.draft.drafting import KNOWN, subject_of

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


def made_card(folder: Path) -> CardDocument:
    """Return a card of a real store, one of whose questions is answered."""
    chain = Chain(folder).build()
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


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> CardDocument:
    """A card of a real store."""
    return made_card(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="session")
def written(card: CardDocument, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, as a file."""
    path = tmp_path_factory.mktemp("draft") / "card.html"
    path.write_bytes(draft_page(card.content, subject_of(card)))
    return path
