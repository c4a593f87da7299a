"""Names for the keys that signed in a store, only as `verify` believes them."""

from collections.abc import Callable

from lyrikstore.api import Store
from lyrikstore_cli.output.screen import short_did


def names_in(store: Store) -> Callable[[str], str]:
    """Return what gives a DID the name that the user has for it, or says that there is none."""
    nickname = store.policy.nicknames()
    return lambda did: nickname(did) or f"{short_did(did)} (unknown to you)"
