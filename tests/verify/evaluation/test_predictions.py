"""Reading predictions: strict, capped, and small in memory (spec §13.9.1)."""

import io
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError
from lyrikstore.verify.evaluation import predictions as module
from lyrikstore.verify.evaluation.answers import Answerer, Head, Predictions
from lyrikstore.verify.evaluation.body import evaluation_body
from lyrikstore.verify.evaluation.drift import monitor_body
from lyrikstore.verify.evaluation.evidence import LabelledRecord
from lyrikstore.verify.evaluation.figures.measures import decimal, ratio, verdict
from lyrikstore.verify.evaluation.predictions import Line, read_predictions, write_predictions
from lyrikstore.verify.evaluation.recompute import compare_records
from lyrikstore.verify.evaluation.slices import FewValues, divide, find_slices
from tests.predictions_by_id import by_id
from tests.sweep import examples

HEAD = Head("text-classification", ("a", "b"), (Answerer("model"), Answerer("tfidf")))
MANY = Head("text-classification", tuple(f"label {n}" for n in range(500)), (Answerer("model"),))


def lines_of(head: Head, count: int) -> Iterator[Line]:
    width = len(head.labels)
    for number in range(count):
        scores = [[0] * width for _ in head.answerers]
        for one in scores:
            one[number % width] = 900_000
        yield Line((number % width,), scores)


def attachment(head: Head, count: int) -> bytes:
    return b"".join(write_predictions(head, lines_of(head, count)))


def test_what_was_written_is_read() -> None:
    read = read_predictions(io.BytesIO(attachment(HEAD, 5)))
    assert len(read) == 5
    assert read.head == HEAD
    assert read.record(3) == 3
    assert read.expected.numbers.tolist() == [0, 1, 0, 1, 0]
    assert read.answers[1].confidence.tolist() == [900_000] * 5


def test_what_was_written_before_is_read_and_gives_the_same_figures() -> None:
    data = attachment(HEAD, 40).replace(b"[900000,0]", b"[0,900000]", 4)
    ids = [Digest.of(str(number).encode()) for number in range(40)]
    old, new = (read_predictions(io.BytesIO(one)) for one in (by_id(data, ids), data))
    assert (old.record(3), len(old)) == (ids[3], 40)
    figures, body = (evaluation_body(one, seed=1) for one in (old, new))
    assert [one.pop("place") for one in body["worst"]] == [0, 2]
    named = [one.pop("record") for one in figures["worst"]]
    assert named == sorted([ids[0].hex, ids[2].hex])
    assert figures.pop("predictions") == {"format": "predictions/1", "count": 40}
    assert body.pop("predictions") == {"format": "predictions/2", "count": 40}
    assert figures == body
    held = [monitor_body(new, one, seed=1, measured={}) for one in (old, new)]
    assert held[0] == held[1]


def test_a_line_has_an_id_where_its_format_has_one_and_only_there() -> None:
    data = attachment(HEAD, 3)
    old = by_id(data, [Digest.of(b"a")] * 3)
    for mixed in (
        data.replace(b"predictions/2", b"predictions/1"),
        old.replace(b"predictions/1", b"predictions/2"),
    ):
        with pytest.raises(FormatError) as caught:
            read_predictions(io.BytesIO(mixed))
        assert caught.value.kind == "bad-predictions"


