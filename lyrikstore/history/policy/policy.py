"""Policies: which keys may sign which manifests of a store, and its log (spec §8.3).

Default deny: a manifest moves a ref only if some role of the policy in force at its log index
covers its author, its kind and its name. One signature counts once, so a manifest alone does not
satisfy a role whose threshold is above one.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NoReturn, Self

from msgspec import Struct

from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, MAX_INTEGER, as_json
from lyrikstore.canon.limits import MAX_MISDATED_ENTRIES, MAX_PATTERN_STARS, MAX_RETIRED_KEYS
from lyrikstore.crypto.ed25519 import PublicKey
from lyrikstore.crypto.multikey import did_key, parse_did_key
from lyrikstore.history.log.note import VerifierKey, is_name

OWNER = "owner"
"""The role whose keys may change the policy."""


APPROVAL = "approval"
"""The kind of manifest that each key of a role with a threshold signs separately."""

_ROLE = re.compile(r"[a-z][a-z0-9-]{0,63}")
_KIND = re.compile(r"\*|[a-z][a-z0-9-]{0,63}")
_PATTERN = re.compile(r"[a-z0-9*][a-z0-9._*/-]{0,254}")
_NONCE = re.compile(r"[0-9a-f]{32}")


class Role(Struct, frozen=True):
    """Keys that may sign certain kinds under certain names.

    Attributes:
        keys: DIDs (did:key), distinct.
        threshold: How many distinct keys must have signed; more than the role has if keys of an
            approving role were revoked.
        names: Patterns; ``*`` matches any sequence of characters, ``/`` included.
        kinds: Kinds of manifest, or ``*``.
    """

    keys: tuple[str, ...]
    threshold: int
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    def covers(self, kind: str, name: str) -> bool:
        """Return whether this role covers manifests of that kind and name."""
        return ("*" in self.kinds or kind in self.kinds) and any(
            matches(pattern, name) for pattern in self.names
        )

    @property
    def is_unmet(self) -> bool:
        """Whether the role has fewer keys than its threshold, so that even all are not enough."""
        return len(self.keys) < self.threshold


class Retired(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The record of a key that may no longer sign.

    Attributes:
        key: Its DID.
        successor: The DID of its successor, or None.
        suspect_from: The log index from which another person may have had it; None if it was
            only replaced.
    """

    key: str
    successor: str | None = None
    suspect_from: int | None = None


