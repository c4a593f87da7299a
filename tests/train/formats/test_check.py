"""Settings of checkpoints that somebody else signed: nothing but our own error, memory flat."""

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.train.formats import word_counts
from lyrikstore.train.formats.check import check_settings, check_tensors
from lyrikstore.train.formats.formats import FORMATS, blend_of

BASE = Digest.of(b"base")
SETTINGS = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "max_position_embeddings": 32,
}
LABELS = ["a", "b"]
WORDS = {
    "classifier.json": {
        "fields": [
            {"field": "amount", "mean": "1.5", "spread": "2.0"},
            {"field": "kind", "values": ["x", "y", "z"]},
        ],
        "format": "tfidf/1",
        "labels": LABELS,
        "task": "text-classification",
    },
    "vocabulary.json": ["alpha", "alpha beta", "beta"],
}
CHARACTERS = {
    **WORDS,
    "classifier.json": {**WORDS["classifier.json"], "format": "tfidf/2"},
    "characters.json": ["al", " alph", ", "],
}
VECTORS = {
    "classifier.json": {
        "format": "embeddings/1",
        "labels": LABELS,
        "maxTokens": 16,
        "pooling": "mean",
        "task": "text-classification",
    }
}
WHOLE = {"classifier.json": VECTORS["classifier.json"] | {"format": "encoder/1"}}
BLEND = {
    "blend.json": {
        "format": "blend/1",
        "labels": LABELS,
        "members": ["tfidf/1", "embeddings/1"],
        "task": "text-classification",
        "temperatures": ["1.000", "0.050"],
        "weight": "0.5",
    },
    **{f"words/{name}": document for name, document in WORDS.items()},
    **{f"other/{name}": document for name, document in VECTORS.items()},
}
Documents = Mapping[str, Any]
FILES: Mapping[str, Documents] = {
    "tfidf/1": WORDS,
    "tfidf/2": CHARACTERS,
    "embeddings/1": VECTORS,
    "encoder/1": WHOLE,
    "blend/1": BLEND,
}
DECISION = {"temperature": "1.000", "abstainBelow": "0.5", "threshold": "0.3", "atLeastOne": True}


def check(form: str, files: Documents, **body: Any) -> Any:
    found = blend_of(FORMATS["embeddings/1"]) if form == "blend/1" else FORMATS[form]
    signed = {
        "format": form,
        "labels": LABELS,
        "task": "text-classification",
        "text": {"maxTokens": 16, "pooling": "mean"},
        "decision": DECISION,
    }
    data = {
        name: one if isinstance(one, bytes) else json.dumps(one).encode()
        for name, one in files.items()
    }
    return check_settings(found, data, signed | body, BASE, SETTINGS)


def refused(form: str, files: Documents, **body: Any) -> None:
    with pytest.raises(FormatError) as caught:
        check(form, files, **body)
    assert caught.value.kind == "bad-checkpoint"
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_what_we_write_is_taken_and_says_what_its_weights_are() -> None:
    assert check("tfidf/1", WORDS) == {
        "model.safetensors": {"idf": (3,), "weight": (2, 9), "bias": (2,)}
    }
    classifier = {"weight": (2, 8), "bias": (2,)}
    assert check("embeddings/1", VECTORS) == {"classifier.safetensors": classifier}
    assert check("encoder/1", WHOLE) == {"classifier.safetensors": classifier}
    assert set(check("blend/1", BLEND)) == {
        "words/model.safetensors",
        "other/classifier.safetensors",
    }


@pytest.mark.parametrize("shape", [(2,), (3, 8), (2, 8, 1), None])
def test_weights_of_another_shape_are_refused_by_their_head(shape) -> None:
    wanted = check("embeddings/1", VECTORS)["classifier.safetensors"]
    check_tensors("classifier.safetensors", wanted, wanted)
    other = {name: one for name, one in wanted.items() if name != "weight"}
    if shape:
        other["weight"] = shape
    for found in (other, {**wanted, "more": (1,)}):
        with pytest.raises(FormatError) as caught:
            check_tensors("classifier.safetensors", found, wanted)
        assert (caught.value.kind, bool(caught.value.hint)) == ("bad-checkpoint", True)


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("temperature", one) for one in ("0", "-1", "0.049", "1000000", "nan", "1" * 401)),
        *(("abstainBelow", one) for one in ("-0.1", "1.01", "inf")),
        *(("threshold", one) for one in ("-0.01", "2", "")),
    ],
)
def test_a_decision_out_of_range_is_refused(form, member, value) -> None:
    refused(form, FILES[form], decision={**DECISION, member: value})


