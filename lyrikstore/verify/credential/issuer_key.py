"""Checks whether the issuer still controlled the key when it signed (spec §11.4.5).

A delivery contains the store's policies with their log proofs. Their statements about keys are
judged by the log index of the credential; a date in a document decides nothing (attack cases A26,
A27).
"""

from collections.abc import Container

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError
from lyrikstore.credentials.model.opened import OpenedCredential
from lyrikstore.crypto.multikey import did_key
from lyrikstore.history.log.checkpoint import Leaf, LogCheckpoint
from lyrikstore.history.log.consistency import Relation
from lyrikstore.history.policy.key_history import KeyHistory, KeyState, KeyStatus
from lyrikstore.history.policy.policy import Policy
from lyrikstore.verify.credential.envelope import Envelope
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.key_succession import SuccessorKey
from lyrikstore.verify.credential.log_proofs import CREDENTIAL_PROOF, Places, Proofs
from lyrikstore.verify.report import (
    ACCEPTED,
    Check,
    CheckState,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)

_UNSPOKEN = not_applicable("issuer.key", "no store whose policies are at hand speaks of this key")


def check_key(
    signer: str | None,
    history: KeyHistory | None,
    credential: Digest | None,
    proofs: Places | None,
    *,
    sought: bool = True,
) -> Check:
    """Return the check ``issuer.key``, from the store's policies on the key that signed.

    Args:
        signer: The key, as did:key, or None if no signature is valid.
        history: The store's policies, or None if its genesis is not established.
        credential: The signed credential, as a log leaf.
        proofs: Proofs of where the credential is logged, or None without them.
        sought: Whether the log index is also sought while the key is current.
    """
    if signer is None:
        return unchecked("issuer.key", "no-proof", "no sound signature by any key")
    if history is None:
        summary = "which keys the store had, and until when, is not established"
        return unchecked("issuer.key", "no-policy", summary)
    if history.forked:
        summary = "what is at hand shows two histories of the store: neither says whose the key is"
        return failed("issuer.key", "fork", summary)
    state = history.state_of(signer)
    logged_at, shown = None, Relation.SAME
    if credential is not None and proofs is not None and (sought or state.is_over):
        logged_at, shown = where_logged(Leaf("credential", credential), signer, history, proofs)
    check = _check_state(state, history, logged_at, shown, sought=sought)
    return unless_unproven(check, history)


def unless_unproven(check: Check, history: KeyHistory) -> Check:
    """Return a check of a key, or a check that says that an unproven policy may contradict it.

    Args:
        check: The result from the policies that are shown to be logged.
        history: Those policies.
    """
    if check.state is CheckState.FAIL or not history.unproven:
        return check
    summary = (
        f"a policy of version {history.unproven[0]}, signed by an owner, is at hand without what "
        "shows that it is logged: it may say that the key was stolen"
    )
    detail = {name: value for name, value in check.detail.items() if name != "reason"}
    detail["unproven"] = list(history.unproven)
    return unchecked(check.id, "unproven-policy", summary, **detail)


def unless_lost(
    check: Check,
    credential: Digest | None,
    proofs: Proofs | None,
    head: LogCheckpoint | None,
    names: Container[str],
) -> Check:
    """Return a check of a key, or that the log proof of the credential is missing.

    Args:
        check: The result from the policies.
        credential: The signed credential, as a log leaf.
        proofs: Proofs of where other entries are logged, or None.
        head: The log checkpoint of the manifest's log proof, or None.
        names: Names of the sibling files.
    """
    if check.state is not CheckState.WARN or credential is None or proofs is None:
        return check
    leaf = Leaf("credential", credential).hash
    had = head is not None and proofs.consistency.may_have(leaf, head)
    if not had and CREDENTIAL_PROOF not in names:
        return check
    summary = (
        f"{check.summary.partition(';')[0]}; the log proof of the credential, {CREDENTIAL_PROOF}, "
        "is damaged, of something else, or gone: what shows where it is logged is missing"
    )
    detail = {name: value for name, value in check.detail.items() if name != "reason"}
    return unchecked(check.id, "unlogged", summary, **detail)


def where_logged(
    leaf: Leaf, signer: str, history: KeyHistory, proofs: Places
) -> tuple[int | None, Relation]:
    """Return the log index of a statement, and how its log relates to that of the policies.

    Args:
        leaf: The signed statement, as a log leaf.
        signer: The key that signed it, as did:key. For a key that was only replaced, any sound
            proof counts.
        history: The store's policies.
        proofs: Proofs of where other entries are logged.
    """
    places = proofs.of(leaf, history)
    said = history.declared(signer)
    if said:
        # ATTACK A27: a thief with an old copy of the log, and its key, goes on from there, and logs
        # before the entry that the owner names whatever the stolen key signs today.
        anchors = dict.fromkeys(head for one in said for head in one.heads)
        return proofs.consistency.place(leaf.hash, places, tuple(anchors))
    if places:
        return places[0].index, Relation.SAME
    ended = history.ended(signer)
    heads = () if ended is None else ended.heads
    listed = (proofs.consistency.find(leaf.hash, head) for head in heads)
    return next((index for index in listed if index is not None), None), Relation.SAME


