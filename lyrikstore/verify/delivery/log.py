"""Checks of the log and the log index of a delivery's manifest (spec §11.4.5)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.model.credential import Claims
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import Leaf, Place, SignedCheckpoint, TlogProof
from lyrikstore.history.log.consistency import Consistency
from lyrikstore.history.log.consistency_file import ConsistencyFile
from lyrikstore.history.log.memory import LogMemory, MemoryState
from lyrikstore.history.log.memory_files import LogName
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.history.policy.policy import OWNER, Genesis
from lyrikstore.verify.credential.credential import CheckedCredential
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.log_proofs import CONSISTENCY, LEAVES, Proofs
from lyrikstore.verify.delivery.founder import judge_founder
from lyrikstore.verify.delivery.siblings import SiblingFiles
from lyrikstore.verify.report import (
    Check,
    CheckState,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)

NOT_REMEMBERED = not_applicable("log.memory", "no log checkpoint to compare with earlier ones")
_UNHARMED = frozenset({CheckState.PASS, CheckState.NOT_APPLICABLE})


class LogOutcome(Struct, frozen=True):
    """The outcome of the log's checks.

    Attributes:
        checks: ``log.inclusion``, ``log.anchor``, ``log.witness``, ``log.memory``.
        history: The store's policies, once its genesis is established; else None.
        proofs: The log proofs of other entries in its log; None if the genesis is not established.
        credential: The proven place of the credential in the log, or None.
        signed: The log checkpoint with a valid signature, or None.
    """

    checks: tuple[Check, ...]
    history: KeyHistory | None
    proofs: Proofs | None
    credential: int | None
    signed: SignedCheckpoint | None


def check_log(
    outcome: CheckedCredential,
    claims: Claims,
    find: Callable[[Digest], bytes | None],
    statements: Statements,
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None,
) -> LogOutcome:
    """Return the checks whether the store's log has the manifest at the credential's log index.

    Args:
        outcome: The result of the credential's own checks.
        claims: The claims of the credential.
        find: Function that returns a sibling file by digest.
        statements: Policies and log proofs next to it.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        memory: Remembered log checkpoints, or None.
    """
    witness = check_witness(trust)
    anchor, founder, genesis = _check_genesis(claims, find)
    if genesis is None or founder is None:
        inclusion = unchecked("log.inclusion", "no-anchor", "the log's keys are not established")
        return LogOutcome((inclusion, anchor, witness, NOT_REMEMBERED), None, None, None, None)
    try:
        history, proofs = statements.read_store(founder, genesis)
        credential = _places_of(outcome, history, proofs)
        inclusion, signed = _check_inclusion(claims, history, proofs)
        seen = [one.signed for one in credential] + [signed]
        torn = is_torn(history, proofs, seen)
    except IncompleteError as error:
        inclusion = unchecked("log.inclusion", error.kind, error.message)
        anchor = unchecked("log.anchor", error.kind, error.message)
        return LogOutcome((inclusion, anchor, witness, NOT_REMEMBERED), None, None, None, None)
    if torn:
        # ATTACK A33: two histories, of which neither is known to be the true one.
        history = replace(history, forked=True)
        summary = "the log checkpoints beside the credential are of two histories: a forked log"
        inclusion, signed = failed("log.inclusion", "fork", summary), None
    logged_at = credential[0].index if credential else None
    signers = () if signed is None else signed.signers
    anchor = judge_founder(
        "log.anchor",
        founder,
        trust.matches(
            founder.author, role="publisher", name=claims.name, store=claims.store, at=at
        ),
        _owner(outcome, history),
        [log.origin for log in trust.logs if log.key in signers],
    )
    remembered = NOT_REMEMBERED
    if signed is not None:
        remembered = check_memory(signed, history, proofs.consistency, memory)
    made = (inclusion, anchor, witness, remembered)
    return LogOutcome(made, history, proofs, logged_at, signed)


def is_torn(history: KeyHistory, proofs: Proofs, seen: Iterable[SignedCheckpoint | None]) -> bool:
    """Return whether the available files show two histories of a store (attack case A33).

    Args:
        history: Its policies.
        proofs: The log proofs of other entries in its log.
        seen: The log checkpoints of these proofs.

    Raises:
        IncompleteError: (``too-many-log-checkpoints``) there are more than are compared.
    """
    heads = [head for one in history.policies for head in one.heads]
    heads += [one.head for one in seen if one is not None]
    return history.forked or proofs.consistency.is_torn(heads)


def _places_of(outcome: CheckedCredential, history: KeyHistory, proofs: Proofs) -> Sequence[Place]:
    if outcome.id is None:
        return ()
    return proofs.of(Leaf("credential", outcome.id), history)


def mark_damaged(checks: Sequence[Check], files: SiblingFiles, origin: str) -> list[Check]:
    """Return the log's checks, with a mark on ``log.memory`` if the consistency file is damaged.

    A damaged file counts as absent (spec §7.8). But a changed file of a delivery must be reported
    even if another file proves enough.

    Args:
        checks: The log's.
        files: The files next to the credential.
        origin: The log that the credential names.
    """
    damaged = _damaged(files, origin)
    if not damaged:
        return [*checks]
    words = f"{damaged} is damaged, or of another log"
    return [
        warned(check.id, "damaged-consistency", f"{words}; {check.summary}", file=damaged)
        if check.id == "log.memory" and check.state in _UNHARMED
        else check
        for check in checks
    ]


def _damaged(files: SiblingFiles, origin: str) -> str | None:
    stated = files.named(CONSISTENCY)
    if stated is None:
        return None
    try:
        file = ConsistencyFile.parse(stated)
    except LyrikstoreError:
        return CONSISTENCY
    if file.origin != origin:
        return CONSISTENCY
    leaves = files.named(LEAVES)
    if leaves is not None and not file.has_leaves(leaves):
        return LEAVES
    return None


def check_witness(trust: Trust) -> Check:
    """Return ``log.witness``: whether the witnesses that the trust file requires countersigned."""
    if not trust.witnesses_required and trust.max_log_age is None:
        return not_applicable("log.witness", "your trust file demands no witness")
    summary = "your trust file demands a witness; this version cannot judge countersignatures"
    return unchecked("log.witness", "no-witness", summary)


def _check_genesis(
    claims: Claims, find: Callable[[Digest], bytes | None]
) -> tuple[Check, Manifest | None, Genesis | None]:
    # A store's id is the digest of its genesis manifest, and the credential names the store: so
    # whoever signed the credential vouches for these keys and no others.
    data = find(claims.store)
    if data is None:
        summary = f"the genesis manifest of store {claims.store.short} is not beside the credential"
        return unchecked("log.anchor", "missing-file", summary), None, None
    try:
        founder = parse_manifest(data)
        if founder.kind != "genesis":
            return _anchor_failed("wrong-kind", "what the store's id names founds no store")
        genesis = Genesis.parse(founder.body)
    except LyrikstoreError as error:
        return _anchor_failed(error.kind, f"the genesis manifest: {quote(error.message, 200)}")
    if genesis.origin != claims.log_origin:
        return _anchor_failed("other-log", "the credential names another log than the store's own")
    if not genesis.policy.allows(founder.author, "genesis", founder.name):
        return _anchor_failed("unauthorised", "the genesis manifest is not signed by its own owner")
    return passed("log.anchor", "the genesis manifest founds this store"), founder, genesis


def _anchor_failed(reason: str, summary: str) -> tuple[Check, None, None]:
    return failed("log.anchor", reason, summary), None, None


def _owner(outcome: CheckedCredential, history: KeyHistory) -> str | None:
    """Return the nickname of a believed issuer whose key is an owner of the store now, or None.

    An issuer vouches for the store by naming it in what they signed.
    """
    believed = outcome.check("trust.issuer")
    if believed.state is not CheckState.PASS or outcome.signer is None:
        return None
    if outcome.signer not in history.current.roles[OWNER].keys:
        return None
    return str(believed.detail["nickname"])


def _check_inclusion(
    claims: Claims, history: KeyHistory, proofs: Proofs
) -> tuple[Check, SignedCheckpoint | None]:
    leaf = Leaf("manifest", claims.manifest)
    problem: Check | None = None
    # The one for the right index first: what is wrong with it says most.
    for proof in sorted(proofs.others, key=partial(_is_other, claims.log_index)):
        try:
            if isinstance(proof, LyrikstoreError):
                raise proof
            if proof.index == claims.log_index:
                signed = proof.verify(leaf, history.log_keys)
                history.check_head(signed)
                return included("the manifest", proof.index, signed), signed
            kind, named = "other-index", claims.log_index
            summary = f"the proof is for entry {proof.index}, the credential names {named}"
        except LyrikstoreError as error:
            kind = error.kind
            summary = f"the log proof does not hold: {quote(error.message, 200)}"
        problem = problem or failed("log.inclusion", kind, summary)
    missing = "no log proof of the manifest beside the credential"
    return problem or unchecked("log.inclusion", "missing-file", missing), None


def included(what: str, index: int, signed: SignedCheckpoint) -> Check:
    """Return ``log.inclusion`` for an entry that a proof shows."""
    return passed(
        "log.inclusion",
        f"{what} is entry {index} of {signed.size} in {quote(signed.origin)}",
        origin=signed.origin,
        index=index,
        size=signed.size,
        root=signed.root.hex(),
    )


def _is_other(index: int, proof: TlogProof | LyrikstoreError) -> bool:
    return isinstance(proof, LyrikstoreError) or proof.index != index


_WORST_FIRST = (
    MemoryState.FORK,
    MemoryState.OLDER,
    MemoryState.UNPROVEN,
    MemoryState.EARLIER,
    MemoryState.SAME,
    MemoryState.GROWN,
    MemoryState.FIRST,
)
_SAID = {
    MemoryState.FIRST: "first log checkpoint seen of this log",
    MemoryState.SAME: "the log checkpoint remembered from before",
    MemoryState.GROWN: "extends the log checkpoint remembered",
    MemoryState.EARLIER: "leads to the log checkpoint remembered",
    MemoryState.OLDER: "older than the log checkpoint remembered: nothing here shows that it led "
    "there",
    MemoryState.UNPROVEN: "newer than the log checkpoint remembered: nothing here shows that it "
    "extends it",
    MemoryState.FORK: "contradicts the log checkpoint remembered: this log was forked",
}


def check_memory(
    signed: SignedCheckpoint,
    history: KeyHistory,
    consistency: Consistency,
    memory: LogMemory | None,
) -> Check:
    """Return ``log.memory``: whether a log checkpoint contradicts those seen before.

    Args:
        signed: The log checkpoint, its signature verified.
        history: The policies of the store whose log it is.
        consistency: What the available consistency files show.
        memory: Remembered log checkpoints, or None.
    """
    if memory is None:
        return not_applicable("log.memory", "no memory of earlier log checkpoints is kept")
    # Under every key of the log: one that was added must not begin with an empty memory.
    logs: list[LogName] = [*signed.signers, *history.log_keys, history.store]
    try:
        known = consistency.with_line(memory.seen_of(history.store, signed.origin))
        states = {memory.check_delivered(log, signed.head, known) for log in logs}
    except LyrikstoreError as error:
        return unchecked("log.memory", error.kind, quote(error.message, 300))
    state = next(state for state in _WORST_FIRST if state in states)
    if state is MemoryState.FORK:
        return failed("log.memory", "fork", _SAID[state])
    if state in {MemoryState.OLDER, MemoryState.UNPROVEN}:
        return unchecked("log.memory", "no-consistency", _SAID[state])
    return passed("log.memory", _SAID[state])
