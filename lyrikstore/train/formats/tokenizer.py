"""Checks of ``tokenizer.json`` before it is loaded (spec §13.4.1).

The library that reads it imports no code, but accepts every number: a template that adds a thousand
tokens to each text, a normalizer that writes a thousand letters for one, a word of a million
letters
that needs quadratic time. The file is checked for these before it is loaded; dangers that the file
does not show, such as a slow expression, are limited when texts are encoded.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.quoting import quote
from lyrikstore.train.formats.base_model import MAX_TOKENIZER_BYTES, TOKENIZER

MAX_ADDED_TOKENS: Final = 20_000
MAX_TOKEN: Final = 1024
"""Characters of a token."""

MAX_UNIGRAM_TOKEN: Final = 128
"""Characters of a token of Unigram models, which look up all prefixes at every position."""

MAX_WORD: Final = 10_000
"""Most characters of a word, which is split in quadratic time."""

MAX_GROWTH: Final = 10_000
"""Greatest factor by which all normalizers together may lengthen a text."""

MAX_CONTENT: Final = 64
"""Most bytes of a normalizer's replacement."""

MAX_PADDING: Final = 1 << 20
MAX_ADDED: Final = 256
"""Most tokens that a template adds to a text."""

MAX_COMPONENTS, MAX_DEPTH = 64, 8
MAX_EXPRESSION, MAX_REPEATS = 2048, 10_000
MAX_CHARACTER_MAP: Final = 4 << 20
"""Bytes of a map of characters, in base64."""

_SEQUENCES: Final = ("normalizers", "pretokenizers", "processors", "decoders")
_GROWTH: Final = {
    **dict.fromkeys(("NFC", "NFD", "BertNormalizer"), 4),
    **dict.fromkeys(("NFKC", "NFKD"), 18),
    **dict.fromkeys(("Strip", "StripAccents", "Nmt", "Prepend", "Sequence"), 1),
    "ByteLevel": 2,
    "Lowercase": 3,
}
"""Normalizer → greatest factor by which it lengthens a text."""

