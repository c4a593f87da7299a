"""What is signed here by profile ``w3c``: other people's kinds of credential, and presentations."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, InvalidInputError, KeyMaterialError
from lyrikstore.canon.json import parse
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import Clock, now
from lyrikstore.credentials.model.credential import GRANT
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.publish.cards.vocabulary.values import tells_values
from lyrikstore.publish.identity.issuer import Issuer
from lyrikstore.publish.issue.issue import IssuedCredential
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.w3c.profile.presentation import make_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.signing import sign_credential


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


def sign_other(
    data: bytes,
    *,
    signer: Signer,
    suites: Sequence[str],
    organisation: str | None = None,
    did_document: bytes | None = None,
    resources: Mapping[str, bytes] = MappingProxyType({}),
    clock: Clock = now,
    label: str = "the credential",
) -> tuple[IssuedCredential, str]:
    """Return a W3C credential of whatever kind, signed, and its issuer's DID.

    It is checked by the rules of verification first; nothing but a missing issuer and the proof is
    added.

    Args:
        data: The unsigned credential.
        signer: Its issuer, or whoever signs for the organisation that is.
        suites: One proof by each cryptosuite.
        organisation: A did:web in whose name it is, or None.
        did_document: The organisation's published document; None makes one that lists this key.
        resources: Name or URL → schemas and other resources that it names.
        clock: Now.
        label: What to call it in messages.

    Raises:
        FormatError: (``bad-json``, ``bad-credential``) it is no JSON object.
        LyrikstoreError: As :func:`lyrikstore.w3c.profile.signing.sign_credential` and
            :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
    """
    unsigned = parse(data, floats=True, nulls=True)
    if not isinstance(unsigned, dict):
        raise FormatError("bad-credential", f"{label} is not a JSON object")
    at_hand, created = Resources(resources), clock()
    issuer = Issuer.of(signer, organisation, did_document, created)
    signed = sign_credential(unsigned, issuer.signer, suites, created, at_hand)
    made = IssuedCredential(signed, Digest.of(signed), None, {}, did_document=issuer.document)
    return made, issuer.did


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
