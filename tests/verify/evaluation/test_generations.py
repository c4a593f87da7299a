"""Figures of what a model wrote, held against its texts and its test set (spec §13.12.8)."""

import io
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import encode
from lyrikstore.verify.evaluation.evidence import LabelledRecord
from lyrikstore.verify.evaluation.generation.body import generation_body
from lyrikstore.verify.evaluation.generation.generations import (
    Generations,
    read_generations,
    sample_records,
    write_generations,
)
from lyrikstore.verify.evaluation.generation.outputs import WrittenTexts, write_outputs
from lyrikstore.verify.evaluation.generation.texts import identify_text, judge_text
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.store.evaluations import Recomputed
from tests.lineages import lineage_of

SALT = b"s" * 32
DATA = {"prompt": "question", "completion": "answer"}


def manifest(kind: str, body: Mapping[str, Any], **roles: Any) -> Any:
    """Return what looks like a manifest; ``roles`` has its inputs and attachments."""

    def named(role: str) -> list[Any]:
        found = roles.get(role)
        of = role if role in {"checkpoint", "run"} else "dataset"
        return [] if found is None else [SimpleNamespace(id=found, role=role, kind=of)]

    return SimpleNamespace(
        id=Digest.of(f"{kind}{sorted(roles)}".encode()),
        kind=kind,
        name=f"{kind}s/acme/writer",
        body=body,
        inputs=[one for role in roles for one in named(role)],
        inputs_in=named,
        attachments_in=named,
    )


class Evaluated:
    """An honest evaluation of a test set, as far as what is computed again looks at it."""

    def __init__(
        self,
        rows: Sequence[tuple[str, str | None]],
        *,
        sample: int | None = None,
        data: Any = None,
        choices: Sequence[str] = (),
        written: Sequence[str] = (),
        base: str = "",
        ended: bool = True,
        old: bool = False,
    ) -> None:
        self.rows = [(Digest.of(name.encode()), right) for name, right in rows]
        ids = [one for one, right in self.rows if right is not None]
        chosen = sample_records(ids, len(ids) if sample is None else sample, 1)
        asked = [
            (one if old else place, right)
            for place, (one, right) in enumerate(self.rows)
            if one in chosen and right is not None
        ]
        self.texts = [[f"{right} or so", right] for _, right in asked]
        if written:
            self.texts = [[one, base or written[0]] for one in written]
        outputs = tuple(
            tuple(
                judge_text(
                    text,
                    right,
                    identifier=self.identifier_of(text, record, answerer, choices),
                    tokens=3,
                    ended=ended,
                    choices=choices,
                )
                for answerer, text in enumerate(some)
            )
            for some, (record, right) in zip(self.texts, asked, strict=True)
        )
        found = Generations(tuple(one for one, _ in asked), outputs, len(ids), 1)
        self.predictions = b"".join(write_generations(found))
        written = WrittenTexts(self.texts, b"" if old else SALT)
        self.outputs: bytes | None = b"".join(write_outputs(found.records, written))
        self.test = manifest("dataset", {})
        said = {"prompt": {"choices": list(choices)}} if choices else {}
        prompt: dict[str, Any] = {"template": "t", "system": "Be brief."}
        if choices:
            prompt["choices"] = list(choices)
        model = {"task": "sft", "prompt": {**prompt, "rendered": "r"}}
        config = {"data": data or DATA, **said}
        self.run = manifest("run", {"seed": 1, "config": config, "prompt": model["prompt"]})
        self.checkpoint = manifest("checkpoint", model, run=self.run.id)
        self.body = generation_body(found, seed=1, choices=bool(choices)) | {
            "overlap": {"exact": 0, "checked": "record ids"},
            "prompt": prompt,
            "split": "test",
        }
        if choices:
            self.body["outsideChoices"] = sum(right not in choices for _, right in asked)

    @staticmethod
    def identifier_of(
        text: str, record: Digest | int, answerer: int, choices: Sequence[str]
    ) -> Digest | int:
        """Return what an honest signer tells of a text; of one that is no choice, some digest."""
        known = () if text not in choices else choices
        return identify_text(text, record, answerer, salt=SALT, choices=known)

    def problems(self) -> Problems:
        """Return what is found when all of it is computed again."""
        blobs = {Digest.of(self.predictions): self.predictions}
        roles = {
            "checkpoint": self.checkpoint.id,
            "test": self.test.id,
            "predictions": Digest.of(self.predictions),
        }
        if self.outputs is not None:
            roles["outputs"] = Digest.of(self.outputs)
            blobs[roles["outputs"]] = self.outputs
        store: Any = SimpleNamespace(
            blobs=SimpleNamespace(open=lambda identity: io.BytesIO(blobs[identity])), refs={}
        )
        store.derived = lambda work: work(store)
        known = lineage_of(self.test, self.run, self.checkpoint)
        found = Problems("evaluation.recomputed")
        evaluation = manifest("evaluation", self.body, **roles)
        Recomputed(store, evaluation, known, self.read, found).check(None)
        return found

    def without_run(self) -> None:
        """Let nothing say what the model was trained by."""
        self.checkpoint = manifest("checkpoint", self.checkpoint.body)

    def read(self, _: Any, some: Any, field: str, __: Any) -> Iterator[LabelledRecord]:
        for record, right in self.rows if some else ():
            yield LabelledRecord(record, (), {}, 0, right if field in ("answer", "talk") else None)

    def codes(self) -> tuple[list[str], list[str]]:
        found = self.problems()
        return [found.codes[one] for one in found.bad], [found.codes[one] for one in found.warnings]


