"""Which texts are unlike the training data, by statistics that hold no record (spec §13.2.4)."""

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError
from lyrikstore.train.formats.check import check_distances
from lyrikstore.train.worker.examples import Example
from lyrikstore.train.worker.models.model import unit_rows
from lyrikstore.train.worker.models.unlike import ClassDistances, fit_unlike
from lyrikstore.train.worker.models.word_counts import fit_terms
from lyrikstore.verify.evaluation.choice.unlike import unlike_fault, unlike_limit
from tests.shared_data import needs_data
from tests.train.evaluation.conftest import rows_of

pytestmark = pytest.mark.train

WORDS: dict[str, Any] = {
    "format": "tfidf/1",
    "labels": ["a", "b"],
    "unlike": {"method": "unknown-words/1", "limit": "0.10"},
}
ENCODER: dict[str, Any] = {
    **WORDS,
    "format": "encoder/1",
    "unlike": {"method": "class-distances/1", "limit": "1.30"},
}


def example(text: str, *labels: str) -> Example:
    return Example(Digest.of(text.encode()), labels, text)


def classes(**counts: int) -> tuple[list[Example], Any]:
    """Return so many texts of each label, and their vectors around that of the label."""
    draw = np.random.default_rng(1)
    records, vectors = [], []
    for label, count in counts.items():
        middle = draw.normal(size=8)
        for at in range(count):
            records.append(example(f"text {at} of {label}", label))
            vectors.append(middle + draw.normal(size=8) / 5)
    return records, unit_rows(np.asarray(vectors))


@needs_data
def test_questions_of_medicine_are_unlike_those_of_a_bank() -> None:
    learned, checked, tested = (
        [row["text"] for row in rows_of("banking77", part)] for part in ("train", "val", "test")
    )
    asked = [row["question"] for row in rows_of("medquad", "test") if row.get("question")][:300]
    terms, _, _ = fit_terms(learned)
    found = fit_unlike(terms.unknown_shares(checked), None)
    assert found is not None
    shares = [
        float((terms.unknown_shares(texts) > float(found.limit)).mean())
        for texts in (checked, tested, asked)
    ]
    assert shares[0] <= 0.05
    assert shares[1] <= 0.07
    assert shares[2] >= 0.95
    # It was answered as a question about a card, or a transfer.
    appeal = "I object to the decision to deny my knee operation and ask you to review it"
    assert terms.unknown_shares([appeal])[0] > float(found.limit)


def test_vectors_far_from_every_class_are_unlike() -> None:
    records, vectors = classes(a=40, b=40)
    distances = ClassDistances.fit([(records[:60], vectors[:60]), (records[60:], vectors[60:])])
    assert distances is not None
    found = fit_unlike(distances.of(vectors), distances)
    assert found is not None
    again = ClassDistances.of_file(found.distances)
    assert (again.of(vectors) > float(found.limit)).mean() <= 0.05
    assert (again.of(-vectors) > float(found.limit)).all()
    by_hand = np.square(vectors[:, None] - again.centroids[None]) / again.variances
    assert np.allclose(again.of(vectors), np.sqrt(by_hand.mean(2).min(1)))


def test_a_limit_is_that_of_no_record() -> None:
    values = [at / 997 for at in range(100)]
    limit = unlike_limit(values)
    assert limit == "0.10"  # the 95th is 94/997
    assert sum(value > float(limit) for value in values) <= 5
    assert unlike_limit([0.1] * 50) == "0.10"
    assert unlike_limit(values[:49]) is None


def test_a_class_of_one_text_has_no_centroid() -> None:
    records, vectors = classes(many=9, few=4)
    copies = [example("TEXT  0 of few" if at % 2 else "text 0 of few", "few") for at in range(20)]
    records, vectors = [*records, *copies], np.concatenate([vectors, [vectors[9]] * 20])
    found = ClassDistances.fit([(records, vectors)])
    assert found is not None
    assert len(found.centroids) == 1
    assert np.allclose(found.centroids[0], vectors[:9].mean(0))
    assert ClassDistances.fit([(records[9:], vectors[9:])]) is None
    # Copies of a text do not draw the centroid to it.
    more = [*records[:9], *records[:1] * 50], np.concatenate([vectors[:9], [vectors[0]] * 50])
    again = ClassDistances.fit([more])
    assert again is not None
    assert np.array_equal(again.centroids, found.centroids)


@pytest.mark.parametrize(
    ("body", "attached"),
    [
        (WORDS, 1),
        (ENCODER, 0),
        (ENCODER, 2),
        ({**WORDS, "unlike": ENCODER["unlike"]}, 0),
        ({**ENCODER, "unlike": WORDS["unlike"]}, 1),
        ({**WORDS, "unlike": {**WORDS["unlike"], "limit": "0.0952380"}}, 0),
        ({**WORDS, "unlike": {**WORDS["unlike"], "limit": "-0.10"}}, 0),
        ({"format": "decoder-lora/1", "unlike": ENCODER["unlike"]}, 1),
        ({"format": "encoder/1", "labels": ["a"]}, 1),
    ],
)
def test_what_cannot_be_is_refused(body, attached) -> None:
    assert unlike_fault(body, attached)
    assert not unlike_fault(WORDS, 0)
    assert not unlike_fault(ENCODER, 1)
    assert not unlike_fault({"format": "encoder/1", "labels": ["a"]}, 0)


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"centroids": (3, 8), "variances": (8,)},
        {"centroids": (0, 8), "variances": (8,)},
        {"centroids": (2, 8), "variances": (7,)},
        {"centroids": (2,), "variances": ()},
        {"centroids": (2, 8), "variances": (8,), "records": (9, 8)},
    ],
)
def test_a_file_of_other_tensors_is_refused(shapes) -> None:
    with pytest.raises(FormatError, match="tensors") as caught:
        check_distances(shapes, labels=2)
    assert caught.value.kind == "bad-checkpoint"
    check_distances({"centroids": (2, 8), "variances": (8,)}, labels=2)


@pytest.mark.parametrize("variance", [np.nan, np.inf, 0.0, -1.0])
def test_variances_that_are_none_are_refused(variance: float) -> None:
    tensors = {"centroids": np.zeros((1, 4), np.float32), "variances": np.ones(4, np.float32)}
    tensors["variances"][2] = variance
    with pytest.raises(ValueError, match="varian"):
        ClassDistances.of_file(save(tensors))