def test_memory_does_not_grow_with_the_labels() -> None:
    data = attachment(MANY, 400)  # 200,000 scores
    stream = io.BytesIO(data)
    read_predictions(stream)  # what is loaded once
    stream.seek(0)
    tracemalloc.start()
    try:
        read = read_predictions(stream)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(read) == 400
    assert kept < 200 * 400
    assert peak < 400_000


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_BYTES", 300), ("MAX_LINE", 30), ("MAX_RECORDS", 3)]
)
def test_too_much_is_refused(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = attachment(HEAD, 5)
    monkeypatch.setattr(module, limit, value)
    with pytest.raises(FormatError) as caught:
        read_predictions(io.BytesIO(data))
    assert caught.value.kind == "bad-predictions"


def test_labels_are_capped_together() -> None:
    head = Head("text-classification", tuple(f"{n:0256}" for n in range(300)), MANY.answerers)
    with pytest.raises(FormatError) as caught:
        read_predictions(io.BytesIO(attachment(head, 1)))
    assert caught.value.kind == "bad-predictions"


@settings(max_examples=examples(200), deadline=None)
@given(st.data())
def test_any_damage_is_refused_or_read(data: st.DataObject) -> None:
    """Whatever the bytes are, nothing but the one error comes out."""
    whole = bytearray(attachment(HEAD, 3))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_predictions(io.BytesIO(bytes(whole)))
    except FormatError:
        return
    evaluation_body(read, seed=1)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"thresholds": [{"metric": "microF1", "atLeast": "0"}]}, "unknown-metric"),
        ({"thresholds": [{"metric": "f1", "label": "c", "atLeast": "0"}]}, "unknown-label"),
        ({"thresholds": [{"metric": "accuracy", "label": "a", "atLeast": "0"}]}, "unknown-metric"),
        ({"thresholds": [{"metric": "costPer1000", "atMost": "0"}]}, "unknown-metric"),
        ({"majority": "c"}, "unknown-label"),
        ({"field_of_groups": "patient"}, "groups-differ"),
    ],
)
def test_what_predictions_do_not_give_is_refused(settings: dict[str, object], kind: str) -> None:
    read = read_predictions(io.BytesIO(attachment(HEAD, 3)))
    with pytest.raises(InvalidInputError) as caught:
        evaluation_body(read, seed=1, **settings)  # type: ignore[arg-type]
    assert caught.value.kind == kind


def test_a_verdict_follows_from_what_is_written() -> None:
    assert verdict({"value": "0.1000"}) == "no-difference-shown"
    assert verdict({"value": "0.1000", "low": "0.0000", "high": "0.2"}) == "no-difference-shown"
    assert verdict({"value": "0.1000", "low": "0.0001", "high": "0.2"}) == "better"
    assert verdict({"value": "-0.1", "low": "-0.2", "high": "-0.0001"}) == "worse"


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        ([["a"], ["b"], []], True),
        ([["a"], ["a"]], False),
        ([["a"], ["b" * 257]], False),
        ([[str(number)] for number in range(20)], True),
        ([[str(number)] for number in range(21)], False),
        ([], False),
    ],
)
def test_fields_with_some_values_and_few_are_worth_slicing(
    texts: list[list[str]], kept: bool
) -> None:
    few = FewValues(["field"])
    dropped = [name for some in texts for name in few.drop({"field": some})]
    assert few.kept == (["field"] if kept else [])
    assert dropped in ([], ["field"])


def test_a_small_file_gives_no_thousand_labels_a_record() -> None:
    # ATTACK: every label given in every slice, of which 1,000 resamples are drawn.
    labels = tuple(f"l{number}" for number in range(1000))
    slices = tuple(("tag", str(number)) for number in range(30))
    head = Head("multi-label", labels, (Answerer("model", 0, at_least_one=True),), slices)
    lines = (Line((0,), [[0] * 1000], slices=tuple(range(30))) for at in range(40))
    data = b"".join(write_predictions(head, lines))
    assert len(data) < 100_000
    with pytest.raises(FormatError) as caught:
        read_predictions(io.BytesIO(data))
    assert caught.value.kind == "bad-predictions"
    assert "too many labels are given" in caught.value.message


@pytest.mark.parametrize("fields", [["b", "a"], ["a", "one"], ["a", "many"]])
def test_slices_that_nobody_named_are_by_the_rule(fields: list[str]) -> None:
    def values(at: int) -> dict[str, tuple[str, ...]]:
        return {"a": (str(at % 2),), "b": (str(at % 3),), "one": ("x",), "many": (str(at),)}

    def compared(fields: list[str]) -> str:
        held = {name: [values(at)[name] for at in range(30)] for name in fields}
        slices, members = find_slices(held, None)
        head = Head("text-classification", ("l",), (Answerer("model"),), tuple(slices))
        lines = [Line((0,), [[1]], slices=tuple(members[at])) for at in range(30)]
        read = read_predictions(io.BytesIO(b"".join(write_predictions(head, lines))))
        records = [LabelledRecord(Digest.of(b""), ("l",), values(at), 1) for at in range(30)]
        return compare_records(read, records, field_of_groups=None, declared=None)

    assert compared(["a", "b"]) == ""
    assert "nobody named" in compared(fields)


