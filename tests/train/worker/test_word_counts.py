"""Word counts of words and characters: as scikit-learn counts them, in files and as a graph."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sklearn_text = pytest.importorskip("sklearn.feature_extraction.text")

from lyrikstore.canon.digest import Digest  # noqa: E402
from lyrikstore.train.formats.word_counts import (  # noqa: E402
    FIRST,
    FORMAT,
    MAX_RUNS,
    STRENGTH,
    STRENGTHS,
)
from lyrikstore.train.worker.examples import Example  # noqa: E402
from lyrikstore.train.worker.models import terms as counting  # noqa: E402
from lyrikstore.train.worker.models.terms import RunCounts, TermCounts  # noqa: E402
from lyrikstore.train.worker.models.word_counts import (  # noqa: E402
    CountedWords,
    Fields,
    WordCounts,
)

pytestmark = pytest.mark.train

TASK = "text-classification"
PIECES = st.sampled_from(
    [
        "the",
        "Buyer",
        "seller,",
        "STRASSE",
        "straße",
        "a",
        "--",
        "\u2028",
        "\x1d",
        "\u3000",
        "été",
        "漢",
    ]
)
TEXTS = st.lists(st.lists(PIECES, max_size=9).map(" ".join) | st.text(max_size=20), min_size=1)


class _Folder:
    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()


def example(text: str, label: str, **fields: str) -> Example:
    return Example(Digest.of(text.encode()), (label,), text, fields)


def records(count: int = 30) -> list[Example]:
    draw = np.random.default_rng(4)
    words = ["licence", "court", "Seller", "straße", "a", "fee,", "12", "(b)"]
    return [
        example(" ".join(draw.choice(words, 7)) + f" word{at % 3}", "abc"[at % 3], sum=str(at))
        for at in range(count)
    ]


@given(learned=TEXTS, asked=TEXTS)
def test_runs_are_those_of_scikit_learn(learned: list[str], asked: list[str]) -> None:
    vectorizer = sklearn_text.TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True
    )
    runs, values = RunCounts.fit(learned)
    try:
        wanted = vectorizer.fit_transform(learned)
    except ValueError:  # no run is in two texts
        assert runs.names == []
        assert values.nnz == runs.matrix(asked).nnz == 0
        return
    assert runs.names == list(vectorizer.get_feature_names_out())
    # The idf is in single precision.
    assert abs(values - wanted).max() < 1e-6
    assert abs(runs.matrix(asked) - vectorizer.transform(asked)).max() < 1e-6
    assert (values != runs.matrix(learned)).nnz == 0


def test_of_many_runs_those_of_most_texts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_RUNS", 3)
    runs, values = RunCounts.fit(["ab", "ab", "ab c", "b", "c b"])
    assert runs.names == [" a", " ab", "b "]  # three texts, as "ab" has, and five
    assert values.shape == (5, 3)


def test_what_is_read_answers_as_what_was_fitted(tmp_path: Path) -> None:
    some = records()
    model = CountedWords(TASK, list("abc"), some, ["sum"]).fit(STRENGTHS[0])
    model.save(tmp_path)
    again = WordCounts.load(_Folder(), str(tmp_path))
    asked = [*some, example("never seen, straß", "a"), example("", "a")]
    assert again.logits(asked).tobytes() == model.logits(asked).tobytes()
    assert (
        again.format == json.loads((tmp_path / "classifier.json").read_text())["format"] == FORMAT
    )
    alone = np.concatenate([again.logits([one]) for one in asked])
    assert np.abs(alone - again.logits(asked)).max() < 1e-12
    assert {'characters " word"'[:-1] + '"', "sum", "licence"} <= set(again.names())


def test_the_first_format_answers_without_characters(tmp_path: Path) -> None:
    some = records()
    model = WordCounts.fit_first(TASK, list("abc"), some)
    model.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("classifier.json", "model.safetensors", "vocabulary.json")
    ]
    again = WordCounts.load(_Folder(), str(tmp_path))
    assert again.format == FIRST
    assert again.logits(some).tobytes() == model.logits(some).tobytes()


def test_weights_of_other_shapes_are_refused(tmp_path: Path) -> None:
    CountedWords(TASK, list("abc"), records(), ()).fit(STRENGTH).save(tmp_path)
    path = tmp_path / "characters.json"
    path.write_text(json.dumps(json.loads(path.read_text())[1:]))
    with pytest.raises(ValueError, match="weights"):
        WordCounts.load(_Folder(), str(tmp_path))
    assert MAX_RUNS == 100_000
    assert STRENGTH in STRENGTHS


def graph_of(model: WordCounts) -> Any:
    """Return what gives the logits of a text, by ONNX Runtime and the tokenizers beside it."""
    onnxruntime, tokenizers = pytest.importorskip("onnxruntime"), pytest.importorskip("tokenizers")
    pytest.importorskip("onnx")
    from lyrikstore.train.worker.export import onnx_model
    from lyrikstore.train.worker.export import word_graph as graphs

    words, characters = graphs.words_of(model), graphs.characters_of(model)
    names = (onnx_model.TOKENS, onnx_model.CHARACTERS)
    graph = graphs.word_graph(model, words, names, 1.0)
    data = onnx_model.finished(onnx_model.word_model(graph, len(model.labels)), {})
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    made = [graphs.tokenizer_of(words)]
    if characters:
        made.append(graphs.character_tokenizer_of(characters))
    readers = [tokenizers.Tokenizer.from_str(json.dumps(one)) for one in made]

    def answer(text: str) -> Any:
        given = {
            one.name: np.asarray([reader.encode(text).ids], np.int64)
            for one, reader in zip(session.get_inputs(), readers, strict=True)
        }
        return session.run(None, given)[0][0]

    return answer


@cache
def served() -> Any:
    return graph_of(SERVED)


SERVED = CountedWords(TASK, list("abc"), records(), ()).fit(STRENGTH)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    text=st.lists(
        st.sampled_from(
            ["licence", "Court", "a", "fee,", " ", "\u3000", "\x1d", "\n", "(b)", "word1", "straße"]
        ),
        max_size=12,
    ).map(" ".join)
)
def test_the_graph_answers_as_the_model(text: str) -> None:
    wanted = SERVED.logits([example(text, "a")])[0]
    assert np.abs(served()(text) - wanted).max() < 1e-4


def test_runs_that_are_in_no_word_count_nowhere() -> None:
    # ATTACK A162: whoever signs a model may write any run; a graph reads the text as one sequence.
    runs = ["a b", "  ", "b ", " a", "c\td", "ab", "\ta"]
    model = WordCounts(
        TASK,
        ["x", "y"],
        TermCounts(["ab"], np.ones(1)),
        RunCounts(runs, np.ones(len(runs))),
        Fields(()),
        np.arange(16.0).reshape(2, 8),
        np.zeros(2),
    )
    answer = graph_of(model)
    for text in ("a b", "ab", "  ", "c\td ab", "\ta b"):
        wanted = model.logits([example(text, "x")])[0]
        assert np.abs(answer(text) - wanted).max() < 1e-5, text


def test_the_graph_of_the_first_format() -> None:
    model = WordCounts.fit_first(TASK, list("abc"), records())
    answer = graph_of(model)
    for one in records(5):
        assert np.abs(answer(one.text) - model.logits([one])[0]).max() < 1e-4
