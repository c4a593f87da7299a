"""Names and meanings of the files in a deployed folder (spec §14.7.5).

The writer and the verifier of a deployed folder share this one list: a file below ``lyrikstore/``
has one of these names, and every other file is in the tree of the deployment.
"""

import re
from enum import StrEnum

from msgspec import Struct

FOLDER = "lyrikstore"
"""The folder with the evidence; the tree contains nothing below it."""

MANIFEST = "manifest.json"
TREE = "tree.jsonl"
GENESIS = "genesis.json"
LOG_PROOF = "log.tlog-proof"
CONSISTENCY = "log.consistency.json"
LEAVES = "log.leaves"
CARD = "card.json"
REPORT = "report.json"
SIGNED_FILES = "model.sig"
UNSIGNED = "UNSIGNED.txt"
SUMS = "SHA256SUMS"
"""A file of the tree with the SHA-256 of each other file."""

RIGHTS_UNTIL, RIGHTS_AS_OF = "Rights-Until", "Rights-As-Of"
"""Names of the lines in ``NOTICE`` with the end of the rights, and the date of that finding."""

REPORT_ROLE = "report"
"""Role of the attachment of the manifest that is :data:`REPORT`."""

SIGNED_FILES_ROLE = "oms"
"""Role of the attachment of the manifest that is :data:`SIGNED_FILES`."""

DECISION = "decision"
"""Kind and role of the decision of rules that permitted a run, an evaluation or a deployment."""

INPUT_KINDS = ("checkpoint", "run", "evaluation", "card", "approval", DECISION)
"""Kinds of the manifests beside the deployment's; a base model is a checkpoint."""

EARLIER = "deployment.json"
"""The file that folders of earlier versions had instead of a signed manifest."""


class Vouched(StrEnum):
    """How a file below ``lyrikstore/`` is verified."""

    MANIFEST = "manifest"
    """The manifest of the deployment: verified by its own proof, and a log proof."""
    TREE = "tree"
    """The tree of that manifest: verified by its digest in the manifest."""
    LOG = "log"
    """Genesis manifest, policies, log proofs and consistency: verified as beside a card."""
    INPUT = "input"
    """A manifest among the inputs: verified by its digest, its own proof, and a log proof."""
    CREDENTIAL = "credential"
    """A credential, or a status update about one: verified by its own signature."""
    CARD = "card"
    """``card.json``: verified by its digest in the manifest of the card."""
    ATTACHMENT = "attachment"
    """An attachment of the manifest: verified by its digest in the manifest."""
    NOTHING = "nothing"
    """The note that no file of the folder is signed."""


class EvidenceFile(Struct, frozen=True):
    """The meaning of a file below ``lyrikstore/``, by its name.

    Attributes:
        vouched: How the file is verified.
        kind: For an input, the kind of the manifest; for an attachment, its role; else empty.
        short: For a file that is named after a digest, the first digits of it; else empty.
        is_proof: Whether it is the log proof of the file with the same name.
    """

    vouched: Vouched
    kind: str = ""
    short: str = ""
    is_proof: bool = False


_FIXED = {
    MANIFEST: EvidenceFile(Vouched.MANIFEST),
    TREE: EvidenceFile(Vouched.TREE),
    GENESIS: EvidenceFile(Vouched.LOG),
    LOG_PROOF: EvidenceFile(Vouched.LOG, is_proof=True),
    CONSISTENCY: EvidenceFile(Vouched.LOG),
    LEAVES: EvidenceFile(Vouched.LOG),
    CARD: EvidenceFile(Vouched.CARD),
    REPORT: EvidenceFile(Vouched.ATTACHMENT, REPORT_ROLE),
    SIGNED_FILES: EvidenceFile(Vouched.ATTACHMENT, SIGNED_FILES_ROLE),
    UNSIGNED: EvidenceFile(Vouched.NOTHING),
}
_SHORT = r"(?P<short>[0-9a-f]{12})"
_END = r"\.(?P<end>json|tlog-proof)"
_POLICY = re.compile(r"policy-[1-9][0-9]{0,8}" + _END)
_INPUT = re.compile(rf"(?P<kind>{'|'.join(INPUT_KINDS)})-{_SHORT}{_END}")
_CREDENTIAL = re.compile(rf"(?:credential|statement|document)-{_SHORT}{_END}")
_CURRENT = re.compile(rf"credential-{_SHORT}-(?:revocation|suspension)\.json")


def evidence_file(name: str) -> EvidenceFile | None:
    """Return the meaning of a file below ``lyrikstore/``; None if it does not belong there.

    Args:
        name: Its path below :data:`FOLDER`.
    """
    if name in _FIXED:
        return _FIXED[name]
    if found := _POLICY.fullmatch(name):
        return EvidenceFile(Vouched.LOG, is_proof=_is_proof(found))
    if found := _INPUT.fullmatch(name):
        return EvidenceFile(Vouched.INPUT, found["kind"], found["short"], _is_proof(found))
    if found := _CREDENTIAL.fullmatch(name):
        proof = _is_proof(found)
        return EvidenceFile(Vouched.CREDENTIAL, short=found["short"], is_proof=proof)
    if found := _CURRENT.fullmatch(name):
        return EvidenceFile(Vouched.CREDENTIAL, short=found["short"])
    return None


def input_name(kind: str, short: str) -> str:
    """Return the name of an input without its ending, such as ``run-c6e312ed8ec2``."""
    return f"{kind}-{short}"


def _is_proof(found: "re.Match[str]") -> bool:
    return found["end"] == "tlog-proof"
