"""Names of the keys that signed in a store, where `verify` trusts them."""

from collections.abc import Callable

from lyrikstore.api import Store
from lyrikstore_cli.output.screen import short_did


def names_in(store: Store) -> Callable[[str], str]:
    """Return a function from a DID to the user's name for it, or to its start and "unknown"."""
    nickname = store.policy.nicknames()
    return lambda did: nickname(did) or f"{short_did(did)} (unknown to you)"
