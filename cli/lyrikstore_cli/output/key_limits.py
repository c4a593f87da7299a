"""Warnings about a store's keys: too many changes (spec §11.4), or too few approvers."""

from typing import TYPE_CHECKING

from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
from lyrikstore.canon.text import pluralize
from lyrikstore_cli.output.screen import Screen

if TYPE_CHECKING:
    from lyrikstore.api import Store

WARN_FROM = 0.75


def warn_of_changes(screen: Screen, store: "Store") -> None:
    """Warn if the key changes of a store come near the limit that verifiers read, or exceed it.

    Args:
        screen: Where it is printed.
        store: The store.
    """
    share = store.policy.share_said()
    if share < WARN_FROM:
        return
    made = store.policy.current.version - 1
    limit = f"a verifier reads ({MAX_POLICIES} changes, {MAX_RULES_BYTES >> 20} MiB)"
    warning = f"! the keys of this store have changed {made} times: "
    if share > 1:
        warning += f"more than {limit}, so nothing can be issued here"
    else:
        warning += f"{int(share * 100)} % of what {limit}"
    screen.say(warning, "yellow")
    screen.hint(
        "create another store with lyrikstore init, import the data there, and issue from it"
    )


def warn_of_unmet(screen: Screen, store: "Store") -> None:
    """Warn of roles that have fewer keys than their threshold."""
    policy = store.policy.current
    for name in policy.unmet:
        role = policy.roles[name]
        screen.say(
            f"! the role {name} needs {pluralize(role.threshold, 'key')} and has {len(role.keys)}: "
            "it cannot approve anything until an owner admits more keys",
            "yellow",
        )
        screen.hint(f"lyrikstore key admit DID --role {name}")
