"""The decisions about cards, and whether they name self-approval correctly (spec §14.4.9).

The signing and the verification of an approval share these rules.
"""

from collections.abc import Iterable, Iterator

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import pluralize
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import (
    CardDecisions,
    CountedApprovals,
    approvals_name,
    count_approvals,
    last_decisions,
    last_key,
)
from lyrikstore.history.policy.policy import APPROVAL, Policy
from lyrikstore.history.signed_log import SignedLog
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, not_applicable

_CHECK = "approvals"


def makers_of(repository: SignedLog, card: Manifest, policy: Policy) -> set[str]:
    """Return the latest key of each maker of a card, of its subject and of its run.

    Args:
        repository: The store.
        card: The card.
        policy: Names the successors of keys.

    Raises:
        LyrikstoreError: The subject of the card cannot be read.
    """
    named = (*card.inputs_in("checkpoint"), *card.inputs_in("subject"))
    subject = repository.manifest(named[0].id)
    # ATTACK: a card that leaves the run out among its own inputs.
    made = [card, subject, *(repository.manifest(one.id) for one in subject.inputs_in("run"))]
    return {last_key(policy, one.author) for one in made}


def decisions_on(repository: SignedLog, card: Manifest) -> CardDecisions:
    """Return the last decision of each key about a card, in log order.

    Args:
        repository: The store.
        card: A card manifest of it.

    Cost: reads the approvals of the card's name.
    """
    state = repository.refs.get(approvals_name(card.name))
    said = map(repository.manifest, reversed(state.history if state is not None else ()))
    about = (one for one in said if one.inputs_in("card")[0].id == card.id)
    return last_decisions(repository.policy, about)


def count_decisions(repository: SignedLog, card: Manifest, made: CardDecisions) -> CountedApprovals:
    """Return the approvals of a card that count by the policy in force.

    Args:
        repository: The store.
        card: A card manifest of it.
        made: As :func:`decisions_on` gives them.

    Raises:
        LyrikstoreError: As :func:`makers_of`.
    """
    authors = makers_of(repository, card, repository.policy)
    name = approvals_name(card.name)
    return count_approvals(repository.policy, name, made.approving, authors)


def check_approvals(repository: SignedLog, ancestry: Lineage) -> Check:
    """Return ``approvals``: whether each declares truly if its author made the approved object.

    Args:
        repository: The store.
        ancestry: The manifests in question: approvals, and cards, whose approvals are checked.
    """
    problems = Problems(_CHECK)
    count = 0
    for approval in _approvals(repository, ancestry.values(), problems):
        count += 1
        label = f"{approval.name} ({approval.id.short})"
        try:
            card = repository.manifest(approval.inputs_in("card")[0].id)
            policy = repository.policy_before(repository.index_of(approval.id))
            own = last_key(policy, approval.author) in makers_of(repository, card, policy)
        except LyrikstoreError as error:
            problems.note(label, error)
            continue
        if approval.name != approvals_name(card.name):
            problems.add(problems.bad, "other-card", f"{label}: it is not called after its card")
        # ATTACK A93: whoever made the model approves it as if somebody else had.
        if approval.body["self"] != own:
            made = "made" if own else "did not make"
            text = f"{label}: its author {made} the card, its subject or its run, and it says else"
            problems.add(problems.bad, "own-work", text)
    if not count and not problems.count:
        return not_applicable(_CHECK, "nobody approved it")
    said = pluralize(count, "approval says", "approvals say")
    return problems.close(f"{said} rightly whether it is of one's own work", approvals=count)


def _approvals(
    repository: SignedLog, manifests: Iterable[Manifest], problems: Problems
) -> Iterator[Manifest]:
    """Yield the approvals among manifests, and for cards among them each key's last decision."""
    found: dict[Digest, Manifest] = {}
    for one in manifests:
        if one.kind == APPROVAL:
            found[one.id] = one
        if one.kind != "card":
            continue
        try:
            made = decisions_on(repository, one)
            for approval in (*made.approving, *made.revocations):
                found.setdefault(approval.id, approval)
        except LyrikstoreError as error:
            problems.note(f"what approves {one.name} ({one.id.short})", error)
    yield from found.values()
