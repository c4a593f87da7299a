"""Word counts as an ONNX graph over ids of words and characters, and their tokenizers.

``TfIdfVectorizer`` counts words, pairs of words and runs of characters; the rest is arithmetic. A
tokenizer finds words as scikit-learn does: lower case, two or more letters, digits or underscores.
A second one gives the characters of the text, with each white space replaced by one blank: a run
with blanks only at its ends then occurs in the text as often as in its words.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.word_counts import LONGEST_RUN, SHORTEST_RUN
from lyrikstore.train.worker.models.word_counts import WordCounts

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]")
_WORD = re.compile(r"\w\w+")
_PATTERN = r"[\p{L}\p{N}_]{2,}"
"""The pattern of Oniguruma and JavaScript that matches the same as Python's ``\\w\\w+``."""

_BLANK = " "
_BETWEEN = r"[\s\x1c-\x1f]+"
"""The white space at which Python's ``str.split`` splits."""

PADDING, UNKNOWN = _SPECIAL[0], 1
"""The padding token; the id of a word that is in no term."""


class WordGraph(Struct, frozen=True):
    """A part of an ONNX graph.

    Attributes:
        nodes: Its nodes.
        constants: Its constants.
        output: Name of its output.
        inputs: Names of its inputs.
    """

    nodes: list[Any]
    constants: list[Any]
    output: str
    inputs: tuple[str, ...]


def words_of(model: WordCounts) -> dict[str, int]:
    """Return the words of a model's terms, each with its id.

    Raises:
        InvalidInputError: (``no-such-target``) the model also reads fields; the graph cannot.
    """
    if model.fields.names():
        raise InvalidInputError(
            "no-such-target",
            "the model reads fields besides the text, and no exported format supports this",
            hint="use lyrikstore predict, or train a model without [data] fields",
        )
    found = sorted({word for term in model.terms.names for word in term.split(" ")})
    return {word: at for at, word in enumerate(filter(_WORD.fullmatch, found), len(_SPECIAL))}


def characters_of(model: WordCounts) -> dict[str, int]:
    """Return the characters of a model's runs, each with its id; empty if it counts no runs."""
    if not _runs_of(model):
        return {}
    found = sorted({one for run, _ in _runs_of(model) for one in run} | {_BLANK})
    return {one: at for at, one in enumerate(found, len(_SPECIAL))}


def _runs_of(model: WordCounts) -> list[tuple[str, int]]:
    """Return the runs that a padded word can have, with their columns; short runs first."""
    names = [] if model.runs is None else model.runs.names
    # ATTACK A162: one with a blank inside is in no word, and would be in the text all the same.
    found = [
        (run, at)
        for at, run in enumerate(names)
        if not any(map(str.isspace, run[1:-1]))
        and all(end == _BLANK or not end.isspace() for end in (run[0], run[-1]))
        and run.strip()
    ]
    return sorted(found, key=lambda one: len(one[0]))


def tokenizer_of(words: Mapping[str, int]) -> dict[str, Any]:
    """Return a ``tokenizer.json`` that turns a text into the ids of its words."""
    split = {"pattern": {"Regex": _PATTERN}, "behavior": "Removed", "invert": True}
    # A sequence is never empty: no runtime takes one that is.
    first = [{"SpecialToken": {"id": _SPECIAL[2], "type_id": 0}}]
    return _tokenizer(words, {"type": "Lowercase"}, split, (first, []), {_SPECIAL[2]: 2})


def character_tokenizer_of(characters: Mapping[str, int]) -> dict[str, Any]:
    """Return a ``tokenizer.json`` that turns a text into the ids of its characters.

    The text is put between two blanks.
    """
    steps: list[dict[str, Any]] = [
        {"type": "Lowercase"},
        {"type": "Replace", "pattern": {"Regex": _BETWEEN}, "content": _BLANK},
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ]
    split = {"pattern": {"Regex": r"[\s\S]"}, "behavior": "Isolated", "invert": False}
    blank = [{"SpecialToken": {"id": _BLANK, "type_id": 0}}]
    normalizer = {"type": "Sequence", "normalizers": steps}
    special = {_BLANK: characters[_BLANK]}
    return _tokenizer(characters, normalizer, split, (blank, blank), special)


def _tokenizer(
    known: Mapping[str, int],
    normalizer: dict[str, Any],
    split: dict[str, Any],
    ends: tuple[list[Any], list[Any]],
    special: Mapping[str, int],
) -> dict[str, Any]:
    vocabulary = {token: at for at, token in enumerate(_SPECIAL)} | dict(known)
    (before, after), one, other = (
        ends,
        {"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 0}},
    )
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
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "Split", **split},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [*before, one, *after],
            "pair": [*before, one, other, *after],
            "special_tokens": {
                token: {"id": token, "ids": [at], "tokens": [token]}
                for token, at in special.items()
            },
        },
        "decoder": None,
        # Without a word that begins with its prefix it knows whole words only.
        "model": {
            "type": "WordPiece",
            "unk_token": _SPECIAL[1],
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": max(map(len, known), default=1),
            "vocab": vocabulary,
        },
    }


