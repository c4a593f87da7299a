"""Tokenized conversations: prompt, completion, end token (spec §13.12.4)."""

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
    """A record as tokens.

    Attributes:
        id: Its record id.
        prompt: Tokens of the prompt; they have no loss.
        completion: Tokens of the answer, which training learns, with the end token unless cut.
        cut: Whether the answer was truncated.
    """

    id: Digest
    prompt: list[int]
    completion: list[int]
    cut: bool

    @property
    def length(self) -> int:
        """Number of tokens of prompt and completion."""
        return len(self.prompt) + len(self.completion)


class ConversationTokenizer:
    """Encodes and decodes texts with the base model's tokenizer.

    Args:
        files: The staging folder, with the base model.
        chat: Whether prompts come from a chat template, which adds start and end tokens itself.
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
        """Return the tokens of each prompt.

        Raises:
            InvalidInputError: (``bad-model``) the model has no vector for one of the tokens.
        """
        return [self._begin + ids for ids in self._encode(texts)]

    def tokenize(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        most: int,
        answer_tokens: int,
        whole: bool = False,
    ) -> list[TokenizedConversation]:
        """Return staged records as tokens.

        Args:
            rows: The staged records.
            most: Most tokens of a record, which is the size of a row.
            answer_tokens: Most tokens of a completion.
            whole: Whether no completion may be truncated.

        Raises:
            InvalidInputError: (``prompt-too-long``) a prompt leaves no room for its answer, or not
            enough for a whole one; (``no-end``) the chat template does not end answers with an
            end token.
            LyrikstoreError: As :meth:`ConversationTokenizer.prompts`.
        """
        prompts = self.prompts([row["prompt"] for row in rows])
        completions = self._encode([row["completion"] for row in rows])
        return [
            self._conversation(row["id"], prompt, completion, most, answer_tokens, whole=whole)
            for row, prompt, completion in zip(rows, prompts, completions, strict=True)
        ]

    def answers(self, completions: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each completion, up to its end token.

        Raises:
            InvalidInputError: (``no-end``, ``bad-model``) as :meth:`tokenize`.
        """
        return [self._ended(one) for one in self._encode(completions)]

    def read(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special tokens."""
        return self._tokenizer.decode(tokens)

    def _conversation(
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
                f"record {record[:12]} has a prompt of {len(prompt)} tokens; prompt and answer can "
                f"have {most} together",
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
                "the base model's chat template does not end answers with an eos_token_id of its "
                "config",
                hint="name the token that ends a turn as eos_token_id in its config.json",
            )
        return [*completion, self.stops[0]]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        ids = self._tokenizer.encode(texts, special=False)
        most = max((max(one, default=0) for one in ids), default=0)
        if most >= self._vectors:
            raise bad_model(
                "the base model",
                f"its tokenizer returns token {most}, and it has {self._vectors} token vectors",
            )
        return ids
