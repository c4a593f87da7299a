"""Verification of a card by the evidence beside it, without its store (spec §14.6)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import JSON, parse
from lyrikstore.canon.quoting import quote
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest, parse_manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.document import MAX_CARD
from lyrikstore.publish.cards.facts import subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS
from lyrikstore.publish.cards.rendering.approvals import (
    decisions_shown,
    fill_page,
    is_of_another,
    restore_page,
)
from lyrikstore.publish.cards.rendering.renderings import drawn_from, handed_out
from lyrikstore.publish.identity.key_statements import key_statements
from lyrikstore.publish.identity.log_heads import consistency_for_keys
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.delivery.alone import judge_alone
from lyrikstore.verify.deployment.approval import check_card_approval, compared_with_file
from lyrikstore.verify.deployment.card_evidence import (
    add_block,
    encode_evidence,
    is_evidence,
    parse_evidence,
    split_block,
)
from lyrikstore.verify.deployment.layout import DECISION, input_name
from lyrikstore.verify.report import Check, CheckState, Report, failed, passed, unchecked
from lyrikstore.verify.store.statements.approvals import decisions_on

_ENDINGS = frozenset({".md", ".markdown", ".html", ".htm"})
_STARTS = (
    b"---\n",
    b'{"counts":{',
    b'{\n "bomFormat": "CycloneDX"',
    b'{\n "@context": {\n  "lyrik":',
    b'<?xml version="1.0" encoding="UTF-8"?>\n<AppliedModelCard',
)
"""First bytes of Markdown with a YAML block, ``card.json``, a bill of materials, Croissant, and the
card of the Coalition for Health AI; an edited card still begins like this."""


def evidence_of(repository: Repository, manifest: Manifest) -> dict[str, bytes] | None:
    """Return the files that prove without the store who signed a manifest: file name → bytes.

    None if it is not pushed from a clone yet, as it has no log proof.

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
    """Return the files that prove without the store who signed a card, and who approved it.

    These are :func:`evidence_of`, ``card.json``, the last decision of each key about the card with
    its log proof, and for a model the manifests of its makers, which the card's manifest names by
    digest. The manifest of a dataset contains details that are not published without a request
    (spec §14.9), and is not included.

    Args:
        repository: The store.
        card: A logged card manifest of it.

    Returns:
        File name → bytes; None if any of them is not pushed from a clone yet.

    Raises:
        LyrikstoreError: Part of it cannot be read.
    """
    files = evidence_of(repository, card)
    decisions = decisions_on(repository, card)
    decided = {one.id: one for one in (*decisions.approving, *decisions.revocations)}
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
    """Return a card to hand over with its evidence, and the evidence file to put beside it.

    Args:
        role: Role of the rendering.
        rendering: Its bytes.
        files: As :func:`card_evidence` returns them.

    Returns:
        For an HTML page, the page with its approvals filled in and the evidence appended, and no
        bytes; otherwise the unchanged card, and the evidence file.
    """
    if role != "html":
        return rendering, encode_evidence(files)
    card = parse_manifest(files["manifest.json"])
    attached = {one.id for one in card.attachments_in("html")}
    # A page that is attached to the card needs no card.json: nothing draws it again.
    is_attached = Digest.of(rendering) in attached
    rest = {name: data for name, data in files.items() if name != "card.json" or not is_attached}
    return add_block(fill_page(rendering, rest), encode_evidence(rest)), b""


