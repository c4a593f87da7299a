"""Models that give labels, deployed: probabilities are compared (spec §14.7.2–4)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import RunFailedError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.train.config import TrainConfig
from lyrikstore.train.formats.base_model import TOKENIZER
from lyrikstore.train.formats.blend import WITH_WORDS
from lyrikstore.train.formats.word_counts import VOCABULARY
from lyrikstore.train.resolve_checkpoint import read_scores, records_deciding, stage_unlike
from lyrikstore.train.serving.model import ModelWorkers, ServedModel
from lyrikstore.train.serving.probe import (
    DeployCheck,
    Scores,
    TestPartCheck,
    compare,
    made_probe,
)
from lyrikstore.train.snapshot import CopiedFields, read_found
from lyrikstore.train.worker.staging import BASE, CHECKPOINT, TEST
from lyrikstore.train.worker.targets.registry import Target, Usage
from lyrikstore.verify.evaluation.answers import WHOLE
from lyrikstore.verify.evaluation.choice.candidates import FEW_RECORDS
from lyrikstore.verify.evaluation.choice.task import CONFIG, AnswerRule, labelling_rules
from lyrikstore.verify.evaluation.choice.unlike import UNLIKE, limit_of, unlike_rule_in_words
from lyrikstore.verify.evaluation.generation.generations import sample_records

_ANSWERS = """
## What it answers

{fitted} How far a probability can be believed, an evaluation says (`calibration`).

"""
_FITTED = "{what} fitted on {records}, each answered by a model that had not learned from it{few}."
_UNFITTED = "Its probabilities were not fitted to validation data."
_ONE_LABEL = """\
1. The answer is the label with the greatest probability, of equal ones the first of `id2label`.
2. The confidence of the answer is that probability.
"""
_SEVERAL = """\
1. Each label with a probability of {threshold} or more is given{bare}.
2. The confidence of the answer is the least of all labels: of a given label its probability p, of
   every other one 1 − p. It says how sure it is that these labels and no other are right.
"""
_LIMIT = """\
3. Below a confidence of {below} the answer is: I do not know. Somebody has to look at the text.
"""
_NO_LIMIT = """\
3. It always answers, however unsure it is.
"""
_UNLIKE = """\
4. A text is unlike what the model was trained on where {rule}. Whatever its
   confidence, the answer is then: I do not know. Of the data that it was chosen by, which a model
   had not learned from, that were 5 % at most.
"""
_UNSERVED = """
Which texts are unlike what the model was trained on, this folder cannot tell: it answers them all.
`lyrikstore predict` tells it, and a folder for the target `onnx` does.
"""
_CLOSE = 0.005
"""How near to the limit a text may be on either side of it."""

_WORDS = """
The vocabulary of the model has the words and pairs of words that are in two training records or
more (where no word is in two, all of them), and `probe.jsonl` may be made of some. Names can be
among them: hand the folder on only to those who may know them.
"""
_RULE = """
`probe.jsonl` has texts with the answers of the sealed model, for a check of your own after every
update of a program; a probability that differs by more than 0.001 is another answer.
`lyrikstore/` has the signed objects that the model rests on, and `NOTICE` whom to name. Whether a
right was revoked since shows only the store: `lyrikstore verify {checkpoint}`.
"""


class ServedLabels(ServedModel):
    """A staged checkpoint that gives labels."""

    asked_reads = (TEST,)

    def __init__(
        self, checkpoint: Manifest, run: Manifest, target: Target, workers: ModelWorkers
    ) -> None:
        super().__init__(checkpoint, run, target, workers)
        body = checkpoint.body
        self._labels: Sequence[str] = body["labels"]
        self._rules, self._rule = labelling_rules(body["task"]), AnswerRule.of_body(body)
        self._sealed: Scores
        self._drawn: Sequence[str] = ()
        self._about |= {
            "decision": body.get("decision", {}),
            "format": body["format"],
            "labels": list(self._labels),
            "several": self._rules.several,
        }
        self._unlike: tuple[int, ...] = ()
        if UNLIKE in body and target.tells_unlike:
            self._about[UNLIKE] = body[UNLIKE]
            repo, staging = workers.context.repository, workers.staging
            self._reads += stage_unlike(repo, checkpoint, staging)

    @property
    def limits(self) -> Mapping[str, int]:
        """How much of a text is read, where that is limited."""
        text = self._checkpoint.body.get("text", {})
        return {one: text[one] for one in ("maxTokens",) if one in text}

    def made_texts(self) -> Sequence[str]:
        """Return texts of words that the model knows."""
        written = self._workers.staging.written
        names = (f"{CHECKPOINT}/{VOCABULARY}", f"{CHECKPOINT}/words/{VOCABULARY}")
        found = [name for name in names if name in written] or [f"{BASE}/{TOKENIZER}"]
        return made_probe([self._workers.staged(name) for name in found], self._labels)

    def draw(self, test: Manifest, records: int) -> None:
        """Take the texts of some records of a test part."""
        repo = self._workers.context.repository
        fields = CopiedFields.of(TrainConfig.from_json(dict(self._run.body["config"])).data)
        ids = {record for _, record, _ in read_found(repo, [test], fields)}
        chosen = sample_records(ids, records, self._run.body["seed"])
        found = {
            record: text for _, record, text in read_found(repo, [test], fields) if record in chosen
        }
        self._drawn = list(found.values())

    def stage_probe(self, texts: Sequence[str]) -> None:
        """Stage them as records without labels, and behind them what was drawn."""
        asked = (*texts, *self._drawn)
        with self._workers.staging.create(TEST) as write:
            for text in asked:
                record = {"id": Digest.of(text.encode()).hex, "labels": [], "text": text}
                write(json.dumps({**record, "fields": {}}).encode("ascii") + b"\n")
        self._about["records"] = len(asked)

    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep probabilities, and which texts are unlike the training data."""
        self._sealed = self._read(result)
        self._unlike = tuple(self._read_table(result, "<i4"))

    def compare(self, result: Mapping[str, Any], latency: dict[str, str]) -> DeployCheck:
        """Compare probabilities, and which texts are unlike the training data."""
        deployed, limit = self._read(result), limit_of(self._about)
        same = np.ones(self._count, bool)
        if limit is not None:
            values = self._read_table(result, "<f8")
            close = np.abs(values - limit) <= _CLOSE
            same = close | ((values > limit) == (np.asarray(self._unlike) != 0))
        found, drawn = (
            compare(
                self._rules.name,
                self._rule,
                self._sealed[some],
                deployed[some],
                latency,
                alike=same[some],
            )
            for some in (slice(len(self._texts)), slice(len(self._texts), None))
        )
        if self._test is None or not self._drawn:  # there may be no record in it
            return found
        test = TestPartCheck(self._test.id, drawn.records, drawn.agreeing, drawn.difference)
        return replace(found, test=test)

    @property
    def _count(self) -> int:
        return len(self._texts) + len(self._drawn)

    def _read_table(self, result: Mapping[str, Any], kind: str) -> Any:
        data = self._workers.staged(str(result[UNLIKE]))
        found = np.frombuffer(data, kind) if len(data) % np.dtype(kind).itemsize == 0 else ()
        if len(found) != self._count:
            raise RunFailedError("bad-output", "the worker answered other texts")
        return found

    def _read(self, result: Mapping[str, Any]) -> Scores:
        return read_scores(self._workers.staging, result, self._count, len(self._labels))

    def probe_lines(self) -> Iterator[dict[str, Any]]:
        """Yield text, answer and probabilities of each record."""
        given = self._rules.given(self._sealed / WHOLE, self._rule)
        for at, text in enumerate(self._texts):
            likely = {
                label: f"{self._sealed[at, place] / WHOLE:.6f}"
                for place, label in enumerate(self._labels)
            }
            answer = [label for place, label in enumerate(self._labels) if given[at, place]]
            line = {"text": text, "labels": answer, "probabilities": likely}
            yield line | ({UNLIKE: bool(self._unlike[at])} if UNLIKE in self._about else {})

    def usage(self) -> Usage:
        """Return how it is loaded, by the target."""
        return self._target.part.usage(self._about)

    def said(self, usage: Usage) -> str:
        """Return what it answers, and when it does not."""
        del usage
        body = self._checkpoint.body
        records = records_deciding(self._checkpoint, self._run)
        about = {**self._about, "unserved": UNLIKE in body and UNLIKE not in self._about}
        return said_of_labels(about, records, body.get("decision"))


