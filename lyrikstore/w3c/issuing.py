"""Signing by profile ``w3c``: foreign kinds of credentials, and presentations of grants."""

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
from lyrikstore.publish.cards.gathering.values import contains_values
from lyrikstore.publish.identity.issuer import Issuer
from lyrikstore.publish.issue.issue import IssuedCredential
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.w3c.profile.presentation import make_presentation
from lyrikstore.w3c.profile.resources import Resources
from lyrikstore.w3c.profile.signing import sign_credential


class Presented(Struct, frozen=True):
    """A signed presentation.

    Attributes:
        data: Its bytes.
        holder: DID of the holder.
        shown: The credentials in it: the grant, and its dataset credential if that is available.
        did_document: The DID document of the organisation that presents, or None.
        contains_values: Whether the dataset credential contains values or paths of the data:
            labels, suffixes of file names, or selectors of partitions.
    """

    data: bytes
    holder: str
    shown: tuple[bytes, ...]
    did_document: bytes | None
    contains_values: bool = False


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
    """Sign a W3C credential of any kind; return it and the DID of its issuer.

    It is checked by the rules of verification first. Only a missing issuer and the proof are added.

    Args:
        data: The unsigned credential.
        signer: The issuer, or a person who signs for the organisation that issues.
        suites: Cryptosuites; one proof is added for each.
        organisation: The did:web that issues, or None.
        did_document: The organisation's published document; None: a new one that lists this key.
        resources: Name or URL → schemas and other resources that it names.
        clock: The current time.
        label: Name of the credential in messages.

    Raises:
        FormatError: (``bad-json``, ``bad-credential``) the data is not a JSON object.
        LyrikstoreError: As :func:`lyrikstore.w3c.profile.signing.sign_credential` and
            :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
    """
    unsigned = parse(data, floats=True, nulls=True)
    if not isinstance(unsigned, dict):
        raise FormatError("bad-credential", f"{label} is not a JSON object")
    available, created = Resources(resources), clock()
    issuer = Issuer.of(signer, organisation, did_document, created)
    signed = sign_credential(unsigned, issuer.signer, suites, created, available)
    issued = IssuedCredential(signed, Digest.of(signed), None, {}, did_document=issuer.document)
    return issued, issuer.did


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
        signer: The holder, or a person who signs for the organisation that holds the grant.
        challenge: The challenge that the verifier chose.
        domain: The verifier's own name.
        did_document: The organisation's published document; None: a new one that lists this key.
        with_values: Include the dataset credential even if it contains values or paths of the data.
        clock: The current time.
        label: Name of the grant in messages.

    Raises:
        InvalidInputError: (``not-a-grant``) the file is no grant; (``usage``) no challenge or
            domain; or as :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
        KeyMaterialError: (``not-the-holder``) another DID holds the grant.
    """
    opened = OpenedCredential(grant)
    if opened.kind is not GRANT:
        raise InvalidInputError(
            "not-a-grant",
            f"{label} is not a licence grant",
            hint="give the file that your licensor made with: lyrikstore grant",
        )
    terms, named, created = SiblingFiles(siblings).terms_of(opened), _holder(opened), clock()
    organisation = named if named.startswith("did:web:") else None
    holder = Issuer.of(signer, organisation, did_document, created, purpose="authentication")
    if holder.did != named:
        raise KeyMaterialError(
            "not-the-holder",
            f"{label} was granted to {escape_control(named)}, but the signer is {signer.did}",
            hint="sign with the holder's key: --signer NAME",
        )
    has_values = terms is not None and contains_values(terms)
    if has_values and not with_values:
        terms = None
    shown = tuple(one.data for one in (opened, terms) if one is not None)
    data = make_presentation(
        shown, holder.signer, created=created, challenge=challenge, domain=domain
    )
    return Presented(data, holder.did, shown, holder.document, has_values)


def _holder(grant: OpenedCredential) -> str:
    # Unverified: presenting an invalid grant gains nothing.
    match grant.document:
        case {"credentialSubject": {"id": str(holder)}}:
            return holder
    raise InvalidInputError("not-a-grant", "the licence grant names no holder")
