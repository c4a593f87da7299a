"""What goes into a deployed folder beside the model: its card, who signed what, and where."""

import json
from typing import Any

from msgspec import Struct

from lyrikstore.canon.errors import ConflictError
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.approval import newest_card
from lyrikstore.publish.cards.card import USUAL, answers_of
from lyrikstore.publish.cards.document import VALUES, CardForm, build_card
from lyrikstore.publish.cards.facts import CardFacts
from lyrikstore.publish.cards.offline import evidence_of
from lyrikstore.publish.cards.profiles.profile import load_profile
from lyrikstore.publish.cards.rendering.markdown import to_markdown
from lyrikstore.verify.report import Report

FOLDER = "lyrikstore"
_CARD_BYTES = 16 << 20
_OWN = frozenset({"manifest.json", "log.tlog-proof"})


class CardFiles(Struct, frozen=True):
    """The model card, and what shows who signed it.

    Attributes:
        manifest: Of the signed card; None: what is written is a draft.
        files: Name → bytes.
    """

    manifest: Manifest | None
    files: dict[str, bytes]

    @property
    def with_data(self) -> tuple[str, ...]:
        """What the card holds of the data: values, or nothing."""
        told = self.manifest is not None and CardForm.of(self.manifest.body).tells_values
        return (VALUES,) if told else ()


def card_files(repository: Repository, facts: CardFacts) -> CardFiles:
    """Return the signed card about this version of a checkpoint; without one, a draft.

    Args:
        repository: The store.
        facts: What it knows about the checkpoint.

    Raises:
        VerificationError, IncompleteError, StorageError: The card cannot be read.
    """
    card = newest_card(repository, facts.checkpoint)
    if card is not None:
        role = "markdown" if card.attachments_in("markdown") else "card"  # of 0.1.0, a text
        text = repository.blobs.read(card.attachments_in(role)[0].id, max_bytes=_CARD_BYTES)
        evidence = evidence_of(repository, card) or {}
        beside = {f"README-{name}": data for name, data in evidence.items()}
        return CardFiles(card, {"README.md": text, **beside})
    draft = build_card(facts, answers_of(facts), [load_profile(USUAL["checkpoint"])])
    return CardFiles(None, {"README.md": to_markdown(draft.content)})


def evidence_files(
    repository: Repository, facts: CardFacts, report: Report, about: dict[str, Any]
) -> dict[str, bytes]:
    """Return the signed objects that a checkpoint rests on, each with where it is logged.

    Args:
        repository: The store.
        facts: What it knows about the checkpoint.
        report: What verification said of it.
        about: What the folder is; not signed.

    Raises:
        ConflictError: (``not-pushed``) it waits in a clone: nothing shows where it is logged.
    """
    found = evidence_of(repository, facts.checkpoint)
    if found is None:
        raise ConflictError(
            "not-pushed",
            f"{facts.checkpoint.name} waits in this clone: nothing can show yet where it is logged",
            hint="lyrikstore push, then run it again",
        )
    files = {name: data for name, data in found.items() if name not in _OWN}
    for one in (facts.checkpoint, facts.run, facts.base, *facts.evaluations):
        index = None if one is None else repository.index_of(one.id)
        if one is not None and index is not None and index < repository.checkpoint.size:
            files[f"{one.kind}-{one.id.short}.json"] = one.encode()
            files[f"{one.kind}-{one.id.short}.tlog-proof"] = repository.proof_for(index).encode()
    files["report.json"] = _json(report.to_json())
    files["deployment.json"] = _json(about)
    return {f"{FOLDER}/{name}": data for name, data in files.items()}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n"