def said_of_labels(
    about: Mapping[str, Any], deciding: int, sealed: Mapping[str, Any] | None
) -> str:
    """Return what a model with labels answers, and when it does not, in Markdown.

    Args:
        about: ``format``, ``several``, ``checkpoint``, ``decision`` and, if it is served,
            ``unlike`` of the model; ``unserved``: whether it has that and it is not served.
        deciding: How many records its decision was fitted on.
        sealed: The decision of the checkpoint; None: it has none.
    """
    rule = AnswerRule.of_body(about)
    few = ", which is few: they rest on chance" if deciding < FEW_RECORDS else ""
    what = "Temperature and limits were" if not rule.limit_from else "The temperature was"
    if rule.limit_from and about["several"]:
        what = "Temperature and the limit of a label were"
    fitted = _FITTED.format(what=what, records=pluralize(deciding, "record"), few=few)
    if rule.limit_from:
        fitted += f" {_limit_words(rule, AnswerRule.of_body({'decision': sealed}))}"
    said = _ANSWERS.format(fitted=_UNFITTED if sealed is None else fitted)
    if about["several"]:
        threshold = 0.5 if rule.threshold is None else rule.threshold
        bare = ", and the likeliest where none is" if rule.at_least_one else ""
        said += _SEVERAL.format(threshold=f"{threshold:.6f}", bare=bare)
    else:
        said += _ONE_LABEL
    below = f"{rule.abstain_below:.6f}"
    said += _LIMIT.format(below=below) if rule.abstain_below else _NO_LIMIT
    if UNLIKE in about:
        said += _UNLIKE.format(rule=unlike_rule_in_words(about[UNLIKE]))
    elif about.get("unserved"):
        said += _UNSERVED
    if about["format"] in WITH_WORDS:
        said += _WORDS
    return said + _RULE.format(checkpoint=about["checkpoint"])


def _limit_words(rule: AnswerRule, sealed: AnswerRule) -> str:
    """Return who set the limit below which nothing is answered, where it was not fitted."""
    declared = "declared before training, in the config of its run"
    if rule.limit_from == CONFIG:
        return f"The limit of its confidence was {declared}."
    own = "it always answers" if not sealed.abstain_below else f"it is {sealed.abstain_below:.6f}"
    by = declared if sealed.limit_from == CONFIG else "fitted on that data"
    return (
        "The limit of its confidence was set for this folder, when it was deployed; in the "
        f"checkpoint, and so in its card, {own}, {by}."
    )
