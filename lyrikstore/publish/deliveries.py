"""What was handed to whom, as the log keeps it (spec §14.2.1)."""

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
"""Characters of what says to whom."""


def sign_delivery(
    context: StoreContext,
    dataset: Manifest,
    *,
    form: Literal["credential", "checkout"],
    to: str = "",
    credential: Digest | None = None,
    without: Sequence[str] = (),
) -> Manifest:
    """Return the signed manifest of a delivery, to be logged with what is handed over.

    Args:
        context: The store, and who hands it over.
        dataset: What is handed over.
        form: ``credential``: the folder that goes with one; ``checkout``: the data alone.
        to: To whom: a name for people, or a DID; empty: nobody is named.
        credential: The credential, of that form.
        without: Fields of the records that are left out.

    Raises:
        InvalidInputError: (``bad-recipient``) that is no name.
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
    """Log that the data of a dataset version was handed out by a checkout.

    Args:
        context: As for :func:`sign_delivery`.
        dataset: What is handed over.
        to: To whom; empty: nobody is named.
        without: Fields of the records that are left out.

    Returns:
        The manifest and its log index.

    Raises:
        LyrikstoreError: As :func:`sign_delivery`; the policy does not let the signer say this, or
            the store cannot be written to.
    """
    manifest = sign_delivery(context, dataset, form="checkout", to=to, without=without)
    with open_transaction(context.repository) as transaction:
        transaction.log_manifest(manifest)
        return manifest, transaction.commit()[0]


def check_recipient(to: str) -> None:
    """Refuse what cannot say to whom something is handed.

    Raises:
        InvalidInputError: (``bad-recipient``) blank at an end, too long, or not one line.
    """
    if to != to.strip() or len(to) > MAX_TO or any(not one.isprintable() for one in to):
        raise InvalidInputError(
            "bad-recipient",
            f"that cannot say to whom: {quote(to, 60)}",
            hint=f"one line of at most {MAX_TO} characters: a name, a customer number, or a DID",
        )
