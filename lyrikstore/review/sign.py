"""A reviewer signs decisions, with their own key and without a store (spec §26.6)."""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from lyrikstore.canon.errors import PolicyError
from lyrikstore.canon.json import Document
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import add_proof_encoded
from lyrikstore.review.folder import OpenedFolder, check_about
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
    check_about(opened, file)
    unsigned = replace(file, created=format_timestamp(now), proof=UNSET)
    document = Document.parse(encoded(unsigned), max_bytes=MAX_DECISIONS_BYTES)
    return add_proof_encoded(document.members, signer)[1]
