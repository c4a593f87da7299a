"""Figures of one record: a generated answer compared with the expected one (spec §13.12.8)."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from blake3 import blake3
from msgspec import Struct

from lyrikstore.canon.digest import Digest

BASE_MODEL = "the base model, asked the same"
"""The method of the baseline."""

SALT_BYTES = 32
_CONTEXT = "lyrikstore 2026-12 written text"
_WORD = re.compile(r"\w+")
_REFUSALS = (
    "as an ai",
    "i am not able to",
    "i am sorry",
    "i am unable to",
    "i can't",
    "i cannot",
    "i do not know",
    "i don't know",
    "i'm not able to",
    "i'm sorry",
    "i'm unable to",
    "sorry",
)
"""Beginnings of answers that are refusals, in lower case."""


class WrittenAnswer(Struct, frozen=True):
    """The answer of one answerer to one record, without its text.

    Attributes:
        identifier: The identifier of its text; see :func:`identify_text`.
        exact: Whether it has the same words as the expected answer, in the same order; for choices,
        whether it is the expected one.
        token_f1: F1 of its words and those of the expected answer, in millionths, rounded down.
        refused: Whether it begins like a refusal.
        tokens: Number of generated tokens, the end token included.
        ended: Whether it reached its end token, and was not cut off.
    """

    identifier: Digest | int
    exact: bool
    token_f1: int
    refused: bool
    tokens: int
    ended: bool


def identify_text(
    text: str, record: Digest | int, answerer: int, *, salt: bytes, choices: Sequence[str] = ()
) -> Digest | int:
    """Return the digest that identifies a generated text.

    Args:
        text: The text; if the model has choices, one of them.
        record: Name of its record: a place, or in ``generations/1`` an id.
        answerer: The answerer: 0 the model, 1 the base.
        salt: Random bytes, which are kept with the texts and erased with them.
        choices: The only answers that the model can give; empty for free text.

    Returns:
        The number of the choice; else a digest of salt, place, answerer and text; for
        ``generations/1`` the digest of the text.
    """
    data = text.encode()
    if isinstance(record, Digest):
        return Digest.of(data)
    if choices:
        return choices.index(text)
    # Attack case A74: what a good model writes is what the record says, and short enough to guess.
    message = salt + record.to_bytes(8, "big") + bytes([answerer]) + data
    return Digest(blake3(message, derive_key_context=_CONTEXT).digest())


def count_outside(answers: Iterable[str], choices: Collection[str]) -> int:
    """Return the number of expected answers that are not a choice, so that no model can give them.

    Args:
        answers: The right answers.
        choices: The answers that the model can give.
    """
    return sum(one not in choices for one in answers)


def judge_text(
    text: str,
    expected: str,
    *,
    identifier: Digest | int,
    tokens: int,
    ended: bool,
    choices: Collection[str] = (),
) -> WrittenAnswer:
    """Return the figures of a generated answer.

    Args:
        text: The generated text.
        expected: The expected answer.
        identifier: The identifier of the text.
        tokens: Number of its tokens.
        ended: Whether it reached its end token.
        choices: The only answers that the model can give; empty for free text.
    """
    from lyrikstore.verify.evaluation.answers import WHOLE  # who names a baseline needs no numpy

    words, right = (_WORD.findall(one.lower()) for one in (text, expected))
    common = sum((Counter(words) & Counter(right)).values())
    size = len(words) + len(right)
    begins = " ".join(text.lower().replace("\u2019", "'").split())
    return WrittenAnswer(
        identifier,
        text == expected if choices else words == right,
        2 * common * WHOLE // size if size else WHOLE,
        begins.startswith(_REFUSALS),
        tokens,
        ended,
    )