ROWS = [(str(at), f"the answer is {at}") for at in range(5)]


@pytest.mark.parametrize("old", [False, True])
def test_an_honest_evaluation_follows(old: bool) -> None:
    assert Evaluated(ROWS, old=old).codes() == ([], [])


def test_no_guess_of_a_record_or_an_answer_can_be_confirmed() -> None:
    """Attack cases A73 and A74."""
    made = Evaluated(ROWS)
    identifier = made.predictions + encode(made.body)
    answers = [Digest.of(text.encode()) for texts in made.texts for text in texts]
    for one in (*answers, *(record for record, _ in made.rows)):
        assert one.hex.encode() not in identifier
    again = b"".join(write_generations(read_generations(io.BytesIO(made.predictions))))
    assert again == made.predictions
    texts = made.outputs
    assert texts is not None
    made.outputs = texts.replace(SALT.hex().encode(), b"00" * 32)
    assert made.codes() == (["differs"], [])


@pytest.mark.parametrize(
    ("honest", "changed"),
    [
        (b'"place":1', b'"place":0'),
        (b'"place":1', b'"place":3'),
        (b"generations/2", b"generations/1"),
        (b'"outputBlake3":"', b'"choice":0,"outputBlake3":"'),
        (b'"ended":true,', b'"choice":0,"ended":true,'),
        (b',"outputBlake3"', b',"other"'),
    ],
)
def test_places_rise_and_something_identifies_each_text(honest: bytes, changed: bytes) -> None:
    made = Evaluated(ROWS)
    made.predictions = made.predictions.replace(honest, changed, 1)
    assert made.codes() == (["bad-predictions"], [])


def test_places_are_those_of_the_test_set() -> None:
    made = Evaluated([*ROWS, ("without", None)])
    for place in (5, 6):
        changed = Evaluated([*ROWS, ("without", None)])
        changed.predictions = made.predictions.replace(b'"place":4', b'"place":%d' % place)
        assert changed.codes() == (["other-test-set"], [])


