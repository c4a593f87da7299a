"""Grants: licences for a named holder under the terms of a dataset credential (spec §20.4)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import (
    FormatError,
    InvalidInputError,
    KeyMaterialError,
    PolicyError,
    VerificationError,
)
from lyrikstore.canon.json import JSON
from lyrikstore.canon.timestamps import format_timestamp
from lyrikstore.context import StoreContext
from lyrikstore.credentials.did.names import parse_did
from lyrikstore.credentials.issue import reference_to
from lyrikstore.credentials.model.credential import (
    DATASET,
    GRANT,
    Claims,
    CredentialMetadata,
)
from lyrikstore.credentials.model.grant import Grant, build_grant, exceeds
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.model import Partition, UsageLimits
from lyrikstore.credentials.terms.vocabulary import (
    DUTIES,
    PERMISSIONS,
    PURPOSES,
    check_words,
    territory_of,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.multikey import parse_did_key
from lyrikstore.curate.terms.sources import Asker
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.identity.issuer import (
    SIGN_AS_ISSUER,
    Issuance,
    Issuer,
    check_current,
    own_documents,
    speaking_for,
)
from lyrikstore.publish.identity.key_statements import check_few_statements
from lyrikstore.publish.issue.issue import IssuedCredential, issue_logged
from lyrikstore.publish.issue.redistribution import check_granted
from lyrikstore.verify.credential.envelope import keys_for, open_envelope
from lyrikstore.verify.credential.issuer import check_standing
from lyrikstore.verify.credential.status import logged_status_updates
from lyrikstore.verify.report import CheckState


class Licence(Struct, frozen=True):
    """The licence of a named holder, within the terms of a dataset credential.

    Attributes:
        holder: DID of the buyer.
        permits: Uses that the holder is permitted.
        until: Last moment of validity.
        requires: Duties besides those of the terms.
        territory: Countries and subdivisions, ISO 3166, EU or EEA; empty: wherever the terms hold.
        seats: Number of people who may use the data; None: not limited.
        purposes: Permitted purposes of the work; empty: not limited. The period of use is that of
            the terms.
        holder_name: Name of the buyer; claimed, never trusted.
    """

    holder: str
    permits: Sequence[str]
    until: datetime
    requires: Sequence[str] = ()
    territory: Sequence[str] = ()
    seats: int | None = None
    purposes: Sequence[str] = ()
    holder_name: str | None = None


def grant_licence(
    context: StoreContext,
    credential: bytes,
    licence: Licence,
    issuance: Issuance | None = None,
) -> IssuedCredential:
    """Sign and log a grant, and return it.

    Args:
        context: The publisher's store. Its signer is the issuer of the dataset credential, or signs
            for the organisation that issued it. Its trust file decides which publishers of foreign
            data are believed.
        credential: The dataset credential under whose terms it is granted.
        licence: The holder, and what is granted.
        issuance: The publisher's name, and where its status lists are published. If an organisation
            issued the dataset credential, it also issues the grant, and need not be named again.

    Raises:
        VerificationError: (``does-not-verify``) the dataset credential does not verify, or is not
            in force.
        PolicyError: (``not-the-issuer``) another issuer issued it; (``wider-than-sources``) the
            data rests on data of others, who now permit less than that.
        InvalidInputError: (``exceeds-terms``) its terms do not let the publisher grant that;
            (``bad-validity``) the grant would end before it begins; (``bad-holder``) the holder is
            no DID, or a did:key without a valid key; (``not-listed``, ``not-an-organisation``) as
            :meth:`lyrikstore.publish.identity.issuer.Issuer.of`.
        LyrikstoreError: As :func:`check_current`, :func:`check_few_statements` and
            :func:`check_words`.
    """
    repository, signer = context.repository, context.signer()
    check_current(repository.policy, signer)
    check_few_statements(repository)
    start = context.clock()
    issuance = issuance or Issuance()
    _check_licence(licence, start)
    opened = OpenedCredential(credential)
    issuer, terms = _terms(repository, opened, issuance, signer, start)
    about = Claims.of(terms["credentialSubject"])
    limits = _limits(licence, about)
    metadata = issuer.metadata(issuance, GRANT, start, licence.until)

    def build(metadata: CredentialMetadata) -> dict[str, JSON]:
        return build_grant(
            metadata,
            about,
            terms=reference_to(credential),
            holder=licence.holder,
            holder_name=licence.holder_name,
            permits=licence.permits,
            requires=licence.requires,
            limits=limits.to_json(),
        )

    _check(build(metadata), about, terms, licence.until)
    if about.store == repository.store_id and repository.is_logged(about.manifest, "manifest"):
        check_granted(
            repository,
            repository.manifest(about.manifest),
            [_granted(one, licence, limits) for one in about.terms.partitions],
            licence.until,
            Asker(context.trust, start, signer.did),
            issuer.did,
        )
    return issue_logged(context, build, metadata, status_url=issuance.status_url, issuer=issuer)


def _granted(part: Partition, licence: Licence, limits: UsageLimits) -> Partition:
    requires = tuple(dict.fromkeys((*part.requires, *licence.requires)))
    permits = tuple(licence.permits)
    return replace(part, permits=permits, grantable=(), requires=requires, limits=limits)


def _check_licence(licence: Licence, start: datetime) -> None:
    if licence.until <= start:
        raise InvalidInputError(
            "bad-validity",
            f"the end of the grant, {format_timestamp(licence.until)}, has passed",
            hint="choose a later moment: --until",
        )
    _check_holder(licence.holder)
    check_words("permission", licence.permits, PERMISSIONS)
    check_words("duty", licence.requires, DUTIES)
    check_words("purpose", licence.purposes, PURPOSES)


def _terms(
    repository: Repository,
    credential: OpenedCredential,
    issuance: Issuance,
    signer: Signer,
    at: datetime,
) -> tuple[Issuer, Mapping[str, Any]]:
    """Return the issuer of the grant, and the dataset credential, verified to be that issuer's."""
    status_updates = logged_status_updates(repository)
    claimed = credential.issuer or ""  # unverified: it only decides which DID documents are made
    organisation = claimed if claimed.startswith("did:web:") else None
    if organisation is not None:
        status_updates = replace(
            status_updates, documents=own_documents(repository.policy, organisation)
        )
        if credential.signer is not None:
            speaking_for(repository, signer, organisation, [credential.signer])
    opened = open_envelope(credential, DATASET, keys_for(Trust(), status_updates, at))
    terms = opened.document
    if terms is None or not opened.signature_valid:
        faults = [check.summary for check in opened.checks if check.state is CheckState.FAIL]
        raise VerificationError(
            "does-not-verify",
            f"the file is not a valid dataset credential: {faults[0]}",
            hint="see the whole report: lyrikstore verify FILE",
        )
    name = issuance.organisation or organisation
    issuer = Issuer.of(signer, name, issuance.did_document, at)
    if opened.issuer != issuer.did:
        raise PolicyError(
            "not-the-issuer",
            f"only {opened.issuer}, which issued these terms, can grant under them",
            hint="that key was replaced: issue the dataset credential again with the current key, "
            "and grant under the new one"
            if any(item.key == opened.issuer for item in repository.policy.retired)
            else SIGN_AS_ISSUER,
        )
    if _is_suspect(repository, credential):
        raise VerificationError(
            "does-not-verify",
            "the dataset credential was signed with a key that was compromised at that time",
            hint="issue it again with the current key, and grant under the new one",
        )
    status = check_standing(opened, status_updates, Trust(), at)
    if status.state is CheckState.FAIL:
        raise VerificationError(
            "does-not-verify",
            f"the dataset credential is {status.summary}",
            hint="grant under a credential in force: the one that replaced it, or a new one",
        )
    return issuer, terms


