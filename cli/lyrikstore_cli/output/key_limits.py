"""What to say of a store's keys: too many changes to follow (spec §11.4), too few to approve."""

from typing import TYPE_CHECKING

from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import Store

WARN_FROM = 0.75


def warn_of_changes(screen: Screen, store: "Store") -> None:
    """Say so if what the store says of its keys is much, or more than a verifier reads.

    Args:
        screen: Where to.
        store: The store.
    """
    share = store.policy.share_said()
    if share < WARN_FROM:
        return
    made = store.policy.current.version - 1
    read = f"a verifier reads ({MAX_POLICIES} changes, {MAX_RULES_BYTES >> 20} MiB)"
    said = f"! the keys of this store have changed {made} times: "
    if share > 1:
        said += f"more than {read}, so nothing can be issued here"
    else:
        said += f"{int(share * 100)} % of what {read}"
    screen.say(said, "yellow")
    screen.hint(
        "found another store, lyrikstore init, and issue from there what you import into it"
    )


def warn_of_unmet(screen: Screen, store: "Store") -> None:
    """Say which roles have fewer keys than their threshold, so that all of them are not enough."""
    policy = store.policy.current
    for name in policy.unmet:
        role = policy.roles[name]
        screen.say(
            f"! the role {name} takes {pluralize(role.threshold, 'key')} and has {len(role.keys)}: "
            "nothing it is about is approved until an owner admits more",
            "yellow",
        )
        screen.hint(f"lyrikstore key admit DID --role {name}")