FIELDS = ["court", "clerk", "@length"]


@pytest.mark.parametrize(
    ("declared", "slicing", "holds"),
    [
        (FIELDS, {}, True),
        (FIELDS, {"leftOut": [{"field": "court", "reason": "personal-values"}]}, False),
        (FIELDS, {"leftOut": [{"field": "court", "reason": "few-records"}]}, False),
        (["clerk", "court", "@length"], {}, False),
        (["court", "@length"], {}, False),
    ],
)
def test_slices_are_those_that_were_declared(declared, slicing, holds) -> None:
    def values(at: int) -> dict[str, tuple[str, ...]]:
        return {"court": (str(at % 3),), "clerk": (str(at % 2),)}

    columns = {name: [values(at)[name] for at in range(90)] for name in ("court", "clerk")}
    found = divide(FIELDS, columns, [1] * 90, {})
    head = Head("text-classification", ("l",), (Answerer("model"),), tuple(found.slices))
    lines = [Line((0,), [[1]], slices=tuple(found.members[at])) for at in range(90)]
    read = read_predictions(io.BytesIO(b"".join(write_predictions(head, lines))))
    records = [LabelledRecord(Digest.of(b""), ("l",), values(at), 1) for at in range(90)]
    said = {**found.slicing, **slicing}
    compared = compare_records(read, records, field_of_groups=None, declared=declared, slicing=said)
    assert (compared == "") is holds


def answers_of_month(
    task: str, labels: int, records: Iterable[tuple[tuple[int, ...], int]]
) -> Predictions:
    """Return predictions of records: the labels each has, and the one that the model gives."""
    several = task == "multi-label"
    model = Answerer("model", 500_000 if several else None, at_least_one=several)
    names = tuple(f"l{at}" for at in range(labels))
    lines = (
        Line(expected, [[900_000 * (at == said) for at in range(labels)]])
        for expected, said in records
    )
    return read_predictions(
        io.BytesIO(b"".join(write_predictions(Head(task, names, (model,)), lines)))
    )


@pytest.mark.parametrize("task", ["text-classification", "multi-label"])
@pytest.mark.parametrize(("wrong", "shown"), [(10, "no-difference-shown"), (60, "worse")])
def test_a_month_with_few_labels_is_no_drift(task: str, wrong: int, shown: str) -> None:
    # ATTACK A128: of 20 labels one came, and each mistake was a label that no record has: 0.
    labels = 20
    test = [((at % labels,), (at + (at % 7 == 0)) % labels) for at in range(400)]
    month = [((1,), 2 + at % 18 if at < wrong else 1) for at in range(100)]
    if task == "multi-label":
        test += [((), 3)] * 10  # records that have none are compared as well
    read = [answers_of_month(task, labels, one) for one in (month, test)]
    body = monitor_body(*read, seed=1, measured={})
    (compared,) = (one for one in body["comparisons"] if one["metric"] == "macroF1")
    none = len(test) - 400
    assert compared["over"] == {"labels": 1, "records": 100, "referenceRecords": 20 + none}
    assert body["model"]["macroF1"]["value"] == decimal(ratio(2 * (100 - wrong), 200 - wrong))
    if not none:  # below 30 records of the reference nothing is shown
        assert "low" not in compared["difference"]
    before = monitor_body(*read, seed=1, measured={}, occurring=False)
    (old,) = (one for one in before["comparisons"] if one["metric"] == "macroF1")
    assert ("over" in old, old["verdict"]) == (False, "worse")
    read[1] = answers_of_month(task, labels, test * 3)
    after = monitor_body(*read, seed=1, measured={})
    assert next(one for one in after["comparisons"] if "over" in one)["verdict"] == shown
