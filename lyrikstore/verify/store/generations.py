"""Whether the figures of what a model wrote follow from it (spec §13.12.8)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.json import parse
from lyrikstore.canon.quoting import quote
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.store.test_sets import looked_in

if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.generation.generations import Generations
    from lyrikstore.verify.evaluation.generation.outputs import WrittenTexts
    from lyrikstore.verify.evaluation.recompute import LabelledRecord

MEASURED = ("wallSeconds", "cpuSeconds", "peakMemoryBytes", "params")

_MAX_CONVERSATION = 8 << 20
"""Longest conversation as JSON: one of 1 MiB, each byte escaped."""

ReadAnswers = Callable[
    [Repository, Sequence[Manifest], str, Sequence[str]], "Iterator[LabelledRecord]"
]
"""Yields the records of datasets with the texts of a field."""


def recompute_generations(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Mapping[Digest, Manifest],
    read: ReadAnswers | None,
    problems: Problems,
) -> int:
    """Compute the figures of an evaluation again; return how many records they are about.

    Args:
        repository: The store.
        evaluation: One with predictions of the format ``generations/2`` or ``generations/1``.
        ancestry: The manifests that it comes from.
        read: Reads the records of test sets; None: they are not looked at.
        problems: Takes what is found.

    Cost: one read of what was written, of the test set and of what the model learnt from, and 1,000
    resamples.
    """
    from lyrikstore.verify.evaluation.generation.body import find_generation_difference

    label = f"{evaluation.name} ({evaluation.id.short})"
    found = _read(repository, evaluation, label, problems)
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if found is None or checkpoint is None:  # then `manifests` or `lineage` says so
        return 0
    runs = checkpoint.inputs_in("run")
    run = ancestry.get(runs[0].id) if runs else None
    body = evaluation.body
    known = len(problems.bad)
    if fault := _undeclared(body, checkpoint.body):
        problems.add(problems.bad, "undeclared", f"{label}: {fault}")
    seed = body.get("confidence", {}).get("seed")
    if run is not None and (fault := find_prompt_fault(checkpoint.body, run.body)):
        problems.add(problems.bad, "undeclared", f"{label}: {fault}")
    if run is not None and not seed == found.seed == run.body["seed"]:
        problems.add(problems.bad, "undeclared", f"{label}: its seed is not that of the run")
    if run is None:
        text = f"{label}: not compared with its test set: no run of its model is here"
        problems.add(problems.odd, "not-compared", text)
    elif read is not None:
        try:
            reason, words = _compare(repository, evaluation, found, checkpoint, run, ancestry, read)
        except LyrikstoreError as error:
            text = f"{label}: not compared with its test set: {quote(error.message, 300)}"
            problems.add(problems.odd, "not-compared", text)
        else:
            if reason:
                where = problems.odd if reason == "not-compared" else problems.bad
                problems.add(where, reason, f"{label}: {words}")
    if len(problems.bad) > known:
        return len(found.records)
    if difference := find_generation_difference(body, found, measured=MEASURED):
        problems.add(problems.bad, "differs", f"{label}: {difference}")
    return len(found.records)


def find_prompt_fault(checkpoint: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Return how the choices of a checkpoint are not those of its run; empty: they are.

    Args:
        checkpoint: The body of the checkpoint.
        run: The body of its run.
    """
    # ATTACK: a checkpoint that names other choices than its run was signed with.
    if not _choices(checkpoint) == _choices(run) == _choices(run["config"]):
        return "its choices are not those of its run"
    return ""


