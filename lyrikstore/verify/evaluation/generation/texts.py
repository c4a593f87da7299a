"""A written answer beside the right one: the figures of one record (spec §13.12.8)."""

import re
from collections import Counter
from collections.abc import Collection, Iterable

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.verify.evaluation.answers import WHOLE

BASE_MODEL = "the base model, asked the same"
"""The method of the baseline."""

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
"""How an answer begins that is none, in lower case."""


class WrittenAnswer(Struct, frozen=True):
    """What one answerer wrote of one record, without its text.

    Attributes:
        output: BLAKE3 of the text in UTF-8.
        exact: Whether it has the same words as the right one, in the same order; of a model that
            answers within choices, whether it is the right one.
        token_f1: F1 of its words and those of the right one, in millionths, rounded down.
        refused: Whether it begins as a refusal does.
        tokens: How many tokens were written, the one that ends it among them.
        ended: Whether it came to its end, and was not cut off.
    """

    output: Digest
    exact: bool
    token_f1: int
    refused: bool
    tokens: int
    ended: bool


def count_outside(answers: Iterable[str], choices: Collection[str]) -> int:
    """Return how many right answers are none of the choices, so that no answer of a model is one.

    Args:
        answers: The right answers.
        choices: The answers that the model can give.
    """
    return sum(one not in choices for one in answers)


def judge_text(
    text: str, expected: str, *, tokens: int, ended: bool, choices: Collection[str] = ()
) -> WrittenAnswer:
    """Return the figures of a written answer.

    Args:
        text: What was written.
        expected: What is right.
        tokens: How many tokens it has.
        ended: Whether it came to its end.
        choices: The only answers that the model can give; empty: there are others.
    """
    words, right = (_WORD.findall(one.lower()) for one in (text, expected))
    common = sum((Counter(words) & Counter(right)).values())
    size = len(words) + len(right)
    begins = " ".join(text.lower().replace("\u2019", "'").split())
    return WrittenAnswer(
        Digest.of(text.encode()),
        text == expected if choices else words == right,
        2 * common * WHOLE // size if size else WHOLE,
        begins.startswith(_REFUSALS),
        tokens,
        ended,
    )
