"""What a ``tokenizer.json`` may describe: what would hang or fill a worker is never loaded."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from lyrikstore.canon.errors import PolicyError
from lyrikstore.train.formats import tokenizer
from lyrikstore.train.formats.tokenizer import check_tokenizer

SPLIT = {"type": "Split", "behavior": "Isolated", "invert": False}


def described(**changes: Any) -> bytes:
    model = {"type": "WordPiece", "vocab": {"[UNK]": 0, "a": 1}, "max_input_chars_per_word": 100}
    return json.dumps({"version": "1.0", "model": model, **changes}).encode()


def writing(content: str, times: int = 1, **pattern: str) -> dict[str, Any]:
    one = {"type": "Replace", "pattern": pattern or {"String": "a"}, "content": content}
    return {"type": "Sequence", "normalizers": [one] * times}


def mapped(text: bytes) -> dict[str, Any]:
    data = (0).to_bytes(4, "little") + b"a\0" + text + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


def template(tokens: int, times: int) -> dict[str, Any]:
    special = {"[C]": {"id": "[C]", "ids": [1] * tokens, "tokens": ["a"] * tokens}}
    piece = {"SpecialToken": {"id": "[C]", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "type": "TemplateProcessing",
        "single": [*[piece] * times, text],
        "pair": [text],
        "special_tokens": special,
    }


def nested(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "Lowercase"}
    for _ in range(levels):
        found = {"type": "Sequence", "normalizers": [found]}
    return found


def padding(length: int, multiple: int | None = None) -> dict[str, Any]:
    return {"strategy": {"Fixed": length}, "pad_to_multiple_of": multiple, "pad_token": "a"}


def test_what_publishers_make_passes() -> None:
    """The kinds of parts that models on hubs have, at their sizes."""
    check_tokenizer(
        described(
            padding=padding(128, 8),
            truncation={"max_length": 128, "strategy": "LongestFirst", "stride": 0},
            added_tokens=[{"id": n, "content": f"<unused{n}>"} for n in range(6500)],
            normalizer={
                "type": "Sequence",
                "normalizers": [
                    {"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
                    *({"type": one} for one in ("NFKD", "StripAccents", "Lowercase")),
                    mapped("صلى الله عليه وسلم".encode()),
                    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
                ],
            },
            pre_tokenizer={
                "type": "Sequence",
                "pretokenizers": [
                    {**SPLIT, "pattern": {"Regex": r"(?i:'s|'t)|\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+"}},
                    {"type": "ByteLevel", "add_prefix_space": False},
                ],
            },
            post_processor=template(1, 2),
            decoder={"type": "Sequence", "decoders": [{"type": "ByteFallback"}]},
        )
    )
    old = {"vocab": {"a": 0}, "merges": [], "dropout": None}  # without a type
    assert check_tokenizer(described(model=old))["model"] == old


@pytest.mark.parametrize(
    "change",
    [
        {"padding": padding(10**9)},
        {"padding": padding(1, 10**9)},
        {"padding": padding(-1)},
        {"normalizer": writing("a" * 1000)},
        {"normalizer": writing("a" * 64, 3)},
        {"normalizer": writing("a" * 64, 3, Regex="")},
        {"normalizer": {"type": "Prepend", "prepend": "a" * 1000}},
        {"normalizer": mapped(b"a" * 20_000)},
        {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "?"}},
        {"normalizer": nested(9)},
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 64}},
        {"normalizer": {"type": "Python"}},
        {"pre_tokenizer": {**SPLIT, "pattern": {"Regex": "a" * 2049}}},
        {"pre_tokenizer": {**SPLIT, "pattern": {"Regex": "((a{100}){100}){100}"}}},
        {"post_processor": template(1000, 1)},
        {"post_processor": template(1, 300)},
        {"added_tokens": [{"id": 1, "content": "a"}] * 20_001},
        {"added_tokens": [{"id": 1, "content": "a" * 1025}]},
        {"added_tokens": [{"id": 1, "content": ""}]},
        {"model": {"type": "Unigram", "vocab": [["a" * 129, -1.0]]}},
        {"model": {"type": "BPE", "vocab": {"a" * 1025: 0}}},
        {"model": {"type": "WordPiece", "vocab": {}, "max_input_chars_per_word": 10**9}},
        {"model": {"type": "Pickle", "vocab": {}}},
        {"decoder": []},
    ],
)
def test_what_would_hang_or_fill_a_worker_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as error:
        check_tokenizer(described(**change))
    assert error.value.kind == "unsafe-model"


def test_a_member_that_is_there_twice_is_refused() -> None:
    """ATTACK A18: the library takes the last, and another was looked at."""
    twice = described()[:-1] + b',"padding":null,"padding":{"strategy":{"Fixed":1000000000}}}'
    for data in (twice, described()[:-1] + b',"x":NaN}', b"[" * 100_000):
        with pytest.raises(PolicyError):
            check_tokenizer(data)


def test_every_limit_refuses_only_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, Callable[[int], dict[str, Any]]]] = [
        ("MAX_PADDING", lambda n: {"padding": padding(n)}),
        ("MAX_CONTENT", lambda n: {"normalizer": writing("a" * n)}),
        ("MAX_ADDED", lambda n: {"post_processor": template(1, n - 1)}),
        ("MAX_ADDED_TOKENS", lambda n: {"added_tokens": [{"content": "a"}] * n}),
        ("MAX_WORD", lambda n: {"model": {"vocab": {}, "max_input_chars_per_word": n}}),
    ]
    for limit, change in made:
        monkeypatch.setattr(tokenizer, limit, 10)
        check_tokenizer(described(**change(10)))
        with pytest.raises(PolicyError):
            check_tokenizer(described(**change(11)))
