"""Checks of a grant: issuer, holder, permissions, and the right to grant them (spec §20.5)."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.json import JSON
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.model.credential import DATASET, GRANT
from lyrikstore.credentials.model.grant import Grant, exceeds
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.terms.vocabulary import limit_words
from lyrikstore.credentials.trust import Trust
from lyrikstore.verify.credential.envelope import (
    Envelope,
    keys_for,
    open_envelope,
)
from lyrikstore.verify.credential.issuer import (
    check_issuer,
    check_standing,
)
from lyrikstore.verify.credential.issuer_key import check_available_key
from lyrikstore.verify.credential.status import NO_STATUS_UPDATES, StatusUpdates
from lyrikstore.verify.report import (
    Check,
    CheckState,
    check_of,
    complete,
    failed,
    not_applicable,
    passed,
    stated,
    unchecked,
    warned,
)


class Holder(Struct, frozen=True):
    """The party that presented a grant.

    Attributes:
        did: DID of the key that signed the presentation.
        fresh: Whether the key signed a challenge and a domain of the verifier's; if not, the
            presentation may have been made for another party, or long ago.
        unverified: Why the key may not belong to this DID, a reason of ``issuer.document``; or
            empty.
    """

    did: str
    fresh: bool = True
    unverified: str = ""


class CheckedGrant(Struct, frozen=True):
    """The outcome of a grant's checks.

    Attributes:
        checks: The checks of the procedure ``grant``.
        grant: The parsed grant, or None if it is malformed. Established only if the envelope is
            genuine.
        envelope: The credential.
    """

    checks: tuple[Check, ...]
    grant: Grant | None
    envelope: Envelope


def check_grant(
    opened: OpenedCredential,
    *,
    trust: Trust,
    at: datetime,
    status_updates: StatusUpdates = NO_STATUS_UPDATES,
    terms: OpenedCredential | None = None,
    other_version: Digest | None = None,
    holder: Holder | None = None,
) -> CheckedGrant:
    """Return the outcome of a grant's checks. Never raises for bad input.

    Args:
        opened: The grant.
        trust: The keys that the verifier trusts.
        at: The moment for which the result holds.
        status_updates: What its issuer has published about it, and about its terms, since.
        terms: The dataset credential that it names, as ``SiblingFiles.terms_of`` gives it, or None.
        other_version: If ``terms`` is not available, the version that an available dataset
            credential is about, as ``SiblingFiles.other_version`` gives it, or None.
        holder: The party that presented it, or None if it was not presented.

    Cost: two signatures and two schema validations.
    """
    envelope = open_envelope(opened, GRANT, keys_for(trust, status_updates, at))
    document = envelope.document
    if document is None:
        return CheckedGrant(complete("grant", envelope.checks), None, envelope)
    grant = Grant.of(document["credentialSubject"])
    judged, successor = check_issuer(
        envelope, grant.name, grant.store, trust=trust, at=at, status_updates=status_updates
    )
    checks = (
        *envelope.checks,
        *judged,
        check_available_key(envelope, status_updates.statements, grant.store, successor),
        _check_grant(grant, document),
        _no_terms(grant, other_version)
        if terms is None
        else _check_terms(grant, document, envelope, terms, status_updates, trust, at),
        _check_holder(grant, holder),
    )
    return CheckedGrant(checks, grant, envelope)


def _check_grant(grant: Grant, document: Mapping[str, JSON]) -> Check:
    parts = [f"{', '.join(quote(word) for word in grant.permits)} granted to {grant.holder}"]
    if grant.requires:
        parts.append(f"requires {', '.join(quote(word) for word in grant.requires)}")
    for name, value in grant.limits.items():
        if name != "type":
            parts.append(f"{name} {quote(', '.join(limit_words(name, value)))}")
    summary = f"{'; '.join(parts)}; about {quote(grant.name)}"
    return stated("grant", summary, grant=document["credentialSubject"]["grant"])


def _no_terms(grant: Grant, other_version: Digest | None) -> Check:
    missing = f"the dataset credential {grant.terms.short} it rests on is not at hand"
    if other_version is None:
        return unchecked("grant.terms", "missing-file", missing)
    return unchecked(
        "grant.terms",
        "other-version",
        f"{missing}: it is for {quote(grant.name)} as manifest {grant.manifest.short}, and the "
        f"one at hand is about another version, manifest {other_version.short}",
        granted=str(grant.manifest),
        found=str(other_version),
    )


def _check_terms(
    grant: Grant,
    document: Mapping[str, JSON],
    envelope: Envelope,
    terms: OpenedCredential,
    status_updates: StatusUpdates,
    trust: Trust,
    at: datetime,
) -> Check:
    opened = open_envelope(terms, DATASET, keys_for(trust, status_updates, at))
    stated, claims = opened.document, opened.claims
    proof = check_of(opened.checks, "proof")
    named = (opened.id, opened.issuer) == (grant.terms, envelope.issuer)
    if named and proof.state is CheckState.UNCHECKED:
        summary = f"whether the dataset credential it rests on holds is not known: {proof.summary}"
        return unchecked("grant.terms", str(proof.detail["reason"]), summary)
    if stated is None or claims is None or not opened.signature_valid or opened.id != grant.terms:
        return failed("grant.terms", "unsound", "the dataset credential it rests on does not hold")
    if document["credentialSubject"]["grant"]["terms"]["id"] != stated["id"]:
        return failed("grant.terms", "disagrees", "it names the terms by two different names")
    if opened.issuer != envelope.issuer:
        return failed("grant.terms", "other-issuer", "its issuer is not who issued the terms")
    if not grant.is_about(claims):
        return failed("grant.terms", "other-dataset", "the terms are about another dataset")
    too_much = exceeds(grant, str(document["validUntil"]), claims, stated)
    if too_much is not None:
        return failed("grant.terms", "exceeds", f"more than the terms allow: {too_much}")
    # ATTACK: terms by an older key, which only a document next to them lists, and with it the key
    # of the attacker, who signs their status lists.
    status = check_standing(opened, status_updates, trust, at, vouched=envelope.signer)
    if status.state is CheckState.FAIL and status.detail["reason"] != "superseded":
        summary = f"the terms it rests on are {status.summary}"
        return failed("grant.terms", str(status.detail["reason"]), summary)
    if status.state is CheckState.UNCHECKED:
        summary = f"whether the terms still hold is not known: {status.summary}"
        return unchecked("grant.terms", str(status.detail["reason"]), summary)
    if status.state is CheckState.FAIL:
        # Replaced terms are those of new grants; what was granted under the old ones stays.
        summary = f"within the terms of credential {grant.terms.short}, since replaced"
        return warned("grant.terms", "superseded", summary)
    return passed("grant.terms", f"within the terms of credential {grant.terms.short}")


def _check_holder(grant: Grant, holder: Holder | None) -> Check:
    if holder is None:
        return not_applicable("grant.holder", "nobody proved to hold it: see present")
    if holder.did != grant.holder:
        shown, granted = quote(holder.did, 300), quote(grant.holder, 300)
        summary = f"presented by {shown}, but granted to {granted}"
        return failed("grant.holder", "other-holder", summary)
    if holder.unverified:
        summary = f"presented, but that the key which signed is {quote(holder.did, 300)}'s is open"
        return unchecked("grant.holder", holder.unverified, summary)
    if not holder.fresh:
        summary = "presented, but not over a challenge and domain of yours: it may be a replay"
        return unchecked("grant.holder", "not-asked", summary)
    return passed("grant.holder", "presented by whom it is granted to")
