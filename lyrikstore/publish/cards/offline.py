"""A card with its evidence next to it, judged without the store that signed it (spec §14.6)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, IncompleteError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.checkpoint import Leaf, Place
from lyrikstore.history.log.consistency import Relation
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.policy.key_history import KeyHistory
from lyrikstore.history.repository.refs import check_genesis
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.document import FORMATS
from lyrikstore.publish.cards.facts import subject_id
from lyrikstore.publish.cards.rendering.renderings import handed_out
from lyrikstore.publish.identity.key_statements import key_statements
from lyrikstore.publish.identity.log_heads import consistency_for_keys
from lyrikstore.verify.credential.issuer_key import unless_unproven, where_logged
from lyrikstore.verify.credential.key_statements import Statements
from lyrikstore.verify.credential.log_proofs import Proofs
from lyrikstore.verify.delivery.dataset import check_author
from lyrikstore.verify.delivery.log import check_memory, check_witness, is_torn
from lyrikstore.verify.report import (
    Check,
    CheckState,
    Report,
    failed,
    not_applicable,
    passed,
    unchecked,
)
from lyrikstore.verify.store.log import check_founder

_ENDINGS = frozenset({".md", ".markdown", ".html", ".htm"})
_STARTS = (
    b"---\n",
    b'{"counts":{',
    b'{\n "bomFormat": "CycloneDX"',
    b'{\n "@context": {\n  "lyrik":',
    b'<?xml version="1.0" encoding="UTF-8"?>\n<AppliedModelCard',
)
"""How Markdown with a YAML block begins, ``card.json``, a bill of materials, Croissant and the card
of the Coalition for Health AI, whatever somebody did to it later."""


def evidence_of(repository: Repository, card: Manifest) -> dict[str, bytes] | None:
    """Return what shows without the store who signed a card: file name → bytes.

    None while it waits in a clone to be pushed: no log proof of it exists yet.

    Args:
        repository: The store.
        card: A logged card manifest of it.
    """
    index = repository.index_of(card.id)
    if index >= repository.checkpoint.size:
        return None
    return {
        "manifest.json": card.encode(),
        "genesis.json": repository.manifest(repository.store_id).encode(),
        "log.tlog-proof": repository.proof_for(index).encode(),
        **key_statements(repository),
        **consistency_for_keys(repository),
    }


def is_card(data: bytes, ending: str = "") -> bool:
    """Return whether a file is to be looked at as a card: a rendering, ``card.json``, a manifest.

    Args:
        data: What is in it.
        ending: Of its name, such as ``.md``.
    """
    if ending.lower() in _ENDINGS or data.startswith(_STARTS):
        return True
    if data.startswith(b"%PDF"):
        return b"card.json" in data  # which every card as PDF carries
    if not any(word in data for word in (b'"card', b'"CycloneDX"', b'"lyrik:card"')):
        return False
    try:
        document = parse(data)
    except FormatError:
        return False
    if not isinstance(document, dict):
        return False
    signed = "lyrikstore" in document and document.get("kind") == "card"
    bill = document.get("bomFormat") == "CycloneDX" and b"lyrikstore:" in data
    return signed or bill or "lyrik:card" in document or document.get("format") in FORMATS


def store_named(data: bytes) -> str | None:
    """Return the id of the store that a card says it is of, as its text has it; None: nowhere."""
    named = re.search(rb"(?:in the store\s+`?|\"store\":\")(blake3:[0-9a-f]{64})", data)
    return None if named is None else named[1].decode()


def sibling_card(data: bytes, files: Mapping[str, bytes]) -> Manifest | None:
    """Return the signed manifest of a card among ``files``, or the card itself if it is one.

    One that is about these bytes is taken before any other.

    Args:
        data: The card, or its manifest.
        files: What lies next to it.
    """
    digest = Digest.of(data)
    found: list[Manifest] = []
    for one in (data, *files.values()):
        if one.startswith(b'{"') and b'"kind":"card"' in one:
            try:
                found.append(parse_manifest(one))
            except LyrikstoreError:
                continue  # what is not signed says nothing
    cards = [one for one in found if one.kind == "card"]
    cards.sort(key=lambda one: digest not in handed_out(one))
    return cards[0] if cards else None


def verify_card_alone(
    data: bytes,
    card: Manifest,
    files: Mapping[str, bytes],
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
) -> Report:
    """Return the report on a card and the evidence next to it: who signed these bytes, and where.

    Args:
        data: The card's bytes, or those of its manifest.
        card: What :func:`sibling_card` found.
        files: The sibling files; each is found by what it is, never by its name.
        trust: Whom the verifier believes.
        at: The moment to judge for.
        memory: Remembered log checkpoints, or None.
    """
    statements = Statements.among(files.values())
    genesis, history, proofs = _history(card, statements, trust, at)
    logged = None
    author = check_author("manifest.signature", card, None)
    if history is not None and proofs is not None and not history.forked:
        logged, author = _judge_author(card, history, proofs)
    checks = (
        _check_bytes(data, card),
        genesis,
        author,
        _check_logged(logged),
        check_witness(trust),
        not_applicable("log.memory", "no log checkpoint to compare with earlier ones")
        if history is None or proofs is None or logged is None or logged.signed is None
        else check_memory(
            logged.signed,
            history,
            proofs.consistency,
            memory,
        ),
    )
    return Report.of(
        "card-alone",
        checks,
        subject=str(card.id),
        issuer=card.author,
        at=at,
    )


def _judge_author(
    card: Manifest, history: KeyHistory, proofs: Proofs
) -> tuple[Place | None, Check]:
    """Return where the card is logged, and ``manifest.signature``."""
    check, leaf = "manifest.signature", Leaf("manifest", card.id)
    index, shown = where_logged(leaf, card.author, history, proofs)
    places = [place for place in proofs.of(leaf, history) if place.index == index]
    author = check_author(check, card, None if index is None else history.in_force(index))
    # ATTACK A27: a stolen key signs a card in an old copy of the log.
    if author.state is CheckState.PASS and shown is not Relation.SAME:
        what = f"that entry {index} was signed before the key {card.author} was compromised"
        author = unchecked(check, "no-consistency", f"nothing here shows {what}")
        if shown is Relation.FORK:
            summary = f"{what} is shown by another history of the log alone"
            author = failed(check, "fork", summary)
    # ATTACK: whoever hands it over takes away the log proof of the policy which says that the key
    # was stolen.
    return next(iter(places), None), unless_unproven(author, history)


def _history(
    card: Manifest, statements: Statements, trust: Trust, at: datetime
) -> tuple[Check, KeyHistory | None, Proofs | None]:
    founders = [one for one in statements.geneses if Digest.of(one) == card.store]
    if not founders:
        summary = "the genesis manifest of its store is not beside it"
        return unchecked("store.genesis", "missing-file", summary), None, None
    try:
        founder = parse_manifest(founders[0])
        history, proofs = statements.read_store(founder, check_genesis(founder))
        places = proofs.of(Leaf("manifest", card.id), history)
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
    check = check_founder(founder, history, card.author.__eq__, trust=trust, at=at)
    return check, history, proofs


def _check_bytes(data: bytes, card: Manifest) -> Check:
    if Digest.of(data) not in handed_out(card):
        return failed(
            "card",
            "edited",
            f"contents differ from the signed card beside it, {card.name} ({card.id.short})",
            nearest=str(card.id),
        )
    about = subject_id(card)
    return passed(
        "card",
        f"signed as {card.name} ({card.id.short}) by {card.author}, about {about.short}",
        card=str(card.id),
        about=str(about),
    )


def _check_logged(logged: Place | None) -> Check:
    if logged is None or logged.signed is None:
        summary = "no log proof of its manifest that holds is beside it"
        return unchecked("log.inclusion", "missing-file", summary)
    index, signed = logged.index, logged.signed
    return passed(
        "log.inclusion",
        f"its manifest is entry {index} of {signed.size} in {quote(signed.origin)}",
        origin=signed.origin,
        index=index,
        size=signed.size,
        root=signed.root.hex(),
    )
