"""Revoking, suspending, reinstating: the status lists that a store keeps (spec §20.6).

Lists are credentials like others: signed by the issuer and logged, so that the log shows who took
back what, and when. The newest list of a URL and issuer is the current one; nothing else is kept.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.canon.timestamps import Clock
from lyrikstore.context import StoreContext
from lyrikstore.credentials.model.credential import CARD_ATTESTATION
from lyrikstore.credentials.model.logged import logged_credential
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.credentials.model.status_list import StatusList, sign_list
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.history.commit.events import sign_event
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.publish.identity.issuer import own_keys, speaking_for
from lyrikstore.publish.status.current_list import LIST_VALIDITY, CurrentList
from lyrikstore.publish.status.status_registry import Issued, current_registry
from lyrikstore.verify.store.events import DECISIONS
from lyrikstore.verify.store.status_changes import subject_name


def set_status(
    context: StoreContext,
    text: str,
    purpose: str,
    *,
    value: bool,
    alone: bool = True,
    reason: str = "",
    successor: Digest | None = None,
) -> Issued:
    """Set or clear one bit of a credential's standing: sign the list anew and log it.

    Args:
        context: The store, and the credential's issuer.
        text: The credential, as :meth:`StatusRegistry.find` takes it.
        purpose: ``revocation`` or ``suspension``.
        value: Whether it is revoked or suspended from now on.
        alone: Refuse where another credential has the same bit.
        reason: Why; it is signed and logged beside the list. Empty: nobody says.
        successor: What takes its place, where something does.

    Raises:
        NotFoundError, InvalidInputError: As :meth:`StatusRegistry.find`; (``not-revocable``) it
            names lists, and none for this, or none that is here.
        ConflictError: (``revoked``) what was revoked stays revoked; (``nothing-to-do``) that is its
            standing already.
        PolicyError: (``unauthorised``) with a reason: the policy does not let the signer say it.
        LyrikstoreError: As :func:`speaking_for` and :func:`check_alone`.
    """
    from lyrikstore.publish.status.shared_index import check_alone

    repository, signer = context.repository, context.signer()
    registry = current_registry(repository)
    issued = registry.find(text)
    entry = next((e for e in issued.entries if e.purpose == purpose), None)
    before = None if entry is None else registry.lists.get((entry.url, issued.issuer))
    if entry is None or (before is None and issued.is_listed):
        ours = issued.issuer == signer.did or issued.issuer.startswith("did:web:")
        raise InvalidInputError(
            "not-revocable",
            f"credential {issued.id.short} names no {purpose} list",
            hint="issue another with --supersedes, which takes its place"
            if ours
            else f"nobody can take it back, and only {issued.issuer} could issue another",
        )
    if before is None:
        # The first of its own list, which is nowhere but in this log (rule 8).
        current = StatusList.empty(entry, issued.issuer)
        signed_by = logged_credential(repository, issued.id).signer or ""
    else:
        current, signed_by = before.content, before.signer
    issuer = speaking_for(repository, signer, issued.issuer, [signed_by])
    if purpose == "revocation" and not value:
        raise ConflictError("revoked", "a revocation is for good; issue a new credential")
    if current.holds(entry.index) == value:
        said = {"revocation": "revoked", "suspension": "suspended"}[purpose]
        known = f"is {said} already" if value else f"is not {said}"
        raise ConflictError(
            "nothing-to-do",
            f"credential {issued.id.short} {known}",
            hint="others see it once the lists are published: lyrikstore push, "
            "or lyrikstore credential publish"
            if value and issued.is_listed
            else "",
        )
    if alone:
        check_alone(registry, issued)
    bits = current.with_bit(entry.index, value)
    made = _later(current, context.clock())
    data = sign_list(entry.url, purpose, bits, issuer, made, LIST_VALIDITY)
    with open_transaction(repository) as transaction:
        transaction.log_credential(data)
        if reason:
            decision = _DECISIONS[purpose, value] if successor is None else "supersede"
            why = _withdrawal(context, issued, decision, Digest.of(data), reason, successor)
            transaction.log_manifest(why)
        transaction.commit()
    return issued


def _withdrawal(
    context: StoreContext,
    issued: Issued,
    decision: str,
    status_list: Digest,
    reason: str,
    successor: Digest | None,
) -> Manifest:
    """Return why a credential's standing changes, signed (spec §20.6)."""
    repository = context.repository
    body = {"decision": decision, "credential": str(issued.id), "list": str(status_list)}
    return sign_event(
        repository,
        "withdrawal",
        subject_name(repository, logged_credential(repository, issued.id)) or _OTHERS,
        body if successor is None else {**body, "successor": str(successor)},
        signer=context.signer(),
        clock=context.clock,
        message=reason,
    )


_DECISIONS = {found: decision for decision, found in DECISIONS.items() if decision != "supersede"}
_OTHERS = "withdrawals/store/credentials"
"""What withdrawals are called of credentials about what is not logged here."""


