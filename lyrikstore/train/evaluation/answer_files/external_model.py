"""Models whose answers were computed elsewhere, and their comparison (spec §13.16)."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.curate.labelled_records import read_labelled
from lyrikstore.history.commit.transaction import TransactionBuilder
from lyrikstore.history.manifests.manifest import Input, Manifest
from lyrikstore.history.manifests.names import parse_name
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import present_attachments
from lyrikstore.history.trees.tree import Tree
from lyrikstore.train.requirements import MONITOR_SUFFIX
from lyrikstore.train.seal import Sealed, sign_next
from lyrikstore.train.task import find_task, usual_task
from lyrikstore.verify.evaluation.evidence import OtherEvaluation
from lyrikstore.verify.evaluation.external_answers import EXTERNAL, EXTERNAL_FORMAT, are_given
from lyrikstore.verify.evaluation.limits import MONITOR
from lyrikstore.verify.evaluation.tasks import rules_of

_PREFIX = "checkpoints"
_OTHER_PARTS = ("train", "validation")


class ExternalModel(Struct, frozen=True):
    """A model that is not in this store, and gets a name in it.

    Attributes:
        name: Full name of the checkpoint.
        task: Name of the task.
        message: Description of the model.
    """

    name: str
    task: str
    message: str

    def log(
        self, context: StoreContext, transaction: TransactionBuilder, labels: Sequence[str]
    ) -> Input:
        """Sign and log the model as a checkpoint without files; return it as an input."""
        body: dict[str, Any] = {"origin": EXTERNAL, "format": EXTERNAL_FORMAT, "final": True}
        body |= {"task": self.task, "labels": list(labels)}
        tree = Tree.of(())
        sums = transaction.writer.put_bytes(b"")
        sealed = Sealed(tree, transaction.writer.put_bytes(tree.encode()), sums, 0)
        made = sign_next(
            context, "checkpoint", self.name, body, [], sealed=sealed, message=self.message
        )
        transaction.log_manifest(made)
        return Input("checkpoint", "checkpoint", made.id)


def resolve_answered(repo: Repository, ref: str) -> tuple[str, Manifest | None]:
    """Return the name of a model whose answers were computed elsewhere, and its checkpoint.

    Returns:
        The name; and the checkpoint, or None if the name is new.

    Raises:
        InvalidInputError: (``not-trained``) the name belongs to another kind of object;
            (``bad-name``) the name is new, and not a valid name of a checkpoint.
        NotFoundError: (``not-found``, …) an id, or an earlier version, is not in this store.
    """
    if "/" in ref and not {"@", "~"} & {*ref} and ref not in repo.refs:
        name = parse_name(ref)
        if name.prefix != _PREFIX or name.leaf.endswith(MONITOR_SUFFIX):
            raise InvalidInputError(
                "bad-name",
                f"{name} is not a valid name for a model with an answer file",
                hint=f"use a name such as {_PREFIX}/{name.namespace}/rules-2019",
            )
        return str(name), None
    found = repo.resolve(ref)
    if found.kind != "checkpoint":
        raise InvalidInputError(
            "not-trained",
            f"{ref} is a {found.kind}, and only checkpoints have answers",
            hint="name a checkpoint; for a model outside the store, choose an unused name: "
            f"{_PREFIX}/NAMESPACE/NAME",
        )
    return found.name, found


def task_of_answers(repo: Repository, checkpoint: Manifest | None, test: Manifest) -> str:
    """Return the task of a model with an answer file: its own, or the one that fits the records.

    Raises:
        InvalidInputError: (``label-missing``) the dataset does not name its label field;
            (``unknown-task``) the task is not installed.
        LyrikstoreError: As :func:`lyrikstore.curate.labelled_records.read_labelled`.
    """
    if checkpoint is not None and "task" in checkpoint.body:
        return find_task(checkpoint.body["task"]).name
    label = test.body.get("fields", {}).get("label", "")
    if not label:
        raise InvalidInputError(
            "label-missing",
            f"{test.name} does not name its label field",
            hint="commit it with --label FIELD",
        )
    several = any(len(one.labels) > 1 for one in read_labelled(repo, [test], label, []))
    return usual_task(several=several).name


def find_parts(repo: Repository, test: Manifest) -> list[Manifest]:
    """Return the parts ``train`` and ``validation`` of the split that a test set belongs to.

    They were made by the same filter from the same sources. Without a part ``train`` the result is
    empty.
    """
    part = test.body.get("derivation", {}).get("part")
    found: list[Manifest] = []
    for other in _OTHER_PARTS:
        name = f"{test.name.removesuffix(f'.{part}')}.{other}"
        versions = repo.history(name) if part and name in repo.refs else []
        if found or other == _OTHER_PARTS[0]:
            found += [one for one in versions if one.inputs == test.inputs][:1]
    return found


def find_other(
    repo: Repository, ref: str, dataset_ref: str
) -> tuple[Sequence[Manifest], OtherEvaluation | None]:
    """Return the evaluation that a new one will be compared with.

    Args:
        repo: The store.
        ref: REF of the other evaluation; empty: there is none.
        dataset_ref: The test set of the new evaluation; empty: that of the other one.

    Returns:
        The manifest as a list of at most one, and its answers.

    Raises:
        InvalidInputError: (``not-comparable``) it is no evaluation of these records, its model
            generates text, or its answers are not kept; (``usage``) neither ``ref`` nor
            ``dataset_ref`` is given.
        NotFoundError, VerificationError, IncompleteError: The evaluation cannot be read.
    """
    if not ref:
        if not dataset_ref:
            hint = "name the test set: --on TEST"
            raise InvalidInputError("usage", "the test set is missing", hint=hint)
        return [], None
    other = repo.resolve(ref)
    hint = "lyrikstore log CHECKPOINT lists the evaluations of a checkpoint"
    if other.kind != "evaluation" or other.body.get("purpose") == MONITOR:
        text = f"{ref} is not an evaluation of a test set"
        raise InvalidInputError("not-comparable", text, hint=hint)
    tests = other.inputs_in("test")
    if dataset_ref and [one.id for one in tests] != [repo.resolve(dataset_ref).id]:
        text = f"{other.name} was not made on {dataset_ref}"
        raise InvalidInputError(
            "not-comparable", text, hint="leave --on out, to use the test set of that evaluation"
        )
    rules = rules_of(other.body["task"])
    for attached in present_attachments(repo, other, "predictions"):
        with repo.blobs.open(attached.id) as stream:
            read = rules.read(stream)
        if not (fault := rules.pairing_fault(read, read)):
            return [other], OtherEvaluation(other.name, are_given(other.body), read)
        raise InvalidInputError("not-comparable", f"{other.name}: {fault}", hint=hint)
    raise InvalidInputError("not-comparable", f"{other.name} has no stored answers", hint=hint)
