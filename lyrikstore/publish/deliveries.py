"""Delivery manifests: log entries about data that was handed over, with its recipient (§14.2.1)."""

from collections.abc import Sequence
from typing import Any, Literal

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError
from lyrikstore.canon.quoting import quote
from lyrikstore.context import StoreContext
from lyrikstore.history.commit.events import sign_event
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest

MAX_TO = 256
"""Characters of the name of a recipient, at most."""


def sign_delivery(
    context: StoreContext,
    dataset: Manifest,
    *,
    form: Literal["credential", "checkout"],
    to: str = "",
    credential: Digest | None = None,
    without: Sequence[str] = (),
) -> Manifest:
    """Return the signed manifest of a delivery, to be logged by the caller.

    Args:
        context: The store, and the signer, who hands the data over.
        dataset: The dataset version that is handed over.
        form: ``credential``: a delivery folder; ``checkout``: the data alone.
        to: The recipient: a name for people, or a DID; empty: no recipient is named.
        credential: The credential of a delivery folder.
        without: Fields of the records that are omitted.

    Raises:
        InvalidInputError: (``bad-recipient``) the recipient is not a valid name.
    """
    check_recipient(to)
    body: dict[str, Any] = {
        "form": form,
        **({"to": to} if to else {}),
        **({"credential": str(credential)} if credential else {}),
        **({"without": list(without)} if without else {}),
    }
    return sign_event(
        context.repository,
        "delivery",
        dataset.name,
        body,
        signer=context.signer(),
        clock=context.clock,
        inputs=[Input("dataset", "dataset", dataset.id)],
    )


def record_delivery(
    context: StoreContext,
    dataset: Manifest,
    *,
    to: str = "",
    without: Sequence[str] = (),
) -> tuple[Manifest, int]:
    """Log that the data of a dataset version was handed over by a checkout.

    Args:
        context: As for :func:`sign_delivery`.
        dataset: The dataset version that is handed over.
        to: The recipient; empty: no recipient is named.
        without: Fields of the records that are omitted.

    Returns:
        The manifest and its log index.

    Raises:
        LyrikstoreError: As :func:`sign_delivery`; the policy does not let the signer log this, or
            the store cannot be written.
    """
    manifest = sign_delivery(context, dataset, form="checkout", to=to, without=without)
    with open_transaction(context.repository) as transaction:
        transaction.log_manifest(manifest)
        return manifest, transaction.commit()[0]


def check_recipient(to: str) -> None:
    """Raise ``bad-recipient`` unless ``to`` is a valid name of a recipient, or empty.

    Raises:
        InvalidInputError: (``bad-recipient``) it starts or ends with a space, is too long, or is
            not one line.
    """
    if to != to.strip() or len(to) > MAX_TO or any(not one.isprintable() for one in to):
        raise InvalidInputError(
            "bad-recipient",
            f"{quote(to, 60)} is not a valid recipient",
            hint=f"give one line of at most {MAX_TO} characters without spaces at its ends: a "
            "name, a customer number, or a DID",
        )
