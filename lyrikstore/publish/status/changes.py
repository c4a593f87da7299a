"""Revoking, suspending, reinstating and superseding credentials by status lists (spec §20.6).

Status lists are credentials: the issuer signs them and the store logs them, so that the log shows
who revoked which credential, and when. The newest list of a URL and issuer is the current one; the
store keeps no other state.
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
    """Set or clear one status bit of a credential: sign a new status list and log it.

    Args:
        context: The store, and the credential's issuer.
        text: The credential, as :meth:`StatusRegistry.find` takes it.
        purpose: ``revocation`` or ``suspension``.
        value: Whether the credential is revoked or suspended from now on.
        alone: Raise ``shared-place`` if another credential has the same bit.
        reason: The reason, which is signed and logged with the list. Empty: no reason is logged.
        successor: The credential that replaces this one, or None.

    Raises:
        NotFoundError, InvalidInputError: As :meth:`StatusRegistry.find`; (``not-revocable``) the
            credential names status lists, but none of this purpose, or none that is in the store.
        ConflictError: (``revoked``) a revoked credential cannot be reinstated; (``nothing-to-do``)
            the credential already has this status.
        PolicyError: (``unauthorised``) with a reason: the policy does not let the signer log it.
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
            hint="issue a new credential that replaces it: --supersedes FILE"
            if ours
            else f"it cannot be revoked; only {issued.issuer} can issue a credential that "
            "replaces it",
        )
    if before is None:
        # The first version of a list that exists in this log only (rule 8).
        current = StatusList.empty(entry, issued.issuer)
        signed_by = logged_credential(repository, issued.id).signer or ""
    else:
        current, signed_by = before.content, before.signer
    issuer = speaking_for(repository, signer, issued.issuer, [signed_by])
    if purpose == "revocation" and not value:
        raise ConflictError(
            "revoked", "a revoked credential cannot be reinstated; issue a new credential"
        )
    if current.holds(entry.index) == value:
        status = {"revocation": "revoked", "suspension": "suspended"}[purpose]
        already = f"is {status} already" if value else f"is not {status}"
        raise ConflictError(
            "nothing-to-do",
            f"credential {issued.id.short} {already}",
            hint="others see it once its status lists are published: lyrikstore push, "
            "or lyrikstore credential publish"
            if value and issued.is_listed
            else "",
        )
    if alone:
        check_alone(registry, issued)
    bits = current.with_bit(entry.index, value)
    valid_from = _later(current, context.clock())
    data = sign_list(entry.url, purpose, bits, issuer, valid_from, LIST_VALIDITY)
    with open_transaction(repository) as transaction:
        transaction.log_credential(data)
        if reason:
            decision = _DECISIONS[purpose, value] if successor is None else "supersede"
            transaction.log_manifest(
                _signed_reason(context, issued, decision, Digest.of(data), reason, successor)
            )
        transaction.commit()
    return issued


def _signed_reason(
    context: StoreContext,
    issued: Issued,
    decision: str,
    status_list: Digest,
    reason: str,
    successor: Digest | None,
) -> Manifest:
    """Return the signed ``withdrawal`` manifest with the reason of a change (spec §20.6)."""
    repository = context.repository
    body = {"decision": decision, "credential": str(issued.id), "list": str(status_list)}
    return sign_event(
        repository,
        "withdrawal",
        subject_name(repository, logged_credential(repository, issued.id)) or _UNNAMED,
        body if successor is None else {**body, "successor": str(successor)},
        signer=context.signer(),
        clock=context.clock,
        message=reason,
    )


_DECISIONS = {change: decision for decision, change in DECISIONS.items() if decision != "supersede"}
_UNNAMED = "withdrawals/store/credentials"
"""Name of ``withdrawal`` manifests of credentials whose subject is not logged in this store."""


