"""Conversations as tokens: what is read, what is learnt, where an answer ends (spec §13.12.4)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.base_model import CONFIG
from lyrikstore.train.formats.decoders.families import BEGIN, stops_of
from lyrikstore.train.worker.errors import bad_model
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.models.tokenizing import LimitedTokenizer
from lyrikstore.train.worker.staging import BASE


class TokenizedConversation(Struct, frozen=True):
    """A record in tokens.

    Attributes:
        id: Its record id.
        prompt: What is read.
        completion: What is learnt, with the token that ends it unless it was cut.
        cut: Whether the answer was cut.
    """

    id: Digest
    prompt: list[int]
    completion: list[int]
    cut: bool

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return len(self.prompt) + len(self.completion)


class ConversationTokenizer:
    """Turns texts into tokens and back, as the base model's tokenizer file says.

    Args:
        files: Where the base model is staged.
        chat: Whether prompts come from a chat template, which begins and ends them itself.
    """

    def __init__(self, files: StagedFiles, *, chat: bool) -> None:
        self._tokenizer = LimitedTokenizer(files)
        settings = json.loads(files.read(f"{BASE}/{CONFIG}"))
        self._vectors = int(settings["vocab_size"])
        self._chat = chat
        self.stops = stops_of(settings)
        (begin,) = self._tokenizer.encode([""])
        self._begin = begin if not chat and begin == [settings.get(BEGIN)] else []

    def prompts(self, texts: Sequence[str]) -> list[list[int]]:
        """Return prompts in tokens.

        Raises:
            InvalidInputError: (``bad-model``) the model has no vector for one of them.
        """
        return [self._begin + ids for ids in self._encode(texts)]

    def tell(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        most: int,
        answer_tokens: int,
        whole: bool = False,
    ) -> list[TokenizedConversation]:
        """Return records in tokens.

        Args:
            rows: As they were staged.
            most: Tokens of a row, into which each record has to fit.
            answer_tokens: Most tokens of a completion.
            whole: Whether no completion may be cut.

        Raises:
            InvalidInputError: (``prompt-too-long``) a prompt leaves no room for its answer, or for
                all of it where none may be cut; (``no-end``) the chat template ends answers with no
                token that ends them.
            LyrikstoreError: As :meth:`ConversationTokenizer.prompts`.
        """
        prompts = self.prompts([row["prompt"] for row in rows])
        completions = self._encode([row["completion"] for row in rows])
        return [
            self._told(row["id"], prompt, completion, most, answer_tokens, whole=whole)
            for row, prompt, completion in zip(rows, prompts, completions, strict=True)
        ]

    def answers(self, completions: Sequence[str]) -> list[list[int]]:
        """Return completions in tokens, each up to the token that ends it.

        Raises:
            InvalidInputError: (``no-end``, ``bad-model``) as :meth:`tell`.
        """
        return [self._ended(one) for one in self._encode(completions)]

    def read(self, tokens: Sequence[int]) -> str:
        """Return tokens as text, without those that steer."""
        return self._tokenizer.decode(tokens)

    def _told(
        self,
        record: str,
        prompt: list[int],
        completion: list[int],
        most: int,
        answer_tokens: int,
        *,
        whole: bool,
    ) -> TokenizedConversation:
        completion = self._ended(completion)
        room = min(most - len(prompt), answer_tokens)
        # A choice that is cut has no end, and may be the beginning of another one.
        if room < (len(completion) if whole else 1):
            raise InvalidInputError(
                "prompt-too-long",
                f"record {record[:12]} has a prompt of {len(prompt)} tokens, and {most} are read "
                "with the answer",
                hint="raise [model] max_tokens, or drop such records in a filter: length/1",
            )
        kept = completion[:room]
        return TokenizedConversation(
            Digest.parse_hex(record), prompt, kept, len(kept) < len(completion)
        )

    def _ended(self, completion: list[int]) -> list[int]:
        ends = [at for at, token in enumerate(completion) if token in self.stops]
        if ends:
            return completion[: ends[0] + 1]
        if self._chat:
            raise InvalidInputError(
                "no-end",
                "the base model's chat template ends an answer with no eos_token_id of its config",
                hint="name the token that ends a turn as eos_token_id in its config.json",
            )
        return [*completion, self.stops[0]]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        ids = self._tokenizer.encode(texts, special=False)
        most = max((max(one, default=0) for one in ids), default=0)
        if most >= self._vectors:
            raise bad_model(
                "the base model",
                f"its tokenizer gives token {most}, and it has vectors for {self._vectors}",
            )
        return ids
