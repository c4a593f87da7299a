"""Decision files: whether the signed decisions of a reviewer can be about a queue (spec §26.6)."""

from collections.abc import Sequence

from msgspec import Struct, UnsetType

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    PolicyError,
    VerificationError,
)
from lyrikstore.canon.json import parse_canonical
from lyrikstore.crypto.multikey import verification_method
from lyrikstore.crypto.proofs.eddsa_jcs import verify_proof
from lyrikstore.history.manifests.manifest import PROOF_MEMBERS, Manifest
from lyrikstore.history.policy.policy import Policy
from lyrikstore.verify.review.model import (
    MAX_DECISIONS_BYTES,
    MAX_MILLISECONDS,
    MAX_NOTE,
    MAX_TEXT_VALUE,
    DecisionFile,
    Questions,
    QueueItem,
    RecordDecision,
    parse_decisions,
)


class QueueRead(Struct, frozen=True):
    """A queue with all that its decisions are judged by.

    Attributes:
        queue: The queue.
        request: Its request.
        questions: The questions of the request.
        items: The items of the queue.
    """

    queue: Manifest
    request: Manifest
    questions: Questions
    items: tuple[QueueItem, ...]

    @property
    def is_adjudication(self) -> bool:
        """Whether the adjudicator decides, and not the reviewers."""
        return bool(self.queue.body["round"] == "adjudication")

    def assigned_to(self, reviewer: str) -> frozenset[int]:
        """Return the items that a reviewer, or the adjudicator, is to decide; none: not asked."""
        body = self.request.body
        if self.is_adjudication:
            asked = [one["reviewer"] for one in self.queue.body["assignments"]]
            return frozenset(one.item for one in self.items if reviewer in asked)
        if reviewer not in body["reviewers"]:
            return frozenset()
        at = body["reviewers"].index(reviewer)
        return frozenset(one.item for one in self.items if at in one.reviewers)


def check_proof(data: bytes, file: DecisionFile) -> None:
    """Raise unless the decision file is signed by its reviewer.

    Raises:
        VerificationError: (``bad-proof``, ``bad-signature``) it is not.
        LyrikstoreError: As :func:`verify_proof`.
    """
    document = parse_canonical(data, max_bytes=MAX_DECISIONS_BYTES)
    if isinstance(file.proof, UnsetType) or isinstance(file.created, UnsetType):
        raise VerificationError(
            "bad-proof",
            "the decisions are not signed",
            hint="the reviewer signs them: lyrikstore review sign FILE -o SIGNED",
        )
    if set(file.proof) != PROOF_MEMBERS or not isinstance(document, dict):
        raise VerificationError("bad-proof", "the proof of decisions has other members")
    verified = verify_proof(document)
    if verified.verification_method != verification_method(verified.key) or (
        verified.verification_method.split("#")[0] != file.reviewer
    ):
        raise VerificationError("bad-proof", "another key than the reviewer's signed the decisions")


def check_decisions(read: QueueRead, file: DecisionFile) -> None:
    """Raise unless decisions are about this queue, its items and its labels, by who was asked.

    Raises:
        InvalidInputError: (``other-queue``) they are about another queue; (``unknown-item``) about
            an item that the reviewer was not asked about; (``bad-decision-file``) a value is none
            of the labels, is missing, or too long.
        PolicyError: (``not-asked``) the reviewer was not asked.
    """
    if file.queue != str(read.queue.id):
        raise InvalidInputError(
            "other-queue",
            f"the decisions are about the queue {file.queue[:24]}…, not {read.queue.name}",
            hint="each queue has its own folder; sign the decisions of that folder",
        )
    assigned = read.assigned_to(file.reviewer)
    if not assigned:
        raise PolicyError("not-asked", f"{file.reviewer} was not asked to decide this queue")
    blind = bool(read.request.body["blind"]) and not read.is_adjudication
    for one in file.decisions:
        if one.item not in assigned:
            raise InvalidInputError(
                "unknown-item", f"item {one.item} is not among those that {file.reviewer} decides"
            )
        fault = decision_fault(one, read.questions, blind=blind)
        if fault:
            raise FormatError("bad-decision-file", f"item {one.item}: {fault}")


def check_key(policy: Policy, reviewer: str) -> None:
    """Raise `retired-key` if a policy says that a reviewer's key was revoked or replaced.

    Raises:
        PolicyError: (``retired-key``) it was.
    """
    gone = next((one for one in policy.retired if one.key == reviewer), None)
    if gone is not None:
        raise PolicyError(
            "retired-key",
            f"{reviewer} was revoked or replaced in this store",
            hint="ask another reviewer: lyrikstore review new",
        )


def decision_fault(one: RecordDecision, questions: Questions, *, blind: bool) -> str:
    """Return what is wrong with a decision by itself; empty if nothing is."""
    if (one.decision == "change") is isinstance(one.value, UnsetType):
        return "a value is given exactly where the candidate is changed"
    if blind is isinstance(one.blind, UnsetType):
        return "a value from before the candidate was shown is given exactly in blind queues"
    if not 0 <= one.ms <= MAX_MILLISECONDS:
        return "its time is none"
    for values in (one.value, one.blind):
        if not isinstance(values, UnsetType) and (fault := _value_fault(values, questions)):
            return fault
    if isinstance(one.value, tuple) and not one.value:
        return "a changed value is empty"
    if not isinstance(one.reason, UnsetType) and one.reason not in questions.reasons:
        return "its reason is none of those that the questions name"
    if not isinstance(one.note, UnsetType) and not 0 < len(one.note) <= MAX_NOTE:
        return f"its note is empty, or longer than {MAX_NOTE} characters"
    known = {further.id: further.choices for further in questions.questions}
    answers = {} if isinstance(one.answers, UnsetType) else one.answers
    if any(answer not in known.get(name, ()) for name, answer in answers.items()):
        return "an answer is to no further question, or none of its choices"
    return ""


def _value_fault(values: Sequence[str], questions: Questions) -> str:
    if list(values) != sorted(set(values)):
        return "its values are not in ascending order, each once"
    if not questions.several and len(values) > 1:
        return "it has several values where one is asked for"
    if questions.labels:
        return "" if set(values) <= set(questions.labels) else "a value is none of the labels"
    return "a text is too long" if any(len(one) > MAX_TEXT_VALUE for one in values) else ""


def read_decision_file(data: bytes, read: QueueRead) -> DecisionFile:
    """Return a signed decision file that is about this queue.

    Raises:
        LyrikstoreError: As :func:`parse_decisions`, :func:`check_proof`, :func:`check_decisions`.
    """
    file = parse_decisions(data)
    check_proof(data, file)
    check_decisions(read, file)
    return file


def file_matches(data: bytes, submission: Manifest, file: DecisionFile) -> bool:
    """Return whether a submission is of this decision file."""
    body = submission.body
    stated = (body["digest"], body["reviewer"], body["decisions"])
    return stated == (str(Digest.of(data)), file.reviewer, len(file.decisions))