def word_graph(
    model: WordCounts, words: Mapping[str, int], sources: tuple[str, str], temperature: float
) -> WordGraph:
    """Return the ONNX graph that computes the calibrated logits of word counts.

    Args:
        model: The model.
        words: The model's words, as :func:`words_of` returns them.
        sources: Names of the inputs: ids of words, and of characters, texts × length.
        temperature: The divisor of the logits.
    """
    parts = [_words(model, words, sources[0], temperature)]
    if runs := _runs_of(model):
        parts.append(_runs(model, runs, sources[1], temperature))
    known = [one for one in parts if one is not None]
    if not known:
        raise InvalidInputError(
            "no-such-target",
            "the model has no words",
            hint="train it on texts with words, or use lyrikstore predict",
        )
    bias = np.ascontiguousarray(model.bias / temperature, np.float32)
    nodes = [node for one in known for node in one.nodes]
    constants = [value for one in known for value in one.constants]
    constants += [
        numpy_helper.from_array(bias, "words.bias"),
        numpy_helper.from_array(np.asarray(1, np.float32), "words.one"),
        numpy_helper.from_array(np.asarray(1e-12, np.float32), "words.tiny"),
        helper.make_tensor("words.axis", TensorProto.INT64, [1], [1]),
    ]
    sums = [one.output for one in known]
    if len(sums) > 1:
        nodes.append(helper.make_node("Add", sums, ["words.sum"]))
        sums = ["words.sum"]
    nodes.append(helper.make_node("Add", [*sums, "words.bias"], ["words.logits"]))
    taken = tuple(name for one in known for name in one.inputs)
    return WordGraph(nodes, constants, "words.logits", taken)


def _words(
    model: WordCounts, words: Mapping[str, int], source: str, temperature: float
) -> WordGraph | None:
    single: list[tuple[int, list[int]]] = []
    pairs: list[tuple[int, list[int]]] = []
    for at, term in enumerate(model.terms.names):
        parts = term.split(" ")
        if all(part in words for part in parts) and len(parts) <= 2:
            (single if len(parts) == 1 else pairs).append((at, [words[part] for part in parts]))
    if not single and not pairs:
        return None
    terms = [*single, *pairs]
    kept = [at for at, _ in terms]
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
        pool_int64s=[number for _, numbers in terms for number in numbers],
    )
    weight = model.weight[:, kept].T / temperature
    return _product("words", counts, source, model.terms.idf[kept], weight)


def _runs(
    model: WordCounts, runs: list[tuple[str, int]], source: str, temperature: float
) -> WordGraph:
    assert model.runs is not None  # noqa: S101  # there are runs
    characters = characters_of(model)
    lengths = [len(run) for run, _ in runs]
    counts = helper.make_node(
        "TfIdfVectorizer",
        [source],
        ["characters.counts"],
        mode="TF",
        min_gram_length=SHORTEST_RUN,
        max_gram_length=LONGEST_RUN,
        max_skip_count=0,
        # Where in the pool those of each length begin, from those of one character on.
        ngram_counts=[
            sum(one for one in lengths if one < length) for length in range(1, LONGEST_RUN + 1)
        ],
        ngram_indexes=list(range(len(runs))),
        pool_int64s=[characters[one] for run, _ in runs for one in run],
    )
    kept = [at for _, at in runs]
    first = len(model.terms.names)
    weight = model.weight[:, [first + at for at in kept]].T / temperature
    return _product("characters", counts, source, model.runs.idf[kept], weight)


def _product(
    name: str, counts: Any, source: str, idf: NDArray[np.float64], weight: NDArray[np.float64]
) -> WordGraph:
    """Return the part of the graph that multiplies TF-IDF vectors of length 1 by the weights."""

    def own(what: str) -> str:
        return f"{name}.{what}"

    steps = [
        # 1 + ln(count) where there is one.
        ("Max", [own("counts"), "words.one"], "least"),
        ("Log", [own("least")], "log"),
        ("Min", [own("counts"), "words.one"], "seen"),
        ("Add", [own("log"), own("seen")], "tf"),
        ("Mul", [own("tf"), own("idf")], "tfidf"),
        ("ReduceL2", [own("tfidf"), "words.axis"], "norm"),
        ("Max", [own("norm"), "words.tiny"], "length"),
        ("Div", [own("tfidf"), own("length")], "unit"),
        ("MatMul", [own("unit"), own("weight")], "product"),
    ]
    constants = {own("idf"): idf, own("weight"): weight}
    made = [
        numpy_helper.from_array(np.ascontiguousarray(value, np.float32), key)
        for key, value in constants.items()
    ]
    nodes = [counts, *(helper.make_node(kind, taken, [own(to)]) for kind, taken, to in steps)]
    return WordGraph(nodes, made, own("product"), (source,))
