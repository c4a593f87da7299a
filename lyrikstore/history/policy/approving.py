"""Whose approvals count, and whether they are enough (spec §14.4.9)."""

from collections.abc import Container, Iterable, Sequence

from msgspec import Struct

from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.manifests.names import Name
from lyrikstore.history.policy.policy import APPROVAL, Policy, Role


class CountedApprovals(Struct, frozen=True):
    """Approvals of one card, counted.

    Attributes:
        approving: Those by keys that may approve.
        independent: Of these, those by nobody who made what is approved.
        count: How many distinct keys these are, of the role that comes nearest to its threshold.
        needed: That threshold; 0 where no role may approve.
        possible: How many keys that role has; fewer than ``needed`` if keys were revoked, and then
            all of them are not enough.
        role: What the role is called; empty where no role may approve.
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
    """What was decided about a card, of each key the last, in log order.

    Attributes:
        approving: Approvals.
        withdrawn: Withdrawals of an approval.
    """

    approving: tuple[Manifest, ...] = ()
    withdrawn: tuple[Manifest, ...] = ()


def last_decisions(policy: Policy, approvals: Iterable[Manifest]) -> CardDecisions:
    """Return what each key decided last.

    Args:
        policy: The policy in force: it says which key took the place of which.
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
    """Return which approvals count.

    Args:
        policy: The policy in force.
        name: Name of the approvals.
        approvals: Those that nobody withdrew.
        authors: Who made the card, its subject and its run, as :func:`last_key` gives them.
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
    """Return the roles whose keys approve: those that name the kind; where none does, any.

    Args:
        policy: The policy in force.
        name: Name of the approvals.
    """
    found = [role for role in policy.roles.values() if role.covers(APPROVAL, name)]
    # Every store has an owner who may sign all kinds: that must not undercut a threshold.
    return [role for role in found if APPROVAL in role.kinds] or found


def last_key(policy: Policy, key: str) -> str:
    """Return the key that took the place of a key in the end: whose both are, by the policy."""
    # ATTACK: who trained the model approves it with the key that theirs was replaced by.
    return policy.successor(key) or key


def approvals_name(card: str) -> str:
    """Return what the approvals of a card are called, by its name."""
    return f"approvals/{Name.parse(card).part}"
