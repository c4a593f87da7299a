"""Prompts and completions of a generative model (spec §13.12.3)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_tree
from lyrikstore.objects.parallel.limited import LimitedProcess
from lyrikstore.objects.parallel.tasks import Message, receive, send
from lyrikstore.train.formats.base_model import (
    CONFIG,
    MAX_CONFIG_BYTES,
    MAX_TOKENIZER_BYTES,
    TEMPLATE,
    TOKENIZER,
    TOKENIZER_CONFIG,
    check_model_config,
)
from lyrikstore.train.formats.decoders.families import BEGIN, stops_of
from lyrikstore.train.formats.tokenizer import check_tokenizer
from lyrikstore.train.requirements import PLACE, PromptConfig
from lyrikstore.train.sft.render import MAX_TEMPLATE_BYTES, TARGET

AT_ONCE, SECONDS = 64, 60.0
"""Number of conversations that are rendered together, and the most seconds for them."""

MEMORY_BYTES, MAX_ANSWER_BYTES = 1 << 30, 64 << 20
PLAIN = PLACE + "\n"
"""The default prompt template of a base model without a chat template."""

_ROLES = frozenset({"system", "user", "assistant"})
_MAX_MESSAGES = 1000
_MAX_TOKENIZER_CONFIG = 4 << 20
_ASKED = "?"  # an answer is rendered the same for every prompt

Turns = Sequence[Mapping[str, str]]
"""A conversation: role and content of each message, the answer last."""


class RenderedRecord(Struct, frozen=True):
    """A rendered record.

    Attributes:
        prompt: The text before the answer.
        completion: The answer, with the end that the chat template gives it.
    """

    prompt: str
    completion: str


class PromptSource(Struct, frozen=True):
    """The source of the prompts of a base model.

    Attributes:
        chat: Its chat template; empty: it has none.
        begin: The text of the token that begins a sequence; empty: there is none.
        end: The text of the token that ends an answer; empty: there is none.
        special: The texts of special tokens, which no record may contain.
        config: The prompt settings of the training config.
    """

    chat: str
    begin: str
    end: str
    special: tuple[str, ...]
    config: PromptConfig

    @property
    def digest(self) -> Digest:
        """BLAKE3 of the template: of the chat template, if there is one."""
        return Digest.of((self.chat or self.config.template or PLAIN).encode())

    def turns(self, prompt: str, completion: str) -> list[dict[str, str]]:
        """Return the conversation of a record with a prompt and a completion."""
        asked = self.config.template.replace(PLACE, prompt) if self.config.template else prompt
        return self.opened(
            [{"role": "user", "content": asked}, {"role": "assistant", "content": completion}]
        )

    def opened(self, turns: Turns) -> list[dict[str, str]]:
        """Return a conversation that begins with the system message of the config."""
        found = [dict(one) for one in turns]
        if self.config.system and found[0]["role"] != "system":
            found.insert(0, {"role": "system", "content": self.config.system})
        return found


def read_prompt_source(repo: Repository, base: Manifest, config: PromptConfig) -> PromptSource:
    """Return the source of the prompts of a base model; its template is not run.

    Args:
        repo: The store.
        base: The base model.
        config: The prompt settings of the training config.

    Raises:
        PolicyError: (``unsafe-model``) its files are not safe to read.
        InvalidInputError: (``bad-template``) its template is too long; (``no-end``) it names no
            token at which an answer ends.
        VerificationError, IncompleteError: A blob is damaged or missing.
    """
    entries = present_tree(repo, base).by_path

    def read(name: str, most: int) -> bytes:
        return repo.blobs.read(entries[name].blake3, max_bytes=most)

    settings = check_model_config(read(CONFIG, MAX_CONFIG_BYTES))
    described = check_tokenizer(read(TOKENIZER, MAX_TOKENIZER_BYTES))
    words, special = _words(described)
    chat = ""
    if TEMPLATE in entries:
        if repo.blobs.size(entries[TEMPLATE].blake3) > MAX_TEMPLATE_BYTES:
            _bad_template(f"{TEMPLATE} is longer than {MAX_TEMPLATE_BYTES} bytes")
        try:
            chat = read(TEMPLATE, MAX_TEMPLATE_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            _bad_template(f"{TEMPLATE} is not UTF-8")
    elif TOKENIZER_CONFIG in entries:
        chat = _stated_template(read(TOKENIZER_CONFIG, _MAX_TOKENIZER_CONFIG))
    stops = stops_of(settings)
    if not stops or stops[0] not in words:
        raise InvalidInputError(
            "no-end",
            f"{base.name} names no token at which an answer ends, so it cannot be trained",
            hint="name one of its tokenizer's tokens as eos_token_id in its config.json",
        )
    return PromptSource(
        chat, words.get(settings.get(BEGIN, -1), ""), words[stops[0]], special, config
    )


def _words(tokenizer: Mapping[str, Any]) -> tuple[dict[int, str], tuple[str, ...]]:
    added = tokenizer.get("added_tokens") or []
    vocabulary = tokenizer["model"].get("vocab")
    words: dict[int, str] = {}
    if isinstance(vocabulary, dict):
        words = {number: word for word, number in vocabulary.items() if type(number) is int}
    special = []
    for one in added if isinstance(added, list) else []:
        if isinstance(one, dict) and type(one.get("id")) is int and one.get("content"):
            words[one["id"]] = str(one["content"])
            if one.get("special"):
                special.append(str(one["content"]))
    return words, tuple(sorted(special))


def _stated_template(data: bytes) -> str:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise PolicyError(
            "unsafe-model", f"{TOKENIZER_CONFIG} is not JSON", hint="commit a complete copy"
        )
    chat = document.get("chat_template", "")
    if not isinstance(chat, str) or not _is_text(chat) or len(chat.encode()) > MAX_TEMPLATE_BYTES:
        _bad_template(
            f"{TOKENIZER_CONFIG}: chat_template is not a text of {MAX_TEMPLATE_BYTES} bytes"
        )
    return chat


def _is_text(text: str) -> bool:
    """Return whether a text can be encoded in UTF-8, which lone surrogates cannot."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


