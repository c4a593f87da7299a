"""Names for the keys that signed in a store, only as `verify` believes them."""

from collections.abc import Callable
from functools import partial

from lyrikstore.api.store import Store
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.text import escape_control
from lyrikstore.canon.timestamps import now
from lyrikstore_cli.output.screen import short_did


def names_in(store: Store) -> Callable[[str], str]:
    """Return what gives a DID the name that the user has for it, or says that there is none.

    A key that took the place of a believed one is called by that one's name.
    """
    from lyrikstore.history.policy.key_history import KeyStatus
    from lyrikstore.verify.credential.key_statements import statements_here
    from lyrikstore.verify.credential.key_succession import inherited

    trust = store.trust
    believes = partial(trust.vouches_for, store=store.id, at=now())
    try:
        history, _ = statements_here(store.repository)
    except LyrikstoreError:  # verify says what is wrong with the policies
        history = None

    def name(did: str) -> str:
        known = trust.knows(did)
        if known is not None:
            return escape_control(known.nickname)
        stolen = history is None or history.state_of(did).standing is KeyStatus.COMPROMISED
        successor = (
            None if history is None or stolen else inherited(did, history, believes, trust.knows)
        )
        if successor is not None:
            return f"{escape_control(successor.entry.nickname)}, by a later key"
        return f"{short_did(did)} (unknown to you)"

    return name