_TYPES: Final = {
    "normalizer": frozenset({*_GROWTH, "Precompiled", "Replace"}),
    "pre_tokenizer": frozenset(
        {
            *("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "FixedLength"),
            *("Metaspace", "Punctuation", "Sequence", "Split", "UnicodeScripts", "Whitespace"),
            "WhitespaceSplit",
        }
    ),
    "post_processor": frozenset(
        {"BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"}
    ),
    "decoder": frozenset(
        {
            *("BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace"),
            *("Sequence", "Strip", "WordPiece"),
        }
    ),
}
_MODELS: Final = frozenset({None, "BPE", "Unigram", "WordLevel", "WordPiece"})
_REPEAT: Final = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def check_tokenizer(data: bytes) -> dict[str, Any]:
    """Return the content of ``tokenizer.json``, if the tokenizers library may read it.

    Raises:
        PolicyError: (``unsafe-model``) it is not a tokenizer, or exceeds a limit.
    """
    if len(data) > MAX_TOKENIZER_BYTES:
        _refuse(f"is longer than {MAX_TOKENIZER_BYTES} bytes")
    try:
        # ATTACK: of two members with one name, the library reads the last; we checked the first.
        document = json.loads(data, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        _refuse("is not JSON, or has a member twice")
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        _refuse("does not describe a tokenizer")
    _check_padding(document.get("padding"))
    _check_added(document.get("added_tokens"))
    _check_model(document["model"])
    growth = 1
    for section, types in _TYPES.items():
        for number, one in enumerate(_components(document.get(section), section)):
            if number == MAX_COMPONENTS:
                _refuse(f"has a {section} of more than {MAX_COMPONENTS} parts")
            if one.get("type") not in types:
                _refuse(f"has a {section} of the kind {quote(str(one.get('type')), 40)}")
            _check_expression(one.get("pattern"))
            if section == "normalizer":
                growth *= _growth(one)
            if one["type"] == "TemplateProcessing":
                _check_template(one)
    if growth > MAX_GROWTH:
        _refuse(f"can make a text {growth} times as long")
    return document


def _components(value: object, section: str, depth: int = 0) -> Iterator[dict[str, Any]]:
    if value is None:
        return
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        _refuse(f"has a {section} that is not an object, or has more than {MAX_DEPTH} levels")
    yield value
    for name in _SEQUENCES:
        parts = value.get(name, [])
        if not isinstance(parts, list):
            _refuse(f"has a {section} whose parts are not a list")
        for part in parts:
            yield from _components(part, section, depth + 1)


def _check_padding(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        _refuse("has a padding that is not an object")
    strategy, multiple = value.get("strategy"), value.get("pad_to_multiple_of")
    length = strategy.get("Fixed") if isinstance(strategy, dict) else 0
    for number in (length, 0 if multiple is None else multiple):
        if type(number) is not int or not 0 <= number <= MAX_PADDING:
            _refuse(f"pads texts to more than {MAX_PADDING} tokens")


def _check_added(value: object) -> None:
    tokens = [] if value is None else value
    if not isinstance(tokens, list) or len(tokens) > MAX_ADDED_TOKENS:
        _refuse(f"has more than {MAX_ADDED_TOKENS} added tokens")
    for one in tokens:
        content = one.get("content") if isinstance(one, dict) else None
        if not isinstance(content, str) or not 0 < len(content) <= MAX_TOKEN:
            _refuse(f"has an added token that is empty, or longer than {MAX_TOKEN} characters")


def _check_model(model: Mapping[str, Any]) -> None:
    kind, words = model.get("type"), model.get("vocab")
    if kind not in _MODELS:
        _refuse(f"has a model of the kind {quote(str(kind), 40)}")
    if isinstance(words, list):  # pairs of a token and its score
        tokens = [one[0] for one in words if isinstance(one, list) and one]
        most = MAX_UNIGRAM_TOKEN
        if len(tokens) != len(words):
            _refuse("has tokens without scores")
    else:
        tokens, most = list(words) if isinstance(words, dict) else [], MAX_TOKEN
    if not all(isinstance(one, str) and len(one) <= most for one in tokens):
        _refuse(f"has a token that is longer than {most} characters")
    longest = model.get("max_input_chars_per_word", 0)
    if type(longest) is not int or not 0 <= longest <= MAX_WORD:
        _refuse(f"splits words that are longer than {MAX_WORD} characters")


def _check_expression(pattern: object) -> None:
    expression = pattern.get("Regex") if isinstance(pattern, dict) else None
    if expression is None:
        return
    if not isinstance(expression, str) or len(expression) > MAX_EXPRESSION:
        _refuse(f"has an expression of more than {MAX_EXPRESSION} characters")
    repeats = 1
    for found in _REPEAT.finditer(expression):
        repeats *= max(1, *(int(one[:9]) for one in found.groups() if one))
    if repeats > MAX_REPEATS:
        _refuse(f"has an expression that repeats more than {MAX_REPEATS} times")


def _growth(normalizer: Mapping[str, Any]) -> int:
    kind = normalizer["type"]
    if kind == "Precompiled":
        return _longest_replacement(normalizer.get("precompiled_charsmap"))
    if kind not in {"Replace", "Prepend"}:
        return _GROWTH[kind]
    content = normalizer.get("content" if kind == "Replace" else "prepend", "")
    written = len(content.encode("utf-8", "replace")) if isinstance(content, str) else -1
    if not 0 <= written <= MAX_CONTENT:
        _refuse(f"replaces a match by more than {MAX_CONTENT} bytes")
    if kind == "Prepend":
        return 1
    pattern = normalizer.get("pattern")
    text = pattern.get("String") if isinstance(pattern, dict) else None
    if isinstance(text, str) and text:
        return max(1, -(-written // len(text.encode("utf-8", "replace"))))
    return 1 + written  # an expression may match the empty text, at every place


def _longest_replacement(value: object) -> int:
    """Return the bytes of the longest replacement in a map of characters."""
    if value is None:
        return 1
    if not isinstance(value, str) or len(value) > MAX_CHARACTER_MAP:
        _refuse(f"has a map of characters of more than {MAX_CHARACTER_MAP} bytes")
    try:
        data = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        _refuse("has a map of characters that is not base64")
    # Four bytes have the length of the tree; after it follow the texts, each ended by a zero.
    texts = data[4 + int.from_bytes(data[:4], "little") :]
    return max(1, *map(len, texts.split(b"\0")))


def _check_template(template: Mapping[str, Any]) -> None:
    stated = template.get("special_tokens", {})
    if not isinstance(stated, dict):
        _refuse("has a template without tokens")
    counts = {}
    for name, one in stated.items():
        ids = one.get("ids") if isinstance(one, dict) else None
        counts[name] = len(ids) if isinstance(ids, list) else 0
    for side in ("single", "pair"):
        pieces = template.get(side, [])
        if not isinstance(pieces, list):
            _refuse("has a template that is not a list")
        added = 0
        for piece in pieces:
            special = piece.get("SpecialToken") if isinstance(piece, dict) else None
            named = special.get("id") if isinstance(special, dict) else None
            added += counts.get(named, 1) if isinstance(named, str) else 1
        if added > MAX_ADDED:
            _refuse(f"adds more than {MAX_ADDED} tokens to every text")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


def _refuse(what: str) -> NoReturn:
    raise PolicyError(
        "unsafe-model", f"{TOKENIZER} {what}", hint="use the original tokenizer of its publisher"
    )
