"""Trust that a successor key inherits from a trusted key (spec §11.4.5, spec §20.3.2).

A store's policies name successors, and each owner of a store can write a policy. So a succession
counts only if the replaced key and the key that signed the policy are trusted, each by the trust
file itself or by an earlier succession.
"""

from collections.abc import Callable
from contextlib import suppress

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import escape_control
from lyrikstore.credentials.trust import TrustedIssuer
from lyrikstore.history.policy.key_history import KeyHistory, KeyStatus
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.log_proofs import Places
from lyrikstore.verify.report import Check, passed

Believes = Callable[[str], TrustedIssuer | None]
"""Function from a DID to the entry of the trust file that covers it here, or None."""

Knows = Callable[[str], TrustedIssuer | None]
"""Function from a DID to an entry of the trust file for it in any role, or None."""


class Inherited(Struct, frozen=True):
    """The reason to trust a key that the trust file does not name.

    Attributes:
        entry: The entry of the first key of the chain.
        predecessor: The key that it replaced.
        keys: Every key that the succession rests on; not the successor key.
    """

    entry: TrustedIssuer
    predecessor: str
    keys: frozenset[str]

    def check(self, issuer: str) -> Check:
        """Return ``trust.issuer`` for the successor key."""
        return passed(
            "trust.issuer",
            f"you trust {quote(self.entry.nickname)}, whose key named this one its successor",
            nickname=self.entry.nickname,
            issuer=issuer,
            predecessor=self.predecessor,
        )


class SuccessorKey(Struct, frozen=True):
    """A key that inherits trust, and the store whose policies name it as a successor.

    Attributes:
        inherited: The key and entry from which it inherits.
        history: The store's policies.
        proofs: Proofs of where entries of its log are.
    """

    inherited: Inherited
    history: KeyHistory
    proofs: Places


def inherited(key: str, history: KeyHistory, believes: Believes, knows: Knows) -> Inherited | None:
    """Return the trust that ``key`` inherits by the policies of one store, or None.

    Args:
        key: As did:key; not a key that the trust file names.
        history: The store's policies.
        believes: Gives the entry of a key that the trust file itself trusts for this.
        knows: Whether the trust file names a key: one that it names and does not trust for this
            inherits no trust.

    Cost: reads every policy once for each key that the result rests on.
    """
    # ATTACK: a policy that retires a thousand keys, each the next one's predecessor. So what waits
    # for an answer waits in a list, not on the stack.
    found: dict[str, Inherited | None] = {}
    pending = [key]
    while pending:
        one = pending[-1]
        named = history.named_by(one)[:1]
        if one in found:
            found[pending.pop()] = _by_succession(named, found)
            continue
        found[one] = None  # keys that vouch for each other in a circle have nobody's word
        for who in (who for pair in named for who in reversed(pair) if who not in found):
            entry = believes(who)
            if entry is not None:
                found[who] = Inherited(entry, who, frozenset({who}))
            elif knows(who) is None:
                pending.append(who)
            else:
                # ATTACK: a key whose belief has ended names the next, who would be believed again.
                found[who] = None
    return found[key]


def nickname_of(
    key: str, *, history: KeyHistory | None, believes: Believes, knows: Knows
) -> str | None:
    """Return the user's name for ``key`` or for the trusted key that it replaced, or None.

    Args:
        key: As did:key.
        history: The store's policies; None if they cannot be read.
        believes: As :func:`inherited` takes it.
        knows: As :func:`inherited` takes it.
    """
    if (known := knows(key)) is not None:
        return escape_control(known.nickname)
    if history is None or history.state_of(key).standing is KeyStatus.COMPROMISED:
        return None
    successor = inherited(key, history, believes, knows)
    return (
        None if successor is None else f"{escape_control(successor.entry.nickname)}, by a later key"
    )


def successor_of_publisher(
    key: str, statements: Statements, store: Digest | None, believes: Believes, knows: Knows
) -> SuccessorKey | None:
    """Return ``key`` as successor of a trusted publisher, or None if it is not one.

    Only the dataset's own store can name the successor: a key that was replaced there may still be
    used elsewhere. If there are more stores or policies than are read, the result is None.

    Args:
        key: As did:key.
        statements: Key statements of stores.
        store: The dataset's store, or None if it is unknown.
        believes: As :func:`inherited` takes it.
        knows: As :func:`inherited` takes it.
    """
    with suppress(IncompleteError):
        for history, proofs in () if store is None else statements.of(store):
            found = inherited(key, history, believes, knows)
            if found is not None:
                return SuccessorKey(found, history, proofs)
    return None


def successor_of_attester(
    key: str, statements: Statements, store: Digest | None, believes: Believes, knows: Knows
) -> SuccessorKey | None:
    """Return ``key`` as successor of a trusted attester, or None if it is not one.

    Attesters have their own store, which attestations do not name. Any available store may name the
    successor, because a trusted key signed its policy; but not if another store reports that this
    key was stolen.

    Args:
        key: As did:key.
        statements: Key statements of stores.
        store: The store named in the credential that the key signed, or None.
        believes: As :func:`inherited` takes it, for this kind of claim.
        knows: As :func:`inherited` takes it.
    """
    for history, proofs in statements.naming(key):
        found = inherited(key, history, believes, knows)
        if found is not None and not _stolen_elsewhere(found.keys, history, statements, store):
            return SuccessorKey(found, history, proofs)
    return None


def _by_succession(
    named: list[tuple[str, str]], found: dict[str, Inherited | None]
) -> Inherited | None:
    if not named:
        return None
    older, author = named[0]
    # ATTACK: another owner of the store, whom nobody believes, replaces the successor key by
    # another.
    first, second = found[older], found[author]
    if first is None or second is None:
        return None
    return Inherited(first.entry, older, first.keys | second.keys | {older, author})


def _stolen_elsewhere(
    keys: frozenset[str], history: KeyHistory, statements: Statements, store: Digest | None
) -> bool:
    # ATTACK: a thief founds a store with the stolen key, and has it name another. Nothing shows
    # which of two logs came first, so what another store says of the theft counts from its start.
    # Nor may the thief crowd that store out, or take away the log proof of what it says.
    try:
        return any(
            other.unproven or other.state_of(key).standing is KeyStatus.COMPROMISED
            for key in keys
            for other, _ in statements.about(key, store)
            if other.store != history.store
        )
    except IncompleteError:
        return True
