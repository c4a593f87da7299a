"""Counting of a card's approvals against the policy's thresholds (spec §14.4.9)."""

from collections.abc import Container, Iterable, Sequence

from msgspec import Struct

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.policy.policy import APPROVAL, Policy, Role


class CountedApprovals(Struct, frozen=True):
    """The counted approvals of one card.

    Attributes:
        approving: The approvals by keys that may approve.
        independent: Of these, the approvals by keys other than those of the authors.
        count: Number of distinct approving keys of the role that comes nearest to its threshold.
        needed: That threshold; 0 where no role may approve.
        possible: Number of keys of that role; fewer than ``needed`` if keys were revoked, and then
            even all of them are not enough.
        role: Name of that role; empty where no role may approve.
    """

    approving: tuple[Manifest, ...]
    independent: tuple[Manifest, ...]
    count: int = 0
    needed: int = 0
    possible: int = 0
    role: str = ""

    @property
    def is_enough(self) -> bool:
        """Whether the card is approved."""
        return 0 < self.needed <= self.count


class CardDecisions(Struct, frozen=True):
    """The last decision of each key about a card, in log order.

    Attributes:
        approving: Approvals.
        revocations: Revocations of an approval.
    """

    approving: tuple[Manifest, ...] = ()
    revocations: tuple[Manifest, ...] = ()


def last_decisions(policy: Policy, approvals: Iterable[Manifest]) -> CardDecisions:
    """Return the last decision of each key.

    Args:
        policy: The policy in force; it names the successors of keys.
        approvals: Manifests of that kind about one card, in log order.
    """
    last: dict[str, Manifest] = {}
    for one in approvals:
        key = last_key(policy, one.author)
        last.pop(key, None)
        last[key] = one
    found = last.values()
    return CardDecisions(
        tuple(one for one in found if one.body["decision"] == "approve"),
        tuple(one for one in found if one.body["decision"] == "withdraw"),
    )


def count_approvals(
    policy: Policy, name: str, approvals: Sequence[Manifest], authors: Container[str]
) -> CountedApprovals:
    """Count the approvals of a card.

    Args:
        policy: The policy in force.
        name: Name of the approvals.
        approvals: The approvals that were not revoked.
        authors: Keys of the authors of the card, its subject and its run, each passed through
            :func:`last_key`.
    """
    roles = approving_roles(policy, name)
    # ATTACK: whoever may sign everything else approves, and hides that others took theirs back.
    approving = tuple(
        one for one in approvals if any(last_key(policy, one.author) in role.keys for role in roles)
    )
    independent = tuple(one for one in approving if last_key(policy, one.author) not in authors)
    # A key that was replaced keeps what it signed, and counts as the one that replaced it.
    keys = {last_key(policy, one.author) for one in independent}
    counts = [(len(keys & set(role.keys)), role.threshold, len(role.keys)) for role in roles]
    nearest = max(counts, key=lambda one: one[0] - one[1], default=(0, 0, 0))
    names = {id(role): name for name, role in policy.roles.items()}
    role = names[id(roles[counts.index(nearest)])] if counts else ""
    return CountedApprovals(approving, independent, *nearest, role)


def approving_roles(policy: Policy, name: str) -> list[Role]:
    """Return the roles whose keys approve: roles that name the kind, or else every role.

    Args:
        policy: The policy in force.
        name: Name of the approvals.
    """
    found = [role for role in policy.roles.values() if role.covers(APPROVAL, name)]
    # Every store has an owner who may sign all kinds: that must not undercut a threshold.
    return [role for role in found if APPROVAL in role.kinds] or found


def last_key(policy: Policy, key: str) -> str:
    """Return the last successor of a key in the policy, or the key itself."""
    # ATTACK: who trained the model approves it with the key that theirs was replaced by.
    return policy.successor(key) or key


def approvals_name(card: str) -> str:
    """Return the name of the approvals of the card named ``card``."""
    return f"approvals/{Name.parse(card).part}"
