"""A reviewer signs decisions, with their own key and without a store (spec §26.6)."""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from lyrikstore.canon.errors import InvalidInputError, PolicyError
from lyrikstore.canon.json import Document
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof_encoded
from lyrikstore.review.folder import OpenedFolder
from lyrikstore.verify.review.decision_file import decision_fault
from lyrikstore.verify.review.model import MAX_DECISIONS_BYTES, DecisionFile, encoded


def sign_decisions(
    opened: OpenedFolder, file: DecisionFile, signer: Signer, now: datetime
) -> bytes:
    """Return a signed decision file.

    Args:
        opened: The folder that the decisions are about.
        file: The decisions; a signature on them is replaced.
        signer: The reviewer.
        now: The current time.

    Raises:
        InvalidInputError: (``other-queue``) the decisions are about another queue;
            (``unknown-item``, ``bad-decision-file``) one of them is not about this folder;
            (``no-decisions``) there are none.
        PolicyError: (``not-asked``) the folder is for another key.
        LyrikstoreError: As :func:`add_proof_encoded`.
    """
    folder = opened.folder
    if signer.did != folder.reviewer:
        raise PolicyError(
            "not-asked",
            f"the folder is for {folder.reviewer}, and the key is {signer.did}",
            hint="sign with the key that was asked: --key NAME",
        )
    if file.queue != str(opened.queue.id) or file.reviewer != folder.reviewer:
        raise InvalidInputError("other-queue", "the decisions are about another queue or reviewer")
    if not file.decisions:
        raise InvalidInputError(
            "no-decisions", "nothing is decided yet", hint="lyrikstore review next FOLDER"
        )
    known = {one.item for one in folder.items}
    for one in file.decisions:
        fault = decision_fault(one, folder.questions, blind=folder.blind)
        if one.item not in known:
            raise InvalidInputError("unknown-item", f"item {one.item} is not in the folder")
        if fault:
            raise InvalidInputError("bad-decision-file", f"item {one.item}: {fault}")
    unsigned = replace(file, created=format_timestamp(now), proof=UNSET)
    document = Document.parse(encoded(unsigned), max_bytes=MAX_DECISIONS_BYTES)
    return add_proof_encoded(document.members, signer)[1]