@pytest.mark.parametrize("labels", [["a", "a"], ["a"], ["a", "b", "c"], ["b", "a"], [], "ab"])
@pytest.mark.parametrize("form", FILES)
def test_labels_are_those_that_were_signed_each_once(form, labels) -> None:
    refused(form, FILES[form], labels=labels)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(("weight", one) for one in ("0", "0.0", "1", "1.0", "nan", "0.55", 0.5, ["0.5"], {})),
        ("members", ["tfidf/1", "tfidf/1"]),
        ("members", ["embeddings/1", "tfidf/1"]),
        ("members", ["tfidf/1", "encoder/1"]),
        ("members", ["tfidf/1", "blend/1"]),
        ("members", ["tfidf/1", {"a": 1}]),
        ("members", ["tfidf/1"]),
        ("temperatures", ["1", "0"]),
        ("temperatures", ["1", "nan"]),
        ("temperatures", [1, 1]),
        ("temperatures", ["1"]),
        ("labels", ["b", "a"]),
        ("format", "tfidf/1"),
    ],
)
def test_a_blend_of_anything_else_is_refused(member, value) -> None:
    about = {**BLEND["blend.json"], member: value}
    refused("blend/1", {**BLEND, "blend.json": about})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        ["amount"],
        [{"field": "a", "mean": "0", "spread": "0"}],
        [{"field": "a", "mean": "0", "spread": "-1"}],
        [{"field": "a", "mean": "nan", "spread": "1"}],
        [{"field": "a", "mean": "0", "spread": "1e-320"}],
        [{"field": "a", "mean": "inf", "spread": "1"}],
        [{"field": 1, "mean": "0", "spread": "1"}],
        [{"field": "a", "values": ["x", "x"]}],
        [{"field": "a", "values": "xy"}],
        [{"field": "a", "values": ["x"], "mean": "0"}],
    ],
)
def test_other_columns_are_refused(fields) -> None:
    refused("tfidf/1", {**WORDS, "classifier.json": {**WORDS["classifier.json"], "fields": fields}})


@pytest.mark.parametrize(
    "terms",
    [[], {}, "alpha", ["a", "a"], ["a", 1], ["a", ["b"]], ["a", None], b"[", b"\xff", b'["a",]'],
)
def test_a_vocabulary_is_a_list_of_different_words(terms) -> None:
    refused("tfidf/1", {**WORDS, "vocabulary.json": terms})


@pytest.mark.parametrize(
    "runs", [{}, "al", ["al", "al"], ["a"], ["alphab"], ["al", 1], ["al", None], [["al"]], b"["]
)
def test_characters_are_a_list_of_different_runs(runs) -> None:
    refused("tfidf/2", {**CHARACTERS, "characters.json": runs})


def test_more_runs_than_a_model_has_are_refused() -> None:
    # ATTACK A161: a list that is many times its file.
    data = b"[" + b",".join([b"{}"] * (word_counts.MAX_CHARACTERS_BYTES // 2)) + b"]"
    refused("tfidf/2", {**CHARACTERS, "characters.json": data})
    runs = [f"{at:05}" for at in range(word_counts.MAX_RUNS + 1)]
    refused("tfidf/2", {**CHARACTERS, "characters.json": runs})


@pytest.mark.parametrize("term", [b"1", b"[]", b'"a"', b"{}"])
def test_ten_million_terms_are_refused_before_they_are_read(term) -> None:
    data = b"[" + b",".join([term] * (2 * word_counts.MAX_TERMS)) + b"]"
    files = {**WORDS, "vocabulary.json": data}
    tracemalloc.start()
    try:
        refused("tfidf/1", files)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def outcome(form: str, files: Documents) -> str:
    try:
        check(form, files)
    except FormatError as error:
        return error.kind
    return "taken"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["nan", "1e999", "tfidf/1", "0.5", "-0"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.data(), VALUES)
def test_whatever_a_member_says_gives_our_error_or_is_as_we_write_it(data, value) -> None:
    form = data.draw(st.sampled_from(sorted(FILES)))
    files = dict(FILES[form])
    name = data.draw(st.sampled_from(sorted(files)))
    document = files[name]
    if isinstance(document, dict):
        member = data.draw(st.sampled_from([*sorted(document), "more"]))
        files[name] = {**document, member: value}
    else:
        files[name] = [*document, value]
    assert outcome(form, files) in {"taken", "bad-checkpoint"}


@given(st.binary(max_size=64), st.sampled_from(sorted(FILES)), st.data())
def test_whatever_bytes_a_file_has_give_our_error(junk, form, data) -> None:
    name = data.draw(st.sampled_from(sorted(FILES[form])))
    refused(form, {**FILES[form], name: junk})
