"""What explains an answer: sums that are exact, sentences, and what is most alike."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.train.formats.word_counts import STRENGTH
from lyrikstore.train.predict.predict import MOST_EXPLAINED, predict_records
from lyrikstore.train.worker.examples import BATCH_RECORDS, Example, example_batches
from lyrikstore.train.worker.hashed_read import StagedFiles
from lyrikstore.train.worker.inference.explain import (
    MOST_LABELS,
    MOST_SENTENCES,
    explain,
    sentences,
)
from lyrikstore.train.worker.inference.nearest import MOST, Nearest
from lyrikstore.train.worker.models.model import unit_rows
from lyrikstore.train.worker.models.word_counts import CountedWords
from lyrikstore.verify.evaluation.choice.task import AnswerRule, labelling_rules
from tests.contexts import context_of

pytestmark = [pytest.mark.train]

WORDS = ("grant", "licence", "fee", "notice", "party", "term", "court", "loss")


def example(text: str, label: str = "a", **fields: str) -> Example:
    return Example(Digest.of(text.encode()), (label,), text, fields)


def examples(count: int = 60) -> list[Example]:
    draw = np.random.default_rng(1)
    return [
        example(
            " ".join(draw.choice(WORDS, 9)) + f" word{at % 3}",
            "abc"[at % 3],
            sum=str(at),
            court="XY"[at % 2],
        )
        for at in range(count)
    ]


def staged(folder: Path, records: list[Example], name: str = "known.jsonl") -> StagedFiles:
    lines = [
        {"id": one.id.hex, "labels": list(one.labels), "text": one.text, "fields": {**one.fields}}
        for one in records
    ]
    (folder / name).write_text("".join(json.dumps(one) + "\n" for one in lines))
    return StagedFiles(folder, lambda *_: None)


@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
def test_contributions_and_bias_are_the_logit(task: str) -> None:
    records = examples()
    model = CountedWords(task, list("abc"), records, ["sum", "court"]).fit(STRENGTH)
    asked = [*records[:4], example("licence never seen", sum="no number")]
    for one, logits in zip(asked, model.logits(asked), strict=True):
        for label in range(3):
            terms, bias = model.contributions(one, label)
            assert sum(value for _, value in terms) + bias == pytest.approx(logits[label], abs=1e-9)
        found = explain(model, labelling_rules(task), AnswerRule(), one, range(3))
        for label, part in enumerate(found):
            named = [Decimal(term["contribution"]) for term in part["terms"]]
            total = sum(named) + Decimal(part["otherContribution"]) + Decimal(part["bias"])
            assert abs(total - Decimal(part["logit"])) < Decimal("0.00002")
            assert float(part["logit"]) == pytest.approx(logits[label], abs=1e-6)
    assert {"sum", "court = X", "licence"} <= {
        name for one in records for name, _ in model.contributions(one, 0)[0]
    }


def test_of_many_labels_the_first_are_explained() -> None:
    records = examples()
    model = CountedWords("multi-label", list("abcdefgh"), records, ()).fit(STRENGTH)
    found = explain(model, labelling_rules("multi-label"), AnswerRule(), records[0], range(8))
    assert [one["label"] for one in found] == list("abcdefgh")[:MOST_LABELS]


@given(st.text(alphabet="ab .!?\n\u3002\uff01:", max_size=400))
def test_sentences_hold_every_letter_once_and_in_order(text: str) -> None:
    found = sentences(text)
    assert len(found) <= MOST_SENTENCES
    assert all(start < end for start, end in found)
    assert [start for start, _ in found] == sorted(start for start, _ in found)
    covered = "".join(text[start:end] for start, end in found)
    assert [c for c in covered if not c.isspace()] == [c for c in text if not c.isspace()]


def test_sentences_are_those_of_people() -> None:
    text = "One is here. Two, too!  Is it?\nA line\n\n\u3042\u3002\u3044\u3002"
    assert [text[start:end] for start, end in sentences(text)] == [
        "One is here.",
        "Two, too!",
        "Is it?",
        "A line",
        "\u3042\u3002",
        "\u3044\u3002",
    ]
    many = "A. " * 10_000
    assert len(sentences(many)) == MOST_SENTENCES
    assert sentences(many)[-1][1] == len(many) - 1
    assert sentences(" \n " * 100_000) == []  # in no time


class Pointing:
    """A model of which only the vectors are asked."""

    def vectors(self, records: list[Example]) -> np.ndarray:
        return unit_rows(np.asarray([[float(x) for x in one.text.split()] for one in records]))


@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 3).filter(any), min_size=1, max_size=40),
    st.lists(st.tuples(*[st.integers(-3, 3)] * 3).filter(any), min_size=1, max_size=5),
)
def test_the_nearest_are_those_of_the_greatest_cosine(tmp_path_factory, known, asked) -> None:
    folder = tmp_path_factory.mktemp("known")
    records = [example(f"{a} {b} {c}") for a, b, c in known]
    files = staged(folder, records)
    model = Pointing()
    nearest = Nearest()
    wanted = unit_rows(np.asarray(asked, float))
    nearest.add(wanted)
    found = nearest.find(files, ["known.jsonl"], model, lambda *_: None)
    table = np.round(wanted @ model.vectors(records).T, 9)
    for row, near in zip(table, found, strict=True):
        best = np.sort(row)[::-1][:MOST]
        assert len(near) == min(MOST, len(records))
        likeness = [float(one["likeness"]) for one in near]
        assert likeness == pytest.approx(np.clip(best, 0, 1), abs=1e-4)


def test_batches_are_bounded_by_records_and_bytes(tmp_path: Path) -> None:
    records = [example(f"{at} " + "x" * (600_000 if at in {3, 4, 9} else 10)) for at in range(700)]
    sizes = [len(some) for some in example_batches(staged(tmp_path, records), "known.jsonl")]
    assert sum(sizes) == 700
    assert max(sizes) == BATCH_RECORDS
    assert sizes[0] == 4


def test_an_adapter_is_explained_by_sentences_and_its_own_vectors(workshop, trained, tmp_path):
    train = workshop.repo.resolve("acme/paragraphs.train")
    entry = workshop.repo.tree(train).entries[0]
    text = workshop.repo.blobs.read(entry.blake3, max_bytes=1 << 20)
    (tmp_path / "a.txt").write_bytes(text)
    with predict_records(
        context_of(workshop.repo, cache_dir=tmp_path / "cache"),
        "checkpoints/acme/family",
        tmp_path / "a.txt",
        explain=True,
    ) as found:
        (one,) = found
    (part,) = one.explanation
    assert part["method"] == "occlusion"
    assert abs(float(part["probability"]) - one.candidates[0][1] / 1e6) < 1e-5
    assert one.similar[0]["record"] == one.asked.record.hex
    assert float(one.similar[0]["likeness"]) > 0.999
    (source,) = one.similar[0]["comesFrom"]
    assert source["id"] == str(train.id)
    assert source["reliedOn"][0]["credential"] == trained.run.body["rights"][0]["credential"]


def test_no_more_is_explained_than_memory_has_room_for(workshop, trained, tmp_path):
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"text": "free of charge"}\n' * (MOST_EXPLAINED + 1))
    with (
        pytest.raises(InvalidInputError) as caught,
        predict_records(
            context_of(workshop.repo, cache_dir=tmp_path / "cache"),
            "checkpoints/acme/family",
            rows,
            explain=True,
        ),
    ):
        pass
    assert caught.value.kind == "too-many"
    assert not list((tmp_path / "cache").rglob("work-*"))
