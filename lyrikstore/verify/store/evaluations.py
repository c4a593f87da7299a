"""Whether the figures of evaluations follow from their predictions (spec §13.9.9)."""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.evaluation.evidence import (
    FINE,
    NEWER_FORMAT,
    NOT_COMPARED,
    Evidence,
    Fault,
)
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.tasks import (
    TEXT,
    UNKNOWN_TASK,
    TaskRules,
    find_rules,
    is_of_another,
)
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, stated, warned
from lyrikstore.verify.store.ancestry import known_retirements
from lyrikstore.verify.store.asked_again import AskAgain, ask_again
from lyrikstore.verify.store.readers import NO_READERS, Readers, ReadRecords
from lyrikstore.verify.store.test_sets import looked_in, overlooked

_CHECK = "evaluation.recomputed"


def check_evaluations(
    repository: Repository,
    ancestry: Lineage,
    readers: Readers = NO_READERS,
) -> Check:
    """Return ``evaluation.recomputed`` of the evaluations in an ancestry.

    Args:
        repository: The store.
        ancestry: The manifests in question.
        readers: Reads the records of test sets; asks models and baselines again.

    Cost: one read of each ``predictions`` and of what the model learnt from, two of the test set,
    and 1,000 resamples of it. Of word counts, which are asked again, what :class:`AskAgain` costs.
    """
    evaluations = [one for one in ancestry.values() if one.kind == "evaluation"]
    gone = known_retirements(repository)
    retired = [one for one in evaluations if gone.gone(one)]
    carrying = [one for one in evaluations if "predictions" in one.body and not gone.gone(one)]
    bare = [one for one in evaluations if "predictions" not in one.body]
    if not evaluations:
        return not_applicable(_CHECK, "no evaluation in its ancestry")
    read = readers.records
    if read is None and carrying:
        count = pluralize(len(carrying), "evaluation was", "evaluations were")
        return warned("evaluation.recomputed", "not-recomputed", f"{count} not computed again")
    problems = Problems(_CHECK)
    for one in retired:
        text = "its author states its figures; its predictions were retired"
        problems.add(problems.odd, "retired", f"{one.name} ({one.id.short}): {text}")
    records, unasked = 0, list[JSON]()
    for one, reading in ((one, read) for one in carrying if read is not None):
        found = recompute(repository, one, ancestry, reading, problems)
        records += 0 if found is None else len(found.predictions)
        unasked += _ask(repository, one, ancestry, found, readers.answers, problems)
    done = pluralize(len(carrying), "evaluation follows", "evaluations follow")
    if bare and not problems.count:
        first = f"{bare[0].name} ({bare[0].id.short})"
        text = f"not recomputed: {first} carries no predictions; its author states its figures"
        also = f"; {done} from predictions" if carrying else ""
        return stated(
            "evaluation.recomputed",
            text + also,
            stated=len(bare),
            recomputed=len(carrying),
            notAsked=unasked,
        )
    summary = f"{done} from predictions about {pluralize(records, 'record')}"
    return problems.close(summary, recomputed=len(carrying), stated=len(bare), notAsked=unasked)


def _ask(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Lineage,
    found: Evidence | None,
    again: AskAgain | None,
    problems: Problems,
) -> list[JSON]:
    """Ask again, where nothing else is wrong; return who was not asked, and of what."""
    everybody: list[JSON] = [f"{evaluation.name}: all of its predictions"]
    rules = find_rules(evaluation.body["task"])
    if again is None or found is None or problems.bad or problems.lost:
        return everybody
    checkpoint = ancestry[evaluation.inputs_in("checkpoint")[0].id]
    runs, _ = _named(checkpoint, "run", ancestry)
    if not runs or rules is None or rules.answers == TEXT:
        return everybody
    label = _label(evaluation)
    known: dict[str, list[Manifest]] = {}
    for role, one in (("test", evaluation), ("train", evaluation), ("validation", checkpoint)):
        known[role], is_whole = _named(one, role, ancestry)
        if not is_whole:
            return everybody
    predictions = found.predictions
    asked = ask_again(repository, evaluation, checkpoint, runs[0], known, predictions, again)
    if asked.fault:
        problems.add(problems.bad, "other-answers", f"{label}: {asked.fault}")
    if asked.undone:
        text = f"{label}: nobody was asked again: {asked.undone}"
        problems.add(problems.odd, "not-compared", text)
        return everybody
    return [f"{evaluation.name}: {who}" for who in asked.unasked]