def _limits(licence: Licence, about: Claims) -> UsageLimits:
    theirs = [partition.limits for partition in about.terms.partitions]
    return UsageLimits(
        territory=territory_of(licence.territory),
        use_from=max(filter(None, (one.use_from for one in theirs)), default=None),
        use_until=min(filter(None, (one.use_until for one in theirs)), default=None),
        seats=licence.seats,
        purposes=tuple(dict.fromkeys(licence.purposes)),
    )


def _check_holder(holder: str) -> None:
    # With a typing error in a key, no holder could ever prove to own the licence.
    try:
        method, _ = parse_did(holder)
        if method == "key":
            parse_did_key(holder)
    except (FormatError, KeyMaterialError) as error:
        raise InvalidInputError(
            "bad-holder",
            f"{holder[:80]!r} is not a DID that a licence can be granted to: {error.message}",
            hint="ask the holder for the DID that `lyrikstore key show` prints; the DID of an "
            "organisation is did:web:NAME",
        ) from None


def _is_suspect(repository: Repository, credential: OpenedCredential) -> bool:
    identity = credential.digest
    if not repository.is_logged(identity, "credential"):
        return credential.signer in repository.policy.suspects
    return repository.is_suspect(credential.data, repository.index_of(identity, "credential"))


def _check(
    document: Mapping[str, Any], about: Claims, terms: Mapping[str, JSON], until: datetime
) -> None:
    grant = Grant.of(document["credentialSubject"])
    excess = exceeds(grant, format_timestamp(until), about, terms)
    if excess is not None:
        raise InvalidInputError(
            "exceeds-terms",
            f"the grant exceeds the terms of {about.name}: {excess}",
            hint="keep within the terms that `lyrikstore terms` shows, by --territory, --seats, "
            "--for and --until; or issue the dataset credential again with --grantable WORDS, "
            "wider limits or a longer validity",
        )
