"""Word counts as a graph of ONNX over the numbers of words, and the tokenizer that gives them.

``TfIdfVectorizer`` counts words and pairs of words; the rest is arithmetic. The tokenizer finds
words as scikit-learn does: lower case, two or more letters, digits or underscores.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from onnx import TensorProto, helper, numpy_helper

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.worker.models.word_counts import WordCounts

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]")
_WORD = re.compile(r"\w\w+")
_PATTERN = r"[\p{L}\p{N}_]{2,}"
"""What Python's ``\\w\\w+`` finds, in the words of Oniguruma and JavaScript."""

PADDING, UNKNOWN = _SPECIAL[0], 1
"""The token that fills; the number of what is in no term."""


class WordGraph(Struct, frozen=True):
    """A part of a graph.

    Attributes:
        nodes: Its nodes.
        constants: Its constants.
        output: Name of what it gives.
    """

    nodes: list[Any]
    constants: list[Any]
    output: str


def words_of(model: WordCounts) -> dict[str, int]:
    """Return the words of a model's terms, each with its number.

    Raises:
        InvalidInputError: (``no-such-target``) fields join the text, which the graph does not know.
    """
    if model.fields.names():
        raise InvalidInputError(
            "no-such-target",
            "it reads fields beside the text, which no exported form takes",
            hint="ask it with lyrikstore predict, or train one without [data] fields",
        )
    found = sorted({word for term in model.names() for word in term.split(" ")})
    return {word: at for at, word in enumerate(filter(_WORD.fullmatch, found), len(_SPECIAL))}


def tokenizer_of(words: Mapping[str, int]) -> dict[str, Any]:
    """Return ``tokenizer.json``: text → the numbers of its words."""
    vocabulary = {token: at for at, token in enumerate(_SPECIAL)} | dict(words)
    first = _SPECIAL[2]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": at,
                "content": token,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for at, token in enumerate(_SPECIAL)
        ],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": _PATTERN},
            "behavior": "Removed",
            "invert": True,
        },
        # A sequence is never empty: no runtime takes one that is.
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": first, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": first, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
            ],
            "special_tokens": {first: {"id": first, "ids": [2], "tokens": [first]}},
        },
        "decoder": None,
        # Without a word that begins with its prefix it knows whole words only.
        "model": {
            "type": "WordPiece",
            "unk_token": _SPECIAL[1],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": max(map(len, words), default=1),
            "vocab": vocabulary,
        },
    }


def word_graph(
    model: WordCounts, words: Mapping[str, int], source: str, temperature: float
) -> WordGraph:
    """Return the graph that gives the calibrated logits of word counts.

    Args:
        model: The model.
        words: Its words, as :func:`words_of` gives them.
        source: Name of the input: numbers of words, texts × length.
        temperature: What logits are divided by.
    """
    single: list[tuple[int, list[int]]] = []
    pairs: list[tuple[int, list[int]]] = []
    for at, term in enumerate(model.names()):
        parts = term.split(" ")
        if all(part in words for part in parts) and len(parts) <= 2:
            (single if len(parts) == 1 else pairs).append((at, [words[part] for part in parts]))
    if not single and not pairs:
        raise InvalidInputError(
            "no-such-target",
            "it knows no word",
            hint="train it on texts with words, or ask it with lyrikstore predict",
        )
    terms = [*single, *pairs]
    kept = [at for at, _ in terms]
    pool = [number for _, numbers in terms for number in numbers]
    counts = helper.make_node(
        "TfIdfVectorizer",
        [source],
        ["words.counts"],
        mode="TF",
        min_gram_length=1,
        max_gram_length=2 if pairs else 1,
        max_skip_count=0,
        ngram_counts=[0, len(single)] if pairs else [0],
        ngram_indexes=list(range(len(terms))),
        pool_int64s=pool,
    )
    idf = model.terms.idf[kept]
    constants = {
        "words.one": np.asarray(1, np.float32),
        "words.tiny": np.asarray(1e-12, np.float32),
        "words.idf": idf.astype(np.float32),
        "words.weight": (model.weight[:, kept].T / temperature).astype(np.float32),
        "words.bias": (model.bias / temperature).astype(np.float32),
    }
    steps = [
        # 1 + ln(count) where there is one.
        ("Max", ["words.counts", "words.one"], "words.least"),
        ("Log", ["words.least"], "words.log"),
        ("Min", ["words.counts", "words.one"], "words.seen"),
        ("Add", ["words.log", "words.seen"], "words.tf"),
        ("Mul", ["words.tf", "words.idf"], "words.tfidf"),
        ("ReduceL2", ["words.tfidf", "words.axis"], "words.norm"),
        ("Max", ["words.norm", "words.tiny"], "words.length"),
        ("Div", ["words.tfidf", "words.length"], "words.unit"),
        ("MatMul", ["words.unit", "words.weight"], "words.product"),
        ("Add", ["words.product", "words.bias"], "words.logits"),
    ]
    made = [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()]
    made.append(helper.make_tensor("words.axis", TensorProto.INT64, [1], [1]))
    nodes = [counts, *(helper.make_node(kind, taken, [given]) for kind, taken, given in steps)]
    return WordGraph(nodes, made, "words.logits")
