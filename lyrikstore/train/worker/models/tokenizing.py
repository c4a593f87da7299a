"""The tokenizer of a base model, within limits of time, memory and output (spec §13.4.1).

This module limits what :func:`~lyrikstore.train.formats.tokenizer.check_tokenizer` cannot find in
the file: an expression that takes hours for one text, or one that makes a text a thousand times as
long. The library is in Rust and cannot be interrupted, so the operating system ends the worker, and
the parent process reports the reason (:mod:`lyrikstore.train.worker.process`).
"""

import contextlib
import os
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from lyrikstore.train.formats.base_model import TOKENIZER
from lyrikstore.train.worker.errors import BASE_MODEL, bad_model, loading
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.staging import BASE, TOKENIZING

SECONDS: Final = 60.0
"""CPU seconds for all texts of a worker together, besides those of :data:`BYTES_PER_SECOND`."""

BYTES_PER_SECOND: Final = 50_000
"""Bytes of text per further CPU second; an ordinary tokenizer encodes millions."""

MEMORY_BYTES: Final = 2 << 30
BYTES_PER_BYTE: Final = 400
"""Bytes of memory for each byte of text in one part."""

TOKENS_PER_BYTE: Final = 32
MORE_TOKENS: Final = 1024
"""Most tokens of a text besides one for each byte, for the tokens of a template."""

_PART, _AT_ONCE = 1 << 20, 1000
"""Most characters, and most texts, that are encoded at once."""


class LimitedTokenizer:
    """A base model's tokenizer with limits of time, memory and output.

    Args:
        files: The staging folder, with the base model.
        most: Tokens after which a text is truncated; None: no limit.

    Raises:
        InvalidInputError: (``bad-model``) the file does not describe a tokenizer that can be
            loaded.
    """

    def __init__(self, files: StagedFiles, most: int | None = None) -> None:
        described = files.read(f"{BASE}/{TOKENIZER}")
        self._most = most
        self._left = SECONDS
        with loading(BASE_MODEL), self._limited(len(described)):
            self._tokenizer = Tokenizer.from_str(described.decode("utf-8"))
        self._tokenizer.no_padding()
        if most is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(max_length=most)

    def encode(self, texts: Sequence[str], *, special: bool = True) -> list[list[int]]:
        """Return the token ids of each text.

        Args:
            texts: The texts.
            special: Whether to add the tokens that its template adds to every text.

        Raises:
            InvalidInputError: (``bad-model``) the tokenizer fails, or returns more tokens than
            allowed.
        """
        return [ids for ids, _ in self.encode_marked(texts, special=special)]

    def encode_marked(
        self, texts: Sequence[str], *, special: bool = True
    ) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the token ids of each text, and a 1 for each id that is a special token.

        Raises:
            InvalidInputError: As :meth:`encode`.
        """
        for part in _parts(texts):
            with self._limited(sum(len(text.encode()) for text in part)):
                encoded = self._tokenizer.encode_batch(part, add_special_tokens=special)
                found = [(one.ids, one.special_tokens_mask) for one in encoded]
            for text, (ids, mask) in zip(part, found, strict=True):
                most = self._most or TOKENS_PER_BYTE * len(text.encode()) + MORE_TOKENS
                if len(ids) > most:
                    words = f"{len(ids)} tokens for a text that can have {most}"
                    raise bad_model(BASE_MODEL, f"its tokenizer returns {words}")
                yield ids, mask

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special tokens."""
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    @contextlib.contextmanager
    def _limited(self, size: int) -> Iterator[None]:
        self._left += size / BYTES_PER_SECOND
        begun = time.process_time()
        with _limited_memory(MEMORY_BYTES + BYTES_PER_BYTE * size) as held, _marked(held=held):
            signal.setitimer(signal.ITIMER_PROF, max(self._left, 0.01))
            try:
                yield
            except MemoryError:
                if not held:  # the worker has too little, whoever its tokenizer is by
                    raise
                raise bad_model(BASE_MODEL, "its tokenizer takes too much memory") from None
            except BaseException as error:
                if type(error).__name__ != "PanicException":  # what Rust raises is no Exception
                    raise
                raise bad_model(BASE_MODEL, f"its tokenizer fails: {str(error)[:200]}") from None
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        self._left -= time.process_time() - begun


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) == _AT_ONCE or size + len(text) > _PART):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


@contextlib.contextmanager
def _marked(*, held: bool) -> Iterator[None]:
    # The parent process finds the file if the system killed this process in between.
    mark = Path(TOKENIZING)
    with contextlib.suppress(OSError):
        mark.write_text("memory" if held else "", "ascii")
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _limited_memory(more: int) -> Iterator[bool]:
    """Limit the growth of this process; yield whether this limit applies, and not a lower one."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:  # no Linux: such a limit would not hold
        yield False
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    ours = pages * os.sysconf("SC_PAGE_SIZE") + more
    if any(one != resource.RLIM_INFINITY and one <= ours for one in (soft, hard)):
        yield False
        return
    resource.setrlimit(resource.RLIMIT_AS, (ours, hard))
    try:
        yield True
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
