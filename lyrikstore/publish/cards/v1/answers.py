"""What only a person can answer for a model card, from a TOML file (spec §14.4.3)."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.canon.files import read_at_most
from lyrikstore.canon.toml import parse_toml

MAX_BYTES = 1 << 18
MAX_ANSWER = 4000

QUESTIONS: Mapping[str, str] = {
    "intended-use": "What is the model for?",
    "intended-users": "Who is to use it?",
    "out-of-scope": "What must it not be used for?",
    "model-licence": "Under which licence may the model be used? (SPDX expression)",
    "limitations": "Where does it fail, and what does that mean for its users?",
    "risks": "What harm can it do, and to whom?",
    "human-oversight": "Who watches its answers, and how can they be overruled?",
    "monitoring": "How is it watched in use, and when is it withdrawn?",
    "contact": "Whom does one ask?",
}
"""Question id → the question. Ids are append-only."""


class Responses(Struct, frozen=True):
    """One expert's answers, and the bytes they came in.

    Attributes:
        data: The file; attached to the card, so that a claim resolves to what was written.
        expert: Who answers, as the file says; claimed.
        date: When, ``YYYY-MM-DD``, as the file says; claimed.
        answers: Question id → answer.
    """

    data: bytes
    expert: str
    date: str
    answers: Mapping[str, str]

    @property
    def id(self) -> Digest:
        """BLAKE3 of the file."""
        return Digest.of(self.data)


def load_responses(path: Path) -> Responses:
    """Read an answers file; raises what :func:`parse_responses` does, and if it cannot be read."""
    return parse_responses(read_at_most(path, MAX_BYTES + 1))


def parse_responses(data: bytes) -> Responses:
    """Read an answers file.

    Args:
        data: TOML: ``expert``, ``date`` and a table ``answers``, all texts.

    Raises:
        InvalidInputError: (``bad-answers``) not such a file; (``unknown-question``) an answer to
            nothing that the card asks.
    """
    try:
        document = parse_toml(data, max_bytes=MAX_BYTES)
    except FormatError as error:
        raise InvalidInputError("bad-answers", f"the answers: {error.message}") from None
    answers = document.get("answers")
    if document.keys() != {"expert", "date", "answers"} or not isinstance(answers, dict):
        raise InvalidInputError(
            "bad-answers",
            "answers have exactly: expert, date, and a table [answers]",
            hint="docs/training.md shows a whole file",
        )
    for question, answer in answers.items():
        if question not in QUESTIONS:
            raise InvalidInputError(
                "unknown-question",
                f"the card asks nothing called {question[:60]!r}",
                hint=f"it asks: {', '.join(QUESTIONS)}",
            )
        if not isinstance(answer, str) or not answer.strip() or len(answer) > MAX_ANSWER:
            raise InvalidInputError(
                "bad-answers", f"{question}: an answer is a text of 1 to {MAX_ANSWER} characters"
            )
    expert, date = document["expert"], str(document["date"])
    if not isinstance(expert, str) or not 0 < len(expert.strip()) <= 200:
        raise InvalidInputError("bad-answers", "expert is the name of who answers")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        raise InvalidInputError("bad-answers", "date is when they were given, as 2026-11-24")
    return Responses(data, expert, date, answers)
