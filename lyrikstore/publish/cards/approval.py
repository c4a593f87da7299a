"""Who approved a card, and what its status is: it follows from the log alone (spec §14.4.9)."""

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
from lyrikstore.verify.store.statements.approvals import (
    count_decisions,
    decisions_on,
    makers_of,
)

_WAITING = ("stale", "contradicted")


class CardStatus(Struct, frozen=True):
    """What a card is, as the log has it.

    Attributes:
        word: ``draft``, ``complete``, ``approved``, ``self-approved``, ``withdrawn`` or
            ``superseded``.
        why: In a sentence.
        approvals: Manifests that approve it now, in log order.
        needed: How many distinct keys it takes; 0 where no role may approve.
        possible: How many keys of the role may approve; fewer than ``needed`` if keys were revoked,
            and then all of them are not enough.
        facts: Who decided what, when, in which words, and by which rule, as
            :func:`~lyrikstore.verify.decisions.decision_facts` gives them.
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
    """Return the status of a logged card. Two keys need not be two people.

    Args:
        repository: The store.
        card: A card manifest of it.
        trust: Whose answers close an item.
        at: The moment to judge for.

    Cost: reads the approvals of the card's name; of a card that nobody approved, its answers.
    """
    state = repository.refs.get(card.name)
    made = decisions_on(repository, card)
    counted = count_decisions(repository, card, made)
    approving, count = counted.approving, counted.count
    everything = (*made.approving, *made.withdrawn)
    indices = {one.id: repository.index_of(one.id) for one in everything}
    facts = decision_facts(made, counted, indices, trust, at)
    keys = (counted.needed, counted.possible, facts)
    ids = tuple(one.id for one in approving)
    if state is None or state.id != card.id:
        return CardStatus("superseded", "there is a newer card", ids, *keys)
    if counted.is_enough:
        by = pluralize(count, "key")
        return CardStatus("approved", f"approved by {by} of those who may", ids, *keys)
    if made.withdrawn and not approving:
        last = made.withdrawn[-1]
        reason = last.body.get("statement", "no reason is given")
        return CardStatus("withdrawn", f"approval was withdrawn: {reason}", (), *keys)
    # ATTACK: somebody independent calls it self-approved, or whoever made it does not.
    if any(one.body["self"] for one in approving if one not in counted.independent):
        return CardStatus(
            "self-approved", "approved by whoever made the card or its subject alone", ids, *keys
        )
    if waiting := _open(card):
        return CardStatus("draft", f"{waiting} open, stale or contradicted", ids, *keys)
    if waiting := _of_strangers(repository, card, trust, at):
        return CardStatus("draft", waiting, ids, *keys)
    why = f"approved by {count} of {pluralize(counted.needed, 'key')}"
    if counted.possible < counted.needed:
        why += f", and the role has {counted.possible}: an owner has to admit more"
    return CardStatus("complete", why, ids, *keys)


def newest_card(repository: Repository, checkpoint: Manifest) -> Manifest | None:
    """Return the newest card about exactly this version of a checkpoint that was not retired.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
    """
    state = repository.refs.get(card_name(checkpoint))
    gone = retired_versions(repository)
    for identity in () if state is None else state.history:
        card = repository.manifest(identity)
        if identity not in gone and any(
            one.id == checkpoint.id for one in card.inputs_in("checkpoint")
        ):
            return card
    return None


def check_approved(
    repository: Repository, checkpoint: Manifest, *, trust: Trust, at: datetime
) -> CardStatus | None:
    """Return the status of the newest card of a checkpoint that may be used; None: it has none.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
        trust: Whose answers close an item.
        at: The moment to judge for.

    Raises:
        PolicyError: (``not-approved``) the policy in force has a role whose kinds have
            ``approval`` for this name, and there is no card about exactly this version that its
            keys approved.
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
    """Return the status of one card of a checkpoint that may be used with it.

    Args:
        repository: The store.
        checkpoint: A checkpoint of it.
        card: A card about it; None: there is none.
        trust: Whose answers close an item.
        at: The moment to judge for.

    Raises:
        PolicyError: As :func:`check_approved`, of this very card.
    """
    status = None if card is None else card_status(repository, card, trust=trust, at=at)
    name = card_name(checkpoint)
    roles = approving_roles(repository.policy, approvals_name(name))
    if not any(APPROVAL in role.kinds for role in roles):
        return status
    if status is None or status.word == "superseded":
        what = "no card is about this version of it" if status is None else status.why
        hint = f"lyrikstore card {checkpoint.id.hex}, then lyrikstore approve {name}"
    elif status.word == "approved":
        return status
    else:
        what = f"its card is {status.word}: {status.why}"
        keys = pluralize(status.needed, "approver")
        hint = f"lyrikstore approve {name}, by {keys} (lyrikstore show policies/store/main)"
        if status.word == "draft":
            hint = f"lyrikstore card {checkpoint.name} --draft DIR asks what is open; then {hint}"
    raise PolicyError("not-approved", f"{checkpoint.name} may not be used yet: {what}", hint=hint)