def _undeclared(body: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """Return what an evaluation says that its checkpoint does not; empty: nothing."""
    if body.get("task") != model.get("task"):
        return "its task is not the checkpoint's"
    # ATTACK: a monitor is held against nothing here, and would be called computed.
    if "purpose" in body:
        return "a model that writes is not monitored"
    asked, learnt = (one.get("prompt", {}) for one in (body, model))
    # ATTACK: asked in words that the model was not trained with, or held to fewer choices.
    if any(asked.get(name) != learnt.get(name) for name in ("choices", "system", "template")):
        return "its prompts are not those of the checkpoint"
    return ""


def _choices(told: Mapping[str, Any]) -> Sequence[str]:
    prompt = told.get("prompt")  # of a config it may be anything
    found: Sequence[str] = prompt.get("choices", []) if isinstance(prompt, dict) else []
    return found


def _read(
    repository: Repository, evaluation: Manifest, label: str, problems: Problems
) -> "Generations | None":
    from lyrikstore.verify.evaluation.generation.generations import read_generations

    try:
        with repository.blobs.open(evaluation.attachments_in("predictions")[0].id) as stream:
            return read_generations(stream)
    except (IncompleteError, NotFoundError) as error:
        problems.add(problems.lost, "lost", f"{label}: {quote(error.message, 300)}")
    except FormatError as error:
        problems.add(problems.bad, "bad-predictions", f"{label}: {quote(error.message, 300)}")
    except LyrikstoreError as error:
        problems.note(label, error)
    return None


def _compare(
    repository: Repository,
    evaluation: Manifest,
    found: "Generations",
    checkpoint: Manifest,
    run: Manifest,
    ancestry: Mapping[Digest, Manifest],
    read: ReadAnswers,
) -> tuple[str, str]:
    """Return how what was written differs from the test set it is said to be about."""
    from lyrikstore.verify.evaluation.generation.generations import sample_records
    from lyrikstore.verify.evaluation.generation.texts import count_outside

    data = run.body["config"].get("data", {})
    field = data.get("messages") or data.get("completion") or ""
    tests = [ancestry[one.id] for one in evaluation.inputs_in("test") if one.id in ancestry]
    if len(tests) < len(evaluation.inputs_in("test")):
        return "not-compared", "its test set is not here"
    # A row without the field is not asked.
    numbered = enumerate(read(repository, tests, field, ()))
    rows = {at: one for at, one in numbered if one.answer is not None}
    if len(rows) != found.of:
        return "other-test-set", f"it has {found.of} as the number of its records"
    # A record that the test set has twice is drawn once, and asked twice.
    names = {rows[one].id if one in rows else one for one in found.records}
    chosen = sample_records([one.id for one in rows.values()], len(names), found.seed)
    # ATTACK: of many records those are asked that the model answers well.
    drawn = {at: one for at, one in rows.items() if one.id in chosen}
    asked = list(drawn.values())
    if list(found.records) != (list(drawn) if found.by_place else [one.id for one in asked]):
        return "other-test-set", "its records are not those of the test set, or of its sample"
    overlap = evaluation.body.get("overlap", {})
    learned = looked_in(overlap, checkpoint, ancestry.get)
    if learned is None:
        return "not-compared", "what its model learned from is not here"
    wanted = {one.id for one in asked}
    known = {one.id for one in read(repository, learned, "", ()) if one.id in wanted}
    seen = sum(one.id in known for one in asked)
    if overlap.get("exact") != seen:
        return "differs", f"overlap.exact is not {seen}, which follows"
    try:
        written = _texts(repository, evaluation, found)
    except FormatError as error:
        return "bad-predictions", quote(error.message, 300)
    answers = [one.answer or "" for one in asked]
    if data.get("messages"):
        answers = list(map(_last, answers))
    choices = _choices(checkpoint.body)
    outside = count_outside(answers, choices) if choices else None
    if evaluation.body.get("outsideChoices") != outside:
        return "differs", "outsideChoices is not what the test set gives"
    # ATTACK: figures that are better than what was written, and the texts left out.
    if written is None and choices:
        written = _given(found, choices)
    if written is None:
        return "not-compared", "its author states the figures of each record: no texts are here"
    return _judge(found, answers, written, choices)


def _given(found: "Generations", choices: Sequence[str]) -> "WrittenTexts":
    """Return the choices that were given, which their numbers, or in version 1 digests, tell."""
    from lyrikstore.verify.evaluation.generation.outputs import WrittenTexts
    from lyrikstore.verify.evaluation.generation.texts import tell_text

    record = found.records[0]
    known = {tell_text(one, record, 0, salt=b"", choices=choices): one for one in choices}
    texts = [[known.get(one.told, "") for one in outputs] for outputs in found.outputs]
    return WrittenTexts(texts, b"")


def _last(conversation: str) -> str:
    """Return what is said last in a conversation, which is the right answer."""
    turns: Any = parse(conversation.encode("utf-8", "replace"), max_bytes=_MAX_CONVERSATION)
    fine = isinstance(turns, list) and turns and isinstance(turns[-1], dict)
    return str(turns[-1].get("content", "")) if fine else ""


def _judge(
    found: "Generations",
    answers: Iterable[str],
    written: "WrittenTexts",
    choices: Sequence[str],
) -> tuple[str, str]:
    from lyrikstore.verify.evaluation.generation.texts import judge_text, tell_text

    for number, (record, outputs, right, some) in enumerate(
        zip(found.records, found.outputs, answers, written.texts, strict=True), start=1
    ):
        for answerer, (said, text) in enumerate(zip(outputs, some, strict=True)):
            # ATTACK: a model that was asked freely, called one that answers within choices.
            if choices and text not in choices:
                return "differs", f"the answer to record {number} is none of the choices"
            # ATTACK: answers that were cut off, called whole choices.
            ended = said.ended or bool(choices)
            told = tell_text(text, record, answerer, salt=written.salt, choices=choices)
            judged = judge_text(
                text, right, told=told, tokens=said.tokens, ended=ended, choices=choices
            )
            # Attack case A53: figures that are better than what was written.
            if said != judged:
                return "differs", f"the figures of record {number} do not follow from its text"
    return "", ""


def _texts(
    repository: Repository, evaluation: Manifest, found: "Generations"
) -> "WrittenTexts | None":
    """Return what was written; None: the texts are not here any more, as may be."""
    from lyrikstore.verify.evaluation.generation.outputs import read_outputs

    attached = evaluation.attachments_in("outputs")
    if not attached:
        return None
    try:
        with repository.blobs.open(attached[0].id) as stream:
            return read_outputs(stream, found)
    except (IncompleteError, NotFoundError):
        return None
