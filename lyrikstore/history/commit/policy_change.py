"""Changing the keys of a store by a new policy, signed by an owner (spec §8.3).

Earlier signatures are not touched. All signatures of a replaced key stay valid; signatures of a
compromised key stay valid if they were logged before it became suspect.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from lyrikstore.canon.errors import (
    ConflictError,
    FormatError,
    InvalidInputError,
    LyrikstoreError,
    NotFoundError,
    PolicyError,
)
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.canon.timestamps import Clock, parse_timestamp
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.keys.signer import Signer
from lyrikstore.crypto.proofs.eddsa_jcs import signed_by
from lyrikstore.history.commit.transaction import open_transaction
from lyrikstore.history.log.entries import LoggedEntry
from lyrikstore.history.log.note import VerifierKey
from lyrikstore.history.manifests.kinds import GENESIS_NAME
from lyrikstore.history.manifests.manifest import Manifest, sign_manifest
from lyrikstore.history.policy.policy import APPROVAL, OWNER, Policy, Retired, Role
from lyrikstore.history.repository.log_keys import write_log_keys
from lyrikstore.history.repository.repository import Repository

Change = Callable[[Policy], Policy]

APPROVER = "approver"
"""The role whose keys approve cards, as :func:`with_approvers` creates it."""

WAIVER = "waiver"
"""The role whose keys waive rules, as :func:`with_waivers` creates it; also their kind."""

_LOG_KEYS = "lyrikstore show policies/store/main lists them under logs"
_ADMIT = "first: lyrikstore key new log-next --no-passphrase, lyrikstore key admit … --log-key …"


class PolicyChange(Struct, frozen=True):
    """A policy that was logged by :func:`change_policy`.

    Attributes:
        manifest: Its manifest.
        index: Its log index; it is in force for later entries.
        policy: The policy.
        trusted: The name of the successor in the changer's trust file from now on, if any.
    """

    manifest: Manifest
    index: int
    policy: Policy
    trusted: str | None = None


def change_policy(
    repository: Repository,
    change: Change,
    *,
    signer: Signer,
    clock: Clock,
    message: str = "",
) -> PolicyChange:
    """Apply ``change`` to the policy in force; sign and log the result.

    Args:
        repository: The store, opened to append.
        change: A change such as the result of :func:`rotated` or :func:`revoked`.
        signer: An owner.
        clock: Returns the claimed signing time of the policy.
        message: The reason; signed and public.

    Raises:
        PolicyError: (``unauthorised``) the signer is not an owner of this store.
        InvalidInputError: (``bad-policy``) no key would be left, or a retired key would become
            valid again; (``not-home``) a log key would be added in a clone.
        ConflictError: (``ref-moved``) another writer changed the policy meanwhile.
        LyrikstoreError: As ``change``, and as a transaction's commit.
    """
    before = repository.policy
    if not before.allows(signer.did, "policy", GENESIS_NAME):
        successor = before.successor(signer.did)
        raise PolicyError(
            "unauthorised",
            f"{signer.did} is not an owner of this store",
            hint=f"sign with {successor or 'the key of an owner'}: --signer NAME",
        )
    following = replace(change(before), version=before.version + 1)
    try:
        following = Policy.parse(following.to_json())
    except FormatError as error:
        raise InvalidInputError("bad-policy", error.message) from None
    if not following.may_follow(before):
        raise InvalidInputError("bad-policy", "a retired key cannot become valid again")
    signed = partial(
        sign_manifest,
        kind="policy",
        store=repository.store_id,
        name=GENESIS_NAME,
        body={"policy": following.to_json()},
        parents=[repository.refs[GENESIS_NAME].id],
        signer=signer,
        message=message,
    )
    now = clock()
    manifest = signed(created=now)
    table = repository.table.copy()  # with what it says of dates itself: a wrong floor ends with it
    table.apply(len(repository.entries()), manifest)
    date = repository.signing_date(lambda: now, table)
    if date != now:
        manifest = signed(created=date)
    if following.logs != before.logs:
        if repository.is_mirror:
            raise InvalidInputError(
                "not-home",
                "this is a clone; log keys are added at the home, where the log is extended",
                hint="name the remote of the home: --remote NAME; or run it at the home",
            )
        # Before it is logged: nobody may find a log checkpoint whose key cannot be found.
        earlier = repository.refs[GENESIS_NAME].history[:-1]
        known = [repository.manifest(identity) for identity in reversed(earlier)]
        write_log_keys(repository.backend, [*known, manifest])
    with open_transaction(repository) as transaction:
        transaction.log_manifest(manifest)
        index = transaction.commit()[0]
    return PolicyChange(manifest, index, following)


def rotated(old: str, new: str) -> Change:
    """Return the change that replaces key ``old`` by ``new`` in every role.

    Args:
        old: DID of a key with a role.
        new: DID of its successor.

    Raises (when applied):
        NotFoundError: (``no-key``) the old key has no role.
        ConflictError: (``key-used``) the new key was retired here before, or is the old one.
    """

    def change(policy: Policy) -> Policy:
        _require(policy, old)
        if new == old:
            raise ConflictError(
                "key-used",
                f"{new} is the key to be replaced",
                hint="name its successor: lyrikstore key new NAME, then lyrikstore key rotate NAME",
            )
        if any(item.key == new for item in policy.retired):
            raise ConflictError("key-used", f"{new} was retired here before", hint="make a new key")
        return _without(policy, old, new, Retired(old, new))

    return change


def revoked(key: str, suspect_from: int | None, successor: str | None = None) -> Change:
    """Return the change that removes the roles of ``key``, and the effect of suspect signatures.

    A role that is left with too few keys stays, and cannot approve until keys are admitted.

    Args:
        key: DID of a key that has a role, or had one.
        suspect_from: The log index from which another person may have had it; None if the key is
            only removed.
        successor: DID of the key that replaces it in its roles, if it has any.

    Raises (when applied):
        NotFoundError: (``no-key``) it never had a role.
        ConflictError: (``revoked-already``) it was revoked before, from this or an earlier index.
        InvalidInputError: (``bad-policy``) the store would have no owner: name a successor.
    """

    def change(policy: Policy) -> Policy:
        known = next((item for item in policy.retired if item.key == key), None)
        if known is None:
            _require(policy, key)
            return _without(policy, key, successor, Retired(key, successor, suspect_from))
        worst = known.suspect_from
        if suspect_from is None or (worst is not None and worst <= suspect_from):
            raise ConflictError("revoked-already", f"{key} was retired already, no later than that")
        worse = replace(known, suspect_from=suspect_from)
        items = tuple(worse if item is known else item for item in policy.retired)
        return replace(policy, retired=items)

    return change


def with_writer(did: str, log_key: PublicKey | None) -> Change:
    """Return the change that allows one more person to sign here, and perhaps to extend the log.

    Args:
        did: DID of a key that may sign everything except the policy from then on.
        log_key: A key of that person that may sign the log from then on, or None.

    Raises (when applied):
        ConflictError: (``key-used``) the log key was retired here before.
    """

    def change(policy: Policy) -> Policy:
        writer = policy.roles.get("writer", Role((), 1, ("*",), ("*",)))
        return _with_log_key(_with_keys(policy, "writer", writer, (did,)), log_key)

    return change


def with_approvers(
    dids: Iterable[str],
    log_key: PublicKey | None = None,
    *,
    threshold: int | None = None,
    cards: Sequence[str] = (),
) -> Change:
    """Return the change that allows keys to approve cards, and nothing else.

    Args:
        dids: The keys; keys that already have the role keep it.
        log_key: A key that may sign the log from then on, or None.
        threshold: How many of the role's keys must approve a card; None: unchanged, initially 1.
        cards: Patterns of the cards' names, such as ``cards/acme/*``, or ``*``; empty: unchanged,
            initially ``*``.

    Raises (when applied):
        InvalidInputError: (``bad-threshold``) the role has fewer keys; (``bad-pattern``) a pattern
            is not a pattern of cards; (``bad-policy``) the role has another purpose.
        ConflictError: (``key-used``) the log key was retired here before.
    """
    names = tuple(dict.fromkeys(_approvals_of(pattern) for pattern in cards))

    def change(policy: Policy) -> Policy:
        before = policy.roles.get(APPROVER, Role((), 1, ("*",), (APPROVAL,)))
        if before.kinds != (APPROVAL,):
            raise InvalidInputError(
                "bad-policy", f"the role {APPROVER} of this store has another purpose"
            )
        role = replace(before, threshold=threshold or before.threshold, names=names or before.names)
        following = _with_keys(policy, APPROVER, role, dids)
        keys = len(following.roles[APPROVER].keys)
        if role.threshold > keys and (threshold is not None or APPROVER not in policy.unmet):
            raise InvalidInputError(
                "bad-threshold",
                f"the role would have {pluralize(keys, 'key')}, so {role.threshold} never approve",
                hint="name more keys: lyrikstore key admit DID DID --role approver --threshold N",
            )
        return _with_log_key(following, log_key)

    return change


def with_waivers(dids: Iterable[str], log_key: PublicKey | None = None) -> Change:
    """Return the change that allows keys to sign waivers of rules, and nothing else.

    Args:
        dids: The keys; keys that already have the role keep it.
        log_key: A key that may sign the log from then on, or None.

    Raises (when applied):
        InvalidInputError: (``bad-policy``) the role has another purpose.
        ConflictError: (``key-used``) the log key was retired here before.
    """

    def change(policy: Policy) -> Policy:
        before = policy.roles.get(WAIVER, Role((), 1, ("*",), (WAIVER,)))
        if before.kinds != (WAIVER,):
            raise InvalidInputError(
                "bad-policy", f"the role {WAIVER} of this store has another purpose"
            )
        return _with_log_key(_with_keys(policy, WAIVER, before, dids), log_key)

    return change


def _with_keys(policy: Policy, name: str, role: Role, dids: Iterable[str]) -> Policy:
    keys = tuple(dict.fromkeys((*role.keys, *dids)))
    return replace(policy, roles={**policy.roles, name: replace(role, keys=keys)})


def _with_log_key(policy: Policy, log_key: PublicKey | None) -> Policy:
    if log_key is None:
        return policy
    added = VerifierKey(policy.logs[0].name, log_key)
    if added in policy.retired_logs:
        raise ConflictError(
            "key-used", "that log key was retired here before", hint="make a new key"
        )
    return replace(policy, logs=tuple(dict.fromkeys((*policy.logs, added))))


def _approvals_of(pattern: str) -> str:
    """Return the pattern of the approvals of all cards that a pattern of cards matches."""
    if pattern == "*":
        return pattern
    prefix, _, part = pattern.partition("/")
    # A pattern that matches no approval would look like a rule, and bind nobody.
    if prefix != "cards" or not part:
        raise InvalidInputError(
            "bad-pattern",
            f"not a pattern of cards' names: {quote(pattern)}",
            hint="such as cards/acme/*, or * for every card",
        )
    return f"approvals/{part}"


def without_log_key(log_key: PublicKey) -> Change:
    """Return the change that retires a log key: it may sign no later log checkpoint.

    Its log checkpoints that do not cover the change stay valid.

    Args:
        log_key: The key.

    Raises (when applied):
        NotFoundError: (``no-key``) it is not a key of this log.
        InvalidInputError: (``bad-policy``) the log would have no key left: admit another first.
    """

    def change(policy: Policy) -> Policy:
        gone = VerifierKey(policy.logs[0].name, log_key)
        if gone not in policy.log_keys:
            raise NotFoundError("no-key", "it is not a log key of this store", hint=_LOG_KEYS)
        if len(policy.log_keys) == 1:
            raise InvalidInputError("bad-policy", "the log would have no key", hint=_ADMIT)
        return replace(policy, retired_logs=(*policy.retired_logs, gone))

    return change


def with_misdated(indices: Iterable[int], size: int) -> Change:
    """Return the change that declares the dates of log entries wrong; it cannot be undone.

    The entries stay valid; only their dates no longer raise the clock floor.

    Args:
        indices: Log indices.
        size: How many entries the log has.

    Raises (when applied):
        InvalidInputError: (``bad-index``) there is no such entry.
        ConflictError: (``known-already``) the policy in force declares all of them already.
    """

    def change(policy: Policy) -> Policy:
        wrong = set(indices)
        if not wrong or not all(0 <= index < size for index in wrong):
            raise InvalidInputError(
                "bad-index",
                f"the log has the entries 0 to {size - 1}",
                hint="lyrikstore log --audit shows the numbers",
            )
        if wrong <= set(policy.misdated):
            raise ConflictError(
                "known-already", "the policy in force declares these entries misdated already"
            )
        return replace(policy, misdated=tuple(sorted(wrong | set(policy.misdated))))

    return change


def suspect_index(repository: Repository, text: str) -> int:
    """Return the log index for ``suspectFrom`` from a log index or a time.

    Args:
        repository: The store.
        text: A log index; or a UTC time, for the first entry that claims this or a later time. A
            thief may claim any time: check the entries that :func:`signed_here` yields.

    Raises:
        InvalidInputError: (``bad-index``) it is neither, or entry 0, which founds the store.
    """
    if text.isdecimal() and len(text) < 16:
        index = int(text)
    else:
        try:
            moment = parse_timestamp(text)
        except FormatError:
            raise InvalidInputError(
                "bad-index",
                f"not a log index or time: {quote(text)}",
                hint="use an index that lyrikstore log --audit shows, or 2026-11-24T00:00:00Z",
            ) from None
        index = _first_since(repository, moment)
    if index < 1:
        raise InvalidInputError(
            "bad-index",
            "the first entry founds the store; nothing is left without it",
            hint="name a later entry, as lyrikstore log --audit numbers them; if another person "
            "had the key from the start, found a new store with another key",
        )
    return index


def signed_here(repository: Repository, key: str) -> Iterator[tuple[LoggedEntry, str]]:
    """Yield the entries, except policies, that the key with DID ``key`` signed, with their names.

    In log order: if the key is suspect from an index, entries from that index on do not count.
    """
    names = {entry.id: manifest for entry, manifest in repository.all_manifests()}
    for entry in repository.entries():
        label = ""
        if entry.type == "manifest" and entry.id in names:
            manifest = names[entry.id]
            if manifest.author == key and manifest.kind not in {"policy", "genesis"}:
                label = f"{manifest.kind} {manifest.name}"
        elif entry.type == "credential":
            try:
                label = "credential" if signed_by(repository.credential(entry.id)) == key else ""
            except (
                LyrikstoreError
            ):  # ATTACK: one damaged blob keeps a stolen key from being revoked
                label = "an entry that cannot be read"
        if label:
            yield entry, label


def _first_since(repository: Repository, moment: datetime) -> int:
    for entry, manifest in repository.all_manifests():
        if parse_timestamp(manifest.created) >= moment:
            return entry.index
    return len(repository.entries())


def _require(policy: Policy, key: str) -> None:
    if key not in policy.keys:
        raise NotFoundError("no-key", f"{quote(key, 200)} has no role in this store")


def _without(policy: Policy, key: str, successor: str | None, item: Retired) -> Policy:
    roles: dict[str, Role] = {}
    for name, role in policy.roles.items():
        given = [successor if did == key else did for did in role.keys]
        keys = tuple(dict.fromkeys(did for did in given if did is not None))
        if not keys and name == OWNER:
            raise InvalidInputError(
                "bad-policy",
                "the store would have no owner",
                hint="name the successor key: --successor",
            )
        # ATTACK A99: a stolen key stays, for without it too few approve; or its role goes with it,
        # and whoever may sign everything approves.
        if keys or APPROVAL in role.kinds or role.threshold > 1:
            roles[name] = replace(role, keys=keys)
    return replace(policy, roles=roles, retired=(*policy.retired, item))