def approve_card(
    context: StoreContext,
    card: str | Manifest,
    *,
    alone: bool = False,
    withdraw: bool = False,
    statement: str = "",
) -> tuple[Manifest, int, CardStatus]:
    """Approve a card, or take an approval back; return manifest, log index and the card's status.

    Args:
        context: The store, and whoever approves; the trust says whose answers close an item.
        card: A logged card of it; or the name of one, or of what it is about.
        alone: Approve what one made oneself: a status of its own.
        withdraw: Take one's approval back.
        statement: Why.

    Raises:
        InvalidInputError: (``wrong-object``) no card, or one of version 0.1.0.
        PolicyError: (``not-approver``) no role lets this key approve; (``own-work``) whoever made
            run, model or card approves it as somebody else, or somebody else as its maker;
            (``card-outdated``) the card is not what would be signed now; (``card-open``) something
            required is open, stale or contradicted, or closed by nobody whom the trust file knows;
            (``not-approved``) there is nothing to take back.
    """
    repository, signer = context.repository, context.signer()
    if isinstance(card, str):
        found = repository.resolve(card)
        is_subject = found.kind in {"checkpoint", "dataset"}
        card = repository.resolve(card_name(found)) if is_subject else found
    if card.kind != "card" or card.body["profile"] not in FORMATS:
        raise InvalidInputError("wrong-object", f"{card.name} is no card that can be approved")
    name = _name_of(card)
    roles = approving_roles(repository.policy, name)
    if all(signer.did not in role.keys for role in roles):
        raise PolicyError(
            "not-approver",
            f"no role of this store lets {signer.did} approve {name}",
            hint="an owner lets it: lyrikstore key admit DID --role approver",
        )
    key = last_key(repository.policy, signer.did)
    own = key in makers_of(repository, card, repository.policy)
    made = decisions_on(repository, card)
    check_ready = partial(_check_ready, repository, card, context.trust, context.clock())
    # ATTACK A126: what opens the card again is logged while somebody approves it.
    again = context.again(check_ready)
    if withdraw:
        if all(last_key(repository.policy, one.author) != key for one in made.approving):
            raise PolicyError("not-approved", "this key has approved nothing to be taken back")
    else:
        _check_own(own=own, alone=alone)
        check_ready()
    state = repository.refs.get(name)
    body = {"decision": "withdraw" if withdraw else "approve", "self": own}
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
        if not withdraw:
            transaction.hold(again)
        index = transaction.commit()[0]
    status = card_status(repository, card, trust=context.trust, at=context.clock())
    return manifest, index, status


def _check_own(*, own: bool, alone: bool) -> None:
    if own and not alone:
        raise PolicyError(
            "own-work",
            "this key, or one that it took the place of, signed the card, its subject or its run",
            hint="somebody else approves; who is alone says so: lyrikstore approve --self",
        )
    if alone and not own:
        raise PolicyError(
            "own-work",
            "this key made nothing of it, so it does not approve it by itself",
            hint="leave --self out",
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
            "the card is not what would be signed now: something came since",
            hint="lyrikstore card NAME --diff makes it anew and shows what changed",
            details=_found(now.states),
        )
    # ATTACK: the card's manifest counts less than is open; what counts is what it says.
    if waiting := _words(sum(now.open.values())):
        raise PolicyError(
            "card-open",
            f"{waiting} open",
            hint="lyrikstore card NAME --draft DIR asks an expert",
            details=_found(now.states),
        )
    # ATTACK: answers in a name that sounds well, by a key that was made for them.
    if waiting := _strangers(repository, now.content, trust, at):
        raise PolicyError(
            "card-open",
            waiting,
            hint="compare their keys with theirs by another route, then: lyrikstore trust add DID "
            "--role expert",
            details=_found(now.states),
        )
    # ATTACK: a page that says something else than card.json is what everybody reads.
    sources = check_sources(repository, card)
    undrawn = sources.state is CheckState.STATED and sources.detail["roles"] == ["pdf"]
    if sources.state is not CheckState.PASS and not undrawn:
        raise PolicyError(
            "card-outdated",
            f"the card does not say what would be signed now: {sources.summary}",
            hint="lyrikstore card NAME makes it anew; lyrikstore verify tells more of this one",
            details=_found(now.states),
        )


def _found(states: dict[str, int]) -> dict[str, int]:
    return {one: states[one] for one in _WAITING}


def _open(card: Manifest) -> str:
    body = card.body
    return _words(sum(one["open"] for one in body.get("profiles", ())))


def _of_strangers(repository: Repository, card: Manifest, trust: Trust, at: datetime) -> str:
    try:
        content = read_content(text_of(repository, card))
        return _strangers(repository, content, trust, at)
    except LyrikstoreError as error:
        return f"its answers cannot be read: {error.message}"


def _strangers(
    repository: Repository, content: Mapping[str, Any], trust: Trust, at: datetime
) -> str:
    """Return what only people answer whom the trust file does not know; empty: nothing."""
    found = unknown_answers(repository, content, trust, at)
    if not found.items:
        return ""
    items = pluralize(len(found.items), "required item is", "required items are")
    return f"{items} answered by nobody whom the trust file knows: {', '.join(found.unknown)}"


def _words(count: int) -> str:
    return pluralize(count, "item is", "items are") if count else ""


def _name_of(card: Manifest) -> str:
    return approvals_name(card.name)