class Policy(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The rules of one store.

    Law: ``Policy.parse(p.to_json()) == p``.

    Attributes:
        version: 1 in the genesis manifest; each later policy adds one.
        roles: Role name → role; always contains ``owner``.
        logs: Verifier keys of the log, one per writer; only ever added to.
        retired: Keys that had a role and lost it, each once; only ever added to.
        retired_logs: Keys of ``logs`` that may sign no log checkpoint from this policy on.
        misdated: Log indices of entries with a wrong date, ascending; only ever added to.
    """

    version: int
    roles: Mapping[str, Role]
    logs: tuple[VerifierKey, ...]
    retired: tuple[Retired, ...] = ()
    retired_logs: tuple[VerifierKey, ...] = ()
    misdated: tuple[int, ...] = ()

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys that sign the log while this policy is in force; any one of them suffices."""
        return tuple(key for key in self.logs if key not in self.retired_logs)

    @property
    def keys(self) -> frozenset[str]:
        """The DIDs of every key that has a role."""
        return frozenset(key for role in self.roles.values() for key in role.keys)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The names of the roles whose keys are fewer than their threshold, ascending."""
        return tuple(sorted(name for name, role in self.roles.items() if role.is_unmet))

    @property
    def suspects(self) -> Mapping[str, int]:
        """Compromised key → the log index from which its signatures do not count."""
        return {
            item.key: item.suspect_from for item in self.retired if item.suspect_from is not None
        }

    def standing_of(self, key: PublicKey) -> dict[str, JSON]:
        """Return the roles of a key, in the form of ``schemas/cli/key-list.schema.json``."""
        did = did_key(key)
        gone = next((one for one in self.retired if one.key == did), None)
        retired = gone is not None or any(log.key == key for log in self.retired_logs)
        return {
            "roles": [name for name, role in self.roles.items() if did in role.keys],
            "signsLog": any(log.key == key for log in self.log_keys),
            "signsNoMore": retired,
            "successor": gone.successor if gone is not None else None,
            "suspectFrom": gone.suspect_from if gone is not None else None,
        }

    def successor(self, key: str) -> str | None:
        """Return the successor of a retired key, or None."""
        successors = {item.key: item.successor for item in self.retired}
        successor = successors.pop(key, None)
        while successor in successors:
            # ATTACK: two that succeed each other. Each is asked once.
            successor = successors.pop(successor)
        return successor if successor in self.keys else None

    def may_follow(self, before: "Policy") -> bool:
        """Return whether this policy may follow ``before`` (attack case A29).

        The version is exactly one higher; log keys are only added, because a log checkpoint must be
        verified before any later entry is trusted; and no retired key, of a role or of the log,
        becomes valid again: its record can only become worse.
        """
        return (
            self.version == before.version + 1
            and self.logs[: len(before.logs)] == before.logs
            and all(key.name == before.logs[0].name for key in self.logs)
            and set(before.retired_logs) <= set(self.retired_logs)
            and set(before.misdated) <= set(self.misdated)
            and _only_worse(before.retired, self.retired)
        )

    def allows(self, author: str, kind: str, name: str) -> bool:
        """Return whether a manifest signed by ``author`` alone may move the ref ``name``.

        Args:
            author: The signer's DID.
            kind: The manifest's kind.
            name: The manifest's full name.
        """
        if kind in {"policy", "genesis"}:
            # No role but owner changes the rules, however wide its patterns are (A22).
            return self._signed_enough(self.roles[OWNER], author)
        return any(
            # Each key approves for itself; the threshold counts how many did (spec §8.3).
            author in role.keys if kind == APPROVAL else self._signed_enough(role, author)
            for role in self.roles.values()
            if role.covers(kind, name)
        )

    @staticmethod
    def _signed_enough(role: Role, author: str) -> bool:
        return author in role.keys and role.threshold == 1

    @classmethod
    def first(cls, owner: str, logs: Sequence[VerifierKey], writers: Sequence[str] = ()) -> Self:
        """Return the policy that a store with one owner begins with.

        Args:
            owner: The owner's DID; may sign everything, and alone changes the policy.
            logs: The log's keys, one per writer, the owner's first.
            writers: DIDs that may sign everything except the policy.
        """
        roles = {OWNER: Role((owner,), 1, ("*",), ("*",))}
        if writers:
            roles["writer"] = Role(tuple(writers), 1, ("*",), ("*",))
        return cls.parse(cls(1, roles, tuple(logs)).to_json())

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read a policy from a manifest's body.

        Raises:
            FormatError: (``bad-policy``) members are missing, unknown or not valid.
        """
        members = {"version", "roles", "logs"}
        perhaps = {"retired", "retiredLogs", "misdated", "unmet"}
        if not isinstance(value, dict) or not members <= value.keys() <= members | perhaps:
            _refuse(f"it has other members than {', '.join(sorted(members | perhaps))}")
        version, roles, logs = value["version"], value["roles"], value["logs"]
        if type(version) is not int or version < 1:
            _refuse("its version is not a positive integer")
        if not isinstance(roles, dict) or OWNER not in roles:
            _refuse("it has no role owner")
        if not all(_ROLE.fullmatch(name) for name in roles):
            _refuse("a role has a bad name")
        keys = tuple(_vkey(text) for text in _strings(logs, "logs"))
        unmet = _strings(value["unmet"], "unmet") if "unmet" in value else ()
        parsed = {name: _role(name, roles[name], unmet=name in unmet) for name in sorted(roles)}
        policy = cls(
            version,
            parsed,
            keys,
            _retired(value) if "retired" in value else (),
            _retired_logs(value["retiredLogs"], keys) if "retiredLogs" in value else (),
            _misdated(value["misdated"]) if "misdated" in value else (),
        )
        if OWNER in unmet or policy.unmet != unmet:
            _refuse("unmet are not the roles with fewer keys than their threshold")
        gone = {item.key for item in policy.retired}
        if gone & policy.keys:
            _refuse("a key that is retired still has a role")
        if not {item.successor for item in policy.retired} - {None} <= policy.keys | gone:
            _refuse("a successor has no role")
        return policy

    def to_json(self) -> dict[str, Any]:
        """Return the policy as JSON for a manifest's body."""
        found: dict[str, Any] = as_json(self)
        return found | ({"unmet": list(self.unmet)} if self.unmet else {})


class Genesis(Struct, frozen=True):
    """The body of a store's genesis manifest, its first log entry.

    Attributes:
        origin: Name of its log.
        nonce: 32 hex digits, so that two stores of one owner never share an id.
        policy: The first policy.
    """

    origin: str
    nonce: str
    policy: Policy

    @classmethod
    def parse(cls, body: Any) -> Self:
        """Read the body of a genesis manifest.

        Raises:
            FormatError: (``bad-policy``) it cannot found a store: the version of the first policy
                is not 1, or it names a log key of another origin.
        """
        if not isinstance(body, dict) or body.keys() != {"origin", "nonce", "policy"}:
            _refuse("a genesis has exactly the members origin, nonce and policy")
        origin, nonce = body["origin"], body["nonce"]
        if not isinstance(origin, str) or not is_name(origin):
            _refuse("the origin is not a log name")
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            _refuse("the nonce is not 32 hex digits")
        policy = Policy.parse(body["policy"])
        if policy.version != 1 or any(key.name != origin for key in policy.logs):
            _refuse("the first policy has another version, or the log key of another origin")
        if policy.retired or policy.retired_logs or policy.misdated or policy.unmet:
            _refuse("the first policy retires a key, or names later entries")
        return cls(origin, nonce, policy)

    def to_json(self) -> dict[str, Any]:
        """Return the body of the genesis manifest."""
        return {"origin": self.origin, "nonce": self.nonce, "policy": self.policy.to_json()}


def matches(pattern: str, name: str) -> bool:
    """Return whether ``name`` matches ``pattern``; only ``*`` is special."""
    if pattern == "*":
        return True
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == name
    *middle, last = rest
    if not name.startswith(first):
        return False
    # Leftmost finds suffice for "*", and take linear time; a regular expression would not.
    at = len(first)
    for part in middle:
        found = name.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(name) - len(last) >= at and name.endswith(last)


def _role(name: str, value: Any, *, unmet: bool) -> Role:
    if not isinstance(value, dict) or value.keys() != {"keys", "threshold", "names", "kinds"}:
        _refuse(f"role {name} has exactly the members keys, threshold, names and kinds")
    stated = value["keys"]
    keys = () if unmet and stated == [] else _strings(stated, f"keys of role {name}")
    threshold = value["threshold"]
    if type(threshold) is not int or threshold < 1 or (threshold > len(keys) and not unmet):
        _refuse(f"the threshold of role {name} is not between 1 and the number of its keys")
    for key in keys:
        try:
            parse_did_key(key)
        except LyrikstoreError as error:
            raise FormatError("bad-policy", f"not a policy: role {name}: {error.message}") from None
    names = _strings(value["names"], f"names of role {name}")
    kinds = _strings(value["kinds"], f"kinds of role {name}")
    if not all(_PATTERN.fullmatch(item) and item.count("*") <= MAX_PATTERN_STARS for item in names):
        _refuse(f"role {name} has a bad name pattern")
    if not all(_KIND.fullmatch(item) for item in kinds):
        _refuse(f"role {name} has a bad kind")
    return Role(keys, threshold, names, kinds)


def _retired(value: Mapping[str, Any]) -> tuple[Retired, ...]:
    items = value["retired"]
    if not isinstance(items, list) or not items or len(items) > MAX_RETIRED_KEYS:
        _refuse("retired is not a list of keys")
    found = tuple(_retired_key(item) for item in items)
    if len({item.key for item in found}) != len(found):
        _refuse("a key is retired twice")
    return found


def _retired_logs(value: Any, logs: Sequence[VerifierKey]) -> tuple[VerifierKey, ...]:
    keys = tuple(_vkey(text) for text in _strings(value, "retiredLogs"))
    if not set(keys) < set(logs):
        _refuse("retiredLogs are not some of its logs, or all of them")
    return keys


def _misdated(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_MISDATED_ENTRIES:
        _refuse("misdated is not a list of log indices")
    if any(type(one) is not int or not 0 <= one <= MAX_INTEGER for one in value):
        _refuse("misdated is not a list of log indices")
    if any(one >= other for one, other in pairwise(value)):
        _refuse("misdated is not in ascending order")
    return tuple(value)


def _retired_key(item: Any) -> Retired:
    known = {"key", "successor", "suspectFrom"}
    if not isinstance(item, dict) or not {"key"} <= item.keys() <= known:
        _refuse("a retired key has other members than key, successor and suspectFrom")
    successor, index = item.get("successor"), item.get("suspectFrom")
    for did in (item["key"], *([] if "successor" not in item else [successor])):
        try:
            parse_did_key(did)
        except LyrikstoreError as error:
            raise FormatError("bad-policy", f"not a policy: retired: {error.message}") from None
    if successor == item["key"]:
        _refuse("a key succeeds itself")
    # Entry 0 founds the store: nothing is left of one whose founder never was who it says.
    if "suspectFrom" in item and (type(index) is not int or not 1 <= index <= MAX_INTEGER):
        _refuse("suspectFrom is not a log index after the first")
    return Retired(item["key"], successor, index)


def _only_worse(before: Sequence[Retired], after: Sequence[Retired]) -> bool:
    now = {item.key: item for item in after}
    for old in before:
        new = now.get(old.key)
        if new is None or new.successor != old.successor:
            return False
        if old.suspect_from is not None and (
            new.suspect_from is None or new.suspect_from > old.suspect_from
        ):
            return False
    return True


def _strings(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        _refuse(f"{what} is not a list of strings")
    if len(set(value)) != len(value):
        _refuse(f"{what} names something twice")  # A23: one key must not count as two
    return tuple(value)


def _vkey(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except LyrikstoreError as error:
        raise FormatError("bad-policy", f"not a policy: {error.message}") from None


def _refuse(reason: str) -> NoReturn:
    raise FormatError("bad-policy", f"not a policy: {reason}")
