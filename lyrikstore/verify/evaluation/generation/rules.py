"""Task ``sft``: figures of an evaluation that follow from the generated texts (§13.12.8)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar, cast

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.canon.quoting import quote
from lyrikstore.verify.evaluation.evidence import (
    FINE,
    NOT_COMPARED,
    Evidence,
    Fault,
    LabelledRecord,
)
from lyrikstore.verify.evaluation.generation.body import find_generation_difference
from lyrikstore.verify.evaluation.generation.generations import (
    FORMAT,
    FORMAT_BY_ID,
    Generations,
    read_generations,
    sample_records,
)
from lyrikstore.verify.evaluation.generation.outputs import WrittenTexts, read_outputs
from lyrikstore.verify.evaluation.generation.prompts import choices_of, find_prompt_fault
from lyrikstore.verify.evaluation.generation.texts import count_outside, identify_text, judge_text
from lyrikstore.verify.evaluation.tasks import TEXT

_MAX_CONVERSATION = 8 << 20
"""Longest conversation as JSON: one of 1 MiB, each byte escaped."""


class GenerationRules:
    """Rules for records that are conversations; the model generates the last turn."""

    name: ClassVar[str] = "sft"
    metric: ClassVar[str] = "validationLoss"
    metrics: ClassVar[tuple[str, ...]] = (
        *("tokenF1", "exactMatch", "refusals", "cutOff", "meanTokens"),
    )
    formats: ClassVar[Collection[str]] = (FORMAT, FORMAT_BY_ID)
    order: ClassVar[tuple[str, str | None]] = ("blake3-order/1", "blake3-pack/1")
    text: ClassVar[tuple[str, ...]] = ("maxTokens",)
    names_tolerances: ClassVar[bool] = True
    answers: ClassVar[str] = TEXT
    several: ClassVar[bool] = False

    def read(self, stream: BinaryIO) -> Generations:
        """Parse an attachment of predictions."""
        return read_generations(stream)

    def undeclared(self, found: Evidence) -> str:
        """Return the part of an evaluation that was not declared before it."""
        body, model, run = found.body, found.checkpoint, found.run
        # ATTACK: a monitor is held against nothing here, and would be called computed.
        if "purpose" in body:
            return "a generative model is not monitored"
        # ATTACK A133: texts of somebody else's, as if the model had been asked.
        if "answers" in body or "against" in body:
            return "texts are neither brought from elsewhere nor compared pair by pair"
        asked, learned = (one.get("prompt", {}) for one in (body, model))
        # ATTACK: asked in words that the model was not trained with, or held to fewer choices.
        if any(asked.get(name) != learned.get(name) for name in ("choices", "system", "template")):
            return "its prompts are not those of the checkpoint"
        if run is None:
            return ""
        if fault := find_prompt_fault(model, run):
            return fault
        if not body.get("confidence", {}).get("seed") == found.predictions.seed == run["seed"]:
            return "its seed is not that of the run"
        return ""

    def compare(self, found: Evidence) -> Fault:
        """Return how the generated texts do not match the test set, or the sample of it."""
        predictions: Generations = found.predictions
        if found.run is None:
            return NOT_COMPARED, "no run of its model is here"
        if not found.is_whole:
            return NOT_COMPARED, "its test set is not here"
        drawn, of = _drawn(found)
        if of != predictions.of:
            return "other-test-set", f"it has {predictions.of} as the number of its records"
        names = list(drawn) if predictions.by_place else [one.id for one in drawn.values()]
        if list(predictions.records) != names:
            return "other-test-set", "its records are not those of the test set, or of its sample"
        return FINE

    def pairing_fault(self, own: Generations, other: Generations) -> str:
        """Return the message that generated texts are not compared pair by pair."""
        del own, other
        return "texts are not compared pair by pair"

    def input_records(self, found: Evidence) -> Iterable[Digest]:
        """Return the ids of the sampled records."""
        return (one.id for one in _drawn(found)[0].values())

    def differences(self, found: Evidence, *, compared: bool) -> Iterator[Fault]:
        """Yield figures of records that do not follow from the texts, and wrong totals."""
        if compared:
            try:
                reason, words = _judge(found)
            except LyrikstoreError as error:  # figures follow, or not, all the same
                reason, words = NOT_COMPARED, quote(error.message, 300)
            if reason:
                yield reason, words
            if reason not in ("", NOT_COMPARED):
                return
        if difference := find_generation_difference(found.body, found.predictions):
            yield "differs", difference


RULES = GenerationRules()


def _drawn(found: Evidence) -> tuple[dict[int, LabelledRecord], int]:
    """Return the sampled records by place, and the number of all records; read once."""
    if found.kept is not None:
        return cast("tuple[dict[int, LabelledRecord], int]", found.kept)
    predictions: Generations = found.predictions
    data = found.config.get("data", {})
    field = data.get("messages") or data.get("completion") or ""
    # A row without the field is not asked.
    rows = {at: one for at, one in enumerate(found.read(field, ())) if one.answer is not None}
    # A record that the test set has twice is drawn once, and asked twice.
    names = {rows[one].id if one in rows else one for one in predictions.records}
    chosen = sample_records([one.id for one in rows.values()], len(names), predictions.seed)
    # ATTACK: of many records those are asked that the model answers well.
    found.kept = {at: one for at, one in rows.items() if one.id in chosen}, len(rows)
    return _drawn(found)


def _judge(found: Evidence) -> Fault:
    """Return the difference between a record's figures and those that follow from its text."""
    predictions: Generations = found.predictions
    try:
        written = _texts(found)
    except FormatError as error:
        return "bad-predictions", quote(error.message, 300)
    answers = [one.answer or "" for one in _drawn(found)[0].values()]
    if found.config.get("data", {}).get("messages"):
        answers = list(map(_last, answers))
    choices = choices_of(found.checkpoint)
    outside = count_outside(answers, choices) if choices else None
    if found.body.get("outsideChoices") != outside:
        return "differs", "outsideChoices is not what the test set gives"
    # ATTACK: figures that are better than what was written, and the texts left out.
    if written is None and choices:
        written = _given(predictions, choices)
    if written is None:
        return NOT_COMPARED, "its author states the figures of each record: no texts are here"
    for number, (record, outputs, right, some) in enumerate(
        zip(predictions.records, predictions.outputs, answers, written.texts, strict=True), start=1
    ):
        for answerer, (said, text) in enumerate(zip(outputs, some, strict=True)):
            # ATTACK: a model that was asked freely, called one that answers within choices.
            if choices and text not in choices:
                return "differs", f"the answer to record {number} is none of the choices"
            # ATTACK: answers that were cut off, called whole choices.
            ended = said.ended or bool(choices)
            identifier = identify_text(text, record, answerer, salt=written.salt, choices=choices)
            judged = judge_text(
                text, right, identifier=identifier, tokens=said.tokens, ended=ended, choices=choices
            )
            # Attack case A53: figures that are better than what was written.
            if said != judged:
                return "differs", f"the figures of record {number} do not follow from its text"
    return FINE


def _given(found: Generations, choices: Sequence[str]) -> WrittenTexts:
    """Return the choices of answers, by their numbers, or in version 1 by their digests."""
    record = found.records[0]
    known = {identify_text(one, record, 0, salt=b"", choices=choices): one for one in choices}
    texts = [[known.get(one.identifier, "") for one in outputs] for outputs in found.outputs]
    return WrittenTexts(texts, b"")


def _last(conversation: str) -> str:
    """Return the last turn of a conversation, which is the expected answer."""
    turns: Any = parse(conversation.encode("utf-8", "replace"), max_bytes=_MAX_CONVERSATION)
    fine = isinstance(turns, list) and turns and isinstance(turns[-1], dict)
    return str(turns[-1].get("content", "")) if fine else ""


def _texts(found: Evidence) -> WrittenTexts | None:
    """Return the generated texts, or None if they are no longer stored, which is allowed."""
    opened = found.outputs()
    if opened is None:
        return None
    with opened as stream:
        return read_outputs(stream, found.predictions)
