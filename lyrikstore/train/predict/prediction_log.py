"""Optional log entries about predictions of a checkpoint (spec §13.11.3)."""

from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.events import sign_event
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest


def record_prediction(
    context: StoreContext,
    checkpoint_ref: str | Manifest,
    *,
    asked: int,
    answered: int,
    not_known: int,
) -> Manifest:
    """Log the number of predictions of a checkpoint, without content of records or answers.

    Args:
        context: The store, opened to append.
        checkpoint_ref: The checkpoint.
        asked: Number of records.
        answered: Number of records with an answer.
        not_known: Number of records for which the model abstained.

    Returns:
        The signed, logged manifest.

    Raises:
        InvalidInputError: (``wrong-object``) the object is not a checkpoint.
        LyrikstoreError: As :meth:`StoreContext.resolve`; as any transaction.
    """
    checkpoint = context.resolve(checkpoint_ref)
    if checkpoint.kind != "checkpoint":
        raise InvalidInputError(
            "wrong-object",
            f"{checkpoint.name} is a {checkpoint.kind}; only checkpoints make predictions",
        )
    manifest = sign_event(
        context.repository,
        "prediction",
        checkpoint.name,
        {"asked": asked, "answered": answered, "notKnown": not_known},
        signer=context.signer(),
        clock=context.clock,
        inputs=[Input("checkpoint", "checkpoint", checkpoint.id)],
    )
    with open_transaction(context.repository) as transaction:
        transaction.log_manifest(manifest)
        transaction.commit()
    return manifest