def _check_state(
    state: KeyState,
    history: KeyHistory,
    logged_at: int | None,
    shown: Relation,
    *,
    sought: bool,
) -> Check:
    detail = _detail(state, history, logged_at)
    if state.standing is KeyStatus.UNKNOWN:
        return not_applicable("issuer.key", "the store's policies do not speak of this key")
    if state.standing is KeyStatus.CURRENT:
        summary = f"current: by its policy of version {history.current.version} the key may sign"
        if sought and logged_at is None:
            summary += "; no sound log proof of the credential is here, to keep it good after that"
            return warned("issuer.key", "unlogged", summary, **detail)
        return passed("issuer.key", summary, **detail)
    compromised = state.standing is KeyStatus.COMPROMISED
    if logged_at is not None and state.counts_at(logged_at):
        said = (
            f"compromised since entry {detail['suspectFrom']}"
            if compromised
            else f"succeeded at entry {state.since}"
        )
        when = f"the credential was logged before that, as entry {logged_at}"
        if shown is Relation.SAME:
            return passed("issuer.key", f"the key is {said}; {when}", **detail)
        if shown is Relation.FORK:
            summary = f"the key is {said}; that {when} is shown by another history of the log alone"
            return failed("issuer.key", "fork", summary, **detail)
        summary = (
            f"the key is {said}; nothing here shows that the log in which the credential is entry "
            f"{logged_at} is the one that says so: when it was signed is not proven"
        )
        return unchecked("issuer.key", "no-consistency", summary, **detail)
    if compromised and (logged_at is None or state.is_suspect_at(logged_at)):
        # Unlogged is as bad: whoever has the key can give any date to what it signs.
        place = "at no shown entry" if logged_at is None else f"as entry {logged_at}"
        summary = f"the key is compromised since entry {detail['suspectFrom']}; logged {place}"
        return failed("issuer.key", "compromised", summary, **detail)
    if logged_at is None:
        summary = f"the key was replaced at entry {state.since}; nothing here shows what came first"
        return unchecked("issuer.key", "unlogged", summary, **detail)
    summary = f"the key was replaced at entry {state.since}; logged after that, as {logged_at}"
    return failed("issuer.key", "retired", summary, **detail)


def check_available_key(
    envelope: Envelope,
    statements: Statements,
    store: Digest | None,
    successor: SuccessorKey | None = None,
) -> Check:
    """Return ``issuer.key``, the worst result among the statements of all available stores.

    Args:
        envelope: The credential, well-formed.
        statements: The key statements next to it.
        store: The store that it names, or None.
        successor: The succession by which the key is trusted, or None; its store counts as well.

    Cost: at most :data:`lyrikstore.verify.credential.key_statements.MAX_STORES` stores' policies.
    """
    signer, credential = envelope.signer, envelope.id
    if signer is None or credential is None:
        return check_key(None, None, None, None)
    return check_key_by(did_key(signer.key), credential, statements, store, successor)


def check_key_by(
    key: str,
    credential: Digest,
    statements: Statements,
    store: Digest | None,
    successor: SuccessorKey | None = None,
) -> Check:
    """Return the result of :func:`check_available_key` for a did:key and the credential signed."""
    try:
        stores = list(statements.about(key, store))
    except IncompleteError as error:
        return unchecked("issuer.key", error.kind, error.message)
    made = []
    if successor is not None:
        stores.append((successor.history, successor.proofs))
    for history, proofs in stores:
        made.append(check_key(key, history, credential, proofs, sought=False))
    for state in (CheckState.FAIL, CheckState.UNCHECKED, CheckState.PASS):
        for check in made:
            if check.state is state:
                return check
    return _UNSPOKEN


def policy_for(
    history: KeyHistory, manifest_index: int, logged_at: int | None, author: str
) -> Policy:
    """Return the policy by which a records manifest is judged.

    The records manifest was logged between the dataset manifest and the credential, which names it
    by digest and so vouches for it. The first policy in this range that names its author decides.

    Args:
        history: The store's policies.
        manifest_index: Log index of the dataset manifest.
        logged_at: Proven log index of the credential, or None.
        author: Signer of the records manifest.
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


def statements_needed(opened: OpenedCredential, statements: Statements) -> list[bytes]:
    """Return the available key statements about the key that signed a credential.

    Args:
        opened: The credential.
        statements: All available key statements.

    Raises:
        IncompleteError: As :meth:`Statements.to_keep`.
    """
    key, credential = opened.signer, opened.id
    subject = (opened.document or {}).get("credentialSubject")
    if key is None or credential is None or not isinstance(subject, dict):
        return []
    grant = subject.get("grant")
    about = grant["dataset"] if isinstance(grant, dict) else subject
    store = Digest.parse_urn(about["store"]) if "store" in about else None
    kept = statements.to_keep(key, store, Leaf("credential", credential))
    states = [
        check_key_by(key, credential, one, store).state
        for one in (statements, Statements.among(kept))
    ]
    if states[0] is CheckState.PASS and states[1] not in ACCEPTED:
        raise IncompleteError(
            "not-connected",
            "the log proof that it was signed before its key was compromised is next to it, but "
            "not of the log checkpoint that covers the policy, so it would not be kept",
            hint="ask its signer for a newer log proof: lyrikstore key statements -o FOLDER",
        )
    return kept
