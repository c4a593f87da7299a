"""A signed manifest and the evidence beside it, judged without its store (spec §14.6.1).

Sans-IO. Used for cards and deployed folders: the files beside them show who signed them, and their
place in which log.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from msgspec import Struct

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import IncompleteError, LyrikstoreError
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import Leaf, Place
from lyrikstore.history.log.consistency import Relation
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.verify.credential.issuer_key import unless_unproven, where_logged
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.log_proofs import Proofs
from lyrikstore.verify.delivery.dataset import check_author
from lyrikstore.verify.delivery.founder import check_founder
from lyrikstore.verify.delivery.log import (
    NOT_REMEMBERED,
    check_memory,
    check_witness,
    included,
    is_torn,
)
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Report,
    failed,
    unchecked,
)


class SignedAlone(Struct, frozen=True):
    """The facts that the evidence beside a manifest shows about it.

    Attributes:
        checks: ``store.genesis``, ``manifest.signature``, ``log.inclusion``, ``log.witness``,
            ``log.memory``.
        history: The policies of its store, or None if they are not established.
        proofs: The log proofs of other entries in its log, or None if the policies are not
            established.
    """

    checks: tuple[Check, ...]
    history: KeyHistory | None
    proofs: Proofs | None

    def judge_author(self, manifest: Manifest) -> tuple[Place | None, Check]:
        """Return the log index and the signer of another manifest of the same store.

        Args:
            manifest: The manifest, whose signature is verified by parsing it.
        """
        return judge_author(manifest, self.history, self.proofs)


def judge_alone(
    manifest: Manifest,
    files: Iterable[bytes],
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
) -> SignedAlone:
    """Return the signer of a manifest, and its place in the log of its store.

    Args:
        manifest: The manifest, whose signature is verified by parsing it.
        files: The files beside it, which are identified by content.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        memory: Remembered log checkpoints, or None.
    """
    statements = Statements.among(files)
    genesis, history, proofs = _history(manifest, statements, trust, at)
    logged, author = judge_author(manifest, history, proofs)
    remembered = NOT_REMEMBERED
    if history is not None and proofs is not None and logged is not None and logged.signed:
        remembered = check_memory(logged.signed, history, proofs.consistency, memory)
    checks = (genesis, author, _check_logged(logged), check_witness(trust), remembered)
    return SignedAlone(checks, history, proofs)


def signed_manifest(data: bytes) -> Manifest | None:
    """Return the manifest in a file if its proof is valid; else None."""
    if not (data.startswith(b'{"') and b'"lyrikstore":' in data):
        return None
    try:
        return parse_manifest(data)
    except LyrikstoreError:
        return None


def verify_manifest_alone(
    manifest: Manifest,
    files: Iterable[bytes],
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
) -> Report:
    """Return the report on a manifest without its store: its signer; its contents are not checked.

    Args:
        manifest: The manifest, whose signature is verified by parsing it.
        files: The files beside it.
        trust: The trust file of the verifier.
        at: The moment for which the result holds.
        memory: Remembered log checkpoints, or None.
    """
    signed = judge_alone(manifest, files, trust=trust, at=at, memory=memory)
    summary = f"the manifest of the {manifest.kind} {manifest.name}; what it is about is not here"
    there = unchecked("object", "no-store", summary, kind=manifest.kind, name=manifest.name)
    made = (there, *signed.checks)
    return Report.of("manifest", made, subject=str(manifest.id), issuer=manifest.author, at=at)


def judge_author(
    manifest: Manifest, history: KeyHistory | None, proofs: Proofs | None
) -> tuple[Place | None, Check]:
    """Return the log index of a manifest, and the check ``manifest.signature``.

    Args:
        manifest: The manifest, whose signature is verified by parsing it.
        history: The policies of its store, or None where they are not established.
        proofs: The log proofs of entries in its log, or None.
    """
    check, leaf = "manifest.signature", Leaf("manifest", manifest.id)
    if history is None or proofs is None or history.forked:
        return None, check_author(check, manifest, None)
    index, shown = where_logged(leaf, manifest.author, history, proofs)
    places = [place for place in proofs.of(leaf, history) if place.index == index]
    author = check_author(check, manifest, None if index is None else history.in_force(index))
    # ATTACK A27: a stolen key signs a card in an old copy of the log.
    if author.state is CheckState.PASS and shown is not Relation.SAME:
        what = f"that entry {index} was signed before the key {manifest.author} was compromised"
        author = unchecked(check, "no-consistency", f"nothing here shows {what}")
        if shown is Relation.FORK:
            summary = f"{what} is shown by another history of the log alone"
            author = failed(check, "fork", summary)
    # ATTACK: whoever hands it over takes away the log proof of the policy which says that the key
    # was stolen.
    return next(iter(places), None), unless_unproven(author, history)


def _history(
    manifest: Manifest, statements: Statements, trust: Trust, at: datetime
) -> tuple[Check, KeyHistory | None, Proofs | None]:
    founders = [one for one in statements.geneses if Digest.of(one) == manifest.store]
    if not founders:
        summary = "the genesis manifest of its store is not beside it"
        return unchecked("store.genesis", "missing-file", summary), None, None
    try:
        founder = parse_manifest(founders[0])
        history, proofs = statements.read_store(founder, check_genesis(founder))
        places = proofs.of(Leaf("manifest", manifest.id), history)
        if is_torn(history, proofs, (place.signed for place in places)):
            history = replace(history, forked=True)
    except IncompleteError as error:
        return unchecked("store.genesis", error.kind, error.message), None, None
    except LyrikstoreError as error:
        summary = f"the genesis manifest: {quote(error.message, 200)}"
        return failed("store.genesis", error.kind, summary), None, None
    if history.forked:
        summary = "what is beside it shows two histories of the store: a forked log"
        return failed("store.genesis", "fork", summary), history, proofs
    check = check_founder(founder, history, manifest.author.__eq__, trust=trust, at=at)
    return check, history, proofs


def _check_logged(logged: Place | None) -> Check:
    if logged is None or logged.signed is None:
        summary = "no log proof of its manifest that holds is beside it"
        return unchecked("log.inclusion", "missing-file", summary)
    return included("its manifest", logged.index, logged.signed)