@pytest.mark.parametrize(
    ("written", "count", "shown"),
    [
        ("the", 5, "no-difference-shown"),  # of so few there is no interval
        ("the", 40, "worse"),
        ("the answer", 40, "no-difference-shown"),
        ("the answer it is", 40, "better"),
    ],
)
def test_a_verdict_needs_an_interval(written: str, count: int, shown: str) -> None:
    rows = [(str(at), "the answer it is") for at in range(count)]
    made = Evaluated(rows, written=[written] * count, base="the answer")
    assert [one["verdict"] for one in made.body["comparisons"]] == [shown]
    resamples = 1000 if count == 40 else 0
    assert made.body["confidence"] == {
        "method": "bootstrap", "level": "0.95", "resamples": resamples, "seed": 1
    }  # fmt: skip


def test_a_sample_of_records_that_are_there_twice_follows() -> None:
    twice = [*ROWS, ROWS[0], ROWS[1], ("without", None), ROWS[2]]
    for sample in (None, 1, 2, 3, 5, 6):
        for old in (False, True):
            assert Evaluated(twice, sample=sample, old=old).codes() == ([], []), sample


def test_the_last_turn_of_a_conversation_is_what_is_right() -> None:
    made = Evaluated(ROWS, data={"messages": "talk"})
    made.rows = [
        (record, encode([{"content": "?", "role": "user"}, {"content": right or ""}]).decode())
        for record, right in made.rows
    ]
    assert made.codes() == ([], [])
    made.rows[1] = (made.rows[1][0], encode([{"content": "another"}]).decode())
    assert made.codes() == (["differs"], [])


@pytest.mark.parametrize(
    "outputs",
    [
        b"[" * 100_000 + b"\n",
        b'{"format":"outputs/2","salt":"%s"}\n{"outputs":["\\ud800","x"],"place":0}\n'
        % SALT.hex().encode(),
        b"\n",
        b"[]\n",
        b'{"outputs":["a","b"]}\n',
    ],
)
def test_texts_that_are_none_are_bad(outputs: bytes) -> None:
    made = Evaluated(ROWS)
    made.outputs = outputs
    assert made.codes() == (["bad-predictions"], [])


def test_texts_are_those_of_the_records_and_no_others() -> None:
    honest = Evaluated(ROWS).outputs
    assert honest is not None
    lines = honest.splitlines(keepends=True)
    head, *lines = lines
    half = lines[0].replace(b"the answer is", b"\\ud800", 1)
    for changed in (
        lines,
        [head, *lines[:-1]],
        [head, *lines, lines[0]],
        [head, lines[1], lines[0], *lines[2:]],
        [head, half, *lines[1:]],
        [head, lines[0].replace(b'","', b'", "', 1), *lines[1:]],
        [head, *lines[:-1], lines[-1][:-1]],
    ):
        made = Evaluated(ROWS)
        made.outputs = b"".join(changed)
        assert made.codes() == (["bad-predictions"], [])
    made = Evaluated(ROWS)
    made.outputs = honest.replace(b"or so", b"or no", 1)
    assert made.codes() == (["differs"], [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"thresholds": [{"metric": "tokenF1", "least": "0.9", "met": True}]}, "differs"),
        ({"slices": []}, "differs"),
        ({"majority": {"label": "a"}}, "differs"),
        ({"baselines": []}, "differs"),
        ({"costs": {"unit": "euros"}}, "differs"),
        ({"drift": {}}, "differs"),
        ({"overlap": {"exact": 0, "near": {"count": 0}}}, "differs"),
        ({"purpose": "monitor"}, "undeclared"),
        ({"purpose": "monitor", "drift": {}}, "undeclared"),
        ({"prompt": {"template": "other", "system": "Be brief."}}, "undeclared"),
        ({"prompt": {"template": "t", "system": "Say yes."}}, "undeclared"),
        ({"prompt": {"template": "t"}}, "undeclared"),
        ({"task": "text-classification"}, "undeclared"),
        ({"confidence": {"seed": 2}}, "undeclared"),
    ],
)
def test_what_does_not_follow_is_no_figure(change: dict[str, Any], code: str) -> None:
    made = Evaluated(ROWS)
    made.body |= change
    assert made.codes()[0] == [code]