def _label(evaluation: Manifest) -> str:
    return f"{evaluation.name} ({evaluation.id.short})"


def _named(holder: Manifest, role: str, ancestry: Lineage) -> tuple[list[Manifest], bool]:
    """Return the inputs in a role that are here, and whether all are."""
    named = holder.inputs_in(role)
    found = [ancestry[one.id] for one in named if one.id in ancestry]
    return found, len(found) == len(named)


def recompute(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Lineage,
    read: ReadRecords,
    problems: Problems,
) -> Evidence | None:
    """Compute an evaluation again by the rules of its task; return what it was held against.

    Args:
        repository: The store.
        evaluation: One with predictions.
        ancestry: The manifests that it comes from.
        read: Reads the records of datasets.
        problems: Takes what is found.

    Returns:
        None where there is nothing that could be computed again.

    Cost: one read of the predictions and of what the model learned from, two of the test set, and
    1,000 resamples of it.
    """
    label = _label(evaluation)
    _note_overlooked(evaluation, ancestry, label, problems)
    task = evaluation.body["task"]
    checkpoints, _ = _named(evaluation, "checkpoint", ancestry)
    # ATTACK: a task that nobody knows, named for a model of one that everybody can check.
    if any(one.body.get("task") != task for one in checkpoints):
        problems.add(problems.bad, "undeclared", f"{label}: its task is not that of the checkpoint")
        return None
    rules = find_rules(task)
    if rules is None:
        text = f"{label}: nothing here knows the task {quote(task, 40)}"
        problems.add(problems.lost, UNKNOWN_TASK, text)
        return None
    found = _evidence(repository, evaluation, ancestry, rules, read, problems)
    if found is None:
        return None
    known = len(problems.bad)
    fault = rules.undeclared(found)
    if fault:
        problems.add(problems.bad, "undeclared", f"{label}: {fault}")
        return found
    if evaluation.body.get("purpose") == MONITOR:
        found.reference = _reference(repository, evaluation, ancestry, rules, problems)
        if found.reference is None:
            return None
    compared = _note_faults(label, problems, "its test set", lambda: [rules.compare(found)])
    if compared is None or not compared[0]:
        _note_faults(
            label,
            problems,
            "what was learned from",
            lambda: [_other_overlap(repository, evaluation, rules, found, ancestry, read)],
        )
    # ATTACK: only what is about this model and this test set is worth 1,000 resamples of it.
    if len(problems.bad) == known:
        whole = compared == [""]
        _note_faults(label, problems, "its texts", lambda: rules.differences(found, compared=whole))
    return found


def _note_faults(
    label: str, problems: Problems, what: str, look: Callable[[], Iterable[Fault]]
) -> list[str] | None:
    """Note what is wrong; return the reasons, or None where it cannot be looked at."""
    reasons = []
    try:
        for reason, text in look():
            reasons.append(reason)
            if reason == NOT_COMPARED:
                text = f"not compared with {what}: {text}"  # noqa: PLW2901
            where = {NOT_COMPARED: problems.odd, NEWER_FORMAT: problems.lost}
            if reason:
                problems.add(where.get(reason, problems.bad), reason, f"{label}: {text}")
    except LyrikstoreError as error:
        text = f"{label}: not compared with {what}: {quote(error.message, 300)}"
        problems.add(problems.odd, NOT_COMPARED, text)
        return None
    return reasons


def _evidence(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Lineage,
    rules: TaskRules,
    read: ReadRecords,
    problems: Problems,
) -> Evidence | None:
    predictions = _read_predictions(repository, evaluation, rules, problems)
    checkpoints, _ = _named(evaluation, "checkpoint", ancestry)
    if predictions is None or not checkpoints:  # then `manifests` or `lineage` says so
        return None
    runs, _ = _named(checkpoints[0], "run", ancestry)
    tests, is_whole = _named(evaluation, "test", ancestry)
    references, _ = _named(evaluation, "reference", ancestry)
    old = _named(references[0], "test", ancestry)[0] if references else []

    def outputs() -> AbstractContextManager[BinaryIO] | None:
        try:
            attached = present_attachments(repository, evaluation, "outputs")
            return repository.blobs.open(attached[0].id) if attached else None
        except (IncompleteError, NotFoundError):
            return None

    return Evidence(
        evaluation.body,
        predictions,
        checkpoints[0].body,
        runs[0].body if runs else None,
        [one.body for one in tests],
        lambda field, fields: read(repository, tests, field, fields),
        lambda field, fields: read(repository, old, field, fields),
        outputs,
        is_whole=is_whole,
    )


