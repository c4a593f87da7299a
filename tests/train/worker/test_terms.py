"""Word counts answer without scikit-learn, bit for bit as it would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sklearn_text = pytest.importorskip("sklearn.feature_extraction.text")

from lyrikstore.train.worker.models.terms import TermCounts, unit_sparse_rows, words_of  # noqa: E402

pytestmark = pytest.mark.train

WORDS = st.sampled_from(
    [
        "the",
        "Buyer",
        "seller",
        "STRASSE",
        "straße",
        "a",
        "x1",
        "_",
        "__",
        "İstanbul",
        "don't",
        "été",
    ]
)
TEXTS = st.lists(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40), min_size=1)


@given(trained=TEXTS, asked=TEXTS)
def test_the_values_are_those_of_scikit_learn(trained: list[str], asked: list[str]) -> None:
    vectorizer = sklearn_text.TfidfVectorizer(ngram_range=(1, 2), min_df=1, sublinear_tf=True)
    try:
        vectorizer.fit(trained)
    except ValueError:  # there is no word
        return
    terms = TermCounts(list(vectorizer.get_feature_names_out()), vectorizer.idf_)
    for texts in (trained, asked):
        found, wanted = terms.matrix(texts), vectorizer.transform(texts)
        assert found.shape == wanted.shape
        assert np.array_equal(found.indptr, wanted.indptr)
        assert np.array_equal(found.indices, wanted.indices)
        assert found.data.tobytes() == wanted.data.tobytes()
        assert [words_of(text) for text in texts] == [
            vectorizer.build_tokenizer()(text.lower()) for text in texts
        ]


@given(rows=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1))
def test_rows_get_length_one_as_scikit_learn_divides(rows: list[list[float]]) -> None:
    from scipy import sparse
    from sklearn.preprocessing import normalize

    answer_rows = sparse.csr_matrix(np.asarray(rows))
    found, wanted = unit_sparse_rows(answer_rows), normalize(answer_rows)
    assert found.data.tobytes() == wanted.data.tobytes()
    assert answer_rows.data.tobytes() == sparse.csr_matrix(np.asarray(rows)).data.tobytes()


@pytest.mark.parametrize("names", [[], ["buyer", "seller", "buyer"]])
def test_a_vocabulary_that_is_none(names: list[str]) -> None:
    with pytest.raises(ValueError, match="vocabulary"):
        TermCounts(names, np.ones(len(names)))
