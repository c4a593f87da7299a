"""Checks whether the figures of evaluations follow from their predictions (spec §13.9.9)."""

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
    OtherEvaluation,
)
from lyrikstore.verify.evaluation.external_answers import are_given
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.tasks import (
    TEXT,
    UNKNOWN_TASK,
    TaskRules,
    containing,
    find_rules,
    is_of_another,
)
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable, stated, warned
from lyrikstore.verify.store.ancestry import known_retirements
from lyrikstore.verify.store.readers import NO_READERS, Readers, ReadRecords
from lyrikstore.verify.store.recomputed_answers import RecomputeAnswers, ask_again
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
        readers: Reads the records of test sets; computes answers of models and baselines again.

    Cost: one read of each ``predictions`` and of the model's training data, two of the test set,
    and 1,000 resamples of it. For word counts, whose answers are computed again, also the cost of
    :class:`RecomputeAnswers`.
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
        problems.add(problems.warnings, "retired", f"{one.name} ({one.id.short}): {text}")
    records, unasked = 0, list[JSON]()
    for one, reading in ((one, read) for one in carrying if read is not None):
        held = Recomputed(repository, one, ancestry, reading, problems)
        looked_at, of = held.check(readers.answers)
        records += looked_at
        unasked += of
    done = pluralize(len(carrying), "evaluation follows", "evaluations follow")
    given = [one for one in carrying if are_given(one.body)]
    detail: dict[str, JSON] = {
        "recomputed": len(carrying), "stated": len(bare), "notAsked": unasked,
        **({"given": [one.name for one in given]} if given else {}),
    }  # fmt: skip
    if (bare or given) and not problems.count:
        first = (bare or given)[0]
        text = f"{first.name} ({first.id.short}): computed from answers whose maker vouches for "
        text += "them; not run here"
        if bare:
            text = f"not recomputed: {first.name} ({first.id.short}) carries no predictions; its "
            text += "author states its figures"
        also = f"; {done} from predictions" if carrying else ""
        return stated("evaluation.recomputed", text + also, **detail)
    summary = f"{done} from predictions about {pluralize(records, 'record')}"
    return problems.close(summary, **detail)