def test_a_task_that_nobody_here_knows_is_not_checked() -> None:
    made = Evaluated(ROWS)
    made.body |= {"task": "token-tagging"}
    assert made.codes() == (["undeclared"], [])
    made.checkpoint.body["task"] = "token-tagging"
    found = made.problems().close("")
    assert (found.state, found.detail["reason"]) == ("unchecked", "unknown-task")


def test_a_conversation_that_is_none_hides_no_other_figures() -> None:
    made = Evaluated(ROWS, data={"messages": "talk"})
    assert made.codes() == ([], ["not-compared"])
    made.body["model"] = {**made.body["model"], "measures": {}}
    assert made.codes() == (["differs"], ["not-compared"])


def test_figures_without_texts_are_what_their_author_says() -> None:
    made = Evaluated(ROWS)
    made.outputs = None
    assert made.codes() == ([], ["not-compared"])
    made.body["model"] = {**made.body["model"], "measures": {}}
    assert made.codes() == (["differs"], ["not-compared"])
    made = Evaluated(ROWS)
    made.without_run()
    assert made.codes() == ([], ["not-compared"])


LABELS = [("1", "+"), ("2", "-"), ("3", "perhaps"), ("4", "+")]


def labelled(*written: str, old: bool = False) -> Evaluated:
    """Return an evaluation whose answers are choices without words."""
    said = written or ("+", "+", "-", "-")
    return Evaluated(LABELS, choices=("+", "-"), written=said, old=old)


def test_choices_are_right_if_they_are_the_right_choice() -> None:
    made = labelled()
    assert made.codes() == ([], [])
    assert made.body["outsideChoices"] == 1
    assert made.body["model"]["measures"]["exactMatch"]["value"].startswith("0.25")
    assert made.body["comparisons"][0]["metric"] == "exactMatch"
    assert [one["score"] for one in made.body["worst"]] == ["0.000000"] * 3


@pytest.mark.parametrize("old", [False, True])
def test_figures_of_choices_follow_without_the_texts(old: bool) -> None:
    made = labelled(old=old)
    made.outputs = None
    assert made.codes() == ([], [])
    made.rows[0] = (made.rows[0][0], "-")
    assert made.codes() == (["differs"], [])


@pytest.mark.parametrize("texts_left", [True, False])
def test_an_answer_that_is_no_choice_was_given_by_a_model_that_was_asked_freely(
    texts_left: bool,
) -> None:
    made = labelled("+", "it is -", "-", "-")
    if not texts_left:
        made.outputs = None
    assert made.codes() == (["differs"], [])


@pytest.mark.parametrize("texts_left", [True, False])
def test_a_choice_is_whole(texts_left: bool) -> None:
    made = Evaluated(LABELS, choices=("+", "-"), written=("+", "+", "-", "-"), ended=False)
    if not texts_left:
        made.outputs = None
    assert made.codes() == (["differs"], [])
    assert Evaluated(ROWS, ended=False).codes() == ([], [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"outsideChoices": 0}, "differs"),
        ({"outsideChoices": 2}, "differs"),
        ({"prompt": {"template": "t", "system": "Be brief."}}, "undeclared"),
        (
            {"prompt": {"template": "t", "system": "Be brief.", "choices": ["+"]}},
            "undeclared",
        ),
        ({"comparisons": []}, "differs"),
        ({"worst": []}, "differs"),
    ],
)
def test_what_is_said_of_choices_follows(change: dict[str, Any], code: str) -> None:
    made = labelled()
    made.body |= change
    assert made.codes() == ([code], [])


def test_a_checkpoint_has_the_choices_of_its_run() -> None:
    made = labelled()
    made.run.body["config"]["prompt"]["choices"] = ["+", "-", "perhaps"]
    assert made.codes() == (["undeclared"], [])


def test_a_model_that_writes_freely_has_nothing_outside_its_choices() -> None:
    made = Evaluated(ROWS)
    made.body["outsideChoices"] = 0
    assert made.codes() == (["differs"], [])
