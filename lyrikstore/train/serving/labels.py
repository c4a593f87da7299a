"""Deployed labelling models: their probabilities are compared (spec §14.7.2–4)."""

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
from lyrikstore.verify.evaluation.choice.unlike import (
    UNKNOWN_WORDS,
    UNLIKE,
    limit_of,
    unlike_rule_in_words,
)
from lyrikstore.verify.evaluation.generation.generations import sample_records

_ANSWERS = """
## What it answers

{fitted} An evaluation measures how well probabilities match reality (`calibration`).

"""
_FITTED = "{what} fitted on {records}, each answered by a model not trained on it{few}."
_UNFITTED = "Its probabilities were not calibrated on validation data."
_ONE_LABEL = """\
1. The answer is the label with the greatest probability; of equal ones the first in `id2label`.
2. The confidence of the answer is that probability.
"""
_SEVERAL = """\
1. Each label with a probability of {threshold} or more is given{bare}.
2. The confidence of the answer is a minimum over all labels: for a given label its probability p,
   for every other label 1 − p. It measures that exactly these labels are right.
"""
_LIMIT = """\
3. Below a confidence of {below} the answer is: I do not know. Let a person decide on the text.
"""
_NO_LIMIT = """\
3. It always answers, even with a low confidence.
"""
_UNLIKE = """\
4. A text can be unlike the training data. To detect this, {compared}.
   A text is unlike the training data if {rule}. The answer is then: I do
   not know, whatever the confidence.
   This limit was set on held-out records (validation data, or folds that the model was not trained
   on): at most 5 % of them are beyond it. So expect up to 5 % of texts that resemble the training
   data to be rejected as well. If clearly more than 5 % of your texts are, they differ from the
   training data: let a person decide on them, evaluate the model on a labelled sample of your
   texts, and train it again with such texts if its figures are worse.
"""
_COMPARED_WORDS = "the words of a text are compared with the words that the model knows"
_COMPARED_VECTORS = (
    "the vector that the model computes of a text is compared with the average vector of each\n"
    "   label in the training data"
)
_UNSERVED = """
This folder does not detect texts that are unlike the training data: it answers them like all
others. `lyrikstore predict` detects them, and so does a folder for the target `onnx`.
"""
_CLOSE = 0.005
"""A text this near to the limit may be on either side of it in the deployed model."""

_WORDS = """
The vocabulary of the model contains the words and pairs of words that are in two training records
or more (if no word is in two records: all words), and `probe.jsonl` may be made of some of them.
Names can be among them: give the folder only to people who may know them.
"""
_RULE = """
`probe.jsonl` contains texts with the answers of the sealed model. Use it to check the model after
every update of a program: a probability that differs by more than 0.001 is a different answer.
`lyrikstore/` contains the signed objects that the model depends on, and `NOTICE` the names to
credit. Only the store shows whether a right was revoked since: `lyrikstore verify {checkpoint}`.
"""


