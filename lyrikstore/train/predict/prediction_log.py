"""That a checkpoint was asked, as the log keeps it where somebody wants it (spec §13.11.3)."""

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
    """Log that a checkpoint was asked, and how often; nothing of what was asked or answered.

    Args:
        context: The store, opened to append.
        checkpoint_ref: The checkpoint.
        asked: How many records it was asked.
        answered: How many of these have an answer.
        not_known: How many have the answer that it is not known.

    Returns:
        The signed, logged manifest.

    Raises:
        InvalidInputError: (``wrong-object``) that is no checkpoint.
        LyrikstoreError: As :meth:`StoreContext.resolve`; as any transaction.
    """
    checkpoint = context.resolve(checkpoint_ref)
    if checkpoint.kind != "checkpoint":
        raise InvalidInputError(
            "wrong-object", f"{checkpoint.name} is a {checkpoint.kind}; only checkpoints are asked"
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
