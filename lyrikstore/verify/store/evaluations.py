"""Whether the figures of evaluations follow from their predictions (spec §13.9.9)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    IncompleteError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, stated, warned
from lyrikstore.verify.store.ancestry import known_retirements
from lyrikstore.verify.store.asked_again import AskAgain, ask_again
from lyrikstore.verify.store.generations import recompute_generations
from lyrikstore.verify.store.readers import NO_READERS, Readers, ReadRecords
from lyrikstore.verify.store.test_sets import looked_in, overlooked

# What computes figures loads numpy, which few who verify need.
if TYPE_CHECKING:
    from lyrikstore.verify.evaluation.answers import Predictions

_CHECK = "evaluation.recomputed"
GENERATIONS = frozenset({"generations/1", "generations/2"})

MONITOR = "monitor"
"""Purpose of an evaluation of data that came after the run."""


def check_evaluations(
    repository: Repository,
    ancestry: Mapping[Digest, Manifest],
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
    for one in carrying:
        records += _recompute(repository, one, ancestry, read, problems)
        unasked += _ask(repository, one, ancestry, readers.answers, problems)
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
    ancestry: Mapping[Digest, Manifest],
    again: AskAgain | None,
    problems: Problems,
) -> list[JSON]:
    """Ask again, where nothing else is wrong; return who was not asked, and of what."""
    everybody: list[JSON] = [f"{evaluation.name}: all of its predictions"]
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    named = () if checkpoint is None else checkpoint.inputs_in("run")
    run = ancestry.get(named[0].id) if named else None
    if again is None or checkpoint is None or run is None or problems.bad or problems.lost:
        return everybody
    if evaluation.body["predictions"]["format"] in GENERATIONS:
        return everybody
    label = f"{evaluation.name} ({evaluation.id.short})"
    predictions = _read_predictions(repository, evaluation, label, problems)
    roles = [("test", evaluation), ("train", evaluation), ("validation", checkpoint)]
    data = {role: [ancestry.get(item.id) for item in one.inputs_in(role)] for role, one in roles}
    known = {role: [one for one in some if one is not None] for role, some in data.items()}
    if predictions is None or any(len(known[role]) < len(some) for role, some in data.items()):
        return everybody
    asked = ask_again(repository, evaluation, checkpoint, run, known, predictions, again)
    if asked.fault:
        problems.add(problems.bad, "other-answers", f"{label}: {asked.fault}")
    if asked.undone:
        text = f"{label}: nobody was asked again: {asked.undone}"
        problems.add(problems.odd, "not-compared", text)
        return everybody
    return [f"{evaluation.name}: {who}" for who in asked.unasked]


def _recompute(
    repository: Repository,
    evaluation: Manifest,
    ancestry: Mapping[Digest, Manifest],
    read: ReadRecords | None,
    problems: Problems,
) -> int:
    """Compute one evaluation again; return how many records its predictions are about."""
    from lyrikstore.verify.evaluation.recompute import find_difference, undeclared

    label = f"{evaluation.name} ({evaluation.id.short})"
    if read is not None:
        _note_overlooked(evaluation, ancestry, label, problems)
    if evaluation.body["predictions"]["format"] in GENERATIONS:
        return recompute_generations(repository, evaluation, ancestry, read, problems)
    predictions = _read_predictions(repository, evaluation, label, problems)
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if predictions is None or checkpoint is None:  # then `manifests` or `lineage` says so
        return 0
    runs = checkpoint.inputs_in("run")
    run = ancestry.get(runs[0].id) if runs else None
    body = evaluation.body
    thresholds = (run or evaluation).body.get("thresholds", ())
    judged = ("value", "met")
    bare = [{name: one[name] for name in one if name not in judged} for one in thresholds]
    reference = None
    if body.get("purpose") == MONITOR:
        reference = _reference(repository, evaluation, ancestry, label, problems)
        if reference is None:
            return 0
    tests = [ancestry[one.id].body for one in evaluation.inputs_in("test") if one.id in ancestry]
    test = tests[0] if tests else None
    found = undeclared(body, predictions, checkpoint.body, None if run is None else run.body, test)
    if found:
        problems.add(problems.bad, "undeclared", f"{label}: {found}")
        return len(predictions)
    known = len(problems.bad)
    if read is not None:
        _compare(repository, evaluation, predictions, run, ancestry, read, problems)
    # ATTACK: only what is about this model and this test set is worth 1,000 resamples of it.
    if len(problems.bad) > known:
        return len(predictions)
    try:
        difference = find_difference(body, predictions, bare, reference)
    except InvalidInputError as error:
        difference = quote(error.message, 300)
    if difference:  # attack case A53
        problems.add(problems.bad, "differs", f"{label}: {difference}")
    return len(predictions)


def _reference(
    repository: Repository,
    monitor: Manifest,
    ancestry: Mapping[Digest, Manifest],
    label: str,
    problems: Problems,
) -> "Predictions | None":
    """Return the predictions that a monitor is held against."""
    named = monitor.inputs_in("reference")
    reference = ancestry.get(named[0].id) if named else None
    if named and reference is None:  # then `manifests` or `lineage` says so
        return None
    # Attack case A54: drift from another model, or from a monitor that had drifted itself.
    if (
        reference is None
        or reference.inputs_in("checkpoint") != monitor.inputs_in("checkpoint")
        or reference.body.get("purpose") == MONITOR
        or "predictions" not in reference.body
    ):
        text = f"{label}: it is held against no evaluation of its checkpoint with predictions"
        problems.add(problems.bad, "undeclared", text)
        return None
    return _read_predictions(repository, reference, label, problems)


def _read_predictions(
    repository: Repository, evaluation: Manifest, label: str, problems: Problems
) -> "Predictions | None":
    from lyrikstore.verify.evaluation.answers import FORMAT, FORMAT_BY_ID
    from lyrikstore.verify.evaluation.predictions import read_predictions

    named = evaluation.body["predictions"]["format"]
    if named not in (FORMAT, FORMAT_BY_ID):
        problems.add(problems.lost, "newer-format", f"{label}: predictions of format {named}")
        return None
    try:
        attached = present_attachments(repository, evaluation, "predictions")[0]
        with repository.blobs.open(attached.id) as stream:
            return read_predictions(stream)
    except (IncompleteError, NotFoundError) as error:
        retired = error.kind == "retired"
        where, reason = (problems.odd, "retired") if retired else (problems.lost, "lost")
        problems.add(where, reason, f"{label}: {quote(error.message, 300)}")
    except FormatError as error:
        problems.add(problems.bad, "bad-predictions", f"{label}: {quote(error.message, 300)}")
    except LyrikstoreError as error:
        problems.note(label, error)
    return None


def _compare(
    repository: Repository,
    evaluation: Manifest,
    predictions: "Predictions",
    run: Manifest | None,
    ancestry: Mapping[Digest, Manifest],
    read: ReadRecords,
    problems: Problems,
) -> None:
    """Hold predictions against the test set, where that can be read."""
    from lyrikstore.verify.evaluation.recompute import compare_records, sliced_by
    from lyrikstore.verify.evaluation.slices import HELD, RULE, usual_fields

    label = f"{evaluation.name} ({evaluation.id.short})"
    field = "" if run is None else run.body["config"].get("data", {}).get("label", "")
    tests = [ancestry[one.id] for one in evaluation.inputs_in("test") if one.id in ancestry]
    if not field or len(tests) < len(evaluation.inputs_in("test")):
        why = "its test set cannot be read" if field else "no run says which field is the label"
        problems.add(problems.odd, "not-compared", f"{label}: {why}")
        return
    if evaluation.body.get("purpose") == MONITOR:  # what came later may be called otherwise
        field = tests[0].body.get("fields", {}).get("label") or field
    groups = evaluation.body.get("confidence", {}).get("groups", {}).get("field")
    config = {} if run is None else run.body["config"]
    declared = config.get("evaluation", {}).get("slices")
    slicing = evaluation.body.get("slicing")
    if not predictions.head.labelled:
        declared, slicing = [], None
    elif slicing is not None and slicing["rule"] != RULE:
        text = f"{label}: slices by the rule {quote(slicing['rule'])}"
        problems.add(problems.lost, "newer-format", text)
        return
    elif slicing is not None and not declared:
        data = config.get("data", {})
        declared = usual_fields(tests[0].body, [field, *map(data.get, HELD)])
    fields = {*(declared or sliced_by(predictions)), *([groups] if groups else ())}
    _hold(
        "other-test-set",
        lambda: (
            compare_records(
                predictions,
                read(repository, tests, field, sorted(fields)),
                field_of_groups=groups,
                declared=declared,
                slicing=slicing,
            )
            or _other_lengths(repository, evaluation, tests, field, ancestry, read)
        ),
        f"{label}: not compared with its test set",
        label,
        problems,
    )
    _hold(
        "differs",
        lambda: _other_overlap(repository, evaluation, predictions, tests, ancestry, read),
        f"{label}: not compared with what was learned from",
        label,
        problems,
    )


def _note_overlooked(
    evaluation: Manifest, ancestry: Mapping[Digest, Manifest], label: str, problems: Problems
) -> None:
    """Warn of data that a model has seen through another, and in which nobody looked (A124)."""
    checkpoint = ancestry.get(evaluation.inputs_in("checkpoint")[0].id)
    if checkpoint is None or evaluation.body.get("purpose") == MONITOR:
        return
    left = overlooked(evaluation.body.get("overlap", {}), checkpoint, ancestry.get)
    if left:
        names = quote(", ".join(one.name for one in left), 300)
        text = f"{label}: its records were not looked for in {names}, which a base learned from"
        problems.add(problems.odd, "base-not-looked-in", text)


def _hold(
    reason: str, look: Callable[[], str], undone: str, label: str, problems: Problems
) -> None:
    """Note what is found where data is looked at, or that it cannot be."""
    try:
        found = look()
    except LyrikstoreError as error:
        problems.add(problems.odd, "not-compared", f"{undone}: {quote(error.message, 300)}")
        return
    if found:
        problems.add(problems.bad, reason, f"{label}: {found}")


def _other_overlap(
    repository: Repository,
    evaluation: Manifest,
    predictions: "Predictions",
    tests: Sequence[Manifest],
    ancestry: Mapping[Digest, Manifest],
    read: ReadRecords,
) -> str:
    """Return how ``overlap.exact`` is not what the data has; empty if it is, or nothing says."""
    if evaluation.body.get("purpose") == MONITOR:
        return ""
    checkpoint = ancestry[evaluation.inputs_in("checkpoint")[0].id]
    overlap = evaluation.body.get("overlap", {})
    learned = looked_in(overlap, checkpoint, ancestry.get)
    if learned is None:  # then `manifests` or `lineage` says so
        return ""
    ids: Iterable[Digest | int] = map(predictions.record, range(len(predictions)))
    if predictions.ids is None:  # the data alone tells which records they are about
        ids = (one.id for one in read(repository, tests, "", ()))
    counts = Counter(ids)
    # ATTACK: figures of what the model learnt, called figures of what it never saw.
    follows = sum(counts.pop(one.id, 0) for one in read(repository, learned, "", ()))
    said = overlap.get("exact")
    return "" if said == follows else f"overlap.exact is {quote(said)}, and {follows} follows"


def _other_lengths(
    repository: Repository,
    evaluation: Manifest,
    tests: Sequence[Manifest],
    field: str,
    ancestry: Mapping[Digest, Manifest],
    read: ReadRecords,
) -> str:
    """Return how the lengths of a monitor's texts are not what it says of them; empty if not."""
    from lyrikstore.verify.evaluation.drift import length_drift

    said = evaluation.body.get("drift", {}).get("lengths")
    if said is None:
        return ""
    reference = ancestry[evaluation.inputs_in("reference")[0].id]
    old = [ancestry[one.id] for one in reference.inputs_in("test")]
    found = [[one.length for one in read(repository, some, field, ())] for some in (tests, old)]
    follows = length_drift(*found)
    return "" if said == follows else f"drift.lengths is {quote(said)}, and {follows} follows"
