"""A card with its evidence next to it, judged without the store that signed it (spec §14.6)."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.document import MAX_CARD
from lyrikstore.publish.cards.facts import subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS
from lyrikstore.publish.cards.rendering.renderings import drawn_from, handed_out
from lyrikstore.publish.identity.key_statements import key_statements
from lyrikstore.publish.identity.log_heads import consistency_for_keys
from lyrikstore.verify.delivery.alone import judge_alone
from lyrikstore.verify.deployment.approval import check_card_approval
from lyrikstore.verify.deployment.card_evidence import (
    add_block,
    encode_evidence,
    is_evidence,
    parse_evidence,
    split_block,
)
from lyrikstore.verify.deployment.layout import input_name
from lyrikstore.verify.report import Check, Report, failed, passed, unchecked
from lyrikstore.verify.store.statements.approvals import decisions_on

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


def evidence_of(repository: Repository, manifest: Manifest) -> dict[str, bytes] | None:
    """Return what shows without the store who signed a manifest: file name → bytes.

    None while it waits in a clone to be pushed: no log proof of it exists yet.

    Args:
        repository: The store.
        manifest: A logged manifest of it.
    """
    index = repository.index_of(manifest.id)
    if index >= repository.checkpoint.size:
        return None
    return {
        "manifest.json": manifest.encode(),
        "genesis.json": repository.manifest(repository.store_id).encode(),
        "log.tlog-proof": repository.proof_for(index).encode(),
        **key_statements(repository),
        **consistency_for_keys(repository),
    }


def card_evidence(repository: Repository, card: Manifest) -> dict[str, bytes] | None:
    """Return what shows without the store who signed a card, and who approved it.

    That is :func:`evidence_of`, ``card.json``, the last decision of each key about the card with
    its log proof, and of a model the manifests that say who made it, which the card's names by
    digest. That of a dataset holds what nobody gets unasked (spec §14.9), and is not there.

    Args:
        repository: The store.
        card: A logged card manifest of it.

    Returns:
        File name → bytes; None while any of it waits in a clone to be pushed.

    Raises:
        LyrikstoreError: Part of it cannot be read.
    """
    files = evidence_of(repository, card)
    made = decisions_on(repository, card)
    decided = {one.id: one for one in (*made.approving, *made.withdrawn)}
    indices = {identity: repository.index_of(identity) for identity in decided}
    if files is None or any(index >= repository.checkpoint.size for index in indices.values()):
        return None
    attached = card.attachments_in("card")[0]
    files["card.json"] = repository.blobs.read(attached.id, max_bytes=MAX_CARD)
    makers = [repository.manifest(one.id) for one in card.inputs_in("checkpoint")]
    makers += [repository.manifest(one.id) for model in makers for one in model.inputs_in("run")]
    for one in (*makers, *decided.values()):
        name = input_name(one.kind, one.id.short)
        files[f"{name}.json"] = one.encode()
        if one.id in indices:
            files[f"{name}.tlog-proof"] = repository.proof_for(indices[one.id]).encode()
    return files


def with_evidence(role: str, rendering: bytes, files: Mapping[str, bytes]) -> tuple[bytes, bytes]:
    """Return a card as it is handed on with its evidence, and the file beside it.

    Args:
        role: Which rendering it is.
        rendering: Its bytes.
        files: As :func:`card_evidence` gives them.

    Returns:
        The page with the evidence behind it, and nothing to lay beside it; or the card as it is,
        and the file.
    """
    if role != "html":
        return rendering, encode_evidence(files)
    # The page is attached to the card, and needs no card.json to be drawn again.
    rest = {name: data for name, data in files.items() if name != "card.json"}
    return add_block(rendering, encode_evidence(rest)), b""


def open_card(data: bytes, beside: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes of a card without its evidence, and all that lies beside it or in it.

    Args:
        data: What somebody was handed: a card, a page with its evidence, or the evidence alone.
        beside: The files next to it, by name.

    Raises:
        FormatError: (``bad-evidence``) it is evidence of another form.
    """
    card, inside = split_block(data)
    files = {**beside}
    if is_evidence(data):
        inside = parse_evidence(data)
        card = inside.get("manifest.json", data)
    for name, one in beside.items():
        if is_evidence(one):
            with suppress(FormatError):  # what is malformed says nothing
                files |= {f"{name}/{inner}": found for inner, found in parse_evidence(one).items()}
    return card, {**files, **{f"/{name}": one for name, one in inside.items()}}


def is_card(data: bytes, ending: str = "") -> bool:
    """Return whether a file is to be looked at as a card: a rendering, ``card.json``, a manifest.

    Args:
        data: What is in it.
        ending: Of its name, such as ``.md``.
    """
    if ending.lower() in _ENDINGS or data.startswith(_STARTS) or is_evidence(data):
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
    found = tuple(files.values())
    signed = judge_alone(card, found, trust=trust, at=at, memory=memory)
    approval = check_card_approval(card, found, signed, trust=trust, at=at)
    return Report.of(
        "card-alone",
        (_check_bytes(data, card, found), approval, *signed.checks),
        subject=str(card.id),
        issuer=card.author,
        at=at,
    )


def _check_bytes(data: bytes, card: Manifest, files: Sequence[bytes]) -> Check:
    drawn: str | None = ""
    if Digest.of(data) not in handed_out(card):
        attached = {one.id for one in card.attachments_in("card")}
        text = next((one for one in files if Digest.of(one) in attached), None)
        with suppress(LyrikstoreError):
            drawn = drawn_from(data, card, text) if text is not None else ""
        if not drawn:
            return not_the_card(card, drawn)
    return signed_as(card, drawn or "", subject_id(card).short)


def signed_as(card: Manifest, drawn: str, about: str, **more: JSON) -> Check:
    """Return that a file is a card, or drawn from one.

    Args:
        card: The card.
        drawn: Which rendering of it that nobody attached; empty: none.
        about: What it is about, in words.
        **more: Further members of the detail.
    """
    summary = f"signed as {card.name} ({card.id.short}) by {card.author}, about {about}"
    detail = {"card": str(card.id), "about": str(subject_id(card)), **more}
    if not drawn:
        return passed("card", summary, **detail)
    summary = f"the {drawn} that is drawn here from what is {summary}"
    return passed("card", summary, drawn=drawn, **detail)


def not_the_card(card: Manifest, drawn: str | None) -> Check:
    """Return that a file is not the card beside it, or cannot be held against it.

    Args:
        card: The card.
        drawn: As :func:`drawn_from` gives it.
    """
    called = f"{card.name} ({card.id.short})"
    if drawn is None:
        summary = f"no program here draws this file from {called}: another version did, or nobody"
        return unchecked("card", "other-renderer", summary, nearest=str(card.id))
    summary = f"contents differ from the signed card beside it, {called}"
    return failed("card", "edited", summary, nearest=str(card.id))
