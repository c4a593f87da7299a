"""Who approved the card of a deployed folder, by the approvals beside it (spec §14.7.7)."""

from collections.abc import Sequence

from lyrikstore.canon.text import pluralize
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.approving import approvals_name, count_approvals, last_key
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.verify.report import Check, not_applicable, passed, unchecked, warned

_CHECK = "deployment.approval"


def check_approval(
    card: Manifest | None,
    made: Sequence[Manifest],
    approvals: Sequence[Manifest],
    history: KeyHistory | None,
) -> Check:
    """Return ``deployment.approval``: whether those who may have approved the card.

    Args:
        card: The card among the inputs; None: there is none.
        made: The card, the checkpoint and its run, as far as they are sound.
        approvals: The approvals among the inputs that are sound.
        history: The policies of the store, or None where they are not established.
    """
    if card is None:
        return not_applicable(_CHECK, "no signed card is its README")
    detail = {"card": str(card.id)}
    if history is None or history.forked:
        summary = "who may approve in that store is not established"
        return unchecked(_CHECK, "no-policy", summary, **detail)
    policy = history.current
    authors = {last_key(policy, one.author) for one in made}
    counted = count_approvals(policy, approvals_name(card.name), approvals, authors)
    if counted.is_enough:
        who = [one.author for one in counted.independent]
        keys = pluralize(counted.count, "key")
        summary = f"its card {card.name} was approved by {keys} of those who may: {', '.join(who)}"
        return passed(_CHECK, summary, approvers=who, **detail)
    who = [one.author for one in counted.approving]
    if who and len(counted.independent) < len(who):
        summary = f"its card {card.name} was approved by whoever made it alone: {', '.join(who)}"
        return warned(_CHECK, "self-approved", summary, approvers=who, **detail)
    summary = f"its card {card.name} was approved by {counted.count} of {counted.needed} keys"
    return warned(_CHECK, "not-approved", summary, approvers=who, **detail)