class ServedLabels(ServedModel):
    """A staged labelling model."""

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
        if UNLIKE in body and target.detects_unlike:
            self._about[UNLIKE] = body[UNLIKE]
            repo, staging = workers.context.repository, workers.staging
            self._reads += stage_unlike(repo, checkpoint, staging)

    @property
    def limits(self) -> Mapping[str, int]:
        """``maxTokens``, the longest text that is read; empty: no limit."""
        text = self._checkpoint.body.get("text", {})
        return {one: text[one] for one in ("maxTokens",) if one in text}

    def made_texts(self) -> Sequence[str]:
        """Return probe texts, made of words of the model's vocabulary."""
        written = self._workers.staging.written
        names = (f"{CHECKPOINT}/{VOCABULARY}", f"{CHECKPOINT}/words/{VOCABULARY}")
        found = [name for name in names if name in written] or [f"{BASE}/{TOKENIZER}"]
        return made_probe([self._workers.staged(name) for name in found], self._labels)

    def draw(self, test: Manifest, records: int) -> None:
        """Sample records of the test part, and read their texts."""
        repo = self._workers.context.repository
        fields = CopiedFields.of(TrainConfig.from_json(dict(self._run.body["config"])).data)
        ids = {record for _, record, _ in read_found(repo, [test], fields)}
        chosen = sample_records(ids, records, self._run.body["seed"])
        found = {
            record: text for _, record, text in read_found(repo, [test], fields) if record in chosen
        }
        self._drawn = list(found.values())

    def stage_probe(self, texts: Sequence[str]) -> None:
        """Stage the probe texts as records without labels, and after them the sampled records."""
        asked = (*texts, *self._drawn)
        with self._workers.staging.create(TEST) as write:
            for text in asked:
                record = {"id": Digest.of(text.encode()).hex, "labels": [], "text": text}
                write(json.dumps({**record, "fields": {}}).encode("ascii") + b"\n")
        self._about["records"] = len(asked)

    def keep(self, result: Mapping[str, Any]) -> None:
        """Keep the probabilities, and which texts are unlike the training data."""
        self._sealed = self._read(result)
        self._unlike = tuple(self._read_table(result, "<i4"))

    def compare(self, result: Mapping[str, Any], latency: dict[str, str]) -> DeployCheck:
        """Compare the probabilities, and which texts are unlike the training data."""
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
        if self._test is None or not self._drawn:  # the test part may have no records
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
            raise RunFailedError(
                "bad-output", "the worker process returned another number of answers than texts"
            )
        return found

    def _read(self, result: Mapping[str, Any]) -> Scores:
        return read_scores(self._workers.staging, result, self._count, len(self._labels))

    def probe_lines(self) -> Iterator[dict[str, Any]]:
        """Yield text, answer and probabilities of each probe record."""
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
        """Return how the target loads the model."""
        return self._target.part.usage(self._about)

    def said(self, usage: Usage) -> str:
        """Return the section of ``USE.md`` about answers and abstaining."""
        del usage
        body = self._checkpoint.body
        records = records_deciding(self._checkpoint, self._run)
        about = {**self._about, "unserved": UNLIKE in body and UNLIKE not in self._about}
        return said_of_labels(about, records, body.get("decision"))


def said_of_labels(
    about: Mapping[str, Any], deciding: int, sealed: Mapping[str, Any] | None
) -> str:
    """Return the Markdown text about answers and abstaining of a labelling model.

    Args:
        about: ``format``, ``several``, ``checkpoint``, ``decision`` and, if the target supports it,
            ``unlike`` of the model; ``unserved``: whether the model has ``unlike`` and the target
            does not support it.
        deciding: Number of records that its decision was fitted on.
        sealed: The decision of the checkpoint; None: it has none.
    """
    rule = AnswerRule.of_body(about)
    few = ". That is few, so these values depend on chance" if deciding < FEW_RECORDS else ""
    what = "Temperature and limits were" if not rule.limit_from else "The temperature was"
    if rule.limit_from and about["several"]:
        what = "Temperature and the limit of a label were"
    fitted = _FITTED.format(what=what, records=pluralize(deciding, "record"), few=few)
    if rule.limit_from:
        fitted += f" {_limit_words(rule, AnswerRule.of_body({'decision': sealed}))}"
    text = _ANSWERS.format(fitted=_UNFITTED if sealed is None else fitted)
    if about["several"]:
        threshold = 0.5 if rule.threshold is None else rule.threshold
        bare = ", and the likeliest where none is" if rule.at_least_one else ""
        text += _SEVERAL.format(threshold=f"{threshold:.6f}", bare=bare)
    else:
        text += _ONE_LABEL
    below = f"{rule.abstain_below:.6f}"
    text += _LIMIT.format(below=below) if rule.abstain_below else _NO_LIMIT
    if UNLIKE in about:
        words = about[UNLIKE]["method"] == UNKNOWN_WORDS
        compared = _COMPARED_WORDS if words else _COMPARED_VECTORS
        text += _UNLIKE.format(compared=compared, rule=unlike_rule_in_words(about[UNLIKE]))
    elif about.get("unserved"):
        text += _UNSERVED
    if about["format"] in WITH_WORDS:
        text += _WORDS
    return text + _RULE.format(checkpoint=about["checkpoint"])


def _limit_words(rule: AnswerRule, sealed: AnswerRule) -> str:
    """Return a sentence about the origin of the confidence limit, if it was not fitted."""
    declared = "declared before training, in the config of its run"
    if rule.limit_from == CONFIG:
        return f"The confidence limit was {declared}."
    own = "it always answers" if not sealed.abstain_below else f"it is {sealed.abstain_below:.6f}"
    by = declared if sealed.limit_from == CONFIG else "fitted on that data"
    return (
        "The confidence limit was set for this folder when it was deployed; in the checkpoint, and "
        f"therefore in its card, {own}, {by}."
    )
