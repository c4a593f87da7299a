"""A presentation of a licence grant: who holds it shows one verifier that it is theirs."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, InvalidInputError, KeyMaterialError
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.credentials.model.credential import DATASET, GRANT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.publish.cards.vocabulary.values import without_values
from lyrikstore.publish.identity.issuer import Issuer
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.w3c.presentation import make_presentation


class Presented(Struct, frozen=True):
    """A presentation that was signed.

    Attributes:
        data: Its bytes.
        holder: DID of whoever presents.
        shown: The credentials in it: the grant, and the terms it rests on if they are at hand.
        did_document: The document of the organisation that presents, or None.
        tells_values: Whether those terms name values or paths of the data: labels, suffixes of file
            names, or what selects a partition.
    """

    data: bytes
    holder: str
    shown: tuple[bytes, ...]
    did_document: bytes | None
    tells_values: bool = False


def tells_values(terms: OpenedCredential) -> bool:
    """Return whether a dataset credential names values or paths of its data, or may do so."""
    try:
        terms.claims_as(DATASET)
    except FormatError:
        return True
    subject: Any = terms.parsed().members["credentialSubject"]
    stated = [one for one in subject["descriptor"] if one["state"] == "value"]
    return (
        any(without_values(one["field"], one["value"]) != one["value"] for one in stated)
        or any("select" in one for one in subject["licence"]["partitions"])
        or any("parameters" in one.get("recipe", ()) for one in subject.get("quality", ()))
    )


def present_grant(
    grant: bytes,
    siblings: Mapping[str, bytes],
    *,
    signer: Signer,
    challenge: str,
    domain: str,
    did_document: bytes | None = None,
    with_values: bool = False,
    clock: Clock = now,
    label: str = "the file",
) -> Presented:
    """Return a presentation of a licence grant for one verifier.

    Args:
        grant: The grant.
        siblings: The files next to it, among them the dataset credential it rests on.
        signer: The holder, or whoever signs for the organisation that it was granted to.
        challenge: What the verifier gave to be signed.
        domain: The verifier's own name.
        did_document: The organisation's published document; None makes one that lists this key.
        with_values: Show the dataset credential even where it names values or paths of the data.
        clock: Now.
        label: What to call the grant in messages.

    Raises:
        InvalidInputError: (``not-a-grant``) it is none; (``usage``) no challenge or domain; or as
            :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
        KeyMaterialError: (``not-the-holder``) it was granted to somebody else.
    """
    opened = OpenedCredential(grant)
    if opened.kind is not GRANT:
        raise InvalidInputError(
            "not-a-grant",
            f"{label} is no licence grant",
            hint="give the file that whoever licensed the data to you made: lyrikstore grant",
        )
    terms, named, created = SiblingFiles(siblings).terms_of(opened), _holder(opened), clock()
    organisation = named if named.startswith("did:web:") else None
    holder = Issuer.of(signer, organisation, did_document, created, purpose="authentication")
    if holder.did != named:
        raise KeyMaterialError(
            "not-the-holder",
            f"{label} was granted to {escape_control(named)}, and the key here is {signer.did}",
            hint="sign with the holder's key: --signer",
        )
    tells = terms is not None and tells_values(terms)
    if tells and not with_values:
        terms = None
    shown = tuple(one.data for one in (opened, terms) if one is not None)
    data = make_presentation(
        shown, holder.signer, created=created, challenge=challenge, domain=domain
    )
    return Presented(data, holder.did, shown, holder.document, tells)


def _holder(grant: OpenedCredential) -> str:
    # Unverified: a grant that does not hold helps nobody who shows it.
    match grant.document:
        case {"credentialSubject": {"id": str(holder)}}:
            return holder
    raise InvalidInputError("not-a-grant", "the licence grant names no holder")
