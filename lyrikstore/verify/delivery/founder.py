"""Checks whether the verifier trusts the founder of a store (spec §11.6)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.trust import Trust, TrustedIssuer
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.history.policy.policy import OWNER
from lyrikstore.verify.credential.key_succession import inherited
from lyrikstore.verify.report import Check, passed, warned


def check_founder(
    genesis: Manifest,
    history: KeyHistory | None,
    names_it: Callable[[str], bool],
    *,
    trust: Trust,
    at: datetime,
) -> Check:
    """Return ``store.genesis``: who founded the store, and whether the verifier believes them.

    Args:
        genesis: The verified genesis manifest; its id is the store's id.
        history: The store's policies, or None if they are not established.
        names_it: Whether a key is shown to have signed something that names the store.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
    """
    entry = trust.vouches_for(genesis.author, store=genesis.id, at=at)
    owner = None
    if entry is None and history is not None:
        owner = _owner(history, names_it, trust, at)
    return judge_founder("store.genesis", genesis, entry, owner)


def judge_founder(
    check: str,
    genesis: Manifest,
    entry: TrustedIssuer | None,
    owner: str | None,
    pinned: Sequence[str] = (),
) -> Check:
    """Return a check of why the verifier believes a store.

    Args:
        check: Id of the check to make.
        genesis: The verified genesis manifest.
        entry: The entry of the trust file that believes its founder, or None.
        owner: Name, in the trust file, of a trusted key that owns the store now; or None.
        pinned: Origins of the logs that the trust file names and that are its own.
    """
    detail = {"store": str(genesis.id), "founder": genesis.author}
    store = f"store {genesis.id.short}"
    if entry is not None:
        summary = f"{store} was founded by {quote(entry.nickname)}, whom you trust"
    elif owner is not None:
        summary = f"{quote(owner)}, whom you trust, owns {store} now"
    elif pinned:
        summary = f"your trust file names the log {quote(pinned[0])}"
    else:
        summary = f"{store} was founded by {genesis.author}, whom you do not trust"
        return warned(check, "unknown-founder", summary, **detail)
    return passed(check, summary, **detail)


def _owner(
    history: KeyHistory, names_it: Callable[[str], bool], trust: Trust, at: datetime
) -> str | None:
    """Return the nickname of a believed key that owns the store now, or None.

    ATTACK: whoever founds a store can name anybody's key an owner of it. The key has to have named
    the store itself, by signing something that does.
    """
    believes = partial(trust.vouches_for, store=history.store, at=at)
    for key in history.current.roles[OWNER].keys:
        entry = believes(key)
        if entry is None and trust.knows(key) is None:
            successor = inherited(key, history, believes, trust.knows)
            entry = None if successor is None else successor.entry
        if entry is not None and names_it(key):
            return entry.nickname
    return None