def _reference(
    repository: Repository,
    monitor: Manifest,
    ancestry: Lineage,
    rules: TaskRules,
    problems: Problems,
) -> Any:
    """Return the predictions that a monitor is held against."""
    references, is_whole = _named(monitor, "reference", ancestry)
    if not is_whole:  # then `manifests` or `lineage` says so
        return None
    # Attack case A54: drift from another model, or from a monitor that had drifted itself.
    if (
        not references
        or references[0].inputs_in("checkpoint") != monitor.inputs_in("checkpoint")
        or references[0].body.get("purpose") == MONITOR
        or "predictions" not in references[0].body
    ):
        text = "it is held against no evaluation of its checkpoint with predictions"
        problems.add(problems.bad, "undeclared", f"{_label(monitor)}: {text}")
        return None
    return _read_predictions(repository, references[0], rules, problems)


def _read_predictions(
    repository: Repository, evaluation: Manifest, rules: TaskRules, problems: Problems
) -> Any:
    label, named = _label(evaluation), evaluation.body["predictions"]["format"]
    if named not in rules.formats:
        # ATTACK: predictions of another task, for nobody to compute the figures again.
        if is_of_another(rules.name, named):
            text = f"{label}: predictions of the format {named} are those of another task"
            problems.add(problems.bad, "undeclared", text)
        else:
            problems.add(problems.lost, NEWER_FORMAT, f"{label}: predictions of format {named}")
        return None
    try:
        attached = present_attachments(repository, evaluation, "predictions")[0]
        with repository.blobs.open(attached.id) as stream:
            return rules.read(stream)
    except (IncompleteError, NotFoundError) as error:
        retired = error.kind == "retired"
        where, reason = (problems.odd, "retired") if retired else (problems.lost, "lost")
        problems.add(where, reason, f"{label}: {quote(error.message, 300)}")
    except FormatError as error:
        problems.add(problems.bad, "bad-predictions", f"{label}: {quote(error.message, 300)}")
    except LyrikstoreError as error:
        problems.note(label, error)
    return None


def _note_overlooked(
    evaluation: Manifest, ancestry: Lineage, label: str, problems: Problems
) -> None:
    """Warn of data that a model has seen through another, and in which nobody looked (A124)."""
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if checkpoint is None or evaluation.body.get("purpose") == MONITOR:
        return
    left = overlooked(evaluation.body.get("overlap", {}), checkpoint, ancestry)
    if left:
        names = quote(", ".join(one.name for one in left), 300)
        text = f"{label}: its records were not looked for in {names}, which a base learned from"
        problems.add(problems.odd, "base-not-looked-in", text)


def _other_overlap(
    repository: Repository,
    evaluation: Manifest,
    rules: TaskRules,
    found: Evidence,
    ancestry: Lineage,
    read: ReadRecords,
) -> Fault:
    """Return how ``overlap.exact`` is not what the data has; fine if it is, or nothing says."""
    if evaluation.body.get("purpose") == MONITOR:
        return FINE
    checkpoint = ancestry[evaluation.inputs_in("checkpoint")[0].id]
    overlap = evaluation.body.get("overlap", {})
    learned = looked_in(overlap, checkpoint, ancestry)
    if learned is None:  # then `manifests` or `lineage` says so
        return FINE
    counts = Counter(rules.asked_records(found))
    # ATTACK: figures of what the model learned, called figures of what it never saw.
    follows = sum(counts.pop(one.id, 0) for one in read(repository, learned, "", ()))
    said = overlap.get("exact")
    text = f"overlap.exact is {quote(said)}, and {follows} follows"
    return FINE if said == follows else ("differs", text)