def open_card(data: bytes, beside: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes of a card without its evidence, and all evidence beside it or in it.

    A page whose approvals are not those of its evidence stays as it is, so that it is no card.

    Args:
        data: The received file: a card, a page with its evidence, or the evidence alone.
        beside: The files next to it, by name.

    Raises:
        FormatError: (``bad-evidence``) the evidence in it is malformed.
    """
    card, inside = split_block(data)
    signed = restore_page(card, inside)
    card = data if signed is None else signed
    files = {**beside}
    if is_evidence(data):
        inside = parse_evidence(data)
        card = inside.get("manifest.json", data)
    for name, one in beside.items():
        if is_evidence(one):
            with suppress(FormatError):  # malformed evidence proves nothing
                files |= {f"{name}/{inner}": found for inner, found in parse_evidence(one).items()}
    return card, {**files, **{f"/{name}": one for name, one in inside.items()}}


def is_card(data: bytes, ending: str = "") -> bool:
    """Return whether a file may be a card: a rendering, ``card.json`` or a manifest.

    Args:
        data: Its bytes.
        ending: The ending of its name, such as ``.md``.
    """
    if ending.lower() in _ENDINGS or data.startswith(_STARTS) or is_evidence(data):
        return True
    if data.startswith(b"%PDF"):
        return b"card.json" in data  # every card in PDF embeds it
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
    """Return the id of the store that the text of a card names, or None."""
    named = re.search(rb"(?:in the store\s+`?|\"store\":\")(blake3:[0-9a-f]{64})", data)
    return None if named is None else named[1].decode()


def sibling_card(data: bytes, files: Mapping[str, bytes]) -> Manifest | None:
    """Return the card manifest among ``files``, or ``data`` itself if it is a card manifest.

    A manifest that names these bytes is preferred to others.

    Args:
        data: The card, or its manifest.
        files: The sibling files.
    """
    digest = Digest.of(data)
    found: list[Manifest] = []
    for one in (data, *files.values()):
        if one.startswith(b'{"') and b'"kind":"card"' in one:
            try:
                found.append(parse_manifest(one))
            except LyrikstoreError:
                continue  # unsigned files prove nothing
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
    """Return the report on a card and its evidence: who signed these bytes, and in which log.

    Args:
        data: The card's bytes, or those of its manifest.
        card: The manifest that :func:`sibling_card` returned.
        files: The sibling files; each is identified by its content, never by its name.
        trust: The verifier's trust file.
        at: The moment of verification.
        memory: Remembered log checkpoints, or None.
    """
    found = tuple(files.values())
    signed = judge_alone(card, found, trust=trust, at=at, memory=memory)
    approval = check_card_approval(card, found, signed, trust=trust, at=at)
    inside = {name: one for name, one in files.items() if name.startswith("/")}
    approval = compared_with_file(approval, decisions_shown(data, inside))
    bytes_check = _check_bytes(data, card, found)
    if bytes_check.state is CheckState.PASS and is_of_another(card, inside):
        bytes_check = not_the_card(card, "")
    return Report.of(
        "card-alone",
        (bytes_check, approval, *signed.checks),
        subject=str(card.id),
        issuer=card.author,
        at=at,
        open_questions=list(_open_rules(card, found)),
    )


def _open_rules(card: Manifest, files: Sequence[bytes]) -> Iterator[str]:
    """Yield that rules decided the run of a card, which only the store can check."""
    named = {one.id for one in card.inputs_in("run")}
    for data in files:
        if Digest.of(data) in named:
            with suppress(LyrikstoreError):
                run = parse_manifest(data)
                if run.inputs_in(DECISION):
                    yield not_proven("rules", quote(run.name))


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
    """Return the passed check of a file that is a card, or a rendering of it.

    Args:
        card: The card.
        drawn: The rendering that the file is, if it is not attached to the card; or "".
        about: The subject of the card, in words.
        **more: Further members of the detail.
    """
    summary = f"signed as {card.name} ({card.id.short}) by {card.author}, about {about}"
    detail = {"card": str(card.id), "about": str(subject_id(card)), **more}
    if not drawn:
        return passed("card", summary, **detail)
    summary = f"the {drawn} rendering of the card that is {summary}"
    return passed("card", summary, drawn=drawn, **detail)


def not_the_card(card: Manifest, drawn: str | None) -> Check:
    """Return the check of a file that differs from a card, or cannot be compared with it.

    Args:
        card: The card.
        drawn: As :func:`drawn_from` returns it.
    """
    label = f"{card.name} ({card.id.short})"
    if drawn is None:
        summary = (
            f"this installation cannot draw this file from {label}, so it cannot be compared: "
            "another version may have drawn it, or it was edited"
        )
        return unchecked("card", "other-renderer", summary, nearest=str(card.id))
    summary = f"contents differ from the signed card, {label}"
    return failed("card", "edited", summary, nearest=str(card.id))
