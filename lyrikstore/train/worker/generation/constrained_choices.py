"""Constrained answers: the tokens that may follow within a list of choices (spec §13.12.9)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.quoting import quote
from lyrikstore.train.worker.errors import TRAINED, bad_model
from lyrikstore.train.worker.generation.tokenized import ConversationTokenizer

MAX_CHOICE_TOKENS: Final = 64
"""Most tokens of a choice, without the end token."""

_GRAMMAR = """\
# The answers that this model gives, in tokens of the model file beside it, each cut as the sealed
# model cuts it: letters alone could be cut otherwise, and then another answer be the likeliest.
root ::= (
  {choices}
)
"""


class AnswerChoices:
    """The allowed answers of a model, as tokens; false where its answers are free text.

    Args:
        text: Turns completions into tokens.
        choices: Pairs of a choice and its completion.
        most: Most tokens of an answer, the end token included.

    Raises:
        InvalidInputError: (``bad-choices``) a choice has too many tokens, or none, or the same
        tokens as another one.
    """

    def __init__(
        self, text: ConversationTokenizer, choices: Sequence[Sequence[str]], *, most: int = 1 << 20
    ) -> None:
        self.ends = text.stops
        self._names: dict[tuple[int, ...], str] = {}
        self._next: dict[tuple[int, ...], list[int]] = {}
        tokens = text.answers([completion for _, completion in choices])
        for (name, _), answer in zip(choices, map(tuple, tokens), strict=True):
            if not 1 < len(answer) <= min(MAX_CHOICE_TOKENS + 1, most):
                raise _bad(
                    f"{quote(name, 80)} has {len(answer)} tokens with the one that ends it, and "
                    f"2 to {min(MAX_CHOICE_TOKENS + 1, most)} are allowed",
                    "take a shorter one, or raise [model] answer_tokens",
                )
            if answer in self._names:
                raise _bad(
                    f"{quote(name, 80)} and {quote(self._names[answer], 80)} are the same tokens",
                    "rename one of them: this base model cannot distinguish them",
                )
            self._names[answer] = name
        for answer in self._names:  # each ends with a token that is in none before its end
            for at, token in enumerate(answer):
                following = self._next.setdefault(answer[:at], [])
                if token not in following:
                    following.append(token)

    @classmethod
    def of_checkpoint(
        cls, text: ConversationTokenizer, job: Mapping[str, Any], about: Mapping[str, Any]
    ) -> "AnswerChoices":
        """Return the choices of a checkpoint.

        Args:
            text: Turns completions into tokens.
            job: ``choices``: pairs of a choice and its completion.
            about: The content of its ``prompt.json``.

        Raises:
            InvalidInputError: (``bad-checkpoint``) the file has other choices than the job;
            (``bad-choices``) as for the class.
        """
        if [name for name, _ in job["choices"]] != about.get("choices", []):
            raise bad_model(TRAINED, "its choices are not those of its run")
        return cls(text, job["choices"], most=int(about["answerTokens"]))

    def __bool__(self) -> bool:
        return bool(self._names)

    @property
    def tokens(self) -> list[list[int]]:
        """The tokens of each choice, in the order of the choices, each with its end token."""
        return [list(one) for one in self._names]

    @property
    def longest(self) -> int:
        """Tokens of the longest choice, its end token included; 0 without choices."""
        return max(map(len, self._names), default=0)

    def following(self, begun: Sequence[int]) -> list[int]:
        """Return the tokens allowed after the start of an answer; after its end, all end tokens."""
        return self._next.get(tuple(begun), [self.ends[0]])

    def name(self, tokens: Sequence[int]) -> str:
        """Return the choice whose tokens an answer has, its end token included.

        Raises:
            InvalidInputError: (``bad-checkpoint``) no choice has them: the model's logits are not
            numbers.
        """
        found = self._names.get(tuple(tokens))
        if found is None:
            raise bad_model(TRAINED, "its answers are infinity or NaN")
        return found

    def generation_arguments(self, prompt_tokens: int) -> dict[str, Any]:
        """Return the arguments by which ``generate`` of transformers allows only the choices.

        Args:
            prompt_tokens: Length of the prompts, padding included.
        """
        if not self:
            return {}

        def allowed(_: int, tokens: Any) -> list[int]:
            return self.following(tokens[prompt_tokens:].tolist())

        return {"prefix_allowed_tokens_fn": allowed}

    def grammar(self) -> str:
        """Return the choices as a grammar of llama.cpp."""
        lines = []
        for answer, name in self._names.items():
            tokens = " ".join(f"<[{one}]>" for one in answer[:-1])
            # ATTACK: a choice with a line feed would end the comment, and be grammar.
            lines.append(f"{tokens} # {json.dumps(name, ensure_ascii=True)}")
        return _GRAMMAR.format(choices="\n| ".join(lines))


def _bad(reason: str, hint: str) -> InvalidInputError:
    return InvalidInputError("bad-choices", f"[prompt] choices: {reason}", hint=hint)
