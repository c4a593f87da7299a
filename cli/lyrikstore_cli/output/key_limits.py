"""How often a store may still change its keys before buyers cannot follow (spec §11.4)."""

from lyrikstore.canon.limits import MAX_POLICIES, MAX_RULES_BYTES
from lyrikstore.history.policy.policy import Policy
from lyrikstore.history.repository.repository import Repository
from lyrikstore_cli.output.screen import Screen

WARN_FROM = 0.75


def warn_of_changes(screen: Screen, repository: Repository, policy: Policy) -> None:
    """Say so if what the store says of its keys is much, or more than a verifier reads.

    Args:
        screen: Where to.
        repository: The store.
        policy: The newest.
    """
    from lyrikstore.publish.identity.key_statements import share_said

    share = share_said(repository)
    if share < WARN_FROM:
        return
    made = policy.version - 1
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
