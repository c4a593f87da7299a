"""How often a store may still change its keys before buyers cannot follow (spec §11.4)."""

from typing import TYPE_CHECKING

from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
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