class Recomputed:
    """An evaluation that is computed again by the rules of its task.

    Args:
        repository: The store.
        evaluation: An evaluation with predictions.
        ancestry: The manifests from which it was made.
        read: Reads the records of datasets.
        problems: Receives the problems.
    """

    def __init__(
        self,
        repository: Repository,
        evaluation: Manifest,
        ancestry: Lineage,
        read: ReadRecords,
        problems: Problems,
    ) -> None:
        self._repository, self._evaluation, self._body = repository, evaluation, evaluation.body
        self._ancestry, self._read, self._problems = ancestry, read, problems
        self._checkpoints, _ = self._named(evaluation, "checkpoint")
        self._runs = [one for each in self._checkpoints for one in self._named(each, "run")[0]]
        self._monitors = evaluation.body.get("purpose") == MONITOR

    def check(self, again: RecomputeAnswers | None) -> tuple[int, list[JSON]]:
        """Compute figures and answers again; return the record count, and the answers left out."""
        count, unasked = 0, self._everybody()
        with containing(self._body["task"], self._lost):
            found = self.compute()
            count, unasked = 0 if found is None else len(found.predictions), self.ask(found, again)
        return count, unasked

    def compute(self) -> Evidence | None:
        """Compute the figures again; return the evidence they were compared with.

        Returns:
            The evidence, or None if nothing could be computed again.

        Cost: one read of the predictions and of the model's training data, two of the test set,
        and 1,000 resamples of it.
        """
        self._note_overlooked()
        task = self._body["task"]
        rules = find_rules(task)
        found = None if rules is None else self._evidence(rules)
        if rules is not None and found is None:
            return None
        # ATTACK: a task that nobody knows, named for a model of one that everybody can check.
        usual = task if are_given(self._body) else None
        if any(one.body.get("task", usual) != task for one in self._checkpoints):
            self._bad("undeclared", "its task is not that of the checkpoint")
            return found
        if rules is None or found is None:
            self._lost(UNKNOWN_TASK, f"nothing here knows the task {quote(task, 40)}")
            return None
        known = len(self._problems.bad)
        if fault := rules.undeclared(found):
            self._bad("undeclared", fault)
            return found
        if self._monitors:
            found.reference = self._reference(rules)
            if found.reference is None:
                return None
        if not self._is_paired(found, rules):
            return None
        compared = self._note_faults("its test set", lambda: [rules.compare(found)])
        if compared is None or not compared[0]:
            self._note_faults("what was learned from", lambda: [self._other_overlap(rules, found)])
        # ATTACK: only what is about this model and this test set is worth 1,000 resamples of it.
        if len(self._problems.bad) == known:
            whole = compared == [""]
            self._note_faults("its texts", lambda: rules.differences(found, compared=whole))
        return found

    def ask(self, found: Evidence | None, again: RecomputeAnswers | None) -> list[JSON]:
        """Compute answers again if there is no other problem; return the answers left out."""
        name, problems, everybody = self._evaluation.name, self._problems, self._everybody()
        rules = find_rules(self._body["task"])
        if again is None or found is None or problems.bad or problems.lost:
            return everybody
        if not self._runs or rules is None or rules.answers == TEXT:
            return everybody
        checkpoint = self._checkpoints[0]
        holders = {"test": self._evaluation, "train": self._evaluation, "validation": checkpoint}
        data = {role: self._named(one, role) for role, one in holders.items()}
        if not all(is_whole for _, is_whole in data.values()):
            return everybody
        known = {role: some for role, (some, _) in data.items()}
        asked = ask_again(
            self._repository,
            self._evaluation,
            checkpoint,
            self._runs[0],
            known,
            found.predictions,
            again,
        )
        if asked.fault:
            self._bad("other-answers", asked.fault)
        if asked.undone is not None:
            what = "nobody was asked again"
            self._note_error(self._problems.warnings, NOT_COMPARED, what, asked.undone)
            return everybody
        return [f"{name}: {who}" for who in asked.unasked]

    def _everybody(self) -> list[JSON]:
        return [f"{self._evaluation.name}: all of its predictions"]

    def _bad(self, code: str, text: str) -> None:
        self._add(self._problems.bad, code, text)

    def _lost(self, code: str, text: str) -> None:
        self._add(self._problems.lost, code, text)

    def _warn(self, code: str, text: str) -> None:
        self._add(self._problems.warnings, code, text)

    def _add(self, to: list[str], code: str, text: str, of: Manifest | None = None) -> None:
        one = of or self._evaluation
        self._problems.add(to, code, f"{one.name} ({one.id.short}): {text}")

    def _note_error(
        self,
        to: list[str],
        code: str,
        what: str,
        error: LyrikstoreError,
        of: Manifest | None = None,
    ) -> None:
        one = of or self._evaluation
        self._problems.note_as(to, code, f"{one.name} ({one.id.short}): {what}", error)

    def _named(self, holder: Manifest, role: str) -> tuple[list[Manifest], bool]:
        """Return the available inputs in a role, and whether all are available."""
        named = holder.inputs_in(role)
        found = [self._ancestry[one.id] for one in named if one.id in self._ancestry]
        return found, len(found) == len(named)

    def _note_faults(self, what: str, look: Callable[[], Iterable[Fault]]) -> list[str] | None:
        """Note the faults; return them, or None if the subject cannot be read."""
        reasons = []
        try:
            for reason, text in look():
                reasons.append(reason)
                if reason == NOT_COMPARED:
                    self._warn(reason, f"not compared with {what}: {text}")
                elif reason == NEWER_FORMAT:
                    self._lost(reason, text)
                elif reason:
                    self._bad(reason, text)
        except LyrikstoreError as error:
            self._note_error(
                self._problems.warnings, NOT_COMPARED, f"not compared with {what}", error
            )
            return None
        return reasons

    def _evidence(self, rules: TaskRules) -> Evidence | None:
        predictions = self._predictions(self._evaluation, rules)
        if predictions is None or not self._checkpoints:  # then `manifests` or `lineage` says so
            return None
        tests, is_whole = self._named(self._evaluation, "test")
        references, _ = self._named(self._evaluation, "reference")
        old, has_old = self._named(references[0], "test") if references else ([], False)
        held_against = old if has_old else []
        return Evidence(
            self._body,
            predictions,
            self._checkpoints[0].body,
            self._runs[0].body if self._runs else None,
            [one.body for one in tests],
            lambda field, fields: self._read(self._repository, tests, field, fields),
            lambda field, fields: self._read(self._repository, held_against, field, fields),
            self._outputs,
            is_whole=is_whole,
        )

    def _outputs(self) -> AbstractContextManager[BinaryIO] | None:
        try:
            attached = present_attachments(self._repository, self._evaluation, "outputs")
            return self._repository.blobs.open(attached[0].id) if attached else None
        except (IncompleteError, NotFoundError):
            return None

    def _reference(self, rules: TaskRules) -> Any:
        """Return the predictions with which a monitoring result is compared."""
        references, is_whole = self._named(self._evaluation, "reference")
        if not is_whole:  # then `manifests` or `lineage` says so
            return None
        # Attack case A54: drift from another model, or from a monitor that had drifted itself.
        if (
            not references
            or references[0].inputs_in("checkpoint") != self._evaluation.inputs_in("checkpoint")
            or references[0].body.get("purpose") == MONITOR
            or "predictions" not in references[0].body
        ):
            text = "it is held against no evaluation of its checkpoint with predictions"
            self._bad("undeclared", text)
            return None
        return self._predictions(references[0], rules)

    def _is_paired(self, found: Evidence, rules: TaskRules) -> bool:
        """Find the paired evaluation; return whether the comparison can be computed again."""
        others, is_whole = self._named(self._evaluation, "against")
        if not is_whole:  # then `manifests` or `lineage` says so
            return False
        if bool(others) != ("against" in self._body):
            self._bad(
                "undeclared",
                "it names no evaluation to compare with, or no result of the comparison",
            )
            return False
        for other in others:
            # ATTACK A134: answers about other records, or of a monitor, as if they were paired.
            if (
                other.inputs_in("test") != self._evaluation.inputs_in("test")
                or other.body.get("purpose") == MONITOR
                or "predictions" not in other.body
            ):
                self._bad(
                    "undeclared",
                    "it is compared with something other than an evaluation of its records",
                )
                return False
            predictions = self._predictions(other, rules)
            if predictions is None:
                # ATTACK A134: figures that are compared with what was retired are not checked.
                return bool(known_retirements(self._repository).gone(other))
            if fault := rules.pairing_fault(found.predictions, predictions):
                self._bad("other-test-set", f"compared with {other.name}: {fault}")
                return False
            found.against = OtherEvaluation(other.name, are_given(other.body), predictions)
        return True

    def _predictions(self, evaluation: Manifest, rules: TaskRules) -> Any:
        named, problems = evaluation.body["predictions"]["format"], self._problems
        if named not in rules.formats:
            # ATTACK: predictions of another task, for nobody to compute the figures again.
            if is_of_another(rules.name, named):
                text = f"predictions of the format {named} are those of another task"
                self._add(problems.bad, "undeclared", text, evaluation)
            else:
                self._add(problems.lost, NEWER_FORMAT, f"predictions of format {named}", evaluation)
            return None
        try:
            attached = present_attachments(self._repository, evaluation, "predictions")[0]
            with self._repository.blobs.open(attached.id) as stream:
                return rules.read(stream)
        except (IncompleteError, NotFoundError) as error:
            retired = error.kind == "retired"
            where, reason = (problems.warnings, "retired") if retired else (problems.lost, "lost")
            self._note_error(where, reason, "its predictions", error, evaluation)
        except FormatError as error:
            self._add(problems.bad, "bad-predictions", quote(error.message, 300), evaluation)
        except LyrikstoreError as error:
            problems.note(f"{evaluation.name} ({evaluation.id.short})", error)
        return None

    def _note_overlooked(self) -> None:
        """Warn of data a model saw through another model, if overlap was not searched (A124)."""
        for checkpoint in () if self._monitors else self._checkpoints:
            left = overlooked(self._body.get("overlap", {}), checkpoint, self._ancestry)
            if left:
                names = quote(", ".join(one.name for one in left), 300)
                text = f"its records were not looked for in {names}, which a base learned from"
                self._warn("base-not-looked-in", text)

    def _other_overlap(self, rules: TaskRules, found: Evidence) -> Fault:
        """Return how ``overlap.exact`` differs from the data; empty if it does not."""
        overlap = self._body.get("overlap", {})
        if are_given(self._body) and not self._runs and not overlap:
            return FINE  # of what is not in this store nobody knows what it learned from
        learned = looked_in(overlap, self._checkpoints[0], self._ancestry)
        compared = not self._monitors or "backfill" in self._body
        if not compared or learned is None:  # then `manifests` or `lineage` says so
            return FINE
        counts = Counter(rules.input_records(found))
        # ATTACK: figures of what the model learned, called figures of what it never saw.
        read = self._read(self._repository, learned, "", ())
        follows = sum(counts.pop(one.id, 0) for one in read)
        said = overlap.get("exact")
        text = f"overlap.exact is {quote(said)}, and {follows} follows"
        return FINE if said == follows else ("differs", text)
