"""Approval of cards, and their status, which follows from the log (spec §14.4.9)."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct, field

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import InvalidInputError, LyrikstoreError, PolicyError
from lyrikstore.canon.json import JSON
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.governance.decide import require_permit
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.manifests.manifest import Input, Manifest, sign_manifest
from lyrikstore.history.policy.approving import (
    approvals_name,
    approving_roles,
    last_key,
)
from lyrikstore.history.policy.policy import APPROVAL
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.publish.cards.answerers import unknown_answers
from lyrikstore.publish.cards.card import card_name, draft_card, profiles_of
from lyrikstore.publish.cards.document import read_content
from lyrikstore.publish.cards.facts import subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS, CardForm
from lyrikstore.publish.cards.sources import check_sources, text_of
from lyrikstore.verify.decisions import decision_facts
from lyrikstore.verify.report import CheckState
from lyrikstore.verify.rules.uses import model_use
from lyrikstore.verify.store.statements.approvals import (
    count_decisions,
    decisions_on,
    makers_of,
)

_WAITING = ("stale", "contradicted")


class CardStatus(Struct, frozen=True):
    """The status of a card by the log.

    Attributes:
        word: ``draft``, ``complete``, ``approved``, ``self-approved``, ``withdrawn`` or
            ``superseded``.
        why: The reason in a sentence.
        approvals: Manifests that approve it now, in log order.
        needed: Number of distinct keys that must approve; 0 if no role may approve.
        possible: Number of keys of the role that may approve; fewer than ``needed`` if keys were
            revoked, so that even all of them do not suffice.
        facts: The decisions with signer, date, statement and rule, as
            :func:`~lyrikstore.verify.decisions.decision_facts` returns them.
    """

    word: str
    why: str
    approvals: tuple[Digest, ...] = ()
    needed: int = 0
    possible: int = 0
    facts: Mapping[str, JSON] = field(default_factory=dict)


def card_status(
    repository: Repository, card: Manifest, *, trust: Trust, at: datetime
) -> CardStatus:
    """Return the status of a logged card. It counts keys: two keys may belong to one person.

    Args:
        repository: The store.
        card: A card manifest of it.
        trust: The trust file with the people whose answers close an item.
        at: The moment of verification.

    Cost: reads the approvals of the card's name; if the card is not approved, also its answers.
    """
    state = repository.refs.get(card.name)
    decisions = decisions_on(repository, card)
    counted = count_decisions(repository, card, decisions)
    approving, count = counted.approving, counted.count
    indices = {
        one.id: repository.index_of(one.id)
        for one in (*decisions.approving, *decisions.revocations)
    }
    facts = decision_facts(decisions, counted, indices, trust, at)
    keys = (counted.needed, counted.possible, facts)
    ids = tuple(one.id for one in approving)
    if state is None or state.id != card.id:
        return CardStatus("superseded", "there is a newer card", ids, *keys)
    if counted.is_enough:
        by = pluralize(count, "key")
        return CardStatus("approved", f"approved by {by} of those who may", ids, *keys)
    if decisions.revocations and not approving:
        last = decisions.revocations[-1]
        reason = last.body.get("statement", "no reason is given")
        return CardStatus("withdrawn", f"approval was withdrawn: {reason}", (), *keys)
    # ATTACK: an independent approver signs `self`, or a maker of the card does not.
    if any(one.body["self"] for one in approving if one not in counted.independent):
        return CardStatus(
            "self-approved", "approved by whoever made the card or its subject alone", ids, *keys
        )
    if waiting := _open(card):
        return CardStatus("draft", f"{waiting} open, stale or contradicted", ids, *keys)
    if waiting := _answered_by_unknown(repository, card, trust, at):
        return CardStatus("draft", waiting, ids, *keys)
    why = f"approved by {count} of {pluralize(counted.needed, 'key')}"
    if counted.possible < counted.needed:
        why += f", and the role has {counted.possible}: an owner has to admit more"
    return CardStatus("complete", why, ids, *keys)


def newest_card(repository: Repository, checkpoint: Manifest) -> Manifest | None:
    """Return the newest card, not retired, about this version of a checkpoint, or None.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
    """
    state = repository.refs.get(card_name(checkpoint))
    retired = retired_versions(repository)
    for identity in () if state is None else state.history:
        card = repository.manifest(identity)
        if identity not in retired and any(
            model.id == checkpoint.id for model in card.inputs_in("checkpoint")
        ):
            return card
    return None


def check_approved(
    repository: Repository, checkpoint: Manifest, *, trust: Trust, at: datetime
) -> CardStatus | None:
    """Return the status of the newest card of a checkpoint that may be used, or None without card.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
        trust: The trust file with the people whose answers close an item.
        at: The moment of verification.

    Raises:
        PolicyError: (``not-approved``) the policy in force has a role with the kind ``approval``
            for this name, and no card about this version was approved by keys of that role.
    """
    return check_card_approved(
        repository, checkpoint, newest_card(repository, checkpoint), trust=trust, at=at
    )


def check_card_approved(
    repository: Repository,
    checkpoint: Manifest,
    card: Manifest | None,
    *,
    trust: Trust,
    at: datetime,
) -> CardStatus | None:
    """Return the status of a card of a checkpoint, if the checkpoint may be used with this card.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
        card: A card about it, or None.
        trust: The trust file with the people whose answers close an item.
        at: The moment of verification.

    Raises:
        PolicyError: As :func:`check_approved`, for this card.
    """
    status = None if card is None else card_status(repository, card, trust=trust, at=at)
    name = card_name(checkpoint)
    roles = approving_roles(repository.policy, approvals_name(name))
    if not any(APPROVAL in role.kinds for role in roles):
        return status
    if status is None or status.word == "superseded":
        what = "this version has no card" if status is None else status.why
        hint = f"lyrikstore card {checkpoint.id.hex}, then lyrikstore approve {name}"
    elif status.word == "approved":
        return status
    else:
        what = f"its card is {status.word}: {status.why}"
        keys = pluralize(status.needed, "approver")
        hint = f"lyrikstore approve {name}, by {keys} (lyrikstore show policies/store/main)"
        if status.word == "draft":
            hint = f"answer the open items: lyrikstore card {checkpoint.name} --draft DIR; {hint}"
    raise PolicyError("not-approved", f"{checkpoint.name} may not be used yet: {what}", hint=hint)


def approve_card(
    context: StoreContext,
    card: str | Manifest,
    *,
    alone: bool = False,
    revoke: bool = False,
    statement: str = "",
) -> tuple[Manifest, int, CardStatus]:
    """Approve a card, or withdraw an approval; return manifest, log index and the card's status.

    Args:
        context: The store, and the approver; its trust file has the people whose answers close an
            item.
        card: A logged card of it; or the name of a card, or of its subject.
        alone: Approve the signer's own work, which gives the status ``self-approved``.
        revoke: Revoke the signer's approval.
        statement: The reason.

    Raises:
        InvalidInputError: (``wrong-object``) no card, or one of version 0.1.0.
        PolicyError: (``not-approver``) no role lets this key approve; (``own-work``) a maker of
            run, model or card approves without ``alone``, or another key approves with it;
            (``card-outdated``) the card differs from the one that would be signed now;
            (``card-open``) a required item is open, stale or contradicted, or answered only by
            people who are not in the trust file; (``rules-denied``) the rules of the namespace
            deny it; (``not-approved``) the signer has no approval to
            withdraw.
    """
    repository, signer = context.repository, context.signer()
    if isinstance(card, str):
        named = repository.resolve(card)
        is_subject = named.kind in {"checkpoint", "dataset"}
        card = repository.resolve(card_name(named)) if is_subject else named
    if card.kind != "card" or card.body["profile"] not in FORMATS:
        raise InvalidInputError("wrong-object", f"{card.name} is not a card that can be approved")
    name = _name_of(card)
    roles = approving_roles(repository.policy, name)
    if all(signer.did not in role.keys for role in roles):
        raise PolicyError(
            "not-approver",
            f"no role of this store lets {signer.did} approve {name}",
            hint="an owner can admit the key: lyrikstore key admit DID --role approver",
        )
    key = last_key(repository.policy, signer.did)
    own = key in makers_of(repository, card, repository.policy)
    decisions = decisions_on(repository, card)
    check_ready = partial(_check_may_approve, context, card, name)
    # ATTACK A126: an entry that opens the card again is logged while the approval is signed.
    again = context.again(check_ready)
    if revoke:
        if all(last_key(repository.policy, one.author) != key for one in decisions.approving):
            raise PolicyError(
                "not-approved", "this key has no approval of this card that it could withdraw"
            )
    else:
        _check_own(own=own, alone=alone)
        check_ready()
    state = repository.refs.get(name)
    body = {"decision": "withdraw" if revoke else "approve", "self": own}
    manifest = sign_manifest(
        kind=APPROVAL,
        store=repository.store_id,
        name=name,
        body={**body, "statement": statement} if statement else body,
        signer=signer,
        created=repository.signing_date(context.clock),
        parents=[] if state is None else [state.id],
        inputs=[Input("card", "card", card.id)],
    )
    with open_transaction(repository) as transaction:
        transaction.log_manifest(manifest)
        if not revoke:
            transaction.hold(again)
        index = transaction.commit()[0]
    status = card_status(repository, card, trust=context.trust, at=context.clock())
    return manifest, index, status


def _check_may_approve(context: StoreContext, card: Manifest, name: str) -> None:
    repository = context.repository
    _check_ready(repository, card, context.trust, context.clock())
    for one in card.inputs_in("checkpoint"):
        model = repository.manifest(one.id)
        require_permit(context, model_use(repository, "approve", name, model))


def _check_own(*, own: bool, alone: bool) -> None:
    if own and not alone:
        raise PolicyError(
            "own-work",
            "this key, or a key that it replaced, signed the card, its subject or its run",
            hint="let another person approve it; or approve your own work: lyrikstore approve "
            "--self",
        )
    if alone and not own:
        raise PolicyError(
            "own-work",
            "this key signed neither the card nor its subject or run, so this is not its own work",
            hint="omit --self",
        )


def _check_ready(repository: Repository, card: Manifest, trust: Trust, at: datetime) -> None:
    state = repository.refs.get(card.name)
    subject = repository.manifest(subject_id(card))
    form = CardForm.of(card.body)
    now = draft_card(repository, subject, profiles_of(repository, card), form)
    same = Digest.of(now.data) == card.attachments_in("card")[0].id
    if state is None or state.id != card.id or not same:
        raise PolicyError(
            "card-outdated",
            "the card differs from the one that would be signed now: the log has new entries",
            hint="make the card again, and see the changes: lyrikstore card NAME --diff",
            details=_waiting(now.states),
        )
    # ATTACK: the card's manifest states fewer open items than the card has.
    if waiting := _words(sum(now.open.values())):
        raise PolicyError(
            "card-open",
            f"{waiting} open",
            hint="write the questions for an expert: lyrikstore card NAME --draft DIR",
            details=_waiting(now.states),
        )
    # ATTACK: answers under an impressive name, by a key that was made for them.
    if waiting := _unknown(repository, now.content, trust, at):
        raise PolicyError(
            "card-open",
            waiting,
            hint="confirm their keys by another route, for example by telephone, then: lyrikstore "
            "trust add DID --role expert",
            details=_waiting(now.states),
        )
    # ATTACK: readers see a page that differs from card.json.
    sources = check_sources(repository, card)
    undrawn = sources.state is CheckState.STATED and sources.detail["roles"] == ["pdf"]
    if sources.state is not CheckState.PASS and not undrawn:
        raise PolicyError(
            "card-outdated",
            f"the card differs from its sources: {sources.summary}",
            hint="make the card again: lyrikstore card NAME; or see more about this one: "
            "lyrikstore verify",
            details=_waiting(now.states),
        )


def _waiting(states: dict[str, int]) -> dict[str, int]:
    return {state: states[state] for state in _WAITING}


def _open(card: Manifest) -> str:
    body = card.body
    return _words(sum(one["open"] for one in body.get("profiles", ())))


def _answered_by_unknown(repository: Repository, card: Manifest, trust: Trust, at: datetime) -> str:
    try:
        content = read_content(text_of(repository, card))
        return _unknown(repository, content, trust, at)
    except LyrikstoreError as error:
        return f"its answers cannot be read: {error.message}"


def _unknown(repository: Repository, content: Mapping[str, Any], trust: Trust, at: datetime) -> str:
    """Return a sentence on the items that only people outside the trust file answered, or ""."""
    answers = unknown_answers(repository, content, trust, at)
    if not answers.items:
        return ""
    items = pluralize(len(answers.items), "required item is", "required items are")
    people = ", ".join(answers.unknown)
    return f"{items} answered only by people who are not in your trust file: {people}"


def _words(count: int) -> str:
    return pluralize(count, "item is", "items are") if count else ""


def _name_of(card: Manifest) -> str:
    return approvals_name(card.name)
