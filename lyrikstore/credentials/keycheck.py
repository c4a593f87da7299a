"""Whether the issuer's key still was the issuer's when it signed (spec/11-verification.md §4.5).

The delivery brings the store's policies with their log proofs. What they say of keys is judged by
where in the log the credential stands; a date in a document decides nothing (attack cases A26,
A27).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.credentials.credentialcheck import CheckedCredential, Claims
from lyrikstore.credentials.report import (
    Check,
    CheckState,
    failed,
    not_applicable,
    passed,
    quote,
    unchecked,
)
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.keyhistory import KeyHistory, KeyState, Standing
from lyrikstore.history.log import Leaf, SignedCheckpoint, TlogProof
from lyrikstore.history.manifest import Manifest, parse_manifest
from lyrikstore.history.note import VerifierKey
from lyrikstore.history.policy import OWNER, Policy

PROOF_HEAD = b"c2sp.org/tlog-proof@v1\n"
"""How every log proof starts; a proof is found by it, for no digest names it."""

MAX_PROOFS = 64
"""Log proofs looked at, among the files beside a credential."""

MAX_POLICIES = 32
"""Policies looked at, among the files beside a credential."""

_JSON_HEAD = b'{"'


class Proofs:
    """The log proofs beside a credential, each good for the entry it leads from.

    Args:
        files: Those that start with :data:`PROOF_HEAD`.
    """

    def __init__(self, files: Iterable[bytes]) -> None:
        self._parsed: list[TlogProof | LyrikstoreError] = []
        self._used: set[int] = set()
        for data in list(files)[:MAX_PROOFS]:
            try:
                self._parsed.append(TlogProof.parse(data))
            except LyrikstoreError as error:
                self._parsed.append(error)

    def take(self, leaf: Leaf, keys: Sequence[VerifierKey]) -> tuple[int, SignedCheckpoint] | None:
        """Return where ``leaf`` is shown to be logged, or None; that proof is for nothing else."""
        for number, proof in enumerate(self._parsed):
            if isinstance(proof, TlogProof) and number not in self._used:
                try:
                    signed = proof.verify(leaf, keys)
                except LyrikstoreError:
                    continue
                self._used.add(number)
                return proof.index, signed
        return None

    @property
    def others(self) -> list[TlogProof | LyrikstoreError]:
        """The proofs not taken, and why those that are none are none."""
        return [one for number, one in enumerate(self._parsed) if number not in self._used]


def read_history(
    genesis: Manifest,
    founded: Policy,
    starting: Callable[[bytes], list[bytes]],
    proofs: Proofs,
) -> KeyHistory:
    """Return the store's policies, as far as they lie beside the credential and are logged.

    Args:
        genesis: The verified genesis manifest.
        founded: Its policy.
        starting: Gives the files that start with some bytes.
        proofs: The log proofs there.
    """

    def logged(item: Manifest, keys: Sequence[VerifierKey]) -> int | None:
        found = proofs.take(Leaf("manifest", item.id), keys)
        return None if found is None else found[0]

    named = str(genesis.id).encode()
    candidates: list[Manifest] = []
    for data in starting(_JSON_HEAD):
        if b'"kind":"policy"' in data and named in data and len(candidates) < MAX_POLICIES:
            try:
                candidates.append(parse_manifest(data))
            except LyrikstoreError:
                continue
    return KeyHistory.follow(genesis, founded, candidates, logged)


def check_key(signer: str | None, history: KeyHistory | None, logged_at: int | None) -> Check:
    """Return ``issuer.key``: what the store's policies say of the key that signed.

    Args:
        signer: The key, as did:key, or None where no signature holds.
        history: The store's policies, or None where its genesis is not established.
        logged_at: Where the credential is shown to be logged, or None.
    """
    if signer is None:
        return unchecked("issuer.key", "no-proof", "no sound signature by any key")
    if history is None:
        summary = "which keys the store had, and until when, is not established"
        return unchecked("issuer.key", "no-policy", summary)
    state = history.state_of(signer)
    detail = _detail(state, history, logged_at)
    if state.standing is Standing.UNKNOWN:
        return not_applicable("issuer.key", "the store's policies do not speak of this key")
    if state.standing is Standing.CURRENT:
        summary = f"current: by its policy of version {history.current.version} the key may sign"
        return passed("issuer.key", summary, **detail)
    compromised = state.standing is Standing.COMPROMISED
    if logged_at is not None and state.counts_at(logged_at):
        when = f"the credential was logged before that, as entry {logged_at}"
        said = (
            f"compromised since entry {detail['suspectFrom']}"
            if compromised
            else f"succeeded at entry {state.since}"
        )
        return passed("issuer.key", f"the key is {said}; {when}", **detail)
    if compromised:
        # Unlogged is as bad: whoever has the key can date what he signs as he likes.
        place = "at no shown entry" if logged_at is None else f"as entry {logged_at}"
        summary = f"the key is compromised since entry {detail['suspectFrom']}; logged {place}"
        return failed("issuer.key", "compromised", summary, **detail)
    if logged_at is None:
        summary = f"the key was replaced at entry {state.since}; nothing here shows what came first"
        return unchecked("issuer.key", "unlogged", summary, **detail)
    summary = f"the key was replaced at entry {state.since}; logged after that, as {logged_at}"
    return failed("issuer.key", "retired", summary, **detail)


def inherit_trust(
    outcome: CheckedCredential, claims: Claims, history: KeyHistory, trust: Trust, at: datetime
) -> CheckedCredential:
    """Return the outcome in which a key is believed because a believed one named it its successor.

    Args:
        outcome: What the credential's own checks gave.
        claims: What the credential says.
        history: The store's policies.
        trust: Whom the verifier believes.
        at: The moment to judge for.
    """
    check = next(item for item in outcome.checks if item.id == "trust.issuer")
    if outcome.signer is None or outcome.issuer != outcome.signer:
        return outcome  # an organisation: its document speaks for its keys
    if check.state is not CheckState.WARN or check.detail.get("reason") != "unknown-issuer":
        return outcome
    for older, author in history.named_by(outcome.signer):
        entries = [
            trust.matches(who, role="publisher", name=claims.name, store=claims.store, at=at)
            for who in (older, author)
        ]
        if entries[0] is None or entries[1] is None:
            continue
        name = quote(entries[0].nickname)
        summary = f"you trust {name}, whose key named this one its successor"
        believed = passed(
            "trust.issuer",
            summary,
            nickname=entries[0].nickname,
            issuer=outcome.issuer,
            predecessor=older,
        )
        checks = tuple(believed if item is check else item for item in outcome.checks)
        return replace(outcome, checks=checks)
    return outcome


def owns(outcome: CheckedCredential, history: KeyHistory) -> str | None:
    """Return the nickname of a believed issuer whose key is an owner of the store now, or None.

    He vouches for the store by naming it in what he signed.
    """
    check = next(item for item in outcome.checks if item.id == "trust.issuer")
    if check.state is not CheckState.PASS or outcome.signer is None:
        return None
    if outcome.signer not in history.current.roles[OWNER].keys:
        return None
    return str(check.detail["nickname"])


def policy_for(
    history: KeyHistory, manifest_index: int, logged_at: int | None, author: str
) -> Policy:
    """Return the policy that a records manifest is judged by.

    It was logged between the dataset manifest and the credential, which names it by digest and so
    vouches for it. The first policy of that time that names its author decides.

    Args:
        history: The store's policies.
        manifest_index: Where the dataset manifest is logged.
        logged_at: Where the credential is shown to be logged, or None.
        author: Who signed the records manifest.
    """
    starts = (one.index + 1 for one in history.policies)
    indices = [
        manifest_index,
        *(i for i in starts if manifest_index < i and (logged_at is None or i <= logged_at)),
    ]
    policies = [history.in_force(index) for index in indices]
    return next((policy for policy in policies if author in policy.keys), policies[-1])


def _detail(state: KeyState, history: KeyHistory, logged_at: int | None) -> dict[str, object]:
    detail: dict[str, object] = {
        "standing": state.standing.value,
        "policy": history.current.version,
    }
    if state.since is not None:
        detail["since"] = state.since
    if state.retired is not None and state.retired.suspect_from is not None:
        detail["suspectFrom"] = state.retired.suspect_from
    if state.retired is not None and state.retired.successor is not None:
        detail["successor"] = state.retired.successor
    if logged_at is not None:
        detail["loggedAt"] = logged_at
    return detail
