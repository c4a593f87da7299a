"""Verification of a card against the store that signed it (spec §14.6)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from lyrikstore.canon.digest import Digest
from lyrikstore.canon.errors import FormatError, LyrikstoreError
from lyrikstore.canon.json import parse
from lyrikstore.canon.quoting import listed, quote
from lyrikstore.canon.text import pluralize
from lyrikstore.context import StoreContext
from lyrikstore.credentials.trust import Trust
from lyrikstore.history.lineage import Lineage
from lyrikstore.history.manifests.manifest import Manifest
from lyrikstore.history.repository.repository import Repository
from lyrikstore.history.repository.retired import retired_versions
from lyrikstore.publish.cards.answerers import unknown_answers
from lyrikstore.publish.cards.approval import card_status
from lyrikstore.publish.cards.card import answers_of, form_for, profiles_of
from lyrikstore.publish.cards.compare import compare_cards
from lyrikstore.publish.cards.document import MAX_CARD, build_card, read_content
from lyrikstore.publish.cards.facts import CardFacts, gather, subject_id
from lyrikstore.publish.cards.gathering.form import FORMATS, CardForm
from lyrikstore.publish.cards.offline_card import not_the_card, signed_as
from lyrikstore.publish.cards.rendering.approvals import (
    decisions_shown,
    is_of_another,
    restore_page,
)
from lyrikstore.publish.cards.rendering.renderings import drawn_from, handed_out, looks_like
from lyrikstore.publish.cards.sources import check_sources, difference, text_of
from lyrikstore.verify.checks import not_proven
from lyrikstore.verify.decisions import decision_words
from lyrikstore.verify.deployment.approval import compared_with_file
from lyrikstore.verify.deployment.card_evidence import split_block
from lyrikstore.verify.problems import Problems
from lyrikstore.verify.report import (
    Check,
    Report,
    failed,
    not_applicable,
    passed,
    unchecked,
    warned,
)
from lyrikstore.verify.store.object import verify_object
from lyrikstore.verify.store.readers import NO_READERS, Readers
from lyrikstore.verify.store.statements.approvals import decisions_on

_CALLED = {"checkpoint": "model", "dataset": "dataset"}


def verify_card(
    context: StoreContext,
    data: bytes,
    *,
    trust: Trust | None = None,
    at: datetime | None = None,
    readers: Readers = NO_READERS,
) -> Report:
    """Return the report on a card: whether this store signed it, and its content is its sources'.

    Its subject is verified too: the inputs of the card's manifest are the model with its run, data
    and evaluations, or the dataset with the datasets it was made from.

    Args:
        context: The open store that is claimed to have signed it.
        data: The card's bytes, or those of its manifest.
        trust: The verifier's trust file; by default that of the user of the store.
        at: The moment of verification; by default now.
        readers: As for :func:`~lyrikstore.verify.store.object.verify_object`. The card is made
            again with any readers.

    Raises:
        StorageError: The disk cannot be read.

    Cost: reads every manifest of the store, and hashes every blob that the card's ancestry names.
    """
    context = context.afresh(trust=trust, at=at)  # no cache is evidence
    # The evidence in a page is for verifiers without the store; here the log contains more.
    page, evidence = split_block(data)
    signed = restore_page(page, evidence)
    found, drawn = _find(context.repository, page if signed is None else signed)
    other = not isinstance(found, Check) and is_of_another(found, evidence)
    if (signed is None or other) and not isinstance(found, Check):
        summary = "the approvals in the page are not those of the evidence behind it"
        found = failed("card", "edited", summary, nearest=str(found.id))
    if isinstance(found, Check):
        digest = str(Digest.of(data))
        return Report.of("card", (found,), subject=digest, issuer=None, at=context.clock())
    shown = decisions_shown(page, evidence)
    return verify_logged_card(context, found, readers=readers, drawn=drawn, shown=shown)


def verify_logged_card(
    context: StoreContext,
    card: Manifest,
    *,
    readers: Readers = NO_READERS,
    drawn: str = "",
    shown: Sequence[str] | None = None,
) -> Report:
    """Return the report on a logged card, for a card given by name or as a file.

    Args:
        context: The open store, as :meth:`StoreContext.afresh` returns it.
        card: A card manifest of it.
        readers: As for :func:`verify_card`.
        drawn: The rendering that the verified file is, if it is not attached to the card; or "".
        shown: Ids of the decisions that the verified file shows; None if it is no page.

    Raises:
        StorageError: The disk cannot be read.

    Cost: as :func:`verify_card`.
    """
    repository, trust, at = context.repository, context.trust, context.clock()
    report = verify_object(
        context,
        card.id,
        readers=replace(readers, cards=lambda store, _: check_sources(store, card)),
        lineage=Lineage.read(repository, card.id),
    )
    about = repository.manifest(subject_id(card))
    index = repository.index_of(card.id)
    checks = (
        signed_as(card, drawn, f"{about.kind} {about.id.short}, log entry {index}", index=index),
        _check_current(repository, card),
        _check_answers(repository, card, trust, at),
        compared_with_file(_check_approval(repository, card, trust, at), shown),
        *report.checks,
    )
    has_answers = card.attachments_in("answers") or card.body.get("answers")
    answered = (not_proven("answers"),) if has_answers else ()
    return Report.of(
        "card",
        checks,
        subject=report.subject,
        issuer=report.issuer,
        at=at,
        open_questions=(*report.not_proven, *answered),
        without_data=repository.is_without_data,
    )


def _find(repository: Repository, data: bytes) -> tuple[Manifest | Check, str]:
    """Return the newest card with these bytes, one with effect first; or the check that failed.

    The second value is the rendering that the bytes are, if they are not attached to the card.
    """
    problems = Problems("card")
    try:
        cards = [one for _, one in repository.all_manifests() if one.kind == "card"]
        flagged = {item.id for item in repository.flagged}
    except LyrikstoreError as error:
        problems.note("the cards of this store cannot be read", error)
        return problems.close(""), ""
    # Cards by an outsider come last: they must not hide the card whose bytes they name.
    cards.sort(key=lambda one: one.id not in flagged)
    digest = Digest.of(data)
    found = [one for one in cards if digest in handed_out(one)]
    if found:
        return found[-1], ""
    unsure: Check | None = None
    for card in reversed(cards):
        state = repository.refs.get(card.name)
        if state is None or state.id != card.id or card.body["profile"] not in FORMATS:
            continue
        decisions = decisions_on(repository, card)
        if not (decisions.approving or decisions.revocations):
            continue  # a rendering of any other card is logged with a new card
        if not data.startswith(b"%PDF") and str(subject_id(card)).encode() not in data:
            continue
        with suppress(LyrikstoreError):
            drawn = drawn_from(data, card, text_of(repository, card))
            if drawn:
                return card, drawn
            if drawn is None and str(repository.store_id).encode() in data:
                unsure = not_the_card(card, drawn)
    return unsure or _not_signed(repository, data, cards), ""


def _not_signed(repository: Repository, data: bytes, cards: list[Manifest]) -> Check:
    text = data.decode("utf-8", "replace")
    here = f"store {repository.store_id.short} logged no card with these bytes"
    named = set(re.findall(r"blake3:[0-9a-f]{64}", text))
    near = [card for card in cards if str(subject_id(card)) in named]
    if not near and str(repository.store_id) not in named:
        return unchecked("card", "another-store", f"{here}, and the bytes do not name this store: "
                         "verify them in the store that signed them")  # fmt: skip
    if not near:
        return failed("card", "not-signed", here)
    nearest = max(reversed(near), key=lambda card: _shared(named, set(card.body["evidence"])))
    summary = f"{here}; its card of that subject, {nearest.name} ({nearest.id.short}), differs"
    if not text.startswith('{"attachments"'):  # a manifest is one line
        with suppress(LyrikstoreError):
            signed = text_of(repository, nearest, _role(text, nearest)).decode("utf-8", "replace")
            summary += f": {difference(text, signed, 'here', 'signed')}"
    return failed("card", "edited", summary, nearest=str(nearest.id))


def _shared(named: set[str], evidence: set[str]) -> float:
    """Return the similarity of the ids in a file and the evidence of a card, 0 to 1."""
    # The card of a model names its data, which has other cards.
    return len(named & evidence) / len(named | evidence)


def _role(text: str, card: Manifest) -> str:
    """Return the role of the attachment that a file seems to be, by its first bytes."""
    roles = looks_like(text.encode())
    return next((role for role in roles if card.attachments_in(role)), "card")


def _check_current(repository: Repository, card: Manifest) -> Check:
    """Return ``card.current``: whether there is a newer card, model or evidence."""
    problems = Problems("card.current")
    try:
        problems.warnings += _since(repository, card)
    except LyrikstoreError as error:
        problems.note("later log entries", error)
    return problems.close("compared with all current entries of the log")


def _check_answers(repository: Repository, card: Manifest, trust: Trust, at: datetime) -> Check:
    """Return ``card.answers``: whether the people whose answers count are in the trust file."""
    if card.body["profile"] not in FORMATS or not card.body.get("answers"):
        return not_applicable("card.answers", "the card has no signed answers")
    try:
        content = read_content(text_of(repository, card))
        counted = unknown_answers(repository, content, trust, at)
    except LyrikstoreError as error:
        summary = f"the answers cannot be read: {quote(error.message)}"
        return unchecked("card.answers", "lost", summary)
    answers = pluralize(counted.answers, "answer that counts", "answers that count")
    if not counted.unknown:
        return passed("card.answers", f"{answers}, each by a person in the trust file")
    unknown = sum(counted.unknown.values())
    items = pluralize(len(counted.items), "required item is", "required items are")
    return warned(
        "card.answers",
        "unknown-issuer",
        f"of {answers}, {unknown} by people who are not in the trust file: these close no item, "
        f"and {items} open without them",
        issuers=listed([*counted.unknown]),
        items=listed(counted.items),
    )


def _check_approval(repository: Repository, card: Manifest, trust: Trust, at: datetime) -> Check:
    """Return ``card.approval``: whether enough keys of the role approved it.

    Two keys may belong to one person.
    """
    if card.body["profile"] not in FORMATS:
        return not_applicable("card.approval", "cards of version 0.1.0 cannot be approved")
    try:
        status = card_status(repository, card, trust=trust, at=at)
    except LyrikstoreError as error:
        summary = f"its approvals cannot be read: {quote(error.message)}"
        return unchecked("card.approval", "lost", summary)
    detail = {"approvals": [str(one) for one in status.approvals], **status.facts}
    words = decision_words(status.facts)
    if status.word == "approved":
        summary = f"{status.why}: {words}; two keys need not be two people"
        return passed("card.approval", summary, **detail)
    summary = f"{status.word}: {quote(status.why)}{f': {words}' if words else ''}"
    return warned("card.approval", status.word, summary, **detail)


def _since(repository: Repository, card: Manifest) -> Iterator[str]:
    state = repository.refs.get(card.name)
    if state is None or state.id != card.id:
        yield "there is a newer card" if state is not None else "no card of that name has effect"
    subject = repository.manifest(subject_id(card))
    newest = repository.refs.get(subject.name)
    if newest is None or newest.id != subject.id:
        yield f"there is a newer version of the {_CALLED[subject.kind]}"
    retired = retired_versions(repository)
    if card.id in retired:
        yield "it was retired"
    for item in card.inputs_in("evaluation"):
        if item.id in retired:
            yield f"evaluation {item.id.short}, which it contains, was retired"
    index = repository.index_of(card.id)
    known = {item.id for item in card.inputs}
    form, cited = CardForm.of(card.body), set(card.body["evidence"])
    form = form_for(repository, subject, form)
    facts = gather(repository, subject, form=form, signer=card.author)
    attested = {*(one.id for one, _ in facts.said), *(one.id for one in facts.opinions)}
    for identity, revocation in facts.revocations.items():
        if str(revocation.list) not in cited:
            what = "an attestation about it" if identity in attested else "a right that it rests on"
            yield f"{what} is {revocation.word}, by log entry {revocation.index}"
    for evaluation in facts.evaluations:
        if evaluation.id not in known:
            when = "before" if repository.index_of(evaluation.id) < index else "after"
            label = f"{evaluation.name} ({evaluation.id.short})"
            yield f"evaluation {label}, logged {when} the card, is not in the card"
    if card.body["profile"] in FORMATS and card.id not in retired:
        yield from _changes(repository, card, facts)


def _changes(repository: Repository, card: Manifest, facts: CardFacts) -> Iterator[str]:
    profiles = profiles_of(repository, card)
    try:
        now = build_card(facts, answers_of(facts), profiles, facts.form)
    except FormatError as error:
        # ATTACK A86: an object that no card can contain is signed later, and every card would fail.
        yield f"later log entries are malformed for a card: {quote(error.message, 200)}"
        return
    signed: Any = parse(text_of(repository, card), max_bytes=MAX_CARD)
    for change in compare_cards(signed, now.content)[:3]:
        text = quote(change.now, 200) if change.now else "gone"
        yield f"by now, {quote(change.statement_id)} is {text}"