def revoke_alone(credential: bytes, *, signer: Signer, clock: Clock) -> tuple[Issued, bytes]:
    """Revoke an attestation of version 2 that no store issued; return it and the status list.

    The store that logged the attestation must import the list.

    Args:
        credential: The attestation.
        signer: Its issuer.
        clock: The current time.

    Raises:
        InvalidInputError: (``not-revocable``) it is not about a card, a model or a store, or names
            status lists itself.
        PolicyError: (``not-the-issuer``) the signer did not issue it.
    """
    opened = OpenedCredential(credential)
    if opened.kind is not CARD_ATTESTATION or opened.is_listed or opened.id is None:
        raise InvalidInputError(
            "not-revocable",
            "only an attestation about a card, a model or a store can be revoked without the store "
            "that logged it",
            hint="run this in the store that logged it: --store PATH",
        )
    if opened.issuer != signer.did:
        raise PolicyError(
            "not-the-issuer",
            f"only {opened.issuer} can revoke this attestation",
            hint="sign as that issuer: --signer NAME",
        )
    entry = next(e for e in opened.entries if e.purpose == "revocation")
    bits = StatusList.empty(entry, signer.did).with_bit(entry.index, True)
    data = sign_list(entry.url, entry.purpose, bits, signer, clock(), LIST_VALIDITY)
    name = str((opened.document or {}).get("id"))
    return Issued(opened.id, name, signer.did, opened.entries, is_listed=False), data


def revoke(
    context: StoreContext, credential: str, *, alone: bool = True, reason: str = ""
) -> Issued:
    """Revoke a credential permanently.

    The revocation is visible in this log and its clones, and to others in the status lists that
    the credential names, if it names any.

    Args:
        context: The store, and the credential's issuer.
        credential: A ``urn:uuid``, a digest, or at least 8 hex digits of one.
        alone: Raise ``shared-place`` if this would also revoke another credential, which has the
            same index of the list.
        reason: The reason, for the log; see :func:`set_status`.

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
    return max(now, current.valid_from + timedelta(seconds=1))  # verifiers use the newest list


def supersede(context: StoreContext, text: str, *, alone: bool = True, reason: str = "") -> Issued:
    """Revoke a credential that its issuer has replaced by a logged one; return the replacement.

    A verifier of the new credential sees that it replaces the old one; a verifier of the old one
    sees that it is revoked.

    Args:
        context: The store, and the credential's issuer.
        text: The old credential, as :meth:`StatusRegistry.find` takes it.
        alone: As :func:`set_status` takes it.
        reason: As :func:`set_status` takes it.

    Raises:
        InvalidInputError: (``no-successor``) no credential logged in this store replaces it; else
            as :func:`set_status`.
        NotFoundError, PolicyError, ConflictError: As :func:`set_status`.
    """
    context.signer()  # which may bring the log up to date
    registry = current_registry(context.repository)
    old = registry.find(text)
    successors = [
        new for new in registry.issued if new.supersedes == old.id and new.issuer == old.issuer
    ]
    if not successors:
        raise InvalidInputError(
            "no-successor",
            f"no credential logged in this store replaces credential {old.id.short}",
            hint="issue the replacement first, with --supersedes FILE; or revoke without one: "
            "lyrikstore credential revoke",
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
    """Return the current status lists of this store's keys; renew those that the signer may sign.

    A list is renewed when half of its validity has passed, or when it is not whole. Lists that
    need it but that the signer may not sign are returned unchanged. An expired list makes every
    credential that names it unverifiable: publish on a schedule.

    Args:
        context: The store, and the signer of the renewed lists.

    Raises:
        NotFoundError: (``no-lists``) this store has no such lists.
    """
    repository, signer = context.repository, context.signer()
    registry = current_registry(repository)
    issuers: dict[tuple[str, str], Signer] = {}
    for place, known in registry.lists.items():
        with suppress(PolicyError):
            issuers[place] = speaking_for(repository, signer, known.content.issuer, [known.signer])
    ours = own_keys(repository.policy)
    places = [
        place
        for place, known in registry.lists.items()
        if known.content.is_published and (place in issuers or known.signer in ours)
    ]
    if not places:
        raise NotFoundError(
            "no-lists",
            "this store has no status lists that you or its keys signed",
            hint="issue credentials with status lists: --status-url URL",
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
                content, issuer = registry.lists[place].content, issuers[place]
                args = (content.url, content.purpose, content.bits, issuer, _later(content, now))
                transaction.log_credential(sign_list(*args, LIST_VALIDITY))
            transaction.commit()
        registry.update(repository)
    return [registry.lists[place] for place in places]
