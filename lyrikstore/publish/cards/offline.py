"""A card with its evidence next to it, judged without the store that signed it (spec §14.6)."""

import re
from collections.abc import Mapping
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.facts import subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS
from lyrikstore.publish.cards.rendering.renderings import handed_out
from lyrikstore.publish.identity.key_statements import key_statements
from lyrikstore.publish.identity.log_heads import consistency_for_keys
from lyrikstore.verify.delivery.alone import judge_alone
from lyrikstore.verify.report import Check, Report, failed, passed

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
    signed = judge_alone(card, files.values(), trust=trust, at=at, memory=memory)
    return Report.of(
        "card-alone",
        (_check_bytes(data, card), *signed.checks),
        subject=str(card.id),
        issuer=card.author,
        at=at,
    )


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
