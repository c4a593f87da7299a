"""How often a store may still change its keys before buyers cannot follow (spec §11.4)."""

from lyrikstore.canon.grammar import counted
from lyrikstore.credentials.storekeys import MAX_POLICIES
from lyrikstore.history.policy import Policy
from lyrikstore_cli.ui import Screen

WARN_FROM = 100


def warn_of_changes(screen: Screen, policy: Policy) -> None:
    """Say so if the changes of keys are many, or more than a verifier reads.

    Args:
        screen: Where to.
        policy: The newest.
    """
    made = policy.version - 1
    if made < WARN_FROM:
        return
    if made <= MAX_POLICIES:
        left = MAX_POLICIES - made
        screen.say(
            f"! the keys of this store have changed {made} times, and a verifier reads "
            f"{MAX_POLICIES} changes: {counted(left, 'is left', 'are left')}",
            "yellow",
        )
    else:
        screen.say(
            f"! the keys of this store have changed {made} times, more than the {MAX_POLICIES} "
            "changes that a verifier reads: its deliveries are at best incomplete",
            "yellow",
        )
    screen.hint(
        "found another store, lyrikstore init, and issue from there what you import into it"
    )