def revoke_alone(credential: bytes, *, signer: Signer, clock: Clock) -> tuple[Issued, bytes]:
    """Revoke an attestation about a card that was made without a store; return it and the list.

    The list is handed to whoever has logged the attestation, takes it in, and logs it.

    Args:
        credential: The attestation.
        signer: Its issuer.
        clock: Now.

    Raises:
        InvalidInputError: (``not-revocable``) it is none, or names lists of its own.
        PolicyError: (``not-the-issuer``) the signer did not issue it.
    """
    opened = OpenedCredential(credential)
    if opened.kind is not CARD_ATTESTATION or opened.is_listed or opened.id is None:
        raise InvalidInputError(
            "not-revocable",
            "without the store that logged it, only what is said of a card is revoked",
            hint="run this where it was logged: --store PATH",
        )
    if opened.issuer != signer.did:
        raise PolicyError(
            "not-the-issuer", f"only {opened.issuer} can do that", hint="sign as: --signer NAME"
        )
    entry = next(one for one in opened.entries if one.purpose == "revocation")
    bits = StatusList.empty(entry, signer.did).with_bit(entry.index, True)
    data = sign_list(entry.url, entry.purpose, bits, signer, clock(), LIST_VALIDITY)
    name = str((opened.document or {}).get("id"))
    return Issued(opened.id, name, signer.did, opened.entries, is_listed=False), data


def revoke(
    context: StoreContext, credential: str, *, alone: bool = True, reason: str = ""
) -> Issued:
    """Revoke a credential for good.

    Whoever has this log or a clone of it learns of it there; others from the status lists that it
    names, if it names any.

    Args:
        context: The store, and the credential's issuer.
        credential: A ``urn:uuid``, a digest, or at least 8 hex digits of one.
        alone: Whether to refuse where that would revoke another with it, which drew the same
            place of the list.
        reason: Why, for the log; see :func:`set_status`.

    Raises:
        LyrikstoreError: As :func:`set_status`.
    """
    return set_status(context, credential, "revocation", value=True, alone=alone, reason=reason)


def suspend(
    context: StoreContext, credential: str, *, alone: bool = True, reason: str = ""
) -> Issued:
    """Suspend a credential until it is reinstated; arguments and errors as :func:`revoke`."""
    return set_status(context, credential, "suspension", value=True, alone=alone, reason=reason)


def reinstate(
    context: StoreContext, credential: str, *, alone: bool = True, reason: str = ""
) -> Issued:
    """End the suspension of a credential; arguments and errors as :func:`revoke`."""
    return set_status(context, credential, "suspension", value=False, alone=alone, reason=reason)


def _later(current: StatusList, now: datetime) -> datetime:
    return max(now, current.valid_from + timedelta(seconds=1))  # of two, the newer one counts


def supersede(context: StoreContext, text: str, *, alone: bool = True, reason: str = "") -> Issued:
    """Revoke a credential in whose place its issuer has logged another, and return that one.

    Who is shown the new one learns that it replaces the old; who is not, sees the old revoked.

    Args:
        context: The store, and the credential's issuer.
        text: The old credential, as :meth:`StatusRegistry.find` takes it.
        alone: As :func:`set_status` takes it.
        reason: As :func:`set_status` takes it.

    Raises:
        InvalidInputError: (``no-successor``) nothing logged here replaces it; else as
            :func:`set_status`.
        NotFoundError, PolicyError, ConflictError: As :func:`set_status`.
    """
    context.signer()  # which may bring the log up to date
    registry = current_registry(context.repository)
    old = registry.find(text)
    successors = [
        one for one in registry.issued if one.supersedes == old.id and one.issuer == old.issuer
    ]
    if not successors:
        raise InvalidInputError(
            "no-successor",
            f"nothing logged here replaces credential {old.id.short}",
            hint="issue it first, with --supersedes FILE; or: lyrikstore credential revoke",
        )
    successor = successors[-1]
    set_status(
        context,
        str(old.id),
        "revocation",
        value=True,
        alone=alone,
        reason=reason,
        successor=successor.id,
    )
    return successor


def renew_lists(context: StoreContext) -> list[CurrentList]:
    """Return the current lists of this store's people, those of this signer's renewed.

    A list that ran out makes every credential that names it unverifiable: publish on a schedule.
    One that is half through, or not whole, and not the signer's to sign is returned as it is.

    Args:
        context: The store, and who signs those of their own anew that are half through or not
            whole.

    Raises:
        NotFoundError: (``no-lists``) there are none.
    """
    repository, signer = context.repository, context.signer()
    registry = current_registry(repository)
    issuers: dict[tuple[str, str], Signer] = {}
    for place, one in registry.lists.items():
        with suppress(PolicyError):
            issuers[place] = speaking_for(repository, signer, one.content.issuer, [one.signer])
    ours = own_keys(repository.policy)
    places = [
        place
        for place, one in registry.lists.items()
        if one.content.is_published and (place in issuers or one.signer in ours)
    ]
    if not places:
        raise NotFoundError(
            "no-lists", "this store has no status lists of yours", hint="issue with --status-url"
        )
    now = context.clock()
    old = [
        place
        for place in places
        if place in issuers
        and (registry.lists[place].is_half_through(now) or not registry.lists[place].whole)
    ]
    if old:
        with open_transaction(repository) as transaction:
            for place in old:
                found = registry.lists[place].content
                made = _later(found, now)
                args = (found.url, found.purpose, found.bits, issuers[place], made, LIST_VALIDITY)
                transaction.log_credential(sign_list(*args))
            transaction.commit()
        registry.update(repository)
    return [registry.lists[place] for place in places]