class Prompts:
    """Renderer of conversations.

    Args:
        source: The source of the prompts.
        process: Renders chat templates; None: the base has none.
    """

    def __init__(self, source: PromptSource, process: LimitedProcess | None) -> None:
        self._source, self._process = source, process

    def render(
        self, conversations: Sequence[Turns], *, answered: bool = True
    ) -> list[RenderedRecord]:
        """Return the rendered records of conversations.

        Args:
            conversations: The conversations, each with the answer last.
            answered: Whether they have answers; if not, the answers are empty and left out.

        Raises:
            InvalidInputError: (``special-token``) a text contains a special token of the tokenizer;
                (``bad-template``) the template fails, takes too long, or renders another prompt if
                the answer follows; (``template-drops-answer``) it leaves the answer out.
        """
        for turns in conversations:
            for turn in turns:
                self._check_text(turn["content"])
        if self._process is None:
            return [self._plain(turns) for turns in conversations]
        rendered = self._rendered(conversations)
        return [
            self._split(turns, prompt, whole, answered=answered)
            for turns, (prompt, whole) in zip(conversations, rendered, strict=True)
        ]

    def choices(self) -> list[tuple[str, str]]:
        """Return each choice of the config with the completion that a model gives for it.

        Raises:
            InvalidInputError: As :meth:`render`.
        """
        names = self._source.config.choices
        if not names:
            return []
        found = self.render([self._source.turns(_ASKED, name) for name in names])
        return [(name, one.completion) for name, one in zip(names, found, strict=True)]

    def _check_text(self, text: str) -> None:
        for token in self._source.special:
            if token in text:
                # ATTACK: the author of a record could end a turn, and write in another role.
                raise InvalidInputError(
                    "special-token",
                    f"a record contains {token[:40]!r}, a special token of the model",
                    hint="remove it in a filter with map/1, or drop those records with where/1",
                )

    def _plain(self, turns: Turns) -> RenderedRecord:
        *before, answer = (turn["content"] for turn in turns)
        template = self._source.config.template
        prompt = "\n".join(before) if template else PLAIN.replace(PLACE, "\n".join(before))
        return RenderedRecord(prompt, answer)

    def _rendered(self, conversations: Sequence[Turns]) -> list[Any]:
        if self._process is None:
            return []
        stream = self._process.stream
        stream.begin(SECONDS, MAX_ANSWER_BYTES)
        try:
            send(stream, Message({"conversations": [list(one) for one in conversations]}))
            answer = receive(stream)
        except TimeoutError:
            _bad_template(f"it took longer than {SECONDS:.0f} s")
        except (OSError, ValueError):
            answer = None
        if answer is None:
            _bad_template("it used too much memory, or rendered too long a text")
        if "problem" in answer.header:
            _bad_template(str(answer.header["problem"]))
        rendered = list(answer.header["rendered"])
        if not all(_is_text(text) for pair in rendered for text in pair):
            _bad_template("it rendered a text that UTF-8 cannot encode")
        return rendered

    def _split(self, turns: Turns, prompt: str, whole: str, *, answered: bool) -> RenderedRecord:
        if not answered:
            return RenderedRecord(prompt, "")
        if not whole.startswith(prompt) or not prompt:
            _bad_template("it renders another prompt if an answer follows")
        completion = whole[len(prompt) :]
        if turns[-1]["content"].strip() not in completion:
            raise InvalidInputError(
                "template-drops-answer",
                "the base model's chat template leaves out the answer, so it cannot be trained",
                hint="commit the base model with the template that its publisher trains with",
            )
        return RenderedRecord(prompt, completion)


@contextmanager
def open_prompts(source: PromptSource) -> Iterator[Prompts]:
    """Open a renderer of conversations.

    Raises:
        StorageError: (``worker-died``) the process for templates cannot be started.
        InvalidInputError: (``extra-missing``) Jinja is not installed.
    """
    if not source.chat:
        yield Prompts(source, None)
        return
    process = LimitedProcess(TARGET, MEMORY_BYTES)
    try:
        process.stream.begin(SECONDS, MAX_ANSWER_BYTES)
        about = {"template": source.chat, "bos": source.begin, "eos": source.end}
        send(process.stream, Message(about))
        yield Prompts(source, process)
    finally:
        process.end()


def turns_of(value: object, place: str) -> Turns:
    """Return the conversation in a field of a record; raise `bad-messages` unless it is one.

    Args:
        value: A list of objects with ``role`` and ``content``.
        place: The place of the record, for errors.

    Raises:
        InvalidInputError: (``bad-messages``) it is no conversation, or does not end with an answer.
    """
    fine = (
        isinstance(value, list)
        and 2 <= len(value) <= _MAX_MESSAGES
        and all(
            isinstance(one, dict)
            and one.keys() == {"role", "content"}
            and one["role"] in _ROLES
            and isinstance(one["content"], str)
            for one in value
        )
        and value[-1]["role"] == "assistant"
    )
    if not fine or not isinstance(value, list):
        raise InvalidInputError(
            "bad-messages",
            f"{place} is not a conversation that ends with an answer",
            hint='use a list of {"role": "system|user|assistant", "content": "…"}, assistant last',
        )
    return value


def _bad_template(reason: str) -> NoReturn:
    raise InvalidInputError(
        "bad-template",
        f"the base model's chat template: {reason}",
        hint="commit the base model with another chat_template.jinja, or with none",
    )
