"""Whether a card that somebody was handed is the one that was signed (spec §14.6)."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import LyrikstoreError
from lyrikstore.canon.progress import OnProgress, silent
from lyrikstore.canon.quoting import quote
from lyrikstore.canon.text import pluralize
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.log.memory import LogMemory
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.publish.cards.answers import MAX_BYTES, parse_responses
from lyrikstore.publish.cards.facts import gather
from lyrikstore.publish.cards.render import PROFILES, render_card
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import Check, Report, failed, passed, unchecked
from lyrikstore.verify.store.object import verify_object

MAX_CARD = 16 << 20


def verify_card(
    repository: Repository,
    data: bytes,
    *,
    trust: Trust,
    at: datetime,
    memory: LogMemory | None = None,
    progress: OnProgress = silent,
) -> Report:
    """Return the report on a model card: is it the signed one, and does it say what it rests on?

    The model is verified with it: the card's manifest has the checkpoint, its run, its data and its
    evaluations among its inputs.

    Args:
        repository: The open store that is said to have signed it.
        data: The card's bytes, or those of its manifest.
        trust: Whom the verifier believes.
        at: The moment of verification.
        memory: What was signed and seen before, or None.
        progress: Progress callback, in bytes.

    Raises:
        StorageError: The disk cannot be read.

    Cost: reads every manifest of the store, and hashes every blob that the card's ancestry names.
    """
    repository = repository.afresh()  # no cache is evidence
    found = _find(repository, data)
    if isinstance(found, Check):
        return Report.of("card", (found,), subject=str(Digest.of(data)), issuer=None, at=at)
    card = found
    report = verify_object(
        repository, card.id, trust=trust, at=at, memory=memory, progress=progress
    )
    model = card.inputs_in("checkpoint")[0].id
    index = repository.index_of(card.id)
    checks = (
        passed(
            "card",
            f"signed as {card.name} ({card.id.short}) by {card.author}, log entry {index}, about "
            f"checkpoint {model.short}",
            card=str(card.id),
            checkpoint=str(model),
            index=index,
        ),
        _check_sources(repository, card),
        _check_current(repository, card),
        *report.checks,
    )
    answered = (not_proven("answers"),) if card.attachments_in("answers") else ()
    return Report.of(
        "card",
        checks,
        subject=report.subject,
        issuer=report.issuer,
        at=at,
        open_questions=(*report.not_proven, *answered),
    )


def _find(repository: Repository, data: bytes) -> Manifest | Check:
    """Return the newest card with these bytes, one with effect if there is any; or why none."""
    problems = Problems("card")
    try:
        cards = [one for _, one in repository.all_manifests() if one.kind == "card"]
        flagged = {item.id for item in repository.flagged}
    except LyrikstoreError as error:
        problems.note("the cards of this store cannot be read", error)
        return problems.close("")
    # What an outsider logged comes last: it must not hide the card whose bytes it names.
    cards.sort(key=lambda one: one.id not in flagged)
    digest = Digest.of(data)
    found = [one for one in cards if digest in {one.id, one.attachments_in("card")[0].id}]
    return found[-1] if found else _not_signed(repository, data, cards)


def _not_signed(repository: Repository, data: bytes, cards: list[Manifest]) -> Check:
    text = data.decode("utf-8", "replace")
    here = f"store {repository.store_id.short} logged no card with these bytes"
    named = set(re.findall(r"blake3:[0-9a-f]{64}", text))
    if str(repository.store_id) not in named:
        return unchecked("card", "another-store", f"{here}, and they do not name it: look in the "
                         "store that they are of")  # fmt: skip
    near = [one for one in cards if str(one.inputs_in("checkpoint")[0].id) in named]
    if not near:
        return failed("card", "not-signed", here)
    nearest = near[-1]
    summary = f"{here}; the one of that model, {nearest.name} ({nearest.id.short}), differs"
    if not text.startswith("{"):  # of a manifest one line is all
        with suppress(LyrikstoreError):
            signed = _text(repository, nearest).decode("utf-8", "replace")
            summary += f": {_difference(text, signed, 'here', 'signed')}"
    return failed("card", "edited", summary, nearest=str(nearest.id))


def _difference(one: str, other: str, called: str, otherwise: str) -> str:
    """Return where two texts differ first, in words."""
    if one.splitlines() == other.splitlines():
        return "in its line ends alone, which some programs rewrite"
    lines, others = (*one.split("\n"), ""), (*other.split("\n"), "")
    at = next((n for n, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), 0)
    return f"line {at + 1} is {quote(lines[at])} {called}, {quote(others[at])} {otherwise}"


def _text(repository: Repository, card: Manifest) -> bytes:
    return repository.blobs.read(card.attachments_in("card")[0].id, max_bytes=MAX_CARD)


def _check_sources(repository: Repository, card: Manifest) -> Check:
    """Return ``card.sources``: whether the objects that the card names give this very text."""
    profile = card.body["profile"]
    if profile not in PROFILES:
        return unchecked(
            "card.sources",
            "other-profile",
            f"it is written by profile {quote(profile)}, which this version does not write; "
            f"{' and '.join(PROFILES)} it does",
        )
    try:
        answers = card.attachments_in("answers")
        responses = None
        if answers:
            responses = parse_responses(repository.blobs.read(answers[0].id, max_bytes=MAX_BYTES))
        checkpoint = repository.manifest(card.inputs_in("checkpoint")[0].id)
        facts = gather(repository, checkpoint, card)
        made = render_card(facts, responses, author=card.author, profile=profile)
        signed = _text(repository, card)
    except LyrikstoreError as error:
        return unchecked("card.sources", "lost", f"it cannot be made again: {quote(error.message)}")
    if made.data == signed:
        return passed(
            "card.sources",
            f"made again from the {pluralize(len(made.evidence), 'object')} it names, "
            "it is the same byte for "
            "byte",
            evidence=len(made.evidence),
        )
    difference = _difference(
        signed.decode("utf-8", "replace"), made.data.decode(), "in it", "by what it rests on"
    )
    return failed("card.sources", "differs", f"it does not say what it rests on: {difference}")


def _check_current(repository: Repository, card: Manifest) -> Check:
    """Return ``card.current``: whether there is a newer card, model or evidence."""
    problems = Problems("card.current")
    try:
        problems.odd += _since(repository, card)
    except LyrikstoreError as error:
        problems.note("what came after it", error)
    return problems.close("the newest card of the newest version of its model")


def _since(repository: Repository, card: Manifest) -> Iterator[str]:
    state = repository.refs.get(card.name)
    if state is None or state.id != card.id:
        yield "there is a newer card" if state is not None else "no card of that name has effect"
    checkpoint = repository.manifest(card.inputs_in("checkpoint")[0].id)
    model = repository.refs.get(checkpoint.name)
    if model is None or model.id != checkpoint.id:
        yield "there is a newer version of the model"
    index = repository.index_of(card.id)
    known = {item.id for item in card.inputs}
    facts, cited = gather(repository, checkpoint), set(card.body["evidence"])
    for taken in facts.withdrawn.values():
        if str(taken.list) not in cited:
            yield f"a right that it rests on is {taken.word}, by log entry {taken.index}"
    for evaluation in facts.evaluations:
        if evaluation.id not in known:
            when = "before" if repository.index_of(evaluation.id) < index else "after"
            label = f"{evaluation.name} ({evaluation.id.short})"
            yield f"evaluation {label}, logged {when} it, is not in it"
